use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::pacing::Limits;
use crate::pacing::gate::Look;

const SECOND: i64 = 1_000_000;
/// As long as a process believes what a gate is like.
const BELIEVED_FOR: i64 = SECOND / 5;
const NOTICE: Duration = Duration::from_secs(1);

fn at(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(1_700_000_000_000_000 + micros).unwrap()
}

fn micros_of(at: Timestamp) -> i64 {
    at.as_microsecond() - 1_700_000_000_000_000
}

fn line(of: char) -> LineId {
    LineId::of(&of.to_string().parse().unwrap())
}

/// Flows that come at their times to a gate, and again when they are told to, until they pass.
struct Street {
    limits: Limits,
    notice: Duration,
    gate: Gate,
    /// What the gate was like, from when on.
    gates: Vec<(i64, Gate)>,
    /// Who comes when.
    coming: BTreeMap<(i64, usize), char>,
    /// Who gives up when.
    leaving: BTreeMap<i64, char>,
    left: usize,
    slots: Vec<Option<Slot>>,
    given: HashSet<(char, Option<Slot>)>,
    /// Who passed when.
    passed: Vec<(i64, char)>,
    looks: usize,
}

impl Street {
    fn new(limits: &str, notice: Duration) -> Self {
        Self {
            limits: limits.parse().unwrap(),
            notice,
            gate: Gate::default(),
            gates: vec![(0, Gate::default())],
            coming: BTreeMap::new(),
            leaving: BTreeMap::new(),
            left: 0,
            slots: Vec::new(),
            given: HashSet::new(),
            passed: Vec::new(),
            looks: 0,
        }
    }

    fn come(&mut self, of: char, number: usize, now: i64) {
        for _ in 0..number {
            self.coming.insert((now, self.slots.len()), of);
            self.slots.push(None);
        }
    }

    /// Every other of these that waits gives up its place.
    fn leave(&mut self, of: char, now: i64) {
        let waits = |((_, flow), it): (&(i64, usize), &char)| {
            (*it == of && flow % 2 == 0)
                .then_some(*flow)
                .zip(self.slots[*flow])
        };
        let leave: Vec<_> = self.coming.iter().filter_map(waits).collect();
        let slots: Vec<_> = leave.iter().map(|(_, slot)| *slot).collect();
        self.left += leave.len();
        self.coming
            .retain(|(_, flow), _| leave.iter().all(|(left, _)| left != flow));
        self.given
            .retain(|(it, slot)| *it != of || slot.is_none_or(|slot| !slots.contains(&slot)));
        self.gate.leave(line(of), &slots);
        self.gates.push((now, self.gate.clone()));
    }

    fn believed(&self, now: i64) -> &Gate {
        let old = |(since, _): &&(i64, Gate)| *since <= now - BELIEVED_FOR;
        let gate = self.gates.iter().rev().find(old);
        gate.map_or(&self.gate, |(_, gate)| gate)
    }

    /// Those who know a gate believe it for as long as they may; who has no place in it asks for the latest.
    fn run(&mut self) {
        while let Some((&(now, _), _)) = self.coming.first_key_value() {
            if let Some((at, of)) = self.leaving.pop_first() {
                if at <= now {
                    self.leave(of, at);
                    continue;
                }
                self.leaving.insert(at, of);
            }
            let Some(((now, flow), of)) = self.coming.pop_first() else {
                return;
            };
            self.looks += 1;
            assert!(self.looks < 200_000, "they come for ever");
            let believes = match self.slots[flow] {
                Some(slot) if !self.notice.is_zero() => {
                    let gate = self.believed(now);
                    let knows = gate.lines.has(line(of), slot);
                    if knows { gate } else { &self.gate }
                }
                _ => &self.gate,
            };
            match believes.look(&self.limits, line(of), self.slots[flow], at(now)) {
                Look::Pass => self.passed.push((now, of)),
                Look::TakeSlot => {
                    assert_eq!(self.slots[flow], None, "it came in time");
                    let rate = self.limits.rate.unwrap();
                    let slot = self.gate.take(&rate, &[line(of)], self.notice, at(now))[0];
                    self.gates.push((now, self.gate.clone()));
                    assert!(self.given.insert((of, slot)), "it is another's");
                    self.slots[flow] = slot;
                    let place = (line(of), slot.unwrap());
                    let time = micros_of(self.gate.times_of(&rate, &[place], at(now))[0]);
                    if time <= now {
                        self.passed.push((now, of));
                    } else {
                        self.coming.insert((time, flow), of);
                    }
                }
                Look::Wait { until, .. } => {
                    self.coming.insert((micros_of(until), flow), of);
                }
                Look::Probe => panic!("nobody is down"),
            }
        }
    }

    fn times_of(&self, of: char) -> Vec<i64> {
        let passed = self.passed.iter().filter(|(_, it)| *it == of);
        passed.map(|(at, _)| *at).collect()
    }

    /// The most that passed in any window.
    fn most_in_a_window(&self) -> usize {
        let window = micros(self.limits.rate.unwrap().per());
        let within = |first: usize| {
            let since = self.passed[first].0;
            self.passed[first..]
                .iter()
                .take_while(|(at, _)| *at < since + window)
                .count()
        };
        (0..self.passed.len()).map(within).max().unwrap_or(0)
    }
}

