//! Endpoints of tenants, and what they are told.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{OneWebhookRule, Rule, WebhookRule};
use assetmill_core::{
    Batch, CallEnd, Counts, DeliveryId, Flow, FlowId, Settlement, Status, TenantId, Webhook,
    WebhookAnswer, WebhookDelivery, WebhookEvent, WebhookId, WebhookSecret,
};
use futures_util::future::join_all;

use super::{Adapters, cases};
use crate::samples::{at, batch, output, tenant, webhook};

cases! { "webhooks":
    endpoints_are_found_as_they_were_made,
    endpoints_of_tenants_are_told_apart,
    endpoints_of_all_tenants_are_found,
    of_changes_at_the_same_time_none_is_lost,
    a_delivery_is_found_as_it_was_noted,
    what_became_of_a_delivery_stays_when_it_is_noted_again,
    a_delivery_is_replaced_by_the_next_revision_alone,
    of_replacements_at_the_same_time_one_wins,
    deliveries_are_listed_from_the_last_on,
    what_is_due_is_found_of_every_endpoint,
    what_has_ended_is_not_due,
    nothing_is_due_of_an_endpoint_that_was_removed,
    the_endpoint_of_a_batch_is_accepted_with_it,
    the_endpoint_of_a_batch_is_changed_by_rules,
    what_is_due_of_batches_is_found_of_each,
    a_flow_keeps_whom_it_tells,
    what_a_flow_tells_is_noted_as_it_settles,
    much_that_is_told_of_flows_is_listed_and_found,
    what_the_bus_did_not_take_is_due_to_it_alone,
}

fn globex() -> TenantId {
    "globex".parse().unwrap()
}

fn adds(webhook: &Webhook) -> WebhookRule {
    let webhook = webhook.clone();
    Arc::new(move |all| all.push(webhook.clone()))
}

/// A new endpoint of a tenant.
pub(super) async fn made(on: &Adapters, tenant: TenantId) -> Webhook {
    let webhook = webhook(tenant);
    let changed = on
        .webhooks
        .change_webhooks(&webhook.tenant, adds(&webhook))
        .await;
    changed.unwrap();
    webhook
}

/// What an endpoint is told of a batch that completed so many seconds after the tests began.
fn told(webhook: &Webhook, completed: i64) -> WebhookDelivery {
    let (mut batch, _) = batch(1);
    batch.name = Some("übung \"1\"".to_owned().try_into().unwrap());
    batch.completed_at = Some(at(completed));
    let counts = Counts {
        completed: 1,
        ..Counts::default()
    };
    WebhookDelivery::of_completion(webhook, &batch, counts)
}

async fn noted(on: &Adapters, webhook: &Webhook, completed: i64) -> WebhookDelivery {
    let delivery = told(webhook, completed);
    on.flows
        .put_deliveries(std::slice::from_ref(&delivery))
        .await
        .unwrap();
    delivery
}

async fn read(on: &Adapters, delivery: &WebhookDelivery) -> Option<WebhookDelivery> {
    let (webhook, id) = (delivery.webhook_id, delivery.id);
    let read = on.webhooks.delivery(&delivery.tenant, webhook, id).await;
    read.unwrap()
}

/// It after an attempt that was answered with this status.
fn tried(delivery: &WebhookDelivery, status: u16) -> [WebhookDelivery; 2] {
    let begun = delivery.begun(at(1));
    let answer = WebhookAnswer {
        status,
        retry_after: None,
        location: Some("https://example.com/elsewhere".to_owned()),
        head: "no\u{0}thing".to_owned(),
    };
    let ended = begun.ended(at(1), Ok(answer), at(2), 0.5).0;
    [begun, ended]
}

async fn endpoints_are_found_as_they_were_made(on: Arc<Adapters>) {
    assert_eq!(on.webhooks.webhooks(&tenant()).await.unwrap(), []);
    let first = made(&on, tenant()).await;
    let mut second = webhook(tenant());
    second.disabled_at = Some(at(1));
    second.rotate(WebhookSecret::generate(), at(2));
    let before = on
        .webhooks
        .change_webhooks(&tenant(), adds(&second))
        .await
        .unwrap();
    assert_eq!(before, std::slice::from_ref(&first));
    let both = [first, second];
    assert_eq!(on.webhooks.webhooks(&tenant()).await.unwrap(), both);
    assert_eq!(on.flows.webhooks(&tenant()).await.unwrap(), both);
}

