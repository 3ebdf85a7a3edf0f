//! The table.

use std::time::Duration;

use aws_sdk_dynamodb::client::Waiters as _;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification, TimeToLiveStatus,
};

use super::ResourceError;
use crate::Clients;
use crate::table::names::{
    EXPIRES_AT, LISTED, LISTED_AS, LISTED_IN, PK, STATE, UNSENT, UNSENT_IN, UNSENT_SINCE,
};

const KIND: &str = "table";
/// A new table is usable within a minute.
const PATIENCE: Duration = Duration::from_mins(3);

pub(super) async fn create(clients: &Clients, name: &str) -> Result<(), ResourceError> {
    let shape = shape().map_err(|error| ResourceError::new(KIND, name, error))?;
    let created = clients
        .dynamodb
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(shape.attributes))
        .set_key_schema(Some(shape.key))
        .set_global_secondary_indexes(Some(shape.indexes))
        .send()
        .await;
    match created {
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) => {}
        Err(error) => return Err(ResourceError::new(KIND, name, error)),
        Ok(_) => {}
    }
    let exists = clients.dynamodb.wait_until_table_exists().table_name(name);
    exists
        .wait(PATIENCE)
        .await
        .map_err(|error| ResourceError::new(KIND, name, error))?;
    let_rows_expire(clients, name).await
}

async fn let_rows_expire(clients: &Clients, name: &str) -> Result<(), ResourceError> {
    let fault = |error| ResourceError::plain(KIND, name, error);
    let described = clients.dynamodb.describe_time_to_live().table_name(name);
    let described = described
        .send()
        .await
        .map_err(|error| ResourceError::new(KIND, name, error))?;
    let status = described
        .time_to_live_description
        .and_then(|description| description.time_to_live_status);
    if matches!(
        status,
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
    ) {
        return Ok(());
    }
    let specification = TimeToLiveSpecification::builder()
        .attribute_name(EXPIRES_AT)
        .enabled(true)
        .build()
        .map_err(|error| fault(error.to_string()))?;
    clients
        .dynamodb
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(specification)
        .send()
        .await
        .map_err(|error| ResourceError::new(KIND, name, error))?;
    Ok(())
}

struct Shape {
    attributes: Vec<AttributeDefinition>,
    key: Vec<KeySchemaElement>,
    indexes: Vec<GlobalSecondaryIndex>,
}

fn shape() -> Result<Shape, BuildError> {
    let states = Projection::builder()
        .projection_type(ProjectionType::Include)
        .non_key_attributes(STATE)
        .build();
    let keys = Projection::builder()
        .projection_type(ProjectionType::KeysOnly)
        .build();
    Ok(Shape {
        attributes: [PK, LISTED_IN, LISTED_AS, UNSENT_IN, UNSENT_SINCE]
            .into_iter()
            .map(text)
            .collect::<Result<_, _>>()?,
        key: vec![element(PK, KeyType::Hash)?],
        indexes: vec![
            index(LISTED, LISTED_IN, LISTED_AS, states)?,
            index(UNSENT, UNSENT_IN, UNSENT_SINCE, keys)?,
        ],
    })
}

fn text(name: &str) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
}

fn element(name: &str, key_type: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(key_type)
        .build()
}

fn index(
    name: &str,
    hash: &str,
    range: &str,
    projection: Projection,
) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(name)
        .key_schema(element(hash, KeyType::Hash)?)
        .key_schema(element(range, KeyType::Range)?)
        .projection(projection)
        .build()
}
