//! Flows that wait without a message, until somebody who looks sends one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_core::ports::{
    FlowChanges as _, FlowQueue, FlowWrites, Outgoing, SystemClock, Unavailable,
};
use assetmill_core::usecases::{Submit, Sweep};
use assetmill_core::{
    CallEnd, Cancellation, Claim, Fenced, Flow, FlowId, FlowMessage, FlowState, Settlement,
};
use async_trait::async_trait;
use jiff::Timestamp;

use super::claims::{claimed, read};
use super::flows::put;
use super::{Adapters, cases};
use crate::samples::{at, output};

cases! { "resting":
    a_flow_that_rests_is_due_at_its_time,
    the_earliest_are_due_first,
    a_flow_that_was_woken_is_due_no_more,
    a_flow_that_rests_anew_is_not_woken_by_what_was_sent_before,
    a_flow_that_is_claimed_is_due_no_more,
    a_flow_that_runs_may_be_due_at_the_end_of_its_lease,
    a_settled_flow_does_not_rest,
    a_flow_that_is_cancelled_while_it_rests_is_found_to_be_counted,
    a_flow_that_is_cancelled_while_it_is_woken_stays_cancelled,
}

async fn due(on: &Adapters, now: Timestamp) -> Vec<FlowId> {
    let due = on.flows.due(now, 10).await.unwrap();
    due.iter().map(|flow| flow.id).collect()
}

async fn a_flow_that_rests_is_due_at_its_time(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 2).await;
    let id = rows[0].id;
    assert_eq!(due(&on, at(1_000)).await, []);
    assert!(on.flows.rest(id, at(60)).await.unwrap());
    assert_eq!(due(&on, at(59)).await, []);
    assert_eq!(due(&on, at(60)).await, [id]);
    assert_eq!(read(&*on.flows, id).await.due_at, Some(at(60)));
}

async fn the_earliest_are_due_first(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 5).await;
    for (flow, minutes) in rows.iter().zip([4, 1, 3, 5, 2]) {
        on.flows.rest(flow.id, at(60 * minutes)).await.unwrap();
    }
    let first = on.flows.due(at(1_000), 3).await.unwrap();
    let ids: Vec<_> = first.iter().map(|flow| flow.id).collect();
    assert_eq!(ids, [rows[1].id, rows[4].id, rows[2].id]);
}

async fn a_flow_that_was_woken_is_due_no_more(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    on.flows.rest(rows[0].id, at(60)).await.unwrap();
    on.flows.wake(rows[0].id, at(60)).await.unwrap();
    assert_eq!(due(&on, at(1_000)).await, []);
    let expected = Flow {
        revision: rows[0].revision + 2,
        ..rows[0].clone()
    };
    assert_eq!(read(&*on.flows, rows[0].id).await, expected);
}

async fn a_flow_that_rests_anew_is_not_woken_by_what_was_sent_before(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    on.flows.rest(rows[0].id, at(60)).await.unwrap();
    on.flows.rest(rows[0].id, at(90)).await.unwrap();
    on.flows.wake(rows[0].id, at(60)).await.unwrap();
    assert_eq!(due(&on, at(1_000)).await, [rows[0].id]);
}

async fn a_flow_that_is_claimed_is_due_no_more(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    on.flows.rest(rows[0].id, at(5)).await.unwrap();
    claimed(&*on.flows, rows[0].id).await;
    assert_eq!(due(&on, at(1_000)).await, []);
}

async fn a_flow_that_runs_may_be_due_at_the_end_of_its_lease(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    assert!(on.flows.rest(flow.id, at(100)).await.unwrap());
    assert_eq!(due(&on, at(100)).await, [flow.id]);
    // Whoever holds it still does.
    let begun = on
        .flows
        .begin_call(flow.id, flow.fence, Vec::new())
        .await
        .unwrap();
    assert_eq!(begun, Fenced::Done);
}

async fn a_settled_flow_does_not_rest(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    let flow = claimed(&*on.flows, rows[0].id).await;
    on.flows.rest(flow.id, at(60)).await.unwrap();
    let settlement = Settlement::Completed(output(b"made"));
    let call = CallEnd::NoCall;
    let settled = on
        .flows
        .settle(flow.id, flow.fence, settlement, call, at(20));
    settled.await.unwrap();
    assert!(!on.flows.rest(flow.id, at(60)).await.unwrap());
    assert!(!on.flows.rest(FlowId::generate(), at(60)).await.unwrap());
    assert_eq!(due(&on, at(1_000)).await, []);
}

/// It has no message that would lead to it if whoever cancelled it crashed before it was counted.
async fn a_flow_that_is_cancelled_while_it_rests_is_found_to_be_counted(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 2).await;
    let tenant = rows[0].tenant.clone();
    on.flows.rest(rows[0].id, at(600)).await.unwrap();
    for flow in &rows {
        on.flows.cancel(&tenant, flow.id, at(20)).await.unwrap();
    }
    assert_eq!(due(&on, at(30)).await, [rows[0].id]);
    let found = read(&*on.flows, rows[0].id).await;
    assert_eq!(found.state(), FlowState::Cancelled);
    let due_at = found.due_at.unwrap();
    on.flows.wake(rows[0].id, due_at).await.unwrap();
    assert_eq!(due(&on, at(1_000)).await, []);
}

const A_DAY: i64 = 24 * 3_600;

/// A queue that keeps its messages, and whose sender is overtaken by a caller who cancels what they are for.
struct Overtaken {
    flows: Arc<dyn FlowWrites>,
    sent: Mutex<Vec<FlowMessage>>,
}

#[async_trait]
impl FlowQueue for Overtaken {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        for Outgoing { message, .. } in messages {
            let (tenant, id) = (&message.tenant, message.flow_id);
            // Later than the suite takes: what is due by the clock of the sweep is sent again.
            let cancelled = self.flows.cancel(tenant, id, at(A_DAY)).await?;
            assert!(matches!(cancelled, Cancellation::Cancelled(_)));
            self.sent.lock().unwrap().push(message.clone());
        }
        Ok(())
    }
}

async fn a_flow_that_is_cancelled_while_it_is_woken_stays_cancelled(on: Arc<Adapters>) {
    let (_, rows) = put(&*on.flows, 1).await;
    on.flows.rest(&rows[0], at(0)).await.unwrap();
    let queue = Arc::new(Overtaken {
        flows: on.flows.clone(),
        sent: Mutex::default(),
    });
    let sweep = Sweep {
        submit: Submit {
            flows: on.flows.clone(),
            queue: queue.clone(),
            clock: Arc::new(SystemClock),
        },
        grace: Duration::from_hours(1),
    };
    assert_eq!(sweep.run().await.unwrap().flows, 1);
    let sent = std::mem::take(&mut *queue.sent.lock().unwrap());
    let [message] = &sent[..] else {
        panic!("not one message: {sent:?}");
    };
    let claim = on
        .flows
        .claim(message.flow_ref(), at(A_DAY + 10), at(A_DAY + 20))
        .await;
    assert!(
        matches!(claim, Ok(Claim::Settled(_))),
        "taken up though it is cancelled: {claim:?}"
    );
    let kept = read(&*on.flows, rows[0].id).await;
    assert_eq!(kept.state(), FlowState::Cancelled);
    assert_eq!(
        due(&on, at(A_DAY + 1_000)).await,
        [kept.id],
        "to be counted"
    );
}
