//! The clients of the three services.

use std::time::Duration;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::fault::described;

/// Tries at one call, the first included.
const TRIES: u32 = 4;
const CONNECT: Duration = Duration::from_secs(2);
/// One try at a call that moves a row or a message: the slow ones are better asked again.
const SMALL_TRY: Duration = Duration::from_secs(3);
/// All tries at such a call. Callers of the HTTP API have to hear of an outage within 29 seconds,
/// and a request makes a handful of calls.
const SMALL_CALL: Duration = Duration::from_secs(8);
/// One try at telling the bus, and all tries: flows wait for it, and what it does not take is told again later.
const BUS_TRY: Duration = Duration::from_millis(1_400);
const BUS_CALL: Duration = Duration::from_secs(3);
const BUS_TRIES: u32 = 2;
/// One try at moving an output, which may have tens of megabytes.
const LARGE_TRY: Duration = Duration::from_secs(40);

/// The clients of the three services.
#[derive(Debug, Clone)]
pub struct Clients {
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    /// What a client of EventBridge is made of, where there is a bus.
    pub(crate) of_bus: SdkConfig,
    pub(crate) credentials: Option<SharedCredentialsProvider>,
    pub(crate) region: Option<String>,
}

impl Clients {
    /// The clients that the SDK's environment variables and files describe
    /// (<https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>).
    ///
    /// The metadata service of EC2 is not asked unless `AWS_EC2_METADATA_DISABLED=false` says that there is one:
    /// anywhere else it keeps a start without credentials waiting for seconds.
    pub async fn from_env() -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.clone());
        if std::env::var(NO_METADATA).as_deref() != Ok("false") {
            let region = region().region().await;
            let providers = ProviderConfig::without_region()
                .with_http_client(http)
                .with_region(region.clone());
            loader = loader
                .region(region)
                .credentials_provider(credentials(&providers));
        }
        Self::new(&loader.load().await)
    }

    /// Finds out whether it is known who calls, and where. AWS is asked only by a profile that takes a role, or a
    /// token of the web.
    ///
    /// # Errors
    /// [`NotConfigured`] says what is missing.
    pub async fn check(&self) -> Result<(), NotConfigured> {
        if self.region.is_none() {
            return Err(NotConfigured::Region);
        }
        let credentials = self
            .credentials
            .as_ref()
            .ok_or(NotConfigured::Credentials)?;
        let provided = credentials.provide_credentials().await;
        provided.map(|_| ()).map_err(|error| match error {
            CredentialsError::CredentialsNotLoaded(_) => NotConfigured::Credentials,
            error => NotConfigured::Refused(described(&error)),
        })
    }

    /// The client of DynamoDB, for what no port does.
    pub fn dynamodb(&self) -> &aws_sdk_dynamodb::Client {
        &self.dynamodb
    }

    /// The client of SQS, for what no port does.
    pub fn sqs(&self) -> &aws_sdk_sqs::Client {
        &self.sqs
    }

    /// A new client of EventBridge, for what no port does: it waits no longer than whoever tells the bus.
    pub fn eventbridge(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.of_bus)
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
        let of_bus = config
            .to_builder()
            .retry_config(RetryConfig::standard().with_max_attempts(BUS_TRIES))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(BUS_TRY)
                    .operation_attempt_timeout(BUS_TRY)
                    .operation_timeout(BUS_CALL)
                    .build(),
            )
            .build();
        Self {
            of_bus,
            dynamodb: aws_sdk_dynamodb::Client::new(&small),
            s3: aws_sdk_s3::Client::from_conf(s3_config(&large)),
            sqs: aws_sdk_sqs::Client::new(&small),
            credentials: config.credentials_provider(),
            region: config.region().map(ToString::to_string),
        }
    }
}

/// Where the SDKs look for what is said of the metadata service.
const NO_METADATA: &str = "AWS_EC2_METADATA_DISABLED";

/// Why AWS can't be called.
#[derive(Debug, thiserror::Error)]
pub enum NotConfigured {
    /// No region.
    #[error("no AWS region: set AWS_REGION, or AWS_PROFILE to a profile that has one")]
    Region,
    /// No credentials.
    #[error(
        "no AWS credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE to a profile that \
         has them; on EC2, AWS_EC2_METADATA_DISABLED=false uses those of the machine"
    )]
    Credentials,
    /// There should be some, but they are not to be had.
    #[error("no AWS credentials: {0}")]
    Refused(String),
}

fn region() -> RegionProviderChain {
    RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
}

/// The SDK's chain without the metadata service of EC2.
fn credentials(config: &ProviderConfig) -> CredentialsProviderChain {
    let environment = EnvironmentVariableCredentialsProvider::new();
    let profile = ProfileFileCredentialsProvider::builder().configure(config);
    let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(config);
    let container = EcsCredentialsProvider::builder().configure(config);
    CredentialsProviderChain::first_try("environment", environment)
        .or_else("profile", profile.build())
        .or_else("web identity", web_identity.build())
        .or_else("container", container.build())
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
