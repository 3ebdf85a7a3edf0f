//! What is due is found whatever else there is.
#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Arc;

use assetmill_contract::samples::{at, batch, webhook};
use assetmill_core::ports::{DUE_ENDPOINTS, Outbox as _, SystemClock, Webhooks as _};
use assetmill_core::{Counts, TenantId, Webhook, WebhookDelivery, WebhookId};
use assetmill_sqlite::{SqliteWebhooks, Store};

/// An endpoint of a batch of this tenant that completed so many seconds after the tests began, and what it is told.
fn told(tenant: &TenantId, completed: i64) -> WebhookDelivery {
    let (mut batch, _) = batch(1);
    (batch.tenant, batch.completed_at) = (tenant.clone(), Some(at(completed)));
    let asked = webhook(tenant.clone()).again();
    let webhook = Webhook::of_batch(asked, batch.id, tenant.clone(), at(0));
    WebhookDelivery::of_completion(&webhook, &batch, Counts::default())
}

/// For which endpoints of each tenant something is due, in the order of the answer.
async fn due(webhooks: &SqliteWebhooks, now: i64) -> HashMap<String, Vec<WebhookId>> {
    let mut found = HashMap::<_, Vec<_>>::new();
    for delivery in webhooks.due_deliveries(at(now), 100).await.unwrap() {
        let of_tenant = found.entry(delivery.tenant.to_string()).or_default();
        of_tenant.push(delivery.webhook_id);
    }
    found
}

#[tokio::test]
async fn a_tenant_with_thousands_of_endpoints_is_one_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Arc::new(SystemClock)).await;
    let webhooks = store.unwrap().webhooks();
    let [many, few]: [TenantId; 2] = ["many", "a-few"].map(|name| name.parse().unwrap());
    // Those that wait longest were noted last.
    let of_many: Vec<_> = (0..2_000).map(|at| told(&many, 2_000 - at)).collect();
    webhooks.put_deliveries(&of_many).await.unwrap();
    let of_few = [told(&few, 1_990), told(&few, 10_000)];
    webhooks.put_deliveries(&of_few).await.unwrap();

    let found = due(&webhooks, 2_000).await;
    let longest = of_many.iter().rev().map(|delivery| delivery.webhook_id);
    let longest: Vec<_> = longest.take(DUE_ENDPOINTS).collect();
    assert_eq!(found["many"], longest);
    assert_eq!(found["a-few"], [of_few[0].webhook_id]);

    // What was told makes room for the next.
    for delivery in of_many.iter().rev().take(DUE_ENDPOINTS) {
        let given_up = delivery.given_up(at(2_000));
        assert!(webhooks.replace_delivery(&given_up).await.unwrap());
    }
    let found = due(&webhooks, 2_000).await;
    assert_eq!(found["many"].len(), DUE_ENDPOINTS);
    assert!(found["many"].iter().all(|id| !longest.contains(id)));
}
