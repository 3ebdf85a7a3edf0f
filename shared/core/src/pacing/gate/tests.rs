use std::num::NonZeroU32;

use super::outage::RESUMES_AFTER;
use super::*;
use crate::pacing::{Need, PlacesNeeded, ProcessId};
use crate::{Failure, FailureCode};

const MINUTE: i64 = 60_000_000;

fn at(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation)]
    Timestamp::from_microsecond(1_700_000_000_000_000 + (seconds * 1e6) as i64).unwrap()
}

fn limits(text: &str) -> Limits {
    text.parse().unwrap()
}

fn down() -> Failure {
    Failure::transient(FailureCode::VendorUnavailable, "the vendor answered 503")
}

/// Somebody who finds it down, as everybody does.
fn found(by: &str, probed: bool) -> FoundBy {
    FoundBy {
        line: line(by),
        probed,
        alone: false,
    }
}

/// The line of somebody.
fn line(of: &str) -> LineId {
    LineId::of(&of.parse().unwrap())
}

/// Takes so many places in the line of `a`.
fn take(gate: &mut Gate, limits: &Limits, number: usize, now: f64) -> Vec<Slot> {
    let asks = vec![line("a"); number];
    let slots = gate.take(&limits.rate.unwrap(), &asks, Duration::ZERO, at(now));
    slots.into_iter().map(Option::unwrap).collect()
}

/// Takes a place in that line, and tells in how many seconds after `now` its turn is.
fn taken(gate: &mut Gate, limits: &Limits, now: f64) -> (Slot, f64) {
    let slot = take(gate, limits, 1, now)[0];
    let wait = time_of(gate, limits, slot, now).duration_since(at(now));
    (slot, wait.as_secs_f64())
}

/// What a process needs for these tenants: for so many calls, and so many flows that wait.
fn needed(process: ProcessId, most: NonZeroU32, of: &[(&str, u32, u32)], now: f64) -> PlacesNeeded {
    let need = |(of, calls, waiting): &(&str, u32, u32)| Need {
        line: line(of),
        calls: *calls,
        waiting: *waiting,
        new: 0,
        resting: 0,
        looks_at: at(now + 2.0),
    };
    PlacesNeeded {
        process,
        most,
        of: of.iter().map(need).collect(),
        enough: at(now + 180.0),
        until: at(now + 240.0),
    }
}

fn time_of(gate: &Gate, limits: &Limits, slot: Slot, now: f64) -> Timestamp {
    assert!(gate.lines.has(line("a"), slot));
    gate.times_of(&limits.rate.unwrap(), &[(line("a"), slot)], at(now))[0]
}

fn wait_of(look: Look, now: f64) -> (Wait, f64) {
    let Look::Wait { reason, until } = look else {
        panic!("{look:?}");
    };
    (reason, until.duration_since(at(now)).as_secs_f64())
}

#[test]
fn a_flow_passes_at_its_slot_and_not_long_after() {
    let limits = limits("rate=60/min");
    let mut gate = Gate::default();
    let slots = take(&mut gate, &limits, 3, 0.0);
    let last = Some(slots[2]);
    assert_eq!(gate.look(&limits, line("a"), None, at(0.0)), Look::TakeSlot);
    assert_eq!(
        gate.look(&limits, line("a"), Some(slots[0]), at(0.0)),
        Look::Pass
    );
    let (reason, wait) = wait_of(gate.look(&limits, line("a"), last, at(0.0)), 0.0);
    assert_eq!(reason, Wait::Rate);
    assert!((2.0..2.1).contains(&wait), "{wait}");
    assert_eq!(gate.look(&limits, line("a"), last, at(2.5)), Look::Pass);
    assert_eq!(
        gate.look(&limits, line("a"), last, at(60.0)),
        Look::TakeSlot
    );
}