/// Thousands of others that wait cost a few flows less than as long again as they take alone.
#[test]
fn a_line_that_begins_is_served_beside_one_that_is_long() {
    for (limits, notice) in [
        ("rate=60/min", Duration::ZERO),
        ("rate=60/min", NOTICE),
        ("rate=600/h,burst=1", NOTICE),
    ] {
        let took = |others: usize| {
            let mut street = Street::new(limits, notice);
            street.come('a', others, 0);
            street.come('b', 10, 60 * SECOND);
            street.run();
            assert_eq!(street.passed.len(), others + 10);
            let calls = street.limits.rate.unwrap().calls().get() as usize;
            assert!(street.most_in_a_window() <= calls, "{limits}");
            street.times_of('b')[9] - 60 * SECOND
        };
        let (alone, beside) = (took(0), took(2_000));
        assert!(beside < 2 * alone, "{limits}: {beside} and {alone}");
    }
}

/// Nobody's turn is lost by that, and what is left when others are done is for who is there.
#[test]
fn lines_take_turns_and_leave_none_unused() {
    let mut street = Street::new("rate=60/min", Duration::ZERO);
    for of in ['a', 'b', 'c'] {
        street.come(of, 100, 0);
    }
    street.come('a', 300, 0);
    street.run();
    let (last, _) = street.passed[599];
    assert!(last < 600 * SECOND * 103 / 100, "{last}");
    // After their head starts, each has a third until two of them are done.
    let middle = &street.passed[30..240];
    for of in ['a', 'b', 'c'] {
        let share = middle.iter().filter(|(_, it)| *it == of).count();
        assert!((68..=72).contains(&share), "{of}: {share}");
    }
}

/// One that comes again and again with little is served soon, and stops nobody.
#[test]
fn who_comes_often_stops_nobody() {
    let mut street = Street::new("rate=60/min", Duration::ZERO);
    street.come('a', 200, 0);
    for turn in 0..300 {
        street.come('b', 1, turn * SECOND);
        street.come('c', 1, turn * SECOND + SECOND / 2);
    }
    street.run();
    let a = street.times_of('a');
    assert!(a[99] < 320 * SECOND, "{}", a[99]);
}

fn places(gate: &mut Gate, rate: &Rate, of: char, number: usize) -> Vec<Slot> {
    let asks = vec![line(of); number];
    let slots = gate.take(rate, &asks, NOTICE, at(0));
    slots.into_iter().map(Option::unwrap).collect()
}

/// They are for whoever comes next to it; nobody else's turn comes sooner, who would miss it.
#[test]
fn places_that_are_given_up_are_for_the_same_line() {
    let limits: Limits = "rate=60/min".parse().unwrap();
    let rate = limits.rate.unwrap();
    let mut gate = Gate::default();
    let of_a = places(&mut gate, &rate, 'a', 1_000);
    let of_b = places(&mut gate, &rate, 'b', 100);
    let times = |gate: &Gate, of, slots: &[Slot]| {
        let places: Vec<_> = slots.iter().map(|slot| (line(of), *slot)).collect();
        gate.times_of(&rate, &places, at(0))
    };
    let before = (times(&gate, 'a', &of_a), times(&gate, 'b', &of_b));
    gate.leave(line('a'), &of_a[5..905]);
    // Others that leave one by one, more than are known.
    let every_second: Vec<_> = of_a[905..].iter().copied().step_by(2).collect();
    gate.leave(line('a'), &every_second);
    assert_eq!(times(&gate, 'a', &of_a), before.0);
    assert_eq!(times(&gate, 'b', &of_b), before.1);
    let row = serde_json::to_string(&gate).unwrap();
    assert!(row.len() < 700, "{} bytes: {row}", row.len());
    assert_eq!(serde_json::from_str::<Gate>(&row).unwrap(), gate);
    assert_eq!(places(&mut gate, &rate, 'a', 901), of_a[5..906]);
    let more = places(&mut gate, &rate, 'a', 100);
    assert!(more[99] > of_a[999]);
    let all: HashSet<_> = more.iter().chain(&of_a[..5]).collect();
    assert_eq!(all.len(), 105, "each is given once");
}

/// Of a line that was given up, no more is left than what the turns of others were told by.
#[test]
fn who_gives_up_much_keeps_no_vendor_idle() {
    let limits: Limits = "rate=60/min".parse().unwrap();
    let rate = limits.rate.unwrap();
    let mut gate = Gate::default();
    let of_a = places(&mut gate, &rate, 'a', 50_000);
    let of_b: Vec<_> = places(&mut gate, &rate, 'b', 10);
    let of_b: Vec<_> = of_b.into_iter().map(|slot| (line('b'), slot)).collect();
    let before = gate.times_of(&rate, &of_b, at(0));
    gate.leave(line('a'), &of_a);
    assert_eq!(gate.times_of(&rate, &of_b, at(0)), before);
    let last = places(&mut gate, &rate, 'c', 1)[0];
    assert!(gate.lines.has(line('c'), last));
    let wait = gate.times_of(&rate, &[(line('c'), last)], at(0))[0];
    assert!(micros_of(wait) < 10 * SECOND);
    // Once nobody else waits, there is nothing left of it.
    gate.take(&rate, &[line('d')], NOTICE, at(60 * SECOND));
    assert_eq!(gate.lines.of(line('a')), 0);
}