async fn endpoints_of_tenants_are_told_apart(on: Arc<Adapters>) {
    let (own, others) = (made(&on, tenant()).await, made(&on, globex()).await);
    let removes: WebhookRule = Arc::new(move |all| all.retain(|it| it.id != own.id));
    on.webhooks
        .change_webhooks(&tenant(), removes)
        .await
        .unwrap();
    assert_eq!(on.webhooks.webhooks(&tenant()).await.unwrap(), []);
    assert_eq!(on.webhooks.webhooks(&globex()).await.unwrap(), [others]);
}

async fn endpoints_of_all_tenants_are_found(on: Arc<Adapters>) {
    let mut expected = vec![made_for_all(&on).await];
    for of in [tenant(), globex()] {
        expected.push(made(&on, of).await);
    }
    told_alone(&on, tenant()).await;
    let mut found = on.webhooks.all_webhooks().await.unwrap();
    found.sort_by_key(|webhook| webhook.id);
    expected.sort_by_key(|webhook| webhook.id);
    assert_eq!(found, expected);
    // What they are all told is found as all else.
    let pauses =
        |webhook: &Webhook| WebhookDelivery::of_pause(webhook, &"copy".parse().unwrap(), at(5));
    let told: Vec<_> = found.iter().map(pauses).collect();
    on.flows.put_deliveries(&told).await.unwrap();
    for (webhook, told) in found.iter().zip(&told) {
        assert_eq!(due(&on, webhook, 4, 10).await, []);
        assert_eq!(due(&on, webhook, 5, 10).await, [told.id]);
    }
}

async fn of_changes_at_the_same_time_none_is_lost(on: Arc<Adapters>) {
    let changes = (0..8).map(|_| {
        let on = on.clone();
        tokio::spawn(async move { made(&on, tenant()).await.id })
    });
    let mut made: Vec<_> = join_all(changes)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let webhooks = on.webhooks.webhooks(&tenant()).await.unwrap();
    let mut found: Vec<_> = webhooks.iter().map(|webhook| webhook.id).collect();
    made.sort();
    found.sort();
    assert_eq!(found, made);
}

async fn a_delivery_is_found_as_it_was_noted(on: Arc<Adapters>) {
    let own = made(&on, tenant()).await;
    let delivery = noted(&on, &own, 0).await;
    assert_eq!(read(&on, &delivery).await, Some(delivery.clone()));
    let of_others = on
        .webhooks
        .delivery(&globex(), own.id, delivery.id)
        .await
        .unwrap();
    assert_eq!(of_others, None);
    let elsewhere = on
        .webhooks
        .delivery(&tenant(), WebhookId::generate(), delivery.id)
        .await
        .unwrap();
    assert_eq!(elsewhere, None);
    assert_eq!(read(&on, &told(&own, 0)).await, None);
}

async fn what_became_of_a_delivery_stays_when_it_is_noted_again(on: Arc<Adapters>) {
    let own = made(&on, tenant()).await;
    let (first, second) = (noted(&on, &own, 0).await, told(&own, 0));
    let [begun, ended] = tried(&first, 200);
    assert!(on.webhooks.replace_delivery(&begun).await.unwrap());
    assert!(on.webhooks.replace_delivery(&ended).await.unwrap());
    let again = [first.clone(), second.clone()];
    on.flows.put_deliveries(&again).await.unwrap();
    assert_eq!(read(&on, &first).await, Some(ended));
    assert_eq!(read(&on, &second).await, Some(second));
}

async fn a_delivery_is_replaced_by_the_next_revision_alone(on: Arc<Adapters>) {
    let own = made(&on, tenant()).await;
    let delivery = noted(&on, &own, 0).await;
    let [begun, ended] = tried(&delivery, 302);
    for wrong in [&delivery, &ended] {
        assert!(!on.webhooks.replace_delivery(wrong).await.unwrap());
    }
    assert_eq!(read(&on, &delivery).await, Some(delivery));
    assert!(on.webhooks.replace_delivery(&begun).await.unwrap());
    assert!(!on.webhooks.replace_delivery(&begun).await.unwrap());
    assert!(on.webhooks.replace_delivery(&ended).await.unwrap());
    assert_eq!(read(&on, &ended).await, Some(ended));
    let never_noted = told(&own, 0).begun(at(1));
    assert!(!on.webhooks.replace_delivery(&never_noted).await.unwrap());
    assert_eq!(read(&on, &never_noted).await, None);
}

