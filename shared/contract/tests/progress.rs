//! Endpoints that ask for it are told how far a batch is: seldom, and once, however many processes work on it.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::memory::{MemoryActivityLog, MemoryFlows, RuntimeClock};
use assetmill_contract::samples;
use assetmill_core::ports::{Clock as _, FlowWrites, Rule};
use assetmill_core::usecases::Meter;
use assetmill_core::{CallEnd, Failure, Flow, Settlement, WebhookDelivery, WebhookId};
use serde_json::Value;

const FLOWS: u32 = 100;

fn fails(clock: &RuntimeClock) -> Rule {
    let now = clock.now();
    Arc::new(move |row: &mut Flow| {
        row.claim(now, now + Duration::from_mins(1));
        let settlement = Settlement::Failed(Failure::worker_crashed());
        row.settle(row.fence, settlement, CallEnd::NoCall.into(), now);
    })
}

fn payload(delivery: &WebhookDelivery) -> Value {
    serde_json::from_str(&delivery.payload).unwrap()
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_twice_a_second_at_the_most_and_no_more_once_it_is_complete() {
    let rows = Arc::new(MemoryFlows::default());
    let clock = Arc::new(RuntimeClock::default());
    let process = || {
        let meter = Meter::new(Arc::new(MemoryActivityLog::default()), clock.clone());
        meter.around(rows.clone())
    };
    let processes: [Arc<dyn FlowWrites>; 3] = [process(), process(), process()];
    let (batch, mut flows) = samples::batch(FLOWS);
    let told = WebhookId::generate();
    for flow in &mut flows {
        flow.tells_progress = vec![told];
    }
    rows.put_flows(&flows).await.unwrap();
    rows.put_batch(&batch).await.unwrap();
    let settle = async |place: usize| {
        let process = &processes[place % 3];
        let settled = process.change_and_count(None, flows[place].id.into(), fails(&clock));
        settled.await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_millis(130)).await;
    };
    for place in 0..FLOWS as usize - 1 {
        settle(place).await;
    }
    // What settled last is told of though nothing settles after it.
    tokio::time::sleep(Duration::from_secs(10)).await;
    let noted = rows.webhooks().every_delivery();
    assert!(noted.len() > 5, "{}", noted.len());
    let mut in_second = HashMap::<_, usize>::new();
    let mut failed = Vec::new();
    for delivery in &noted {
        assert_eq!(delivery.webhook_id, told);
        *in_second
            .entry(delivery.created_at.as_second())
            .or_default() += 1;
        let data = payload(delivery)["data"].clone();
        assert_eq!(data["batch_id"], batch.id.to_string());
        assert_eq!(data["status"], "RUNNING");
        failed.push(data["counts"]["failed"].as_u64().unwrap());
    }
    assert!(in_second.values().all(|times| *times <= 2), "{in_second:?}");
    assert_eq!(failed.iter().max(), Some(&u64::from(FLOWS - 1)));

    settle(FLOWS as usize - 1).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(rows.webhooks().every_delivery().len(), noted.len());
}

/// What nobody asks for costs nothing.
#[tokio::test(start_paused = true)]
async fn where_nobody_asks_nothing_is_noted() {
    let rows = Arc::new(MemoryFlows::default());
    let clock = Arc::new(RuntimeClock::default());
    let meter = Meter::new(Arc::new(MemoryActivityLog::default()), clock.clone());
    let (batch, flows) = samples::batch(2);
    rows.put_flows(&flows).await.unwrap();
    rows.put_batch(&batch).await.unwrap();
    let process = meter.around(rows.clone());
    let settled = process.change_and_count(None, flows[0].id.into(), fails(&clock));
    settled.await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(rows.webhooks().every_delivery(), []);
}
