//! What the bus of a deployment is told, and what comes of what it does not take.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use assetmill_contract::memory::{
    MemoryActivityLog, MemoryBus, MemoryFlows, MemoryWebhooks, RuntimeClock,
};
use assetmill_contract::samples;
use assetmill_core::ports::{Clock as _, FlowReads as _, FlowWrites, Probe as _, Rule};
use assetmill_core::usecases::{AnnounceAgain, Announcer, FailDeadLetter, ManageWebhooks, Meter};
use assetmill_core::{
    Batch, CallEnd, DeliveryState, Failure, Flow, Settlement, Webhook, WebhookDelivery,
    WebhookEvent, WebhookId,
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A deployment with a bus that is up and down, and an endpoint that wants to hear the same.
struct World {
    rows: Arc<MemoryFlows>,
    clock: Arc<RuntimeClock>,
    bus: Arc<MemoryBus>,
    up: Arc<AtomicBool>,
    announcer: Announcer,
    flows: Arc<dyn FlowWrites>,
}

impl World {
    fn new(webhook: Option<Webhook>) -> Self {
        let webhooks = webhook.map_or_else(MemoryWebhooks::default, MemoryWebhooks::with);
        let rows = Arc::new(MemoryFlows::told_to(webhooks));
        let clock = Arc::new(RuntimeClock::default());
        let up = Arc::new(AtomicBool::new(true));
        let is_up = up.clone();
        let bus = Arc::new(MemoryBus::that_takes(move |event| {
            is_up.load(Ordering::SeqCst) && event.tenant.as_str() != "refused"
        }));
        let announcer = Announcer::new(bus.clone());
        let meter = Meter::new(Arc::new(MemoryActivityLog::default()), clock.clone());
        let flows = meter.around(announcer.around(rows.clone()));
        Self {
            rows,
            clock,
            bus,
            up,
            announcer,
            flows,
        }
    }

    fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::SeqCst);
    }

    /// A batch that is under way, with flows that tell these endpoints.
    async fn batch(&self, tenant: &str, size: u32, tells: &[WebhookId]) -> (Batch, Vec<Flow>) {
        let (mut batch, mut flows) = samples::batch(size);
        batch.tenant = tenant.parse().unwrap();
        for flow in &mut flows {
            flow.tenant = batch.tenant.clone();
            flow.tells = tells.to_vec();
            flow.tells_progress = tells.to_vec();
        }
        self.rows.put_flows(&flows).await.unwrap();
        self.rows.put_batch(&batch).await.unwrap();
        let now = self.clock.now();
        self.rows.mark_dispatched(batch.id, now).await.unwrap();
        (batch, flows)
    }

    /// Ends a flow as a worker does, and all that follows from it.
    async fn settle(&self, flow: &Flow) {
        let letters = FailDeadLetter {
            flows: self.flows.clone(),
            clock: self.clock.clone(),
        };
        letters.handle(&flow.message()).await.unwrap();
    }

    async fn announce_again(&self) -> usize {
        let again = AnnounceAgain {
            webhooks: self.rows.webhooks(),
            announcer: self.announcer.clone(),
            clock: self.clock.clone(),
        };
        let until = Instant::now() + Duration::from_mins(1);
        again.run(until).await.unwrap()
    }

    /// What has a row, of endpoints and of the bus.
    fn noted(&self) -> (Vec<WebhookDelivery>, Vec<WebhookDelivery>) {
        let noted = self.rows.webhooks().every_delivery().into_iter();
        noted.partition(|delivery| delivery.webhook_id != WebhookId::BUS)
    }

    /// What the bus has of these.
    fn told(&self, event: WebhookEvent) -> Vec<WebhookDelivery> {
        let mut told = self.bus.every_event();
        told.retain(|it| it.event == event);
        told
    }
}

fn payload(delivery: &WebhookDelivery) -> Value {
    serde_json::from_str(&delivery.payload).unwrap()
}

fn wants_all() -> Webhook {
    Webhook {
        events: WebhookEvent::ALL.into(),
        ..samples::webhook(samples::tenant())
    }
}

