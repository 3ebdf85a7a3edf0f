//! The bus that the template is given: `default`, whose rules find what becomes of batches.

use assetmill_aws::Clients;
use assetmill_aws::resources::{self, RedriveSettings};
use assetmill_core::FlowId;
use aws_sdk_eventbridge::types::Target;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use crate::assets::Assets;
use crate::support::Program;

const BUS: &str = "default";

/// A new queue that what matches any of these patterns goes to.
async fn queue_of(clients: &Clients, patterns: &[Value]) -> String {
    let name = FlowId::generate().to_string();
    let urls = resources::create_queues(clients, &name, RedriveSettings::default()).await;
    let url = urls.unwrap().queue;
    let attributes = clients.sqs().get_queue_attributes().queue_url(&url);
    let attributes = attributes.attribute_names(QueueAttributeName::QueueArn);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    let events = clients.eventbridge();
    for (number, pattern) in patterns.iter().enumerate() {
        let rule = format!("{name}-{number}");
        let put = events.put_rule().name(&rule).event_bus_name(BUS);
        let put = put.event_pattern(pattern.to_string());
        put.send().await.unwrap();
        let target = Target::builder()
            .id("queue")
            .arn(&attributes[&QueueAttributeName::QueueArn])
            .build()
            .unwrap();
        let put = events.put_targets().rule(&rule).event_bus_name(BUS);
        put.targets(target).send().await.unwrap();
    }
    url
}

/// What came to a queue, until one of it is of this type, and nothing else comes.
async fn heard(clients: &Clients, url: &str, last: &str) -> Vec<Value> {
    let mut heard: Vec<Value> = Vec::new();
    loop {
        let receive = clients.sqs().receive_message().queue_url(url);
        let receive = receive.max_number_of_messages(10).wait_time_seconds(2);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() && heard.iter().any(|event| event["detail-type"] == last) {
            return heard;
        }
        for message in messages {
            heard.push(message.body().unwrap().parse().unwrap());
            let delete = clients.sqs().delete_message().queue_url(url);
            let delete = delete.receipt_handle(message.receipt_handle().unwrap());
            delete.send().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_the_bus_find_what_became_of_a_batch() {
    let assets = Assets::serve().await;
    let program = Program::start(&[]).await;
    let clients = Clients::from_env().await;
    let name = FlowId::generate().to_string();
    let own = json!([{ "prefix": assets.url("/") }]);
    let settled = json!({
        "source": ["assetmill"],
        "detail-type": ["flow.settled"],
        "detail": { "data": { "digital_asset_url": own } },
    });
    let completed = json!({
        "source": ["assetmill"],
        "detail-type": ["batch.completed"],
        "detail": { "data": { "name": [name] } },
    });
    let url = queue_of(&clients, &[settled, completed]).await;
    let mut body = assets.body((0..3).map(|number| format!("/photo/{number}")));
    body["name"] = json!(name);
    let started = program.start_batch(&body).await;
    program.settled(&started).await;

    let heard = heard(&clients, &url, "batch.completed").await;
    let mut flows = Vec::new();
    let mut tenants = Vec::new();
    for event in &heard {
        let detail = &event["detail"];
        assert_eq!(detail["type"], event["detail-type"]);
        assert_eq!(detail["data"]["batch_id"], started["batch_id"]);
        tenants.push(detail["tenant"].as_str().unwrap());
        if let Some(flow) = detail["data"]["flow_id"].as_str() {
            assert_eq!(detail["data"]["state"], "COMPLETED");
            flows.push(flow);
        }
    }
    // At least once.
    flows.sort_unstable();
    flows.dedup();
    let mut expected: Vec<_> = started["flow_ids"].as_array().unwrap().iter().collect();
    expected.sort_by_key(|id| id.as_str());
    assert_eq!(flows, expected);
    tenants.dedup();
    assert_eq!(tenants.len(), 1, "{tenants:?}");

    let (_, health) = program.get_json("/health/ready").await;
    assert!(health.to_string().contains("event_bus"), "{health}");
}
