//! Endpoints are told what they are to be told: at least once or it is in the log as given up, and none waits for
//! another.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_contract::memory::{MemoryFlows, MemoryWebhooks, RuntimeClock};
use assetmill_contract::samples;
use assetmill_core::ports::{
    FlowReads as _, FlowWrites as _, Outbox as _, WebhookRule, WebhookSender, Webhooks as _,
};
use assetmill_core::usecases::{DeliverWebhooks, ManageWebhooks, RegisterError, Replayed};
use assetmill_core::{
    BatchWebhook, Counts, DeliveryFilter, DeliveryStanding, DeliveryState, Failure, FailureCode,
    Signed, Source, Status, Webhook, WebhookAnswer, WebhookDelivery, WebhookEvent, WebhookId,
    WebhookUrl,
};
use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Endpoints that behave as their hosts say, and what each of them was sent.
#[derive(Default)]
struct Endpoints {
    sent: Mutex<HashMap<String, Vec<Signed>>>,
}

#[async_trait]
impl WebhookSender for Endpoints {
    async fn send(&self, url: &WebhookUrl, signed: Signed) -> Result<WebhookAnswer, String> {
        let host = url.as_url().host_str().unwrap().to_owned();
        let times = {
            let mut sent = self.sent.lock().unwrap();
            let sent = sent.entry(host.clone()).or_default();
            sent.push(signed);
            sent.len()
        };
        let status = match host.as_str() {
            "gone.test" => 410,
            "moved.test" => 308,
            "down.test" => 503,
            // By turns.
            "flaky.test" if times % 3 > 0 => 500,
            "hangs.test" => {
                tokio::time::sleep(Duration::from_secs(15)).await;
                return Err("no answer".to_owned());
            }
            "never.test" => pending().await,
            _ => 200,
        };
        Ok(WebhookAnswer {
            status,
            ..WebhookAnswer::default()
        })
    }
}

struct World {
    webhooks: Arc<MemoryWebhooks>,
    endpoints: Arc<Endpoints>,
    manage: ManageWebhooks,
    deliver: DeliverWebhooks,
}

impl World {
    fn new() -> Self {
        let webhooks = MemoryFlows::default().webhooks();
        let endpoints = Arc::new(Endpoints::default());
        let clock = Arc::new(RuntimeClock::default());
        Self {
            manage: ManageWebhooks {
                webhooks: webhooks.clone(),
                clock: clock.clone(),
                announcer: None,
            },
            deliver: DeliverWebhooks {
                webhooks: webhooks.clone(),
                sender: endpoints.clone(),
                clock,
            },
            webhooks,
            endpoints,
        }
    }

    async fn endpoint(&self, host: &str) -> Webhook {
        let url = format!("https://{host}/hook").parse().unwrap();
        let events = [WebhookEvent::BatchCompleted].into();
        let made = self.manage.register(&samples::tenant(), url, events).await;
        made.unwrap()
    }

    /// Notes that so many batches completed just now.
    async fn completed(&self, webhook: &Webhook, batches: usize) {
        let now = self.deliver.clock.now();
        let told = (0..batches).map(|_| {
            let (mut batch, _) = samples::batch(1);
            batch.completed_at = Some(now);
            WebhookDelivery::of_completion(webhook, &batch, Counts::default())
        });
        let told: Vec<_> = told.collect();
        self.webhooks.put_deliveries(&told).await.unwrap();
    }

    async fn log(&self, webhook: WebhookId) -> Vec<WebhookDelivery> {
        let tenant = samples::tenant();
        let log = self.webhooks.deliveries(&tenant, webhook, None, 20_000);
        log.await.unwrap()
    }

    fn sent(&self, host: &str) -> Vec<Signed> {
        let sent = self.endpoints.sent.lock().unwrap();
        sent.get(host).cloned().unwrap_or_default()
    }

    async fn run(&self, time: Duration) -> usize {
        self.deliver.run(Instant::now() + time).await.unwrap()
    }
}

fn is_delivered(delivery: &WebhookDelivery) -> bool {
    matches!(delivery.state, DeliveryState::Delivered { .. })
}

fn is_given_up(delivery: &WebhookDelivery) -> bool {
    matches!(delivery.state, DeliveryState::GivenUp { .. })
}

#[tokio::test(start_paused = true)]
async fn more_than_a_page_is_told_once_each() {
    let world = World::new();
    let webhook = world.endpoint("up.test").await;
    world.completed(&webhook, 250).await;
    assert_eq!(world.run(Duration::from_mins(1)).await, 250);
    assert!(world.log(webhook.id).await.iter().all(is_delivered));
    let mut sent: Vec<_> = world.sent("up.test").iter().map(|it| it.id).collect();
    sent.sort();
    sent.dedup();
    assert_eq!(sent.len(), 250);
    assert_eq!(world.run(Duration::from_mins(1)).await, 0);
}