async fn of_replacements_at_the_same_time_one_wins(on: Arc<Adapters>) {
    let own = made(&on, tenant()).await;
    let delivery = noted(&on, &own, 0).await;
    let replacements = (0..8).map(|second| {
        let (on, begun) = (on.clone(), delivery.begun(at(second)));
        tokio::spawn(async move { on.webhooks.replace_delivery(&begun).await.unwrap() })
    });
    let won = join_all(replacements).await;
    let won = won.into_iter().filter(|won| *won.as_ref().unwrap());
    assert_eq!(won.count(), 1);
}

async fn deliveries_are_listed_from_the_last_on(on: Arc<Adapters>) {
    let (own, other) = (made(&on, tenant()).await, made(&on, tenant()).await);
    noted(&on, &other, 0).await;
    let mut expected = Vec::new();
    for second in 0..5 {
        expected.push(noted(&on, &own, second).await);
    }
    expected.sort_by_key(|delivery| std::cmp::Reverse(delivery.id));
    let [begun, ended] = tried(&expected[1], 200);
    on.webhooks.replace_delivery(&begun).await.unwrap();
    on.webhooks.replace_delivery(&ended).await.unwrap();
    expected[1] = ended;
    let mut listed = Vec::new();
    loop {
        let before = listed.last().map(|last: &WebhookDelivery| last.id);
        let page = on
            .webhooks
            .deliveries(&tenant(), own.id, before, 2)
            .await
            .unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, expected);
    let of_others = on.webhooks.deliveries(&globex(), own.id, None, 10).await;
    assert_eq!(of_others.unwrap(), []);
}

/// The deliveries that are due of an endpoint so many seconds after the tests began.
async fn due(on: &Adapters, of: &Webhook, now: i64, each: usize) -> Vec<DeliveryId> {
    let due = on.webhooks.due_deliveries(at(now), each).await.unwrap();
    let of_webhook = due.iter().filter(|delivery| delivery.webhook_id == of.id);
    of_webhook.map(|delivery| delivery.id).collect()
}

async fn what_is_due_is_found_of_every_endpoint(on: Arc<Adapters>) {
    let (busy, quiet) = (made(&on, tenant()).await, made(&on, globex()).await);
    let mut of_busy = Vec::new();
    for second in [3, 1, 2, 900] {
        of_busy.push(noted(&on, &busy, second).await.id);
    }
    let of_quiet = noted(&on, &quiet, 100).await.id;
    assert_eq!(due(&on, &busy, 0, 10).await, []);
    let in_order = [of_busy[1], of_busy[2], of_busy[0]];
    assert_eq!(due(&on, &busy, 100, 10).await, in_order);
    assert_eq!(due(&on, &busy, 100, 2).await, in_order[..2]);
    assert_eq!(due(&on, &quiet, 99, 2).await, []);
    assert_eq!(due(&on, &quiet, 100, 2).await, [of_quiet]);
    // What is being sent is due when that counts as broken off.
    let begun = on.webhooks.due_deliveries(at(100), 1).await.unwrap();
    let begun = begun.iter().find(|it| it.webhook_id == busy.id).unwrap();
    let begun = begun.begun(at(100));
    assert!(on.webhooks.replace_delivery(&begun).await.unwrap());
    assert_eq!(due(&on, &busy, 100, 2).await, in_order[1..]);
    let broken_off = at(100) + Duration::from_mins(1);
    assert_eq!(begun.due_at(), Some(broken_off));
    let all = due(&on, &busy, 160, 10).await;
    assert_eq!(all, [in_order[1], in_order[2], in_order[0]]);
}

async fn what_has_ended_is_not_due(on: Arc<Adapters>) {
    let mut webhook = made(&on, tenant()).await;
    let delivered = noted(&on, &webhook, 0).await;
    let [begun, ended] = tried(&delivered, 204);
    on.webhooks.replace_delivery(&begun).await.unwrap();
    on.webhooks.replace_delivery(&ended).await.unwrap();
    assert_eq!(due(&on, &webhook, 1_000, 10).await, []);
    let replayed = ended.replayed(at(500));
    assert!(on.webhooks.replace_delivery(&replayed).await.unwrap());
    assert_eq!(due(&on, &webhook, 499, 10).await, []);
    assert_eq!(due(&on, &webhook, 500, 10).await, [delivered.id]);
    // Somebody has to give it up.
    webhook.disabled_at = Some(at(600));
    let disabled = webhook.clone();
    let rule: WebhookRule = Arc::new(move |all| *all = vec![disabled.clone()]);
    on.webhooks.change_webhooks(&tenant(), rule).await.unwrap();
    assert_eq!(due(&on, &webhook, 700, 10).await, [delivered.id]);
    let given_up = replayed.given_up(at(700));
    assert!(on.webhooks.replace_delivery(&given_up).await.unwrap());
    assert_eq!(due(&on, &webhook, 700, 10).await, []);
}

