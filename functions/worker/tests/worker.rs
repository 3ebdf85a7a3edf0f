//! What the worker does with the records of an event.
#![allow(clippy::unwrap_used, clippy::panic)]

mod world;

use std::time::Duration;

use assetmill_core::ports::{ActivityReads as _, Clock as _, FlowChanges as _};
use assetmill_core::usecases::FailDeadLetter;
use assetmill_core::{Activity, ActivityInterval, Fenced, Flow, FlowMessage, FlowState, Status};
use world::{World, failed, message_ids};

const PLENTY: Duration = Duration::from_mins(3);

/// The message that takes the place of a flow's first.
fn sent_on(flow: &Flow) -> FlowMessage {
    FlowMessage {
        hops: 1,
        ..flow.message()
    }
}

/// On one machine the quarantine knows the messages of a flow by their being the same.
#[tokio::test(start_paused = true)]
async fn where_hops_are_not_bounded_a_message_stays_the_same() {
    let world = World::new();
    let flows = world.flows(1, "ok").await;
    let mut worker = world.worker(1);
    worker.work.process.limits.hops = None;
    let little = Duration::from_secs(10);
    worker.handle(world::event(&flows), little).await;
    assert_eq!(world.waiting().await, [flows[0].message()]);
}

/// A newer version sent it, and may handle it when it comes again.
#[tokio::test(start_paused = true)]
async fn a_task_that_is_not_known_is_left_to_those_who_know_it() {
    let world = World::new();
    let mut event = world::event(&world.flows(1, "ok").await);
    let body = event.records[0].body.as_mut().unwrap();
    *body = body.replace("step", "deliver_webhook");
    let ids = message_ids(&event);
    let response = world.worker(1).handle(event, PLENTY).await;
    assert_eq!(failed(&response), ids);
    assert!(world.asked().is_empty());
}

/// Messages of versions that named no task are those of flows.
#[tokio::test(start_paused = true)]
async fn a_message_that_names_no_task_is_that_of_a_flow() {
    let world = World::new();
    let flows = world.flows(1, "ok").await;
    let mut event = world::event(&flows);
    let body = event.records[0].body.as_mut().unwrap();
    *body = body.replace("\"task\":\"step\",", "");
    assert!(!body.contains("task"), "{body}");
    world.worker(1).handle(event, PLENTY).await;
    assert_eq!(world.state(&flows[0]).await, FlowState::Completed);
}

#[tokio::test(start_paused = true)]
async fn every_record_of_an_event_is_settled() {
    let world = World::new();
    let flows = world.flows(10, "ok").await;
    let response = world.worker(4).handle(world::event(&flows), PLENTY).await;
    assert_eq!(failed(&response), [""; 0]);
    for flow in &flows {
        assert_eq!(world.state(flow).await, FlowState::Completed);
    }
    assert_eq!(world.most_at_once(), 4);
}

