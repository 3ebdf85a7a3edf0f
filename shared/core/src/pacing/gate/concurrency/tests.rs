use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;

use super::*;
use crate::pacing::Need;

const PROCESSES: usize = 4;
const TENANTS: usize = 3;

fn at(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation)]
    Timestamp::from_microsecond(1_700_000_000_000_000 + (seconds * 1e6) as i64).unwrap()
}

fn line(tenant: usize) -> LineId {
    LineId::of(&format!("tenant-{tenant}").parse().unwrap())
}

/// Processes at one gate, each of which knows what it is like now.
struct World {
    gate: Gate,
    most: NonZeroU32,
    processes: Vec<ProcessId>,
    /// How many calls of each tenant go on in each.
    calls: Vec<BTreeMap<LineId, u32>>,
    /// How many flows of each tenant looked in vain, and still wait.
    waiting: HashMap<LineId, u32>,
    now: f64,
    writes: usize,
}

impl World {
    fn new(most: u32) -> Self {
        Self {
            gate: Gate::default(),
            most: most.try_into().unwrap(),
            processes: (0..PROCESSES).map(|_| ProcessId::generate()).collect(),
            calls: vec![BTreeMap::new(); PROCESSES],
            waiting: HashMap::new(),
            now: 0.0,
            writes: 0,
        }
    }

    fn calls_in(&self, process: usize) -> Vec<(LineId, u32)> {
        let calls = self.calls[process].iter().filter(|(_, calls)| **calls > 0);
        calls.map(|(line, calls)| (*line, *calls)).collect()
    }

    fn of(&self, tenant: usize) -> u32 {
        let calls = self.calls.iter().filter_map(|of| of.get(&line(tenant)));
        calls.sum()
    }

    fn all(&self) -> u32 {
        self.calls.iter().flat_map(BTreeMap::values).sum()
    }

    /// A process tells what it needs, for a flow more of a tenant, if any. Whether that was given a place.
    fn hold(&mut self, process: usize, waits: Option<(usize, bool)>) -> bool {
        let mut of = self.calls_in(process);
        if let Some((tenant, _)) = waits
            && of.iter().all(|(of, _)| *of != line(tenant))
        {
            of.push((line(tenant), 0));
        }
        let need = |(of, calls): (LineId, u32)| {
            let waits = waits.filter(|(tenant, _)| of == line(*tenant));
            Need {
                line: of,
                calls,
                waiting: u32::from(waits.is_some()),
                new: u32::from(waits.is_some_and(|(_, is_new)| is_new)),
                resting: 0,
                looks_at: at(self.now + 1.0),
            }
        };
        let needed = PlacesNeeded {
            process: self.processes[process],
            most: self.most,
            of: of.into_iter().map(need).collect(),
            enough: at(self.now + 180.0),
            until: at(self.now + 240.0),
        };
        let before = self.gate.clone();
        let held = self.gate.hold_places(&needed, at(self.now));
        self.writes += usize::from(self.gate != before);
        waits.is_some_and(|(tenant, _)| {
            let held = held.iter().find(|(of, _)| *of == line(tenant));
            let own = self.calls[process].get(&line(tenant));
            held.map_or(0, |(_, held)| *held) > own.copied().unwrap_or_default()
        })
    }

    fn spare(&self, process: usize) -> u32 {
        let held = self.gate.places_of(self.processes[process]);
        let calls = self.calls[process].values().sum::<u32>();
        held.map_or(0, |(places, _)| places) - calls
    }

    fn may_keep(&self, process: usize, tenant: usize) -> bool {
        let (id, calls) = (self.processes[process], self.calls_in(process));
        let (most, now) = (self.most, at(self.now));
        let keeps = self
            .gate
            .may_use_kept_place(line(tenant), id, &calls, most, now);
        self.spare(process) > 0 && keeps
    }