async fn nothing_is_due_of_an_endpoint_that_was_removed(on: Arc<Adapters>) {
    let (gone, stays) = (made(&on, tenant()).await, made(&on, tenant()).await);
    noted(&on, &gone, 0).await;
    let expected = noted(&on, &stays, 0).await.id;
    let id = gone.id;
    let rule: WebhookRule = Arc::new(move |all| all.retain(|webhook| webhook.id != id));
    on.webhooks.change_webhooks(&tenant(), rule).await.unwrap();
    assert_eq!(due(&on, &gone, 10, 10).await, []);
    assert_eq!(due(&on, &stays, 10, 10).await, [expected]);
}

/// A batch with an endpoint of its own.
async fn told_alone(on: &Adapters, tenant: TenantId) -> Batch {
    let (mut batch, flows) = batch(1);
    batch.tenant = tenant;
    let asked = webhook(batch.tenant.clone()).again();
    let webhook = Webhook::of_batch(asked, batch.id, batch.tenant.clone(), at(0));
    batch.webhook = Some(Box::new(webhook));
    on.flows.put_flows(&flows).await.unwrap();
    on.flows.put_batch(&batch).await.unwrap();
    batch
}

async fn the_endpoint_of_a_batch_is_accepted_with_it(on: Arc<Adapters>) {
    let batch = told_alone(&on, tenant()).await;
    let webhook = batch.webhook.clone().map(|webhook| *webhook);
    let id = WebhookId::of_batch(batch.id);
    let read = on.flows.batch(&tenant(), batch.id).await.unwrap();
    assert_eq!(read.unwrap().webhook, batch.webhook);
    assert_eq!(on.webhooks.webhook(&tenant(), id).await.unwrap(), webhook);
    assert_eq!(on.webhooks.webhook(&globex(), id).await.unwrap(), None);
    // It is none of those that the tenant has but ten of.
    assert_eq!(on.webhooks.webhooks(&tenant()).await.unwrap(), []);
    let own = made(&on, tenant()).await;
    let found = on.webhooks.webhook(&tenant(), own.id).await.unwrap();
    assert_eq!(found, Some(own.clone()));
    assert_eq!(on.webhooks.webhook(&globex(), own.id).await.unwrap(), None);
}

async fn the_endpoint_of_a_batch_is_changed_by_rules(on: Arc<Adapters>) {
    let batch_of = told_alone(&on, tenant()).await;
    let (without, flows) = batch(1);
    on.flows.put_flows(&flows).await.unwrap();
    on.flows.put_batch(&without).await.unwrap();
    let rotates = || -> OneWebhookRule {
        let secret = WebhookSecret::generate();
        Arc::new(move |webhook| webhook.rotate(secret.clone(), at(1)))
    };
    for (tenant, id) in [(globex(), batch_of.id), (tenant(), without.id)] {
        let changed = on.webhooks.change_webhook_of_batch(&tenant, id, rotates());
        assert_eq!(changed.await.unwrap(), None);
    }
    let changes = (0..3).map(|_| {
        let (on, id) = (on.clone(), batch_of.id);
        let rule = rotates();
        tokio::spawn(async move {
            let tenant = tenant();
            let changed = on.webhooks.change_webhook_of_batch(&tenant, id, rule);
            changed.await.unwrap()
        })
    });
    let before = join_all(changes).await.into_iter().map(Result::unwrap);
    let mut retired: Vec<_> = before.map(|before| before.unwrap().retired.len()).collect();
    retired.sort_unstable();
    assert_eq!(retired, [0, 1, 2]);
    let id = WebhookId::of_batch(batch_of.id);
    let webhook = on.webhooks.webhook(&tenant(), id).await.unwrap().unwrap();
    assert_eq!(webhook.retired.len(), 3);
    // The batch is written again by who crashed after it was.
    on.flows.put_batch(&batch_of).await.unwrap();
    let again = on.webhooks.webhook(&tenant(), id).await.unwrap();
    assert_eq!(again, Some(webhook));
    // What else becomes of the batch leaves it alone.
    on.flows.mark_dispatched(batch_of.id, at(2)).await.unwrap();
    let row = on.flows.batch(&tenant(), batch_of.id).await.unwrap();
    assert_eq!(row.unwrap().dispatched_at, Some(at(2)));
}

