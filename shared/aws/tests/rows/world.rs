//! A new table at the emulator, and which calls are made of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_aws::resources::{self, Names};
use assetmill_aws::{Clients, Table};
use assetmill_contract::samples::{at, batch, output};
use assetmill_core::ports::{FlowChanges as _, FlowWrites as _, SystemClock};
use assetmill_core::{Claim, Flow, FlowId, Sha256Digest, StepProduct};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use crate::ENDPOINT;

/// An HTTP client that notes which calls are made.
#[derive(Debug, Clone)]
struct Counting<Inner> {
    inner: Inner,
    calls: Arc<Mutex<Vec<String>>>,
}

impl HttpClient for Counting<SharedHttpClient> {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Counting {
            inner: self.inner.http_connector(settings, components),
            calls: self.calls.clone(),
        })
    }
}

impl HttpConnector for Counting<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let name = target.rsplit('.').next().unwrap_or_default();
        self.calls.lock().unwrap().push(name.to_owned());
        self.inner.call(request)
    }
}

/// A new table.
pub(crate) struct World {
    clients: Clients,
    pub(crate) table: Table,
    name: String,
    calls: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let calls = Arc::default();
        let http = Counting {
            inner: aws_smithy_http_client::Builder::new().build_http(),
            calls: Arc::clone(&calls),
        };
        let key = Credentials::from_keys("test", "test", None);
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(std::env::var(ENDPOINT).unwrap())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(key))
            .http_client(SharedHttpClient::new(http))
            .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
            .build();
        let clients = Clients::new(&config);
        let name = FlowId::generate().to_string();
        let names = Names {
            table: name.clone(),
            bucket: name.clone(),
            queue: name.clone(),
        };
        // The bucket is made where the SDK's variables say.
        resources::create_stores(&Clients::from_env().await, &names)
            .await
            .unwrap();
        let table = Table::new(
            &clients,
            &name,
            Arc::new(SystemClock),
            Duration::from_hours(24),
        );
        Self {
            clients,
            table,
            name,
            calls,
        }
    }

    pub(crate) async fn flow(&self) -> Flow {
        let (_, mut rows) = batch(1);
        self.table.flows().put_flows(&rows).await.unwrap();
        self.called();
        rows.remove(0)
    }

    /// The calls since the last time.
    pub(crate) fn called(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    pub(crate) fn key(id: FlowId) -> AttributeValue {
        AttributeValue::S(format!("flow#{id}"))
    }

    pub(crate) async fn raw(&self, key: AttributeValue) -> HashMap<String, AttributeValue> {
        let read = self.clients.dynamodb().get_item().table_name(&self.name);
        let read = read.key("pk", key).consistent_read(true).send();
        read.await.unwrap().item.unwrap()
    }

    /// Writes to a row what no function of this version would.
    pub(crate) async fn update(
        &self,
        key: AttributeValue,
        expression: &str,
        values: &[(&str, AttributeValue)],
    ) {
        let mut update = self
            .clients
            .dynamodb()
            .update_item()
            .table_name(&self.name)
            .key("pk", key)
            .update_expression(expression);
        for (name, value) in values {
            update = update.expression_attribute_values(*name, value.clone());
        }
        update.send().await.unwrap();
        self.called();
    }
}

pub(crate) fn product() -> StepProduct {
    StepProduct {
        step: Sha256Digest::of(b"step"),
        output: output(b"step"),
    }
}

pub(crate) fn number(value: &str) -> AttributeValue {
    AttributeValue::N(value.to_owned())
}

pub(crate) async fn claimed(on: &World, guess: &Flow, seconds: i64) -> Flow {
    let flows = on.table.flows();
    match flows.claim(guess, at(seconds), at(100)).await.unwrap() {
        Claim::Claimed(flow) => flow,
        other => panic!("not claimed: {other:?}"),
    }
}