#[test]
fn whoever_stands_further_behind_than_is_foreseen_looks_again() {
    let limits: Limits = "rate=1000/s".parse().unwrap();
    let rate = limits.rate.unwrap();
    let mut gate = Gate::default();
    let slots = places(&mut gate, &rate, 'a', 3 * FORESEEN);
    // It is told no later than its turn is, and not all are told the same time.
    let times = |now| {
        let place = |slot: &Slot| (line('a'), *slot);
        let places: Vec<_> = slots.iter().map(place).collect();
        gate.times_of(&rate, &places, now)
    };
    let first = times(at(0));
    assert!(first.is_sorted());
    assert!(micros_of(first[3 * FORESEEN - 1]) > 58 * SECOND);
    assert!(micros_of(first[3 * FORESEEN - 1]) < 62 * SECOND);
    // Though nobody came meanwhile.
    let told = first[FORESEEN - 1];
    let look = |slot| gate.look(&limits, line('a'), Some(slot), told);
    assert_eq!(look(slots[FORESEEN - 1]), Look::Pass);
    for behind in [FORESEEN + 60, 2 * FORESEEN, 3 * FORESEEN - 1] {
        let Look::Wait { until, .. } = look(slots[behind]) else {
            panic!("{behind} passes");
        };
        assert!(until > told);
    }
}

#[test]
fn there_are_only_so_many_lines() {
    let limits: Limits = "rate=60/min".parse().unwrap();
    let rate = limits.rate.unwrap();
    let mut gate = Gate::default();
    let many: Vec<_> = (0..100)
        .map(|number| LineId::of(&format!("tenant-{number}").parse().unwrap()))
        .collect();
    let slots = gate.take(&rate, &many, NOTICE, at(0));
    assert_eq!(slots.iter().flatten().count(), 64);
    let row = serde_json::to_string(&gate).unwrap();
    assert!(row.len() < 3_500, "{} bytes: {row}", row.len());
    // Once some are done, there is room.
    let later = gate.take(&rate, &many[90..], NOTICE, at(30 * SECOND));
    assert!(later.iter().all(Option::is_some));
}

/// As an operation that has more than it needs: there is nothing to be known of those that passed.
#[test]
fn the_row_of_who_waits_for_nothing_is_short() {
    for (limits, notice) in [
        ("rate=600/min,burst=60", NOTICE),
        ("rate=100/s", Duration::ZERO),
    ] {
        let mut street = Street::new(limits, notice);
        for turn in 0..400 {
            street.come(
                ['a', 'b'][turn % 2],
                1,
                i64::try_from(turn).unwrap() * SECOND / 9,
            );
        }
        street.run();
        assert_eq!(street.looks, 400);
        let row = |(_, gate): &(i64, Gate)| serde_json::to_string(&gate.lines).unwrap().len();
        assert!(street.gates.iter().map(row).max().unwrap() < 120);
    }
}

/// Little by little, as a caller does, beside one that waits long.
#[test]
fn who_comes_little_by_little_has_one_line() {
    let mut street = Street::new("rate=600/min", NOTICE);
    street.come('b', 2_000, 0);
    for turn in 0..300 {
        let number = 1 + usize::try_from(turn * 7 % 20).unwrap();
        street.come(
            'a',
            number,
            (200 + turn * 613 % 3_800) * SECOND / 1_000 + turn * SECOND / 2,
        );
    }
    street.run();
    assert!(street.most_in_a_window() <= 600);
    let lines = street
        .gates
        .iter()
        .map(|(_, gate)| gate.lines.of(line('a')));
    // Some are past, and known to those whose clocks are behind.
    assert!(lines.max().unwrap() <= 12);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whoever_comes_no_window_has_more_than_the_rate(
        calls in 1_u32..80,
        burst in 1_u32..80,
        others in prop::bool::ANY,
        comings in prop::collection::vec((0_i64..60, 0_usize..5, 1_usize..40), 1..25),
        leavings in prop::collection::vec((0_i64..240, 0_usize..5), 0..6),
    ) {
        let notice = if others { NOTICE } else { Duration::ZERO };
        let limits = format!("rate={calls}/min,burst={}", burst.min(calls));
        let mut street = Street::new(&limits, notice);
        let (mut now, mut all) = (0, 0);
        for (wait, of, number) in comings {
            now += wait * SECOND / 4;
            street.come(['a', 'b', 'c', 'd', 'e'][of], number, now);
            all += number;
        }
        for (at, of) in leavings {
            street.leaving.insert(at * SECOND / 2 + 1, ['a', 'b', 'c', 'd', 'e'][of]);
        }
        street.run();
        prop_assert_eq!(street.passed.len() + street.left, all);
        prop_assert!(street.most_in_a_window() <= calls as usize);
    }
}