#[test]
fn what_a_vendor_asks_for_moves_the_whole_line_and_nobodys_place() {
    let limits = limits("rate=60/min");
    let mut gate = Gate::default();
    let slots = take(&mut gate, &limits, 20, 0.0);
    let before: Vec<_> = slots
        .iter()
        .map(|slot| time_of(&gate, &limits, *slot, 5.0))
        .collect();
    gate.throttled(at(35.0), at(5.0));
    for (slot, before) in slots.iter().zip(before) {
        let moved = time_of(&gate, &limits, *slot, 5.0).duration_since(before);
        assert_eq!(moved.as_secs(), 30);
    }
    let (_, wait) = taken(&mut gate, &limits, 6.0);
    assert!(wait > 43.0, "behind the others: {wait}");
    // Others heard the same.
    let moved = gate.clone();
    gate.throttled(at(35.2), at(5.5));
    assert_eq!(gate, moved);
}

#[test]
fn without_a_rate_a_vendor_that_asks_for_patience_is_left_alone_too() {
    let mut gate = Gate::default();
    gate.throttled(at(30.0), at(0.0));
    assert_eq!(
        wait_of(
            gate.look(&Limits::default(), line("a"), None, at(10.0)),
            10.0
        ),
        (Wait::Rate, 20.0)
    );
    assert_eq!(
        gate.look(&Limits::default(), line("a"), None, at(30.0)),
        Look::Pass
    );
}

#[test]
fn one_asks_a_vendor_that_is_down_at_growing_intervals() {
    let none = Limits::default();
    let mut gate = Gate::default();
    gate.failed(&down(), found("a", false), at(0.0));
    assert_eq!(
        wait_of(gate.look(&none, line("a"), None, at(0.0)), 0.0),
        (Wait::VendorDown, 2.0)
    );
    let mut now = 0.0;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let (_, wait) = wait_of(gate.look(&none, line("a"), None, at(now)), now);
        waits.push(wait);
        now += wait;
        assert_eq!(gate.look(&none, line("a"), None, at(now)), Look::Probe);
        assert!(gate.probe(line("a"), at(now + 60.0), at(now)));
        assert!(
            !gate.probe(line("a"), at(now + 60.0), at(now)),
            "a second one probes"
        );
        assert_eq!(gate.admission(at(now)), Admission::Probing);
        gate.failed(&down(), found("a", true), at(now));
    }
    assert_eq!(waits, [2.0, 4.0, 8.0, 16.0, 20.0, 20.0]);
    gate.recovered(at(now));
    assert_eq!(gate.look(&none, line("a"), None, at(now)), Look::Pass);
    assert_eq!(gate.admission(at(now)), Admission::Closed);
}

#[test]
fn a_probe_whose_worker_died_is_made_by_another() {
    let mut gate = Gate::default();
    gate.failed(&down(), found("a", false), at(0.0));
    assert!(gate.probe(line("a"), at(63.0), at(3.0)));
    assert_eq!(
        gate.look(&Limits::default(), line("a"), None, at(64.0)),
        Look::Probe
    );
}

#[test]
fn an_outage_keeps_everybodys_place_and_ends_without_a_burst() {
    let limits = limits("rate=60/min,burst=5");
    let mut gate = Gate::default();
    let slots = take(&mut gate, &limits, 30, 0.0);
    let passed = |slot: &&Slot| time_of(&gate, &limits, **slot, 10.0) <= at(10.0);
    let passed = slots.iter().take_while(passed).count();
    gate.failed(&down(), found("a", false), at(10.0));
    gate.recovered(at(610.0));
    let waiting = slots[passed..].iter();
    let due: Vec<_> = waiting
        .map(|slot| time_of(&gate, &limits, *slot, 610.0))
        .collect();
    assert!(due.is_sorted());
    // The first that had not passed is due once all have looked.
    let wait = due[0].duration_since(at(610.0)).as_secs_f64();
    let most = RESUMES_AFTER.as_secs_f64() + 1.1;
    assert!(
        (RESUMES_AFTER.as_secs_f64()..most).contains(&wait),
        "{wait}"
    );
}

#[test]
fn an_operator_stops_it_and_lets_it_go_on() {
    let none = Limits::default();
    let mut gate = Gate::default();
    gate.pause("acme".parse().unwrap(), at(0.0));
    let (reason, wait) = wait_of(gate.look(&none, line("a"), None, at(5.0)), 5.0);
    assert_eq!(reason, Wait::Paused);
    assert!(wait + SPREAD.as_secs_f64() <= RESUMES_AFTER.as_secs_f64());
    gate.pause("globex".parse().unwrap(), at(6.0));
    let paused = gate.paused().unwrap();
    assert_eq!((paused.by.as_str(), paused.since()), ("acme", at(0.0)));
    gate.resume(at(7.0));
    assert_eq!(gate.look(&none, line("a"), None, at(7.0)), Look::Pass);
}