#[tokio::test(start_paused = true)]
async fn the_bus_is_told_at_once_what_endpoints_are_told_and_whose_it_is() {
    let webhook = wants_all();
    let world = World::new(Some(webhook.clone()));
    let tenant = samples::tenant();
    let (_, flows) = world.batch(tenant.as_str(), 2, &[webhook.id]).await;
    world.settle(&flows[0]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    world.settle(&flows[1]).await;
    let (to_endpoint, to_bus) = world.noted();
    assert_eq!(to_bus, [], "what the bus took needs no row");
    for event in [
        WebhookEvent::FlowSettled,
        WebhookEvent::BatchProgress,
        WebhookEvent::BatchCompleted,
    ] {
        let told = world.told(event);
        let heard: Vec<_> = to_endpoint.iter().filter(|it| it.event == event).collect();
        assert!(!told.is_empty(), "{event:?}");
        assert_eq!(told.len(), heard.len(), "{event:?}");
        for told in &told {
            let mut told_payload = payload(told);
            let envelope = told_payload.as_object_mut().unwrap();
            assert_eq!(envelope.remove("id"), Some(json!(told.id.to_string())));
            assert_eq!(envelope.remove("tenant"), Some(json!(tenant.as_str())));
            assert!(heard.iter().any(|heard| payload(heard) == told_payload));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_bus_is_told_of_what_nobody_else_asks_for() {
    let world = World::new(None);
    let (_, flows) = world.batch("acme", 1, &[]).await;
    world.settle(&flows[0]).await;
    assert_eq!(world.bus.calls().len(), 2, "one for each");
    let told: Vec<_> = world.bus.every_event().iter().map(|it| it.event).collect();
    assert_eq!(
        told,
        [WebhookEvent::FlowSettled, WebhookEvent::BatchCompleted]
    );
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_down_keeps_nothing_from_being_done_and_is_told_later() {
    let webhook = wants_all();
    let world = World::new(Some(webhook.clone()));
    world.set_up(false);
    let tenant = samples::tenant();
    let (batch, flows) = world.batch(tenant.as_str(), 3, &[webhook.id]).await;
    for flow in &flows {
        world.settle(flow).await;
    }
    assert_eq!(world.bus.calls().len(), 1, "it is left alone for a while");
    let read = world.rows.batch(&tenant, batch.id).await.unwrap().unwrap();
    assert!(read.completed_at.is_some());
    let followed = world.rows.completions(world.clock.now(), 10).await.unwrap();
    assert_eq!(followed, []);
    let (to_endpoint, to_bus) = world.noted();
    assert_eq!((to_endpoint.len(), to_bus.len()), (4, 4));

    assert_eq!(world.announce_again().await, 4);
    assert_eq!(world.announce_again().await, 0, "they are put off");
    world.set_up(true);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(world.announce_again().await, 4);
    let mut told: Vec<_> = world.bus.every_event().iter().map(|it| it.id).collect();
    let mut noted: Vec<_> = to_bus.iter().map(|it| it.id).collect();
    told.sort();
    noted.sort();
    assert_eq!(told, noted, "with the ids that they had");
    assert_eq!(world.announce_again().await, 0);

    // It is asked again after a while.
    let (_, flows) = world.batch(tenant.as_str(), 1, &[]).await;
    world.settle(&flows[0]).await;
    assert_eq!(world.bus.every_event().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_always_refused_keeps_no_other_from_being_told_and_is_given_up() {
    let world = World::new(None);
    let (_, refused) = world.batch("refused", 1, &[]).await;
    let (_, taken) = world.batch("acme", 1, &[]).await;
    world.set_up(false);
    world.settle(&refused[0]).await;
    world.settle(&taken[0]).await;
    world.set_up(true);
    let mut rounds = 0;
    loop {
        tokio::time::advance(Duration::from_hours(1)).await;
        world.announce_again().await;
        rounds += 1;
        assert_eq!(world.bus.every_event().len(), 2);
        let (_, noted) = world.noted();
        let refused: Vec<_> = noted
            .iter()
            .filter(|it| it.tenant.as_str() == "refused")
            .collect();
        if refused.iter().all(|it| it.due_at().is_none()) {
            let given_up = |it: &&&WebhookDelivery| {
                it.tries == 10 && matches!(it.state, DeliveryState::GivenUp { .. })
            };
            assert_eq!(refused.iter().filter(given_up).count(), 2);
            break;
        }
    }
    assert!((60..100).contains(&rounds), "some three days: {rounds}");
}

#[tokio::test(start_paused = true)]
async fn how_far_a_batch_is_is_not_told_again() {
    let world = World::new(None);
    world.set_up(false);
    let (_, flows) = world.batch("acme", 2, &[]).await;
    let now = world.clock.now();
    let fails: Rule = Arc::new(move |row: &mut Flow| {
        row.claim(now, now + Duration::from_mins(1));
        let settlement = Settlement::Failed(Failure::worker_crashed());
        row.settle(row.fence, settlement, CallEnd::NoCall.into(), now);
    });
    let settled = world
        .flows
        .change_and_count(None, flows[0].id.into(), fails);
    settled.await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    let (_, noted) = world.noted();
    let noted: Vec<_> = noted.iter().map(|it| it.event).collect();
    assert_eq!(noted, [WebhookEvent::FlowSettled]);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_told_once_for_all_tenants() {
    let world = World::new(Some(wants_all()));
    let manage = ManageWebhooks {
        webhooks: world.rows.webhooks(),
        clock: world.clock.clone(),
        announcer: Some(world.announcer.clone()),
    };
    let (operator, operation) = ("ops".parse().unwrap(), "copy".parse().unwrap());
    let since = world.clock.now();
    world.set_up(false);
    let paused = manage.operation_paused(&operator, &operation, since);
    paused.await.unwrap();
    world.set_up(true);
    world.announce_again().await;
    tokio::time::advance(Duration::from_mins(1)).await;
    world.announce_again().await;
    let told = world.bus.every_event();
    assert_eq!(told.len(), 1);
    let told = payload(&told[0]);
    assert_eq!(told["type"], "operation.paused");
    assert_eq!(told["data"]["operation"], "copy");
    assert_eq!(told.get("tenant"), None);
}

/// Such a bus takes what it is told, and nobody ever hears of it.
#[tokio::test(start_paused = true)]
async fn a_bus_that_is_not_there_is_told_once_it_is() {
    let world = World::new(None);
    world.bus.set_there(Some(false));
    let (_, flows) = world.batch("acme", 2, &[]).await;
    world.settle(&flows[0]).await;
    assert!(world.announcer.probe().await.is_err());
    assert_eq!(world.announce_again().await, 0);
    assert_eq!(world.bus.every_event(), []);
    world.bus.set_there(Some(true));
    assert!(world.announcer.probe().await.is_ok());
    world.settle(&flows[1]).await;
    assert_eq!(world.announce_again().await, 3);
    assert_eq!(world.bus.every_event().len(), 3);
}

/// What it refused is told again once it is known to be there: what a bus that is gone takes is lost.
#[tokio::test(start_paused = true)]
async fn a_bus_that_can_not_be_asked_is_told_and_not_told_again() {
    let world = World::new(None);
    world.bus.set_there(None);
    world.set_up(false);
    let (_, flows) = world.batch("acme", 2, &[]).await;
    world.settle(&flows[0]).await;
    world.set_up(true);
    tokio::time::advance(Duration::from_mins(2)).await;
    assert!(world.announcer.probe().await.is_ok());
    assert_eq!(world.announce_again().await, 0);
    world.settle(&flows[1]).await;
    assert_eq!(world.told(WebhookEvent::BatchCompleted).len(), 1);
    world.bus.set_there(Some(true));
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(world.announce_again().await, 1);
    assert_eq!(world.told(WebhookEvent::FlowSettled).len(), 2);
}

/// What is cancelled together is told in many calls, of which each may be as slow.
#[tokio::test(start_paused = true)]
async fn a_bus_that_refuses_some_and_is_slow_about_it_rests() {
    let world = World::new(None);
    world.bus.set_slow(Duration::from_secs(2));
    let (_, flows) = world.batch("acme", 2, &[]).await;
    let (_, refused) = world.batch("refused", 1, &[]).await;
    let events = [&flows[0], &refused[0]].map(|flow| {
        let mut flow = flow.clone();
        flow.cancel(&flow.tenant.clone(), world.clock.now());
        WebhookDelivery::announces_settled(&flow).unwrap()
    });
    world.flows.put_deliveries(&events).await.unwrap();
    let calls = world.bus.calls().len();
    world.settle(&flows[1]).await;
    assert_eq!(world.bus.calls().len(), calls, "it rests");
    assert_eq!(world.noted().1.len(), 2);
}
