//! What the janitor does when it is woken.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::faults::Faults;
use assetmill_contract::memory::{
    MemoryActivityLog, MemoryBus, MemoryFlows, MemoryQueue, RuntimeClock,
};
use assetmill_contract::samples;
use assetmill_core::ports::{
    ActivityReads as _, FlowChanges as _, FlowDeliveries as _, FlowReads as _, FlowWrites,
    Outbox as _, WebhookSender, Webhooks as _,
};
use assetmill_core::usecases::{
    AnnounceAgain, Announcer, DeliverWebhooks, FailDeadLetter, ManageWebhooks, Meter, Submit, Sweep,
};
use assetmill_core::{
    ActivityInterval, Batch, Counts, DeliveryState, Flow, FlowState, Signed, Status, WebhookAnswer,
    WebhookDelivery, WebhookEvent, WebhookUrl,
};
use assetmill_janitor_function::{Done, Event, Janitor};
use async_trait::async_trait;
use serde_json::{Value, json};

const SCHEDULE: &str = include_str!("../../../events/janitor-schedule.json");
const DEAD_LETTERS: &str = include_str!("../../../events/janitor-dead-letters.json");

struct World {
    flows: Arc<MemoryFlows>,
    queue: Arc<MemoryQueue>,
    activity: Arc<MemoryActivityLog>,
    janitor: Janitor,
}

impl World {
    fn new() -> Self {
        let flows = Arc::new(MemoryFlows::default());
        Self::on(flows.clone(), flows)
    }

    fn without_rows() -> Self {
        let flows = Arc::new(MemoryFlows::default());
        let rows: Arc<dyn FlowWrites> = flows.clone();
        Self::on(flows, Faults::always().around(rows))
    }

    fn on(flows: Arc<MemoryFlows>, rows: Arc<dyn FlowWrites>) -> Self {
        let clock = Arc::new(RuntimeClock::default());
        let queue = Arc::new(MemoryQueue::new(clock.clone(), Duration::from_mins(18), 5));
        let activity = Arc::new(MemoryActivityLog::default());
        let meter = Meter::new(activity.clone(), clock.clone());
        let rows = meter.around(rows);
        let submit = Submit {
            flows: rows.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
        };
        let deliver_webhooks = DeliverWebhooks {
            webhooks: flows.webhooks(),
            sender: Arc::new(Accepts),
            clock: clock.clone(),
        };
        let janitor = Janitor {
            deliver_webhooks,
            announce_again: None,
            sweep: Sweep {
                submit,
                grace: Duration::ZERO,
            },
            fail_dead_letter: FailDeadLetter { flows: rows, clock },
            meter,
        };
        Self {
            flows,
            queue,
            activity,
            janitor,
        }
    }

    async fn batch(&self, size: u32) -> (Batch, Vec<Flow>) {
        let (mut batch, flows) = samples::batch(size);
        batch.created_at = self.janitor.fail_dead_letter.clock.now();
        self.flows.put_flows(&flows).await.unwrap();
        self.flows.put_batch(&batch).await.unwrap();
        (batch, flows)
    }

    async fn read(&self, flow: &Flow) -> Flow {
        let read = self.flows.flows(&flow.tenant, &[flow.id]).await.unwrap();
        read[0].clone().unwrap()
    }

    /// The message ids that were reported after these bodies.
    async fn failed(&self, bodies: &[String]) -> Vec<String> {
        match self.janitor.handle(dead_letters(bodies)).await.unwrap() {
            Done::DeadLetters(response) => response
                .batch_item_failures
                .into_iter()
                .map(|failure| failure.item_identifier)
                .collect(),
            Done::Swept { .. } => panic!("dead letters are no schedule"),
        }
    }
}

/// An endpoint that takes everything.
struct Accepts;

#[async_trait]
impl WebhookSender for Accepts {
    async fn send(&self, _: &WebhookUrl, _: Signed) -> Result<WebhookAnswer, String> {
        Ok(WebhookAnswer {
            status: 200,
            ..WebhookAnswer::default()
        })
    }
}

fn event(text: &str) -> Event {
    serde_json::from_str(text).unwrap()
}

/// Dead letters with these bodies, called `letter-0` and so on.
fn dead_letters(bodies: &[String]) -> Event {
    let mut event: Value = serde_json::from_str(DEAD_LETTERS).unwrap();
    let record = event["Records"][0].clone();
    let records = bodies.iter().enumerate().map(|(index, body)| {
        let mut record = record.clone();
        record["messageId"] = json!(format!("letter-{index}"));
        record["body"] = json!(body);
        record
    });
    event["Records"] = records.collect();
    serde_json::from_value(event).unwrap()
}