#[test]
fn an_operator_overrules_a_vendor_that_asked_to_be_left_alone() {
    let (none, rated) = (Limits::default(), limits("rate=60/min"));
    let mut gate = Gate::default();
    let (_, wait) = taken(&mut gate, &rated, 0.0);
    assert!(wait < 0.1, "{wait}");
    gate.throttled(at(3_600.0), at(0.2));
    let (reason, wait) = wait_of(gate.look(&none, line("a"), None, at(0.3)), 0.3);
    assert_eq!(reason, Wait::Rate);
    assert!(wait > 3_599.0, "{wait}");
    gate.resume(at(0.4));
    assert_eq!(gate.look(&none, line("a"), None, at(0.4)), Look::Pass);
    assert_eq!(gate.throttled_until(at(0.4)), None);
    // The turn that was used is no longer ago because of it.
    let (_, wait) = taken(&mut gate, &rated, 0.4);
    assert!((0.5..1.2).contains(&wait), "{wait}");
    let before = gate.clone();
    gate.resume(at(0.5));
    assert_eq!(gate, before);
}

#[test]
fn an_operator_has_a_vendor_that_is_down_asked_at_once() {
    let mut gate = Gate::default();
    gate.failed(&down(), found("a", false), at(0.0));
    assert!(!gate.probe(line("a"), at(60.0), at(0.1)));
    gate.resume(at(0.2));
    assert_eq!(
        gate.look(&Limits::default(), line("a"), None, at(0.2)),
        Look::Probe
    );
    assert!(gate.outage().is_some());
}

/// The others' turns don't stand still for it; once another finds it down too, it is everybody's.
#[test]
fn an_outage_of_one_tenant_holds_up_no_other() {
    let rated = limits("rate=60/min");
    let mut gate = Gate::default();
    let slot = take(&mut gate, &rated, 11, 0.0)[10];
    let before = time_of(&gate, &rated, slot, 1.0);
    let alone = FoundBy {
        alone: true,
        ..found("a", false)
    };
    gate.failed(&down(), alone, at(1.0));
    let none = Limits::default();
    let waits = |gate: &Gate, of, now| {
        matches!(gate.look(&none, line(of), None, at(now)), Look::Wait { .. })
    };
    assert!(waits(&gate, "a", 1.5) && !waits(&gate, "b", 1.5));
    assert_eq!(time_of(&gate, &rated, slot, 1.5), before);
    assert!(!gate.probe(line("b"), at(60.0), at(3.5)));
    gate.failed(&down(), alone, at(3.6));
    assert!(!waits(&gate, "b", 3.7), "it is still of one");
    gate.failed(&down(), found("b", false), at(3.8));
    assert!(!gate.outage().unwrap().is_of_one());
    assert!(gate.probe(line("b"), at(60.0), at(4.0)));
    assert!(waits(&gate, "c", 4.1));
    gate.recovered(at(5.0));
    assert_eq!(gate.look(&none, line("a"), None, at(5.0)), Look::Pass);
}

/// One that asks for a year, as a broken date may, stops nobody for that long.
#[test]
fn a_vendor_is_left_alone_for_a_day_at_the_most() {
    let mut gate = Gate::default();
    gate.throttled(at(365.0 * 86_400.0), at(0.0));
    assert_eq!(gate.throttled_until(at(0.0)), Some(at(86_400.0)));
}

#[test]
fn a_pause_within_an_outage_counts_once() {
    let limits = limits("rate=60/min");
    let mut gate = Gate::default();
    let slot = take(&mut gate, &limits, 11, 0.0)[10];
    let before = time_of(&gate, &limits, slot, 1.0);
    gate.failed(&down(), found("a", false), at(1.0));
    gate.pause("acme".parse().unwrap(), at(5.0));
    gate.recovered(at(50.0));
    gate.resume(at(101.0));
    let moved = time_of(&gate, &limits, slot, 101.0).duration_since(before);
    assert_eq!(moved.as_secs(), 100 + 30);
}

