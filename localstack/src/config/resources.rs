//! Settings of what is used on AWS.

/// What the resources on AWS are called.
#[derive(Debug, Clone, clap::Args)]
pub struct Resources {
    /// With --aws: the DynamoDB table.
    #[arg(long, env = "ASSETMILL_TABLE", default_value = "assetmill")]
    pub table: String,

    /// With --aws: the S3 bucket.
    #[arg(long, env = "ASSETMILL_BUCKET", default_value = "assetmill")]
    pub bucket: String,

    /// With --aws: the name of the SQS queue, which has a dead-letter queue.
    #[arg(long, env = "ASSETMILL_QUEUE", default_value = "assetmill")]
    pub queue: String,
}