fn body(flow: &Flow) -> String {
    serde_json::to_string(&flow.message()).unwrap()
}

/// A newer version sent it: it stays where somebody sees it, until that version asks for it again.
#[tokio::test(start_paused = true)]
async fn a_dead_letter_of_another_version_is_not_thrown_away() {
    let world = World::new();
    let foreign = r#"{"task": "deliver_webhook", "url": "https://example.com/hook"}"#;
    let garbage = "garbage";
    let reported = world
        .failed(&[foreign.to_owned(), garbage.to_owned()])
        .await;
    assert_eq!(reported, ["letter-0"]);
}

#[tokio::test(start_paused = true)]
async fn on_schedule_flows_that_rest_are_woken_when_they_are_due() {
    let world = World::new();
    let (batch, flows) = world.batch(2).await;
    let now = world.janitor.fail_dead_letter.clock.now();
    world.flows.mark_dispatched(batch.id, now).await.unwrap();
    let (soon, late) = (now + Duration::from_secs(30), now + Duration::from_mins(9));
    world.flows.rest(flows[0].id, soon).await.unwrap();
    world.flows.rest(flows[1].id, late).await.unwrap();
    tokio::time::advance(Duration::from_mins(1)).await;
    let done = world.janitor.handle(event(SCHEDULE)).await.unwrap();
    assert!(
        matches!(
            done,
            Done::Swept {
                batches: 0,
                flows: 1,
                completions: 0,
                webhooks: 0,
                announcements: 0,
            }
        ),
        "{done:?}"
    );
    assert_eq!(world.read(&flows[0]).await.due_at, None);
    assert_eq!(world.read(&flows[1]).await.due_at, Some(late));
}