async fn what_is_due_of_batches_is_found_of_each(on: Arc<Adapters>) {
    let own = made(&on, tenant()).await;
    let of_own = noted(&on, &own, 5).await.id;
    let mut endpoints = Vec::new();
    for (tenant, second) in [(tenant(), 1), (globex(), 2), (tenant(), 900)] {
        let mut batch = told_alone(&on, tenant).await;
        batch.completed_at = Some(at(second));
        let webhook = *batch.webhook.clone().unwrap();
        let told = WebhookDelivery::of_completion(&webhook, &batch, Counts::default());
        assert!(told.of_batch);
        on.flows
            .put_deliveries(std::slice::from_ref(&told))
            .await
            .unwrap();
        assert_eq!(read(&on, &told).await, Some(told.clone()));
        endpoints.push((webhook, told));
    }
    assert_eq!(due(&on, &own, 100, 1).await, [of_own]);
    for (place, (webhook, told)) in endpoints.iter().enumerate() {
        let found = due(&on, webhook, 100, 1).await;
        let expected: &[_] = if place < 2 { &[told.id] } else { &[] };
        assert_eq!(found, expected, "{place}");
        let listed = on
            .webhooks
            .deliveries(&webhook.tenant, webhook.id, None, 10)
            .await;
        assert_eq!(listed.unwrap(), std::slice::from_ref(told));
    }
    let (webhook, told) = &endpoints[0];
    let [begun, ended] = tried(told, 200);
    assert!(on.webhooks.replace_delivery(&begun).await.unwrap());
    assert_eq!(due(&on, webhook, 50, 1).await, []);
    assert!(on.webhooks.replace_delivery(&ended).await.unwrap());
    assert_eq!(due(&on, webhook, 1_000, 1).await, []);
}

/// A new endpoint that is told of everything.
async fn made_for_all(on: &Adapters) -> Webhook {
    let mut webhook = webhook(tenant());
    webhook.events = WebhookEvent::ALL.into();
    on.webhooks
        .change_webhooks(&webhook.tenant, adds(&webhook))
        .await
        .unwrap();
    webhook
}

/// A batch of flows that tell these endpoints when they settle.
async fn telling(on: &Adapters, size: u32, tells: &[&Webhook]) -> (Batch, Vec<Flow>) {
    let (batch, mut flows) = batch(size);
    for flow in &mut flows {
        flow.tells = tells.iter().map(|webhook| webhook.id).collect();
    }
    on.flows.put_flows(&flows).await.unwrap();
    on.flows.put_batch(&batch).await.unwrap();
    (batch, flows)
}

async fn a_flow_keeps_whom_it_tells(on: Arc<Adapters>) {
    let (one, other) = (made(&on, tenant()).await, made(&on, tenant()).await);
    let (_, mut flows) = telling(&on, 1, &[&one, &other]).await;
    flows[0].id = FlowId::generate();
    flows[0].tells_progress = vec![other.id];
    on.flows.put_flows(&flows).await.unwrap();
    let id = flows[0].id;
    let claims: Rule = Arc::new(|row| {
        row.claim(at(1), at(100));
    });
    on.flows.change(id.into(), claims).await.unwrap();
    let row = on.flows.flows(&tenant(), &[id]).await.unwrap().remove(0);
    let row = row.unwrap();
    assert_eq!(row.tells, [one.id, other.id]);
    assert_eq!(row.tells_progress, [other.id]);
}

