//! The table, the queues and the bucket: what they are called, and how they are made where nobody
//! deploys `template.yaml`, which a test compares with this.

mod queues;
mod table;

use std::time::Duration;

use aws_sdk_s3::operation::create_bucket::CreateBucketError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use crate::Clients;
use crate::fault::described;

pub use queues::{QueueUrls, RedriveSettings};

/// What the resources are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The DynamoDB table.
    pub table: String,
    /// The S3 bucket. Its name has to be free in all of AWS.
    pub bucket: String,
    /// The SQS queue; its dead-letter queue has `-dead-letters` after it.
    pub queue: String,
}

/// A resource can't be made or found.
#[derive(Debug, thiserror::Error)]
#[error("{kind} {name}: {fault}")]
pub struct ResourceError {
    kind: &'static str,
    name: String,
    fault: String,
}

impl ResourceError {
    fn new(
        kind: &'static str,
        name: &str,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            fault: described(&error),
        }
    }

    fn plain(kind: &'static str, name: &str, fault: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            fault: fault.into(),
        }
    }
}

/// Makes the resources that are not there. What is there stays as it is.
///
/// # Errors
/// [`ResourceError`] names the first that can't be made.
pub async fn create(
    clients: &Clients,
    names: &Names,
    redrive: RedriveSettings,
) -> Result<QueueUrls, ResourceError> {
    create_stores(clients, names).await?;
    create_queues(clients, &names.queue, redrive).await
}

/// As [`create`], for the table and the bucket alone.
///
/// # Errors
/// [`ResourceError`] names the first that can't be made.
pub async fn create_stores(clients: &Clients, names: &Names) -> Result<(), ResourceError> {
    table::create(clients, &names.table).await?;
    create_bucket(clients, &names.bucket).await
}

/// As [`create`], for the queue and its dead-letter queue alone.
///
/// # Errors
/// [`ResourceError`] names the first that can't be made.
pub async fn create_queues(
    clients: &Clients,
    name: &str,
    redrive: RedriveSettings,
) -> Result<QueueUrls, ResourceError> {
    queues::create(clients, name, redrive).await
}

/// Finds the queues.
///
/// # Errors
/// [`ResourceError`] when there is no such queue, or it has no dead-letter queue.
pub async fn find_queues(clients: &Clients, names: &Names) -> Result<QueueUrls, ResourceError> {
    queues::find(clients, &names.queue).await
}

async fn create_bucket(clients: &Clients, name: &str) -> Result<(), ResourceError> {
    // The first region is where buckets are that name none, and may not be named.
    let region = clients
        .region
        .as_deref()
        .filter(|region| *region != "us-east-1");
    let configuration = region.map(|region| {
        CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(region))
            .build()
    });
    let created = clients
        .s3
        .create_bucket()
        .bucket(name)
        .set_create_bucket_configuration(configuration)
        .send()
        .await;
    match created {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateBucketError::is_bucket_already_owned_by_you) =>
        {
            Ok(())
        }
        Err(error) => Err(ResourceError::new("bucket", name, error)),
    }
}

impl Default for RedriveSettings {
    /// As `template.yaml` has them.
    fn default() -> Self {
        Self {
            visibility: Duration::from_mins(18),
            max_receives: 5,
        }
    }
}