#[tokio::test(start_paused = true)]
async fn the_same_message_twice_does_no_harm() {
    let world = World::new();
    let flows = world.flows(1, "ok").await;
    let twice = [flows[0].clone(), flows[0].clone()];
    let response = world.worker(4).handle(world::event(&twice), PLENTY).await;
    assert_eq!(failed(&response), [""; 0]);
    assert_eq!(world.state(&flows[0]).await, FlowState::Completed);
    assert_eq!(world.flows.settlements(flows[0].id), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_panics_fails_alone() {
    let world = World::new();
    let mut flows = world.flows(3, "ok").await;
    flows.extend(world.flows(1, "panic").await);
    let event = world::event(&flows);
    let ids = message_ids(&event);
    let response = world.worker(2).handle(event, PLENTY).await;
    assert_eq!(failed(&response), [ids[3].as_str()]);
    for flow in &flows[..3] {
        assert_eq!(world.state(flow).await, FlowState::Completed);
    }
}

/// One of them may have stopped the function: whatever it does now, it does to none beside it.
#[tokio::test(start_paused = true)]
async fn records_that_come_again_are_tried_alone_and_others_are_sent_again_before() {
    let world = World::new();
    let mut event = world::again(world::event(&world.flows(3, "suspect").await));
    let new = world.flows(3, "ok").await;
    event.records.extend(world::event(&new).records);
    let response = world.worker(4).handle(event, PLENTY).await;
    assert_eq!(failed(&response), [""; 0]);
    assert_eq!(world.most_at_once(), 1);
    let asked = world.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert!(asked.iter().all(|path| path.starts_with("/suspect")));
    let waiting = world.waiting().await;
    let expected: Vec<_> = new.iter().map(sent_on).collect();
    assert_eq!(waiting, expected);
}

/// However often its message comes. Whoever is stopped within a second, at its first delivery, has not claimed the flow yet
/// and is not counted.
#[tokio::test(start_paused = true)]
async fn a_flow_that_stopped_two_workers_after_the_first_is_given_up() {
    let world = World::new();
    let flows = world.flows(1, "panic").await;
    let first = world::event(&flows);
    let again = world::again(first.clone());
    for (event, asked) in [
        (first, 1),
        (again.clone(), 2),
        (again.clone(), 3),
        (again, 3),
    ] {
        world.worker(1).handle(event, PLENTY).await;
        assert_eq!(world.asked().len(), asked);
        tokio::time::sleep(world.worker(1).work.process.limits.lease).await;
    }
    assert_eq!(world.state(&flows[0]).await, FlowState::Failed);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_hangs_is_reported_in_time() {
    let world = World::new();
    let mut flows = world.flows(1, "hang").await;
    flows.extend(world.flows(3, "ok").await);
    let event = world::event(&flows);
    let ids = message_ids(&event);
    let began = tokio::time::Instant::now();
    let response = world.worker(2).handle(event, PLENTY).await;
    assert!(began.elapsed() < PLENTY);
    assert_eq!(failed(&response), [ids[0].as_str()]);
    for flow in &flows[1..] {
        assert_eq!(world.state(flow).await, FlowState::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_time_for_is_sent_again() {
    let world = World::new();
    let flows = world.flows(3, "ok").await;
    let little = Duration::from_secs(10);
    let response = world.worker(2).handle(world::event(&flows), little).await;
    assert_eq!(failed(&response), [""; 0]);
    for flow in &flows {
        assert_eq!(world.state(flow).await, FlowState::Pending);
    }
    let mut again = world.waiting().await;
    again.sort_by_key(|message| message.flow_id);
    let messages: Vec<_> = flows.iter().map(sent_on).collect();
    assert_eq!(again, messages);
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_sent_again_is_reported() {
    let world = World::without_queue();
    let flows = world.flows(2, "ok").await;
    let event = world::event(&flows);
    let ids = message_ids(&event);
    let response = world.worker(2).handle(event, Duration::ZERO).await;
    assert_eq!(failed(&response), ids);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_can_not_be_read_is_reported_alone() {
    let world = World::new();
    let event = world::event_of(include_str!("../../../events/worker-malformed.json"));
    let ids = message_ids(&event);
    let response = world.worker(2).handle(event, PLENTY).await;
    // The other one names a flow that does not exist, which is no reason to send it again.
    assert_eq!(failed(&response), [ids[1].as_str()]);
}

#[tokio::test(start_paused = true)]
async fn without_rows_messages_wait_and_nothing_is_lost() {
    let world = World::without_rows();
    let flows = world.flows(2, "ok").await;
    let response = world.worker(2).handle(world::event(&flows), PLENTY).await;
    assert_eq!(failed(&response), [""; 0]);
    let mut waiting = world.waiting().await;
    waiting.sort_by_key(|message| message.flow_id);
    assert_eq!(waiting, flows.iter().map(sent_on).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_after_a_panic_ends_the_flow() {
    let world = World::new();
    let flows = world.flows(1, "panic").await;
    world.worker(1).handle(world::event(&flows), PLENTY).await;
    let fail_dead_letter = FailDeadLetter {
        flows: world.flows.clone(),
        clock: world.clock.clone(),
    };
    fail_dead_letter.handle(&flows[0].message()).await.unwrap();
    assert_eq!(world.state(&flows[0]).await, FlowState::Failed);
    // Whoever still holds the flow changes nothing.
    let late = world
        .flows
        .begin_call(flows[0].id, 1, Vec::new())
        .await
        .unwrap();
    assert_eq!(late, Fenced::Lost);
}

/// A queue that is slow, or hangs, takes no acknowledgement of a neighbour with it: Lambda hears of
/// every record in time.
#[tokio::test(start_paused = true)]
async fn a_queue_that_hangs_does_not_outlast_the_function() {
    let world = World::with_queue_that_takes(Duration::from_hours(1));
    let flows = world.flows(3, "ok").await;
    let event = world::event(&flows);
    let ids = message_ids(&event);
    let began = tokio::time::Instant::now();
    let little = Duration::from_secs(10);
    let response = world.worker(2).handle(event, little).await;
    assert!(began.elapsed() < little, "{:?}", began.elapsed());
    assert_eq!(failed(&response), ids);
}

/// What waits behind one that hangs is sent again when it can't be started any more, not when the
/// time is over.
#[tokio::test(start_paused = true)]
async fn what_waits_behind_one_that_hangs_is_sent_again_in_time() {
    let world = World::with_queue_that_takes(Duration::from_secs(1));
    let mut flows = world.flows(1, "hang").await;
    flows.extend(world.flows(9, "ok").await);
    let event = world::event(&flows);
    let ids = message_ids(&event);
    let began = tokio::time::Instant::now();
    let response = world.worker(1).handle(event, PLENTY).await;
    assert!(began.elapsed() < PLENTY, "{:?}", began.elapsed());
    assert_eq!(failed(&response), [ids[0].as_str()]);
    assert_eq!(world.waiting().await.len(), 9);
}

/// A flow that was begun has the time that an attempt may take: none is cut off in the middle of a
/// call that somebody charges for.
#[tokio::test(start_paused = true)]
async fn no_attempt_that_keeps_to_its_limits_is_cut_off() {
    let world = World::new();
    let flows = world.flows(4, "slow").await;
    let response = world.worker(1).handle(world::event(&flows), PLENTY).await;
    assert_eq!(failed(&response), [""; 0]);
    let mut pending = Vec::new();
    for flow in &flows {
        match world.state(flow).await {
            FlowState::Completed => {}
            FlowState::Pending => pending.push(sent_on(flow)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.waiting().await, pending);
}

/// The function may be frozen once it has answered. One write for all that it did.
#[tokio::test(start_paused = true)]
async fn what_it_did_is_counted_before_it_answers() {
    let world = World::new();
    let flows = world.flows(3, "ok").await;
    world.worker(3).handle(world::event(&flows), PLENTY).await;
    let since = ActivityInterval::numbered(0);
    let counted = world.activity.activity(&flows[0].tenant, since).await;
    let [(_, activity)] = counted.unwrap()[..] else {
        panic!("all of it happened within a moment");
    };
    let expected = Activity {
        completed: 3,
        ..Activity::default()
    };
    assert_eq!((activity, world.activity.writes()), (expected, 1));
}

#[tokio::test(start_paused = true)]
async fn flows_do_not_fail_where_they_are_not_counted() {
    let world = World::without_activity_log();
    let flows = world.flows(2, "ok").await;
    let response = world.worker(2).handle(world::event(&flows), PLENTY).await;
    assert!(failed(&response).is_empty());
    for flow in &flows {
        assert_eq!(world.state(flow).await, FlowState::Completed);
    }
}

/// Its slot has come, and its claim could be in the write that announces its call: whom it stops before, nobody would
/// know.
#[tokio::test(start_paused = true)]
async fn what_comes_again_is_claimed_before_anything_is_done_for_it() {
    let world = World::new();
    let worker = world.paid_worker("rate=1/min");
    let mut flows = world.flows(1, "ok").await;
    flows.extend(world.flows(1, "panic").await);
    worker.handle(world::event(&flows), PLENTY).await;
    let waits = world.row(&flows[1]).await;
    let Status::Pending {
        not_before: Some(slot),
        ..
    } = waits.status
    else {
        panic!("{waits:?}");
    };
    let rest = slot.duration_since(world.clock.now());
    tokio::time::sleep(rest.try_into().unwrap()).await;
    let again = world::again(world::event(&[waits]));
    worker.handle(again, PLENTY).await;
    assert_eq!(world.state(&flows[1]).await, FlowState::Running);
}
