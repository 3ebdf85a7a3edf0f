//! Many flows at one vendor: its quota, its outages, what it asks for, and clocks that jump. Hours pass at once.
#![allow(clippy::unwrap_used, clippy::panic)]

mod blame;
mod fair;
mod world;

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::pacing::Gate;
use assetmill_core::ports::{Clock as _, GateReads as _, Gates as _};
use assetmill_core::{Flow, FlowState, Happened, Status, Wait};
use world::{Answer, Vendor, World, newcomer};

const MINUTE: Duration = Duration::from_mins(1);

fn assert_all_done_at_once(rows: &[Flow]) {
    for flow in rows {
        assert_eq!(flow.state(), FlowState::Completed, "{flow:?}");
        assert_eq!((flow.attempts, flow.unconfirmed_calls), (1, 0), "{flow:?}");
    }
}

/// What a flow waits for.
fn waits_for(flow: &Flow) -> Option<Wait> {
    match (flow.history.events().last()?.what, &flow.status) {
        (Happened::Waits { reason, .. }, Status::Pending { .. }) => Some(reason),
        _ => None,
    }
}

fn longest_gap(times: &[Duration]) -> Duration {
    let gaps = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
    gaps.max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_flows_use_the_quota_of_a_strict_vendor_and_no_more() {
    for limits in ["rate=60/min", "rate=60/min,burst=20"] {
        let vendor = Vendor::limited(limits, Some((60, MINUTE)));
        let world = World::new(1_000, vendor).await;
        world.work_for(5 * MINUTE).await;
        // Those who wait say so, in their order, and have begun nothing.
        let rows = world.rows().await;
        let waiting: Vec<_> = rows
            .iter()
            .filter(|flow| flow.state() == FlowState::Pending)
            .collect();
        assert!(waiting.len() > 600, "{}", waiting.len());
        let mut places = Vec::new();
        for flow in &waiting {
            assert_eq!((waits_for(flow), flow.attempts), (Some(Wait::Rate), 0));
            let Status::Pending { not_before, .. } = flow.status else {
                panic!("{flow:?}");
            };
            places.push(not_before.unwrap());
        }
        assert!(places.is_sorted());
        world.work_to_the_end().await;
        let rows = world.rows().await;
        assert_all_done_at_once(&rows);
        // Its row, its call, and its end; and who waits says so, once.
        assert!(rows.iter().all(|row| row.revision <= 4));
        assert_eq!(world.vendor.times(Answer::TooMany).len(), 0, "{limits}");
        let made = world.vendor.times(Answer::Made);
        let took = made[999].saturating_sub(made[0]).as_secs_f64();
        let used = 1_000.0 / took;
        assert!(used >= 0.95, "{limits}: {used} of the quota");
        // Asked together, slots are one write; at the most they are one each.
        assert!(world.gates.writes() <= 1_000, "{}", world.gates.writes());
        assert_eq!(world.fetched(), 1_000);
    }
}

/// Messages may come twice, at the beginning and while their flows stand in line: of two that are let in, one calls.
#[tokio::test(start_paused = true)]
async fn what_comes_twice_is_called_once_and_breaks_no_quota() {
    let vendor = Vendor::limited("rate=60/min", Some((60, MINUTE)));
    let world = World::new(100, vendor).await;
    world.send_again().await;
    for _ in 0..4 {
        world.work_for(MINUTE / 2).await;
        world.send_again().await;
    }
    world.work_to_the_end().await;
    for flow in world.rows().await {
        assert_eq!(flow.state(), FlowState::Completed, "{flow:?}");
        assert_eq!(flow.unconfirmed_calls, 0, "{flow:?}");
    }
    assert_eq!(world.vendor.times(Answer::Made).len(), 100);
    assert_eq!(world.vendor.times(Answer::TooMany).len(), 0);
}

/// Ten minutes in the middle of ten thousand flows.
async fn survives_an_outage(limits: &str) {
    let vendor = Vendor::limited(limits, None).down_during(40..640);
    let world = World::new(10_000, vendor).await;
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    let down = world.vendor.times(Answer::Down);
    let began = down[0] + Duration::from_secs(2);
    // What was under way when it began tells that it did; after that, single ones ask.
    let probes: Vec<_> = down.into_iter().filter(|at| *at >= began).collect();
    assert!((20..60).contains(&probes.len()), "{probes:?}");
    for pair in probes.windows(2) {
        assert!(
            pair[1].saturating_sub(pair[0]) >= Duration::from_secs(2),
            "{pair:?}"
        );
    }
    // One that succeeds ends it for all.
    let made = world.vendor.times(Answer::Made);
    let end = Duration::from_secs(640);
    let after: Vec<_> = made.into_iter().filter(|at| *at >= end).collect();
    assert!(after[0] < end + Duration::from_secs(30), "{:?}", after[0]);
    assert!(after[20] < end + Duration::from_secs(75), "{:?}", after[20]);
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_no_attempt() {
    survives_an_outage("rate=100/s,burst=10").await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_no_attempt_without_limits() {
    survives_an_outage("concurrency=16").await;
}

#[tokio::test(start_paused = true)]
async fn an_operation_without_limits_that_is_well_writes_no_gate() {
    let world = World::new(500, Vendor::limited("", None)).await;
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    assert_eq!(world.gates.writes(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_go_on_than_may() {
    let world = World::new(200, Vendor::limited("concurrency=4", None)).await;
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    // A call takes 200 ms.
    let made = world.vendor.times(Answer::Made);
    for five in made.windows(5) {
        assert!(
            five[4].saturating_sub(five[0]) >= Duration::from_millis(200),
            "{five:?}"
        );
    }
}

/// However many processes call the vendor, and though some of them die.
#[tokio::test(start_paused = true)]
async fn no_more_calls_go_on_in_all_processes_than_may() {
    let vendor = Vendor::limited("concurrency=12", None);
    let world = World::with_processes(5, 2_000, vendor).await;
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    assert_eq!(world.vendor.most_at_once(), 12);
    assert!(world.gates.writes() <= 2_000, "{}", world.gates.writes());
}

/// Nor where nobody knows what became of a change of the gate.
#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_let_nobody_in() {
    for places in [1, 3, 12] {
        let vendor = Vendor::limited(&format!("concurrency={places}"), None);
        let world = World::with_lost_answers(5, 400, vendor, 5).await;
        world.work_for(MINUTE).await;
        world.accept(&newcomer(), 100).await;
        world.work_to_the_end().await;
        assert_all_done_at_once(&world.rows().await);
        assert_eq!(world.vendor.made_for(&newcomer()).len(), 100);
        assert!(world.vendor.most_at_once() <= places, "{places}");
    }
}

/// Nor while a place is on its way back, when the process that gives it back has another flow.
#[tokio::test(start_paused = true)]
async fn a_place_that_is_given_back_is_used_no_more() {
    let vendor = Vendor::limited("concurrency=1", None);
    let world = World::with_processes(2, 300, vendor).await;
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    assert_eq!(world.vendor.most_at_once(), 1);
}

/// A place that is kept for the next call spares two writes of the gate, and is nobody else's: what is kept so is a
/// small part of all places, however many processes there are.
#[tokio::test(start_paused = true)]
async fn few_places_stand_idle() {
    let vendor = Vendor::limited("concurrency=20", None);
    let world = World::with_processes(12, 12, vendor).await;
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    let gate = world.gates.gate(&"vendor".parse().unwrap()).await.unwrap();
    let free = gate.free_places(20.try_into().unwrap(), world.clock.now());
    assert!((15..20).contains(&free), "{free} are free");
}

/// What it held is free after minutes.
#[tokio::test(start_paused = true)]
async fn places_of_a_process_that_died_are_others_again() {
    let world = World::with_processes(2, 40, Vendor::limited("concurrency=4", None)).await;
    let vendor = "vendor".parse().unwrap();
    let (now, until) = (world.clock.now(), world.clock.after(4 * MINUTE));
    let dead = assetmill_contract::samples::places_needed(4, 4, [now, until]);
    let hold = move |gate: &mut Gate| drop(gate.hold_places(&dead, now));
    let change = world.gates.change_gate(&vendor, None, Arc::new(hold));
    change.await.unwrap();
    world.work_for(3 * MINUTE).await;
    assert_eq!(world.vendor.calls().len(), 0);
    let rows = world.rows().await;
    let waits = |flow: &&Flow| waits_for(flow) == Some(Wait::Concurrency);
    assert_eq!(rows.iter().filter(waits).count(), 40);
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    let made = world.vendor.times(Answer::Made);
    assert!((4 * MINUTE..5 * MINUTE).contains(&made[0]), "{made:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_vendor_asks_of_one_flow_is_heard_by_all() {
    for limits in ["rate=20/s", "concurrency=1"] {
        let world = World::new(600, Vendor::limited(limits, None)).await;
        world.work_for(Duration::from_secs(10)).await;
        world.vendor.ask_for_patience(MINUTE);
        world.work_to_the_end().await;
        assert_all_done_at_once(&world.rows().await);
        let asked = world.vendor.times(Answer::TooMany);
        assert_eq!(asked.len(), 1, "{limits}: {asked:?}");
        // Those that were on their way are.
        let quiet = asked[0] + Duration::from_secs(1)..asked[0] + MINUTE;
        let calls = world.vendor.calls();
        let broke = calls.iter().filter(|call| quiet.contains(&call.at)).count();
        assert_eq!(broke, 0, "{limits}");
    }
}

/// Backwards an hour, forwards a day, and back.
#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_neither_lets_a_burst_in_nor_stops_anybody() {
    let vendor = Vendor::limited("rate=60/min,burst=10", Some((60, MINUTE)));
    let world = World::new(400, vendor).await;
    for jump in [-3_600, 86_400, -82_800, 7] {
        world.work_for(MINUTE).await;
        world.clock.jump(jump);
    }
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    assert_eq!(world.vendor.times(Answer::TooMany).len(), 0);
    let gap = longest_gap(&world.vendor.times(Answer::Made));
    assert!(gap <= MINUTE, "{gap:?}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_operation_is_asked_for_nothing_and_goes_on_soon_after() {
    let world = World::new(50, Vendor::limited("", None)).await;
    let vendor = "vendor".parse().unwrap();
    let now = world.clock.now();
    let pause = move |gate: &mut assetmill_core::pacing::Gate| {
        gate.pause("acme".parse().unwrap(), now);
    };
    let paused = world.gates.change_gate(&vendor, None, Arc::new(pause));
    paused.await.unwrap();
    world.work_for(10 * MINUTE).await;
    assert_eq!((world.fetched(), world.vendor.calls().len()), (0, 0));
    for flow in world.rows().await {
        assert_eq!((waits_for(&flow), flow.attempts), (Some(Wait::Paused), 0));
    }
    let now = world.clock.now();
    let resumed = world
        .gates
        .change_gate(&vendor, None, Arc::new(move |gate| gate.resume(now)));
    resumed.await.unwrap();
    let writes = world.gates.writes();
    world.work_to_the_end().await;
    assert_all_done_at_once(&world.rows().await);
    let last = world.vendor.times(Answer::Made).pop().unwrap();
    assert!(last <= 10 * MINUTE + Duration::from_secs(40), "{last:?}");
    assert_eq!(world.gates.writes(), writes);
}