async fn what_a_flow_tells_is_noted_as_it_settles(on: Arc<Adapters>) {
    let (one, other) = (made_for_all(&on).await, made_for_all(&on).await);
    let (_, flows) = telling(&on, 2, &[&one, &other]).await;
    let flow = &flows[0];
    let claims: Rule = Arc::new(|row| {
        row.claim(at(1), at(100));
    });
    let changed = on.flows.change_and_count(None, flow.id.into(), claims);
    changed.await.unwrap();
    assert_eq!(due(&on, &one, 1_000, 10).await, []);
    let settles: Rule = Arc::new(|row| {
        let settlement = Settlement::Completed(output(b"made"));
        row.settle(1, settlement, CallEnd::NoCall.into(), at(5));
    });
    for _ in 0..2 {
        let changed = on
            .flows
            .change_and_count(None, flow.id.into(), settles.clone());
        changed.await.unwrap();
        for webhook in [&one, &other] {
            let id = DeliveryId::of_settled(flow.id, at(5), webhook.id);
            assert_eq!(due(&on, webhook, 4, 10).await, []);
            assert_eq!(due(&on, webhook, 5, 10).await, [id]);
            let told = on.webhooks.delivery(&tenant(), webhook.id, id).await;
            let told = told.unwrap().unwrap();
            let payload: serde_json::Value = serde_json::from_str(&told.payload).unwrap();
            assert_eq!(payload["type"], "flow.settled");
            assert_eq!(payload["data"]["flow_id"], flow.id.to_string());
            assert_eq!(payload["data"]["state"], "COMPLETED");
        }
    }
}

/// As many as there are lists where rows are spread over some, and more.
async fn much_that_is_told_of_flows_is_listed_and_found(on: Arc<Adapters>) {
    let own = made_for_all(&on).await;
    let (_, mut flows) = telling(&on, 40, &[&own]).await;
    let mut expected = vec![noted(&on, &own, 50).await];
    for (second, flow) in (0..).zip(&mut flows) {
        flow.status = Status::Cancelled {
            settled_at: at(second),
        };
        let told = WebhookDelivery::of_settled(flow);
        on.flows.put_deliveries(&told).await.unwrap();
        expected.extend(told);
    }
    expected.sort_by_key(|delivery| (delivery.created_at, delivery.id));
    let ids = |some: &[WebhookDelivery]| some.iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(due(&on, &own, 100, 12).await, ids(&expected[..12]));
    assert_eq!(due(&on, &own, 9, 100).await, ids(&expected[..10]));
    expected.sort_by_key(|delivery| std::cmp::Reverse(delivery.id));
    let mut listed = Vec::new();
    loop {
        let before = listed.last().map(|last: &WebhookDelivery| last.id);
        let page = on
            .webhooks
            .deliveries(&tenant(), own.id, before, 15)
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 15);
        listed.extend(page);
    }
    assert_eq!(listed, expected);
}

async fn due_to_bus(on: &Adapters, now: i64, limit: usize) -> Vec<DeliveryId> {
    let due = on.webhooks.due_to_bus(at(now), limit).await.unwrap();
    due.iter().map(|event| event.id).collect()
}

async fn what_the_bus_did_not_take_is_due_to_it_alone(on: Arc<Adapters>) {
    let own = made(&on, tenant()).await;
    let of_own = noted(&on, &own, 1).await.id;
    assert_eq!(due_to_bus(&on, 1_000, 10).await, []);
    let mut events = Vec::new();
    for (second, of) in [(3, tenant()), (1, globex()), (900, tenant())] {
        let (mut batch, _) = batch(1);
        (batch.tenant, batch.completed_at) = (of, Some(at(second)));
        events.push(WebhookDelivery::announces_completion(
            &batch,
            Counts::default(),
        ));
    }
    let (_, mut flows) = batch(1);
    flows[0].status = Status::Cancelled { settled_at: at(2) };
    events.extend(WebhookDelivery::announces_settled(&flows[0]));
    on.flows.put_deliveries(&events).await.unwrap();

    let in_order = [events[1].id, events[3].id, events[0].id];
    assert_eq!(due_to_bus(&on, 0, 10).await, []);
    assert_eq!(due_to_bus(&on, 100, 10).await, in_order);
    assert_eq!(due_to_bus(&on, 100, 2).await, in_order[..2]);
    let of_endpoints = on.webhooks.due_deliveries(at(1_000), 10).await.unwrap();
    assert_eq!(of_endpoints.len(), 1);
    assert_eq!(of_endpoints[0].id, of_own);

    // One has it now, another not yet.
    let taken = events[1].announced(Ok(()), at(100), 0.5).0;
    let refused = events[3].announced(Err("why".to_owned()), at(100), 0.5).0;
    for tried in [&taken, &refused] {
        assert!(on.webhooks.replace_delivery(tried).await.unwrap());
        assert!(!on.webhooks.replace_delivery(tried).await.unwrap());
    }
    on.flows.put_deliveries(&events).await.unwrap();
    assert_eq!(due_to_bus(&on, 100, 10).await, [events[0].id]);
    let again = [events[0].id, events[3].id];
    assert_eq!(due_to_bus(&on, 105, 10).await, again);
}