#[tokio::test(start_paused = true)]
async fn on_schedule_what_follows_from_a_completion_is_done() {
    let world = World::new();
    let (batch, _) = world.batch(1).await;
    let now = world.janitor.fail_dead_letter.clock.now();
    world.flows.mark_completed(batch.id, now).await.unwrap();
    tokio::time::advance(Duration::from_mins(2)).await;
    for found in [1, 0] {
        let done = world.janitor.handle(event(SCHEDULE)).await.unwrap();
        assert!(
            matches!(done, Done::Swept { completions, .. } if completions == found),
            "{done:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn on_schedule_endpoints_are_told_what_followed() {
    let world = World::new();
    let (batch, _) = world.batch(1).await;
    let webhooks = world.flows.webhooks();
    let manage = ManageWebhooks {
        webhooks: webhooks.clone(),
        clock: world.janitor.fail_dead_letter.clock.clone(),
        announcer: None,
    };
    let url = "https://example.com/hook".parse().unwrap();
    let events = [WebhookEvent::BatchCompleted].into();
    let made = manage.register(&batch.tenant, url, events).await.unwrap();
    let now = world.janitor.fail_dead_letter.clock.now();
    world.flows.mark_completed(batch.id, now).await.unwrap();
    tokio::time::advance(Duration::from_mins(2)).await;
    let mut told = 0;
    for _ in 0..2 {
        let done = world.janitor.handle(event(SCHEDULE)).await.unwrap();
        let Done::Swept { webhooks, .. } = done else {
            panic!("a schedule is no dead letter");
        };
        told += webhooks;
    }
    assert_eq!(told, 1);
    let log = webhooks.deliveries(&batch.tenant, made.id, None, 10).await;
    assert!(matches!(
        log.unwrap()[..],
        [WebhookDelivery {
            state: DeliveryState::Delivered { .. },
            ..
        }]
    ));
}

#[tokio::test(start_paused = true)]
async fn on_schedule_the_bus_is_told_what_it_had_not_taken() {
    let mut world = World::new();
    let bus = Arc::new(MemoryBus::default());
    let clock = world.janitor.fail_dead_letter.clock.clone();
    world.janitor.announce_again = Some(AnnounceAgain {
        webhooks: world.flows.webhooks(),
        announcer: Announcer::new(bus.clone()),
        clock: clock.clone(),
    });
    let (mut batch, _) = samples::batch(1);
    batch.completed_at = Some(clock.now());
    let event = WebhookDelivery::announces_completion(&batch, Counts::default());
    let noted = world.flows.put_deliveries(std::slice::from_ref(&event));
    noted.await.unwrap();
    for told in [1, 0] {
        let done = world.janitor.handle(self::event(SCHEDULE)).await.unwrap();
        assert!(
            matches!(done, Done::Swept { announcements, webhooks: 0, .. } if announcements == told),
            "{done:?}"
        );
    }
    assert_eq!(bus.every_event(), [event]);
}

#[tokio::test(start_paused = true)]
async fn on_schedule_what_was_half_sent_is_sent_again() {
    let world = World::new();
    let (batch, flows) = world.batch(3).await;
    // Half sent is what began earlier.
    tokio::time::advance(Duration::from_secs(1)).await;
    let done = world.janitor.handle(event(SCHEDULE)).await.unwrap();
    assert!(matches!(done, Done::Swept { batches: 1, .. }), "{done:?}");
    let received = world
        .queue
        .receive(10, Duration::from_secs(1))
        .await
        .unwrap();
    let sent: Vec<_> = received
        .into_iter()
        .map(|delivery| delivery.message)
        .collect();
    assert_eq!(sent, flows.iter().map(Flow::message).collect::<Vec<_>>());
    let read = world.flows.batch(&batch.tenant, batch.id).await.unwrap();
    assert!(read.unwrap().dispatched_at.is_some());
    let done = world.janitor.handle(event(SCHEDULE)).await.unwrap();
    assert!(matches!(done, Done::Swept { batches: 0, .. }), "{done:?}");
}

#[tokio::test]
async fn a_dead_letter_ends_its_flow_as_failed() {
    let world = World::new();
    let (batch, flows) = world.batch(1).await;
    assert_eq!(world.failed(&[body(&flows[0])]).await, [""; 0]);
    let flow = world.read(&flows[0]).await;
    assert!(
        matches!(&flow.status, Status::Failed { failure, .. } if failure.code.as_str() == "worker_crashed"),
        "{:?}",
        flow.status
    );
    let batch = world.flows.batch(&batch.tenant, batch.id).await.unwrap();
    assert!(batch.unwrap().completed_at.is_some());
    // SQS delivers at least once.
    assert_eq!(world.failed(&[body(&flows[0])]).await, [""; 0]);
    assert_eq!(world.read(&flows[0]).await, flow);
}

/// The function may be frozen once it has answered.
#[tokio::test]
async fn a_dead_letter_is_counted_once() {
    let world = World::new();
    let (_, flows) = world.batch(1).await;
    for _ in 0..2 {
        assert_eq!(world.failed(&[body(&flows[0])]).await, [""; 0]);
    }
    let since = ActivityInterval::numbered(0);
    let counted = world.activity.activity(&flows[0].tenant, since).await;
    let failed: u64 = counted.unwrap().iter().map(|(_, of)| of.failed).sum();
    assert_eq!(failed, 1);
}

#[tokio::test]
async fn a_dead_letter_of_no_flow_is_done_with() {
    let world = World::new();
    let (_, unknown) = samples::batch(1);
    let bodies = [body(&unknown[0]), "nonsense".to_owned(), String::new()];
    assert_eq!(world.failed(&bodies).await, [""; 0]);
}

#[tokio::test]
async fn one_dead_letter_keeps_no_other_from_being_settled() {
    let world = World::new();
    let (_, flows) = world.batch(1).await;
    let bodies = ["{}".to_owned(), body(&flows[0])];
    assert_eq!(world.failed(&bodies).await, [""; 0]);
    assert_eq!(world.read(&flows[0]).await.state(), FlowState::Failed);
}

#[tokio::test]
async fn without_rows_dead_letters_come_again() {
    let world = World::without_rows();
    let (_, flows) = world.batch(1).await;
    assert_eq!(world.failed(&[body(&flows[0])]).await, ["letter-0"]);
    assert!(world.janitor.handle(event(SCHEDULE)).await.is_err());
}

#[test]
fn an_event_of_another_kind_is_refused() {
    let api = include_str!("../../../events/api-about.json");
    let s3 = r#"{"Records": [{"eventSource": "aws:s3", "s3": {}}]}"#;
    let other = SCHEDULE.replace("Scheduled Event", "Object Created");
    for text in [api, "{}", "[]", "7", r#"{"Records": 5}"#, s3, &other] {
        let error = serde_json::from_str::<Event>(text).unwrap_err().to_string();
        assert!(error.contains("neither"), "{error}");
    }
}