/// Backwards by an hour, forwards by a day, and back: nobody waits longer than before, nobody is let in sooner.
#[test]
fn a_clock_that_jumps_moves_the_line_with_it() {
    let limits = limits("rate=60/min,burst=10");
    for jump in [-60 * MINUTE, 24 * 60 * MINUTE] {
        let mut gate = Gate::default();
        let slots = take(&mut gate, &limits, 60, 0.0);
        let before = time_of(&gate, &limits, slots[50], 1.0).duration_since(at(1.0));
        #[expect(clippy::cast_precision_loss)]
        let now = 1.0 + jump as f64 / 1e6;
        gate.turn(jump);
        let after = time_of(&gate, &limits, slots[50], now).duration_since(at(now));
        assert_eq!(before, after, "{jump}");
        let (_, next) = taken(&mut gate, &limits, now);
        assert!((50.0..61.2).contains(&next), "{jump}: {next}");
    }
}

/// The same where who changes the gate does not know of the jump: another process set the gate ahead.
#[test]
fn a_gate_that_is_ahead_of_the_clock_follows_it() {
    let limits = limits("rate=60/min");
    let mut gate = Gate::default();
    take(&mut gate, &limits, 5, 86_400.0);
    assert!(gate.is_ahead_of(at(0.0)));
    let (_, wait) = taken(&mut gate, &limits, 0.0);
    assert!((5.0..5.2).contains(&wait), "{wait}");
}

#[test]
fn its_row_is_short() {
    let limits = limits("rate=500000/h,burst=100000");
    let mut gate = Gate::default();
    for second in 0..1_000 {
        take(&mut gate, &limits, 500, f64::from(second));
    }
    gate.throttled(at(2_000.0), at(1_000.0));
    let said = Failure::transient(FailureCode::VendorUnavailable, "x".repeat(1_000));
    gate.failed(&said, found("a", false), at(1_001.0));
    let row = serde_json::to_string(&gate).unwrap();
    // DynamoDB writes 1 KB at the price of one (with the key and the names of the row).
    assert!(row.len() < 1_200, "{} bytes: {row}", row.len());
}

#[test]
fn places_are_held_until_they_are_given_back_or_their_time_is_over() {
    let most = 10.try_into().unwrap();
    let mut gate = Gate::default();
    let [one, other] = [(); 2].map(|()| ProcessId::generate());
    let hold = |gate: &mut Gate, process, wanted, now| {
        gate.hold_places(&needed(process, most, &[("a", wanted, 0)], now), at(now));
        gate.places_of(process).map(|(places, _)| places)
    };
    assert_eq!(hold(&mut gate, one, 7, 0.0), Some(7));
    assert_eq!(hold(&mut gate, other, 7, 0.0), Some(3));
    // It is kept with the gate, and jumps with the clock.
    let mut gate: Gate = serde_json::from_str(&serde_json::to_string(&gate).unwrap()).unwrap();
    gate.turn(MINUTE);
    let before = gate.clone();
    assert_eq!(hold(&mut gate, other, 7, 60.0), Some(3));
    assert_eq!(gate, before, "what changes nothing is no write");
    assert_eq!(hold(&mut gate, one, 2, 61.0), Some(2));
    assert_eq!(gate.free_places(most, at(61.0)), 5);
    assert_eq!(hold(&mut gate, other, 20, 62.0), Some(8));
    assert_eq!(hold(&mut gate, one, 0, 63.0), None);
    assert_eq!(gate.free_places(most, at(301.0)), 2);
    assert_eq!(gate.free_places(most, at(303.0)), 10);
}

