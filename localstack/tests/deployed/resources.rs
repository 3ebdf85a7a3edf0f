//! What `assetmill init` makes and what `template.yaml` deploys are the same.

use assetmill_aws::Clients;
use assetmill_aws::resources::{self, Names, RedriveSettings};
use aws_sdk_dynamodb::types::{KeySchemaElement, TableDescription};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

fn key(elements: &[KeySchemaElement]) -> Vec<String> {
    let element = |key: &KeySchemaElement| format!("{} {}", key.key_type(), key.attribute_name());
    elements.iter().map(element).collect()
}

/// The key, and the indexes with what they project.
async fn shape(clients: &Clients, name: &str) -> Vec<String> {
    let table = clients.dynamodb().describe_table().table_name(name);
    let table: TableDescription = table.send().await.unwrap().table.unwrap();
    let mut shape = key(table.key_schema());
    for index in table.global_secondary_indexes() {
        let projection = index.projection().unwrap();
        shape.push(format!(
            "{} {:?} {:?} {:?}",
            index.index_name().unwrap(),
            key(index.key_schema()),
            projection.projection_type().unwrap(),
            projection.non_key_attributes(),
        ));
    }
    shape.sort();
    shape
}

/// By which attribute rows expire.
async fn expiry(clients: &Clients, table: &str) -> String {
    let expiry = clients.dynamodb().describe_time_to_live().table_name(table);
    let expiry = expiry.send().await.unwrap().time_to_live_description;
    expiry.unwrap().attribute_name.unwrap()
}

/// How often a message comes before it is a dead letter.
async fn max_receives(clients: &Clients, url: &str) -> Value {
    let read = clients.sqs().get_queue_attributes().queue_url(url);
    let read = read.attribute_names(QueueAttributeName::RedrivePolicy);
    let attributes = read.send().await.unwrap().attributes.unwrap();
    let policy: Value = attributes[&QueueAttributeName::RedrivePolicy]
        .parse()
        .unwrap();
    policy["maxReceiveCount"]
        .to_string()
        .replace('"', "")
        .into()
}

#[tokio::test]
async fn the_table_and_the_queue_are_those_of_the_template() {
    let clients = Clients::from_env().await;
    let name = "made-by-init".to_owned();
    let names = Names {
        table: name.clone(),
        bucket: name.clone(),
        queue: name,
    };
    let made = resources::create(&clients, &names, RedriveSettings::default())
        .await
        .unwrap();
    // What is there stays.
    let again = resources::create(&clients, &names, RedriveSettings::default())
        .await
        .unwrap();
    assert_eq!(made, again);
    assert_eq!(
        resources::find_queues(&clients, &names).await.unwrap(),
        made
    );
    // MiniStack 1.5.33 does not read this part of a template, so it is read here.
    let attribute = expiry(&clients, &names.table).await;
    let specification = format!("AttributeName: {attribute}, Enabled: true");
    assert!(include_str!("../../../template.yaml").contains(&specification));
    let deployed = std::env::var("ASSETMILL_TEST_TABLE").unwrap();
    assert_eq!(
        shape(&clients, &names.table).await,
        shape(&clients, &deployed).await
    );
    let deployed = std::env::var("ASSETMILL_TEST_QUEUE_URL").unwrap();
    assert_eq!(
        max_receives(&clients, &made.queue).await,
        max_receives(&clients, &deployed).await
    );
}
