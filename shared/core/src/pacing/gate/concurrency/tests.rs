use std::collections::HashMap;

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

/// Processes at one gate, as they are when each knows what the gate is like.
struct World {
    gate: Gate,
    most: NonZeroU32,
    processes: Vec<ProcessId>,
    /// How many calls of each tenant go on in each.
    calls: Vec<HashMap<LineId, u32>>,
    now: f64,
}

impl World {
    fn new(most: u32) -> Self {
        Self {
            gate: Gate::default(),
            most: most.try_into().unwrap(),
            processes: (0..PROCESSES).map(|_| ProcessId::generate()).collect(),
            calls: vec![HashMap::new(); PROCESSES],
            now: 0.0,
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
        self.calls.iter().flat_map(HashMap::values).sum()
    }

    fn hold(&mut self, process: usize, waits: Option<usize>) {
        let mut of: Vec<_> = self.calls_in(process).into_iter().collect();
        if let Some(tenant) = waits.filter(|tenant| of.iter().all(|(of, _)| *of != line(*tenant))) {
            of.push((line(tenant), 0));
        }
        let need = |(of, calls): (LineId, u32)| Need {
            line: of,
            calls,
            waiting: u32::from(waits.is_some_and(|tenant| of == line(tenant))),
            looks_at: at(self.now + 1.0),
            others_rest: false,
        };
        let needed = PlacesNeeded {
            process: self.processes[process],
            most: self.most,
            of: of.into_iter().map(need).collect(),
            enough: at(self.now + 180.0),
            until: at(self.now + 240.0),
        };
        self.gate.hold_places(&needed, at(self.now));
    }

    fn begin(&mut self, process: usize, tenant: usize) -> bool {
        let id = self.processes[process];
        let calls = self.calls_in(process);
        let places = self.gate.places_of(id).map_or(0, |(places, _)| places);
        let all = self.calls[process].values().sum::<u32>();
        let may = places > all
            && self
                .gate
                .place_is_for(line(tenant), id, &calls, at(self.now));
        if may {
            *self.calls[process].entry(line(tenant)).or_default() += 1;
        }
        may
    }

    /// A flow of a tenant looks for a place in a process. Whether it has one.
    fn look(&mut self, process: usize, tenant: usize) -> bool {
        if self.begin(process, tenant) {
            return true;
        }
        self.hold(process, Some(tenant));
        self.begin(process, tenant)
    }

    /// A call of a tenant ends, if one goes on.
    fn end(&mut self, process: usize, tenant: usize) {
        let Some(calls) = self.calls[process].get_mut(&line(tenant)) else {
            return;
        };
        if *calls == 0 {
            return;
        }
        *calls -= 1;
        let (id, calls) = (self.processes[process], self.calls_in(process));
        let another = self
            .gate
            .place_is_for_another(line(tenant), id, &calls, at(self.now));
        let places = self.gate.places_of(id).map_or(0, |(places, _)| places);
        // What more there is, a process keeps for its next call.
        if another || self.calls[process].values().sum::<u32>() <= places / 2 {
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
            world.look(process, first);
        }
        prop_assert_eq!(world.of(first), most);
        for (process, tenant, ends) in steps {
            world.now += 0.01;
            if ends {
                world.end(process, tenant);
            } else {
                world.look(process, tenant);
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
                        world.look((process + round) % PROCESSES, wanting);
                    }
                    prop_assert!(world.all() <= most);
                }
            }
        }
        for process in 0..PROCESSES {
            world.hold(process, None);
            for tenant in 0..TENANTS {
                world.look(process, tenant);
            }
        }
        let of: Vec<_> = (0..TENANTS).map(|tenant| world.of(tenant)).collect();
        prop_assert_eq!(world.all(), most);
        let (least, all) = (of.iter().min().unwrap(), of.iter().max().unwrap());
        prop_assert!(all - least <= 1, "{of:?}");
    }
}

/// Who has all of them has one after the other less, until it has its half; and all again soon after the other wants none.
#[test]
fn who_comes_later_has_its_part_until_it_wants_no_more() {
    let mut world = World::new(4);
    for _ in 0..5 {
        world.look(0, 0);
    }
    assert_eq!(world.of(0), 4);
    assert!(!world.look(1, 1));
    for _ in 0..3 {
        world.end(0, 0);
        // It is not its own any more, however often it looks.
        assert!(!world.look(0, 0));
        assert!(!world.look(2, 0));
        assert!(world.look(1, 1));
    }
    // It had a head start, as one that comes anew.
    assert_eq!((world.of(0), world.of(1)), (1, 3));
    for tenant in [1, 1, 1] {
        world.end(1, tenant);
    }
    world.now += 2.0;
    assert!(!world.look(0, 0));
    world.now += 8.0;
    for _ in 0..3 {
        assert!(world.look(0, 0));
    }
}

/// With one place for all, they take turns.
#[test]
fn one_place_goes_from_one_to_the_other() {
    let mut world = World::new(1);
    assert!(world.look(0, 0));
    let mut served = Vec::new();
    for _ in 0..60 {
        world.now += 0.1;
        for tenant in 0..2 {
            world.look(1, tenant);
            world.look(0, tenant);
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

/// Nobody else waits: then the row says no more than who holds how many, and looking in vain is seldom a write.
#[test]
fn who_is_alone_is_noted_seldom() {
    let mut world = World::new(4);
    for process in 0..PROCESSES {
        assert!(world.look(process, 0));
    }
    let row = serde_json::to_value(&world.gate).unwrap();
    assert!(row.get("sharing").is_none(), "{row}");
    let mut changes = 0;
    for _ in 0..100 {
        world.now += 0.1;
        let before = world.gate.clone();
        assert!(!world.look(0, 0));
        changes += usize::from(world.gate != before);
    }
    assert!(changes <= 2, "{changes} in ten seconds");
}

/// The row of a version that knows of no tenants is read, and what that version writes.
#[test]
fn the_row_of_an_older_version_has_places_that_are_nobodys() {
    let mut world = World::new(2);
    assert!(world.look(0, 0) && world.look(1, 0));
    assert!(!world.look(2, 1));
    let mut row = serde_json::to_value(&world.gate).unwrap();
    assert!(
        row["places"]
            .as_array()
            .unwrap()
            .iter()
            .all(|place| place.as_array().unwrap().len() == 3)
    );
    row.as_object_mut().unwrap().remove("sharing");
    world.gate = serde_json::from_value(row).unwrap();
    assert!(!world.look(2, 1));
    world.end(0, 0);
    assert!(world.look(2, 1));
    assert_eq!(world.all(), 2);
}
