use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::pacing::Limits;
use crate::pacing::gate::Look;

/// As long as a process believes what a gate is like.
const BELIEVED_FOR: i64 = 2 * SECOND;
const NOTICE: Duration = Duration::from_secs(3);

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
    slots: Vec<Option<Slot>>,
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
            slots: Vec::new(),
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

    fn believed(&self, now: i64) -> &Gate {
        let old = |(since, _): &&(i64, Gate)| *since <= now - BELIEVED_FOR;
        let gate = self.gates.iter().rev().find(old);
        gate.map_or(&self.gate, |(_, gate)| gate)
    }

    /// Those who know a gate believe it for as long as they may; who has no place in it asks for the latest.
    fn run(&mut self) {
        while let Some(((now, flow), of)) = self.coming.pop_first() {
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
                    self.slots[flow] = Some(slot);
                    let time = self.gate.times_of(&rate, &[(line(of), slot)], at(now))[0];
                    self.coming.insert((micros_of(time), flow), of);
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

/// One that comes again and again with little is served soon, and takes no more than its half.
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

/// Those who are left keep their order, and those of other tenants come sooner, too.
#[test]
fn who_leaves_a_line_leaves_no_gap() {
    let rate = "rate=60/min".parse::<Limits>().unwrap().rate.unwrap();
    let mut gate = Gate::default();
    let (a, b) = (line('a'), line('b'));
    let slots = gate.take(&rate, &[a; 1_000], Duration::ZERO, at(0));
    let last_of_b = gate.take(&rate, &[b; 100], Duration::ZERO, at(0))[99];
    let wait = |gate: &Gate, of, slot| {
        let time = gate.time_of(&rate, of, slot, at(0));
        time.map(|time| micros_of(time) / (60 * SECOND * 102 / 100 / 60))
    };
    // Before it come the others of its line; three of the other within its head start of nine, and one for each then.
    assert_eq!(wait(&gate, b, last_of_b), Some(99 + 3 + 91));
    gate.leave(a, &slots[5..905]);
    assert_eq!(wait(&gate, a, slots[5]), None);
    assert_eq!(wait(&gate, a, slots[999]), Some(199));
    // Between two of those that are left may be such as nobody waits at any more, but not many.
    let every_second: Vec<_> = slots[906..].iter().copied().step_by(2).collect();
    gate.leave(a, &every_second);
    assert!(wait(&gate, a, slots[999]).is_some_and(|wait| wait < 199));
    let row = serde_json::to_string(&gate).unwrap();
    assert!(row.len() < 700, "{} bytes: {row}", row.len());
    let again: Gate = serde_json::from_str(&row).unwrap();
    assert_eq!(again, gate);
    gate.leave(a, &slots);
    assert_eq!(wait(&gate, b, last_of_b), Some(99));
}

#[test]
fn whoever_stands_further_behind_than_is_foreseen_is_told_to_look_again() {
    let mut gate = Gate::default();
    let rate = "rate=60/min".parse::<Limits>().unwrap().rate.unwrap();
    let asks = vec![line('a'); FORESEEN + 5];
    let slots = gate.take(&rate, &asks, NOTICE, at(0));
    let places: Vec<_> = slots.iter().map(|slot| (line('a'), *slot)).collect();
    let times = gate.times_of(&rate, &places, at(0));
    assert!(times[FORESEEN - 2] < times[FORESEEN - 1]);
    assert!(
        times[FORESEEN..]
            .iter()
            .all(|time| *time == times[FORESEEN - 1])
    );
    let told = gate.time_of(&rate, line('a'), slots[FORESEEN + 4], at(0));
    assert_eq!(told, Some(times[FORESEEN - 1]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whoever_comes_no_window_has_more_than_the_rate(
        calls in 1_u32..80,
        burst in 1_u32..80,
        others in prop::bool::ANY,
        comings in prop::collection::vec((0_i64..60, 0_usize..5, 1_usize..40), 1..25),
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
        street.run();
        prop_assert_eq!(street.passed.len(), all);
        prop_assert!(street.most_in_a_window() <= calls as usize);
    }
}
