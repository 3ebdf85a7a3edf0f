//! Ten thousand settled flows, an endpoint that fails, hangs, redirects and recovers by turns, and a process of ours that
//! dies again and again: each event is told at least once, or is in the log as given up.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{HashMap, HashSet};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_contract::faults::{Fault, Faults};
use assetmill_contract::memory::{MemoryFlows, MemoryQueue, MemoryWebhooks, RuntimeClock};
use assetmill_contract::samples;
use assetmill_core::ports::{Clock as _, FlowWrites as _, WebhookSender};
use assetmill_core::usecases::{DeliverWebhooks, FailDeadLetter, Submit, Sweep};
use assetmill_core::{
    DeliveryId, DeliveryState, Flow, FlowMessage, Signed, Webhook, WebhookAnswer, WebhookEvent,
    WebhookUrl,
};
use async_trait::async_trait;
use tokio::time::Instant;

const FLOWS: u32 = 10_000;
/// One in so many is never taken.
const REFUSED: u128 = 50;

/// What an endpoint took, and how often it was asked.
#[derive(Default)]
struct Endpoint {
    taken: Mutex<HashMap<DeliveryId, usize>>,
    asked: Mutex<usize>,
}

fn is_settled(flow: &Flow) -> bool {
    flow.state().is_settled()
}

fn is_refused(id: DeliveryId) -> bool {
    let hexadecimal = id.to_string().replace('-', "");
    let number = u128::from_str_radix(&hexadecimal, 16).unwrap();
    number.is_multiple_of(REFUSED)
}

#[async_trait]
impl WebhookSender for Endpoint {
    async fn send(&self, _: &WebhookUrl, signed: Signed) -> Result<WebhookAnswer, String> {
        let asked = {
            let mut asked = self.asked.lock().unwrap();
            *asked += 1;
            *asked
        };
        let status = match asked / 100 % 6 {
            0 => 500,
            1 => 302,
            // Never answers, and some of what it took it answers as if it had not.
            2 if asked.is_multiple_of(50) => {
                tokio::time::sleep(Duration::from_secs(15)).await;
                return Err("no answer within 15 seconds".to_owned());
            }
            2 if asked % 50 == 1 => pending().await,
            _ if is_refused(signed.id) => 503,
            3 => {
                *self.taken.lock().unwrap().entry(signed.id).or_default() += 1;
                500
            }
            _ => {
                *self.taken.lock().unwrap().entry(signed.id).or_default() += 1;
                204
            }
        };
        Ok(WebhookAnswer {
            status,
            ..WebhookAnswer::default()
        })
    }
}

/// A process that settles what it is told to, and dies at a call. What it did not acknowledge comes again.
async fn settle(
    flows: &Arc<MemoryFlows>,
    clock: &Arc<RuntimeClock>,
    letters: &mut Vec<FlowMessage>,
    call: usize,
) {
    let faults = Faults::at(call, Fault::StopAfter);
    let handler = FailDeadLetter {
        flows: faults.around(flows.clone()),
        clock: clock.clone(),
    };
    let work = async {
        while let Some(letter) = letters.last() {
            handler.handle(letter).await.unwrap();
            letters.pop();
        }
    };
    // It may die.
    let _ = faults.run(work).await;
    let sweep = Sweep {
        submit: Submit {
            flows: flows.clone(),
            queue: Arc::new(MemoryQueue::new(clock.clone(), Duration::from_mins(1), 5)),
            clock: clock.clone(),
        },
        grace: Duration::ZERO,
    };
    sweep.run().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn every_event_is_told_at_least_once_or_is_in_the_log_as_given_up() {
    let webhook = Webhook {
        events: WebhookEvent::ALL.into(),
        ..samples::webhook(samples::tenant())
    };
    let flows = Arc::new(MemoryFlows::told_to(MemoryWebhooks::with(webhook.clone())));
    let clock = Arc::new(RuntimeClock::default());
    let (batch, mut rows) = samples::batch(FLOWS);
    for flow in &mut rows {
        flow.tells = vec![webhook.id];
    }
    flows.put_flows(&rows).await.unwrap();
    flows.put_batch(&batch).await.unwrap();

    flows.mark_dispatched(batch.id, clock.now()).await.unwrap();
    let mut letters: Vec<_> = rows.iter().map(Flow::message).collect();

    let endpoint = Arc::new(Endpoint::default());
    let mut rounds = 0;
    loop {
        rounds += 1;
        assert!(rounds < 2_000, "it does not end");
        tokio::time::advance(Duration::from_secs(1)).await;
        settle(&flows, &clock, &mut letters, 1_500 + rounds).await;
        let faults = Faults::at(50 * rounds, Fault::ALL[rounds % 4]);
        let deliver = DeliverWebhooks {
            webhooks: faults.around(flows.webhooks()),
            sender: endpoint.clone(),
            clock: clock.clone(),
        };
        let until = Instant::now() + Duration::from_mins(1);
        let run = faults.run(deliver.run(until));
        // What never answers ends with its process.
        let _ = tokio::time::timeout(Duration::from_mins(2), run).await;
        tokio::time::advance(Duration::from_hours(1)).await;
        let log = flows.webhooks().every_delivery();
        if letters.is_empty() && log.iter().all(|delivery| delivery.due_at().is_none()) {
            break;
        }
    }
    assert!(flows.every_flow().iter().all(is_settled));

    let mut told = HashSet::new();
    let mut completions = 0;
    let taken = endpoint.taken.lock().unwrap().clone();
    let mut given_up = 0;
    for delivery in flows.webhooks().every_delivery() {
        match delivery.state {
            DeliveryState::Delivered { .. } => assert!(taken.contains_key(&delivery.id)),
            DeliveryState::GivenUp { .. } => {
                given_up += 1;
                assert!(delivery.tries >= 10 && !delivery.attempts.is_empty());
            }
            DeliveryState::Pending { .. } => panic!("{delivery:?}"),
        }
        if delivery.event == WebhookEvent::BatchCompleted {
            completions += 1;
        } else {
            let payload: serde_json::Value = serde_json::from_str(&delivery.payload).unwrap();
            told.insert(payload["data"]["flow_id"].as_str().unwrap().to_owned());
        }
    }
    // Every one of them, and some in vain.
    let settled: HashSet<_> = rows.iter().map(|flow| flow.id.to_string()).collect();
    assert_eq!((told, completions), (settled, 1));
    assert!((1..FLOWS / 10).contains(&given_up), "{given_up} given up");
    assert!(taken.values().any(|times| *times > 1));
}