    /// A flow of a tenant looks for a place in a process: one that comes, or one that waits. Whether it has one.
    fn look(&mut self, process: usize, tenant: usize, is_new: bool) -> bool {
        let has = self.may_keep(process, tenant) || self.hold(process, Some((tenant, is_new)));
        if has {
            *self.calls[process].entry(line(tenant)).or_default() += 1;
        }
        let waiting = self.waiting.entry(line(tenant)).or_default();
        match (has, is_new) {
            (true, false) => *waiting -= 1,
            (false, true) => *waiting += 1,
            _ => {}
        }
        has
    }

    /// The same of one that waits, if any does, and else of one that comes.
    fn comes(&mut self, process: usize, tenant: usize) -> bool {
        let waits = self.waiting.get(&line(tenant)).is_some_and(|n| *n > 0);
        self.look(process, tenant, !waits)
    }

    /// A call of a tenant ends, if one goes on.
    fn end(&mut self, process: usize, tenant: usize) {
        match self.calls[process].get_mut(&line(tenant)) {
            Some(calls) if *calls > 0 => *calls -= 1,
            _ => return,
        }
        let (id, calls) = (self.processes[process], self.calls_in(process));
        let (most, now) = (self.most, at(self.now));
        let next = (line(tenant), 0);
        let own = self.gate.may_keep_place_for(next, id, &calls, most, now);
        let places = self.gate.places_of(id).map_or(0, |(places, _)| places);
        // What more there is, a process keeps for its next call.
        if !own || places - self.spare(process) <= places / 2 {
            self.hold(process, None);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes: never more calls than places, and when all tenants want more, each has its part of them.
    #[test]
    fn places_are_never_more_and_in_fair_shares(
        most in 1..9_u32,
        first in 0..TENANTS,
        steps in prop::collection::vec((0..PROCESSES, 0..TENANTS, any::<bool>()), 300),
    ) {
        let mut world = World::new(most);
        // One was there before all others.
        for process in (0..PROCESSES).cycle().take(40) {
            world.comes(process, first);
        }
        prop_assert_eq!(world.of(first), most);
        for (process, tenant, ends) in steps {
            world.now += 0.01;
            if ends {
                world.end(process, tenant);
            } else {
                world.comes(process, tenant);
            }
            prop_assert!(world.all() <= most);
        }
        // All want, and calls end, until no head start is left.
        for round in 0..40 {
            for process in 0..PROCESSES {
                for tenant in 0..TENANTS {
                    world.now += 0.01;
                    world.end(process, tenant);
                    for wanting in 0..TENANTS {
                        world.comes((process + round) % PROCESSES, wanting);
                    }
                    prop_assert!(world.all() <= most);
                }
            }
        }
        for process in 0..PROCESSES {
            world.hold(process, None);
            for tenant in 0..TENANTS {
                world.comes(process, tenant);
            }
        }
        let of: Vec<_> = (0..TENANTS).map(|tenant| world.of(tenant)).collect();
        prop_assert_eq!(world.all(), most);
        let (least, all) = (of.iter().min().unwrap(), of.iter().max().unwrap());
        prop_assert!(all - least <= 1, "{of:?}");
    }
}

/// Who has all of them has one after the other less, until it has its part; and all again when the other waits no more.
#[test]
fn who_comes_later_has_its_part_until_it_wants_no_more() {
    let mut world = World::new(4);
    for _ in 0..5 {
        world.comes(0, 0);
    }
    assert_eq!(world.of(0), 4);
    for _ in 0..3 {
        assert!(!world.look(1, 1, true));
    }
    for _ in 0..3 {
        world.end(0, 0);
        // It is not its own any more, however often it looks.
        assert!(!world.comes(0, 0));
        assert!(!world.comes(2, 0));
        assert!(world.comes(1, 1));
    }
    // It had a head start, as one that comes anew.
    assert_eq!((world.of(0), world.of(1)), (1, 3));
    for _ in 0..3 {
        world.end(1, 1);
        assert!(world.comes(0, 0), "nobody else waits");
    }
}

/// For one flow, one place is left, and all others are in use.
#[test]
fn one_flow_keeps_one_place_from_others() {
    let mut world = World::new(8);
    for _ in 0..12 {
        world.look(0, 0, true);
    }
    assert!(!world.look(1, 1, true));
    for _ in 0..4 {
        world.end(0, 0);
    }
    for _ in 0..3 {
        assert!(world.comes(0, 0));
    }
    assert!(!world.comes(0, 0));
    assert!(world.comes(1, 1));
}

/// What is left for a tenant of which no flow comes is others' again.
#[test]
fn who_does_not_come_loses_its_place() {
    let mut world = World::new(1);
    assert!(world.look(0, 0, true));
    assert!(!world.look(1, 1, true));
    world.end(0, 0);
    assert!(!world.look(0, 0, true));
    // It was to look after a second.
    world.now += 10.0;
    assert!(world.look(0, 0, true));
}

/// With one place for all, they take turns.
#[test]
fn one_place_goes_from_one_to_the_other() {
    let mut world = World::new(1);
    assert!(world.comes(0, 0));
    let mut served = Vec::new();
    for _ in 0..60 {
        world.now += 0.1;
        for tenant in 0..2 {
            if world.waiting.get(&line(tenant)) < Some(&2) {
                world.look(1, tenant, true);
            }
            world.comes(1, tenant);
            world.comes(0, tenant);
        }
        let (process, tenant) = (0..2)
            .flat_map(|process| [(process, 0), (process, 1)])
            .find(|(process, tenant)| world.calls[*process].get(&line(*tenant)) == Some(&1))
            .unwrap();
        served.push(tenant);
        world.end(process, tenant);
    }
    let of_other = served[..12].iter().filter(|tenant| **tenant == 1).count();
    assert!((8..=9).contains(&of_other), "a head start: {served:?}");
    let of_other = served[20..].iter().filter(|tenant| **tenant == 1).count();
    assert_eq!(of_other, 20, "{served:?}");
}

/// Nobody else waits: then the row says little more than who holds how many, and looking in vain is seldom a write.
#[test]
fn who_is_alone_is_noted_seldom() {
    let mut world = World::new(4);
    for process in 0..PROCESSES {
        assert!(world.look(process, 0, true));
    }
    let row = serde_json::to_value(&world.gate).unwrap();
    assert_eq!(row["sharing"], serde_json::json!({ "of": line(0) }));
    world.writes = 0;
    for _ in 0..100 {
        world.now += 0.1;
        assert!(!world.look(0, 0, true));
    }
    assert!(world.writes <= 2, "{} in ten seconds", world.writes);
}

/// Nor where two do, whichever process looks.
#[test]
fn looking_in_vain_is_seldom_a_write() {
    let mut world = World::new(4);
    for (process, tenant) in [(0, 0), (1, 1), (2, 0), (3, 1)] {
        assert!(world.look(process, tenant, true));
    }
    for look in 0..100 {
        world.now += 0.1;
        let is_new = look < 20;
        assert!(!world.look(look % PROCESSES, look / PROCESSES % 2, is_new));
        if !is_new {
            continue;
        }
        world.writes = 0;
    }
    assert!(world.writes <= 4, "{} in eight seconds", world.writes);
}

/// The row of a version that knows of no tenants is read.
#[test]
fn the_row_of_an_older_version_has_places_that_are_nobodys() {
    let mut world = World::new(2);
    assert!(world.look(0, 0, true) && world.look(1, 0, true));
    let mut row = serde_json::to_value(&world.gate).unwrap();
    let places = row["places"].as_array().unwrap();
    assert!(
        places
            .iter()
            .all(|place| place.as_array().unwrap().len() == 3)
    );
    row.as_object_mut().unwrap().remove("sharing");
    world.gate = serde_json::from_value(row).unwrap();
    assert!(!world.look(2, 1, true));
    world.end(0, 0);
    assert!(world.comes(2, 1));
    assert_eq!(world.all(), 2);
}