/// As two invocations of the janitor may, of which one takes longer than a minute.
#[tokio::test(start_paused = true)]
async fn two_that_find_the_same_due_tell_it_once() {
    let world = World::new();
    let webhook = world.endpoint("up.test").await;
    world.completed(&webhook, 50).await;
    let time = Duration::from_mins(1);
    let (one, other) = tokio::join!(world.run(time), world.run(time));
    assert_eq!(one + other, 50);
    assert_eq!(world.sent("up.test").len(), 50);
}

/// Whatever the others do, in the time that one attempt at a hanging one takes.
#[tokio::test(start_paused = true)]
async fn an_endpoint_that_hangs_delays_nobody_else() {
    let world = World::new();
    let hangs = world.endpoint("hangs.test").await;
    world.completed(&hangs, 1_000).await;
    let up = world.endpoint("up.test").await;
    let stop = CancellationToken::new();
    let (deliver, stopped) = (world.deliver.clone(), stop.clone());
    let serving = tokio::spawn(async move {
        deliver.serve(Duration::from_secs(1), stopped).await;
    });
    let began = Instant::now();
    for round in 1..=5 {
        world.completed(&up, 200).await;
        while world.sent("up.test").len() < 200 * round {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert!(began.elapsed() < Duration::from_secs(15));
    assert!(!world.sent("hangs.test").is_empty());
    stop.cancel();
    serving.await.unwrap();
    assert!(world.log(up.id).await.iter().all(is_delivered));
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_ten_times_and_given_up_and_what_recovers_is_delivered() {
    let world = World::new();
    let (down, moved) = (
        world.endpoint("down.test").await,
        world.endpoint("moved.test").await,
    );
    let flaky = world.endpoint("flaky.test").await;
    for webhook in [&down, &moved, &flaky] {
        world.completed(webhook, 3).await;
    }
    for _ in 0..40 {
        world.run(Duration::from_mins(1)).await;
        tokio::time::advance(Duration::from_hours(3)).await;
    }
    for (webhook, status) in [(&down, 503), (&moved, 308)] {
        for delivery in world.log(webhook.id).await {
            assert!(is_given_up(&delivery), "{delivery:?}");
            assert_eq!(delivery.attempts.len(), 10);
            let is_told = |it: &assetmill_core::DeliveryAttempt| it.status == Some(status);
            assert!(delivery.attempts.iter().all(is_told));
        }
    }
    assert!(world.log(flaky.id).await.iter().all(is_delivered));
    assert_eq!(world.sent("down.test").len(), 30);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_gone_is_told_nothing_any_more() {
    let world = World::new();
    let gone = world.endpoint("gone.test").await;
    world.completed(&gone, 1).await;
    world.run(Duration::from_mins(1)).await;
    let listed = world.webhooks.webhooks(&samples::tenant()).await.unwrap();
    assert!(listed[0].disabled_at.is_some());
    assert!(!listed[0].wants(WebhookEvent::BatchCompleted));
    // What was noted by somebody who did not know yet.
    world.completed(&gone, 3).await;
    world.run(Duration::from_mins(1)).await;
    let log = world.log(gone.id).await;
    assert_eq!(log.len(), 4);
    assert!(log.iter().all(is_given_up));
    assert_eq!(world.sent("gone.test").len(), 1);
}

/// Of batches there may be any number.
#[tokio::test(start_paused = true)]
async fn endpoints_of_one_tenant_that_hang_take_no_place_of_others() {
    let world = World::new();
    let flows = MemoryFlows::default();
    let up = samples::webhook("globex".parse().unwrap());
    let of_globex = up.clone();
    let rule: WebhookRule = Arc::new(move |all| all.push(of_globex.clone()));
    let webhooks = flows.webhooks();
    webhooks.change_webhooks(&up.tenant, rule).await.unwrap();
    let now = world.deliver.clock.now();
    for _ in 0..300 {
        let (mut batch, _) = samples::batch(1);
        batch.completed_at = Some(now);
        let asked = BatchWebhook {
            url: "https://never.test/hook".parse().unwrap(),
            events: WebhookEvent::ALL.into(),
            secret: None,
        };
        let webhook = Webhook::of_batch(asked, batch.id, batch.tenant.clone(), now);
        batch.webhook = Some(Box::new(webhook.clone()));
        flows.put_batch(&batch).await.unwrap();
        let told = WebhookDelivery::of_completion(&webhook, &batch, Counts::default());
        flows.put_deliveries(&[told]).await.unwrap();
    }
    let deliver = DeliverWebhooks {
        webhooks,
        ..world.deliver.clone()
    };
    let every = Duration::from_secs(1);
    let serving = tokio::spawn(async move {
        deliver.serve(every, CancellationToken::new()).await;
    });
    while world.sent("never.test").is_empty() {
        tokio::time::sleep(every).await;
    }
    let (mut batch, _) = samples::batch(1);
    batch.completed_at = Some(world.deliver.clock.now());
    let told = WebhookDelivery::of_completion(&up, &batch, Counts::default());
    flows.put_deliveries(&[told]).await.unwrap();
    // They hang for ever: only a place that they may not have is free.
    for _ in 0..100 {
        tokio::time::sleep(every).await;
    }
    assert!(world.sent("never.test").len() < 300);
    assert_eq!(world.sent("example.com").len(), 1);
    serving.abort();
}

fn world_of_batches(flows: &MemoryFlows) -> World {
    World {
        deliver: DeliverWebhooks {
            webhooks: flows.webhooks(),
            ..World::new().deliver
        },
        ..World::new()
    }
}

/// The endpoint of a batch that completed just now, which is noted.
async fn batch_told(world: &World, flows: &MemoryFlows, host: &str) -> Webhook {
    let (mut batch, _) = samples::batch(1);
    let asked = BatchWebhook {
        url: format!("https://{host}/hook").parse().unwrap(),
        events: [WebhookEvent::BatchCompleted].into(),
        secret: None,
    };
    let now = world.deliver.clock.now();
    let webhook = Webhook::of_batch(asked, batch.id, batch.tenant.clone(), now);
    batch.webhook = Some(Box::new(webhook.clone()));
    batch.completed_at = Some(now);
    flows.put_batch(&batch).await.unwrap();
    let delivery = WebhookDelivery::of_completion(&webhook, &batch, Counts::default());
    flows.put_deliveries(&[delivery]).await.unwrap();
    webhook
}

/// As many as one likes: each is one batch's alone.
#[tokio::test(start_paused = true)]
async fn endpoints_of_batches_are_told_and_may_be_gone() {
    let flows = MemoryFlows::default();
    let world = world_of_batches(&flows);
    let mut told = Vec::new();
    for host in ["up.test", "gone.test"] {
        let webhook = batch_told(&world, &flows, host).await;
        told.push(webhook);
    }
    assert_eq!(world.run(Duration::from_mins(1)).await, 2);
    let log = flows.webhooks().every_delivery();
    let of = |webhook: &Webhook| log.iter().find(|it| it.webhook_id == webhook.id).unwrap();
    assert!(is_delivered(of(&told[0])));
    assert!(is_given_up(of(&told[1])));
    for (webhook, disabled) in told.iter().zip([false, true]) {
        let row = flows.webhooks().webhook(&webhook.tenant, webhook.id).await;
        let row = row.unwrap().unwrap();
        assert_eq!(row.disabled_at.is_some(), disabled);
    }
}

/// Each search goes through all that is due, so a tenant with many endpoints would keep the rows busy for all.
#[tokio::test(start_paused = true)]
async fn what_was_found_is_told_before_more_is_looked_for() {
    let flows = MemoryFlows::default();
    let world = world_of_batches(&flows);
    for number in 0..600 {
        batch_told(&world, &flows, &format!("up-{number}.test")).await;
    }
    assert_eq!(world.run(Duration::from_mins(1)).await, 600);
    assert!(flows.webhooks().every_delivery().iter().all(is_delivered));
    // The last ones that are told at the same time may each have more.
    let searches = flows.webhooks().searches();
    assert!(searches < 100, "{searches}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_in_an_attempt_leaves_it_to_the_next() {
    let world = World::new();
    let webhook = world.endpoint("never.test").await;
    world.completed(&webhook, 1).await;
    let mut waits = Duration::ZERO;
    for dies in 1..=12 {
        let dying = world.run(Duration::from_secs(30));
        let _ = tokio::time::timeout(Duration::from_secs(1), dying).await;
        // Nobody else begins it while it may still be under way.
        assert_eq!(world.sent("never.test").len(), dies);
        tokio::time::advance(Duration::from_mins(1)).await;
        waits += Duration::from_mins(1);
    }
    let ids: Vec<_> = world.sent("never.test").iter().map(|it| it.id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[tokio::test(start_paused = true)]
async fn a_replay_has_the_same_id_and_is_signed_anew() {
    let world = World::new();
    let webhook = world.endpoint("up.test").await;
    world.completed(&webhook, 1).await;
    world.run(Duration::from_mins(1)).await;
    let id = world.log(webhook.id).await[0].id;
    tokio::time::advance(Duration::from_hours(1)).await;
    let tenant = samples::tenant();
    let globex = "globex".parse().unwrap();
    let replayed = world.manage.replay(&globex, webhook.id, id).await;
    assert_eq!(replayed.unwrap(), None);
    let replayed = world.manage.replay(&tenant, webhook.id, id).await;
    assert!(replayed.unwrap().is_some());
    assert_eq!(world.run(Duration::from_mins(1)).await, 1);
    let sent = world.sent("up.test");
    assert_eq!(sent[0].id, sent[1].id);
    assert_eq!(sent[0].payload, sent[1].payload);
    assert!(sent[0].timestamp < sent[1].timestamp);
    assert_ne!(sent[0].signature, sent[1].signature);
    assert_eq!(world.log(webhook.id).await[0].attempts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_happened_in_a_time_is_told_again_and_nothing_else() {
    let world = World::new();
    let webhook = world.endpoint("up.test").await;
    let mut times = Vec::new();
    for batches in [3, 120, 5] {
        times.push(world.deliver.clock.now());
        world.completed(&webhook, batches).await;
        world.run(Duration::from_mins(1)).await;
        tokio::time::advance(Duration::from_hours(1)).await;
    }
    let filter = DeliveryFilter {
        since: Some(times[1]),
        until: Some(times[1]),
        standing: Some(DeliveryStanding::Delivered),
    };
    let replay = async |filter, dry_run| {
        let tenant = samples::tenant();
        let replayed = world
            .manage
            .replay_all(&tenant, webhook.id, filter, None, dry_run);
        replayed.await.unwrap()
    };
    let all = Replayed {
        deliveries: 120,
        next: None,
    };
    assert_eq!(replay(filter, true).await, all);
    assert_eq!(world.run(Duration::from_mins(1)).await, 0);
    assert_eq!(replay(filter, false).await, all);
    // They are to be sent, and so delivered no more.
    assert_eq!(replay(filter, false).await.deliveries, 0);
    assert_eq!(world.run(Duration::from_mins(1)).await, 120);
    let mut sent = HashMap::<_, usize>::new();
    for told in world.sent("up.test") {
        *sent.entry(told.id).or_default() += 1;
    }
    for delivery in world.log(webhook.id).await {
        let again = delivery.created_at == times[1];
        assert_eq!(sent[&delivery.id], 1 + usize::from(again));
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_has_ten_endpoints_at_the_most() {
    let world = World::new();
    for _ in 0..Webhook::MOST {
        world.endpoint("up.test").await;
    }
    let url = "https://one.more.test/".parse().unwrap();
    let refused = world
        .manage
        .register(
            &samples::tenant(),
            url,
            [WebhookEvent::BatchCompleted].into(),
        )
        .await;
    assert!(matches!(refused, Err(RegisterError::TooMany)));
}

/// The largest name and labels that there can be.
#[tokio::test]
async fn a_payload_is_small() {
    let flows = MemoryFlows::default();
    let (mut batch, _) = samples::batch(1);
    batch.name = Some("\"".repeat(128).try_into().unwrap());
    let labels = (0..16).map(|n| (format!("{n:0>64}"), "\"".repeat(128)));
    let labels: std::collections::BTreeMap<_, _> = labels.collect();
    batch.labels = labels.try_into().unwrap();
    flows.put_batch(&batch).await.unwrap();
    let batch = flows.batch(&batch.tenant, batch.id).await.unwrap().unwrap();
    let world = World::new();
    let webhook = world.endpoint("up.test").await;
    let told = WebhookDelivery::of_completion(&webhook, &batch, Counts::default());
    assert!(told.payload.len() < 20_000, "{}", told.payload.len());
}

/// Of a URL that is as long as may be, and longer as JSON, and of a vendor that has much to say.
#[tokio::test]
async fn a_payload_about_a_flow_is_small() {
    let (_, mut flows) = samples::batch(1);
    let flow = &mut flows[0];
    flow.source = Source::from("\u{1}".repeat(4_096));
    flow.tells = (0..11).map(|_| WebhookId::generate()).collect();
    assert_eq!(WebhookDelivery::of_settled(flow), []);
    flow.status = Status::Failed {
        failure: Failure::permanent(FailureCode::VendorRejected, "\u{1}".repeat(4_096)),
        settled_at: samples::at(1),
    };
    let told = WebhookDelivery::of_settled(flow);
    assert_eq!(told.len(), 11);
    assert!(told.iter().all(|it| it.payload.len() < 20_000));
    assert!(told[0].payload.len() > 10_000);
}
