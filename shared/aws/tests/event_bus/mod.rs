//! What a rule of EventBridge finds of what a bus is told.

use assetmill_aws::{Bus, Clients, resources};
use assetmill_contract::samples::{at, batch};
use assetmill_core::ports::EventBus as _;
use assetmill_core::{Counts, FlowId, Status, TenantId, WebhookDelivery};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

/// Flows of a tenant that settled, and the completion of their batch.
fn events(tenant: &str, size: u32) -> Vec<WebhookDelivery> {
    let tenant: TenantId = tenant.parse().unwrap();
    let (mut batch, mut flows) = batch(size);
    (batch.tenant, batch.completed_at) = (tenant.clone(), Some(at(2)));
    for flow in &mut flows {
        flow.tenant = tenant.clone();
        flow.status = Status::Cancelled { settled_at: at(1) };
    }
    let settled = flows.iter().filter_map(WebhookDelivery::announces_settled);
    let completed = WebhookDelivery::announces_completion(&batch, Counts::default());
    settled.chain([completed]).collect()
}

/// Has what matches a pattern on a bus go to a new queue, whose URL this is.
async fn queue_of(clients: &Clients, bus: &str, pattern: &Value) -> String {
    let names = super::support::names();
    let urls = resources::create_queues(clients, &names.queue, super::REDRIVE).await;
    let url = urls.unwrap().queue;
    let attributes = clients.sqs().get_queue_attributes().queue_url(&url);
    let attributes = attributes.attribute_names(QueueAttributeName::QueueArn);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    let events = clients.eventbridge();
    let rule = events.put_rule().name(&names.queue).event_bus_name(bus);
    let rule = rule.event_pattern(pattern.to_string());
    rule.send().await.unwrap();
    let target = Target::builder()
        .id("queue")
        .arn(&attributes[&QueueAttributeName::QueueArn])
        .build()
        .unwrap();
    let put = events.put_targets().rule(&names.queue).event_bus_name(bus);
    put.targets(target).send().await.unwrap();
    url
}

/// Everything that is in a queue.
async fn received(clients: &Clients, url: &str) -> Vec<Value> {
    let mut found = Vec::new();
    loop {
        let receive = clients.sqs().receive_message().queue_url(url);
        let receive = receive.max_number_of_messages(10).wait_time_seconds(2);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() {
            return found;
        }
        for message in messages {
            found.push(serde_json::from_str(message.body().unwrap()).unwrap());
            let delete = clients.sqs().delete_message().queue_url(url);
            let delete = delete.receipt_handle(message.receipt_handle().unwrap());
            delete.send().await.unwrap();
        }
    }
}

/// By type, and by tenant; each with all that an endpoint is told.
pub(super) async fn rules_find_what_is_told() {
    let clients = Clients::from_env().await;
    let name = FlowId::generate().to_string();
    let made = clients.eventbridge().create_event_bus().name(&name);
    let arn = made.send().await.unwrap().event_bus_arn.unwrap();
    let is_there = async |name: &str| Bus::new(&clients, name).is_there().await;
    assert_eq!(is_there(&name).await, Some(true));
    assert_eq!(is_there("of-nobody").await, Some(false));
    let pattern = json!({
        "source": ["assetmill"],
        "detail-type": ["flow.settled"],
        "detail": { "tenant": ["acme"], "data": { "state": ["CANCELLED"] } },
    });
    let settled = queue_of(&clients, &name, &pattern).await;
    let pattern = json!({ "source": ["assetmill"], "detail-type": ["batch.completed"] });
    let completed = queue_of(&clients, &name, &pattern).await;

    let (own, others) = (events("acme", 12), events("globex", 3));
    for (bus, events) in [(&name, &own), (&arn, &others)] {
        let told = Bus::new(&clients, bus).publish(events).await;
        assert_eq!(told, vec![Ok(()); events.len()]);
    }
    let heard = received(&clients, &settled).await;
    assert_eq!(heard.len(), 12);
    for event in &own[..12] {
        let id = event.id.to_string();
        let heard = heard.iter().find(|heard| heard["detail"]["id"] == id);
        let heard = heard.unwrap_or_else(|| panic!("{id} is not there"));
        let payload: Value = serde_json::from_str(&event.payload).unwrap();
        assert_eq!(heard["detail"], payload);
        assert_eq!(heard["source"], "assetmill");
    }
    let heard = received(&clients, &completed).await;
    let mut tenants: Vec<_> = heard.iter().map(|it| &it["detail"]["tenant"]).collect();
    tenants.sort_by_key(|tenant| tenant.as_str());
    assert_eq!(tenants, ["acme", "globex"]);
}
