//! The clients of the three services.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// Tries at one call, the first included.
const TRIES: u32 = 4;
const CONNECT: Duration = Duration::from_secs(2);
/// One try at a call that moves a row or a message: the slow ones are better asked again.
const SMALL_TRY: Duration = Duration::from_secs(3);
/// All tries at such a call. Callers of the HTTP API have to hear of an outage within 29 seconds,
/// and a request makes a handful of calls.
const SMALL_CALL: Duration = Duration::from_secs(8);
/// One try at moving an output, which may have tens of megabytes.
const LARGE_TRY: Duration = Duration::from_secs(40);

/// The clients of the three services.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) credentials: Option<SharedCredentialsProvider>,
    pub(crate) region: Option<String>,
}

impl Clients {
    /// The clients that the SDK's environment variables and files describe
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>).
    pub async fn from_env() -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
        Self::new(&loader.load().await)
    }

    /// The client of DynamoDB, for what no port does.
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.dynamodb
    }

    /// The client of SQS, for what no port does.
    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        &self.sqs
    }

    /// The clients of a configuration.
    pub fn new(config: &SdkConfig) -> Self {
        let small = config
            .to_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_attempt_timeout(SMALL_TRY)
                    .operation_timeout(SMALL_CALL)
                    .build(),
            )
            .build();
        let large = config
            .to_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT)
                    .operation_attempt_timeout(LARGE_TRY)
                    .build(),
            )
            .build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&small),
            s3: aws_sdk_s3::Client::from_conf(s3_config(&large)),
            sqs: aws_sdk_sqs::Client::new(&small),
            credentials: config.credentials_provider(),
            region: config.region().map(ToString::to_string),
        }
    }
}

/// A server that is not AWS seldom has a name for each bucket, so whoever names an endpoint gets
/// paths. AWS answers both.
fn s3_config(config: &SdkConfig) -> aws_sdk_s3::Config {
    let elsewhere = config.endpoint_url().is_some() || std::env::var_os(S3_ENDPOINT).is_some();
    aws_sdk_s3::config::Builder::from(config)
        .force_path_style(elsewhere)
        .build()
}

/// Where the SDK looks for the endpoint of S3 alone.
const S3_ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";