/// A write of the row of a gate is one unit up to 1 KiB, names and key included.
#[test]
fn a_gate_that_is_well_is_short() {
    let most = 20.try_into().unwrap();
    for (text, processes) in [
        ("rate=500/min,burst=20", 7),
        ("rate=5000/h,burst=50", 3),
        ("concurrency=20", 18),
    ] {
        let mut gate = Gate {
            revision: 1_000_000,
            ..Gate::default()
        };
        let limits = limits(text);
        if limits.rate.is_some() {
            for now in [0.0, 3_600.0, 7_200.0] {
                take(&mut gate, &limits, 20_000, now);
            }
        }
        for _ in 0..processes {
            let process = ProcessId::generate();
            gate.hold_places(&needed(process, most, &[("a", 1, 0)], 0.0), at(0.0));
        }
        let row = serde_json::to_string(&gate).unwrap();
        assert!(row.len() < 900, "{text}: {} bytes", row.len());
    }
}

/// What is at hand at the end is what the rate gives, whoever came before or while it was left alone.
#[test]
fn when_a_vendors_patience_is_over_there_is_no_burst() {
    let limits = limits("rate=600/min");
    let mut gate = Gate::default();
    take(&mut gate, &limits, 100, 0.0);
    gate.throttled(at(25.0), at(15.0));
    let slots = take(&mut gate, &limits, 60, 16.0);
    let pass = |slot: &&Slot| gate.look(&limits, line("a"), Some(**slot), at(25.0)) == Look::Pass;
    assert!(slots.iter().filter(pass).count() <= 2);
}

/// Whoever waits comes when it was told by the rate before, and takes a place by the new one.
#[test]
fn another_rate_keeps_nobody_waiting_for_turns_that_nobody_has() {
    for (text, second) in [("rate=30/min", 2.0), ("rate=120/min", 0.5)] {
        let (before, after) = (limits("rate=60/min"), limits(text));
        let mut gate = Gate::default();
        let slots = take(&mut gate, &before, 20_000, 0.0);
        // After two hours in which nobody came anew.
        let now = 7_200.0;
        let due = slots[7_060];
        let look = |gate: &Gate, slot| gate.look(&after, line("a"), Some(slot), at(now));
        assert_eq!(look(&gate, due), Look::TakeSlot, "{text}");
        let (_, first) = taken(&mut gate, &after, now);
        let (_, next) = taken(&mut gate, &after, now);
        assert!(first < 2.1, "{text}: {first}");
        assert!(
            (next - first - second).abs() < 0.1,
            "{text}: {next}, {first}"
        );
    }
}

/// A process whose clock is a little ahead takes nobody's turn away.
#[test]
fn a_turn_is_known_to_those_whose_clocks_are_behind() {
    let limits = limits("rate=20/s");
    let mut gate = Gate::default();
    let slots = take(&mut gate, &limits, 100, 0.0);
    let time = time_of(&gate, &limits, slots[50], 0.0);
    // By one of those that are apart.
    let others = [line("b")];
    gate.take(
        &limits.rate.unwrap(),
        &others,
        Duration::from_secs(3),
        at(4.4),
    );
    assert_eq!(
        gate.look(&limits, line("a"), Some(slots[50]), time),
        Look::Pass
    );
}

/// Of a version that handed out times: what was used of them is known, and those that come are nobody's.
#[test]
fn the_row_of_an_older_version_lets_no_burst_in() {
    let limits = limits("rate=500/min,burst=20");
    let now = at(100.0).as_microsecond();
    // Six calls in 720 ms, for another three seconds.
    let (last, ends) = (now + 3_000_000, vec![720; 85]);
    let ends: Vec<_> = std::iter::once(last / 1_000).chain(ends).collect();
    let row = serde_json::json!({
        "revision": 7, "seen": now, "shift": 0,
        "slots": { "arrival": last, "last": last, "chunk": 6, "count": 600, "ends": ends },
    });
    let mut gate: Gate = serde_json::from_value(row).unwrap();
    // Its slots are times in microseconds.
    let before: Slot = serde_json::from_value((now + 50_000_000).into()).unwrap();
    assert_eq!(
        gate.look(&limits, line("a"), Some(before), at(100.0)),
        Look::TakeSlot
    );
    let slots = take(&mut gate, &limits, 60, 100.0);
    let last = time_of(&gate, &limits, slots[59], 100.0);
    let took = last.duration_since(at(100.0)).as_secs_f64();
    assert!((6.0..9.0).contains(&took), "{took}");
    let row = serde_json::to_value(&gate).unwrap();
    assert!(row.get("slots").is_none(), "{row}");
}
