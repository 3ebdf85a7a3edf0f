//! What changes ask of DynamoDB, and what they leave alone, at an emulator that needs no installation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "rows/asset.rs"]
mod asset;
mod emulators;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_aws::resources::{self, Names};
use assetmill_aws::{Clients, Table};
use assetmill_contract::samples::{at, batch, output, tenant};
use assetmill_core::ports::{
    FlowChanges as _, FlowReads as _, FlowWrites as _, ResultCache as _, SystemClock, WorkHolder,
};
use assetmill_core::{
    CallEnd, Claim, Deferral, Fenced, Flow, FlowId, FlowMessage, NextTry, Params, Settlement,
    Sha256Digest, StepProduct, Wait, WorkKey,
};
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
use libtest_mimic::{Arguments, Trial};

const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";

fn main() {
    if std::env::var_os(ENDPOINT).is_none() {
        let ended = emulators::run_again_with_emulators();
        std::process::exit(ended.code().unwrap_or(1));
    }
    let trials = vec![
        trial("right_guesses_read_nothing", right_guesses_read_nothing),
        trial("wrong_guesses_read_nothing", wrong_guesses_read_nothing),
        trial("what_changes_nothing_is_read", what_changes_nothing_is_read),
        trial(
            "what_a_newer_version_knows_is_kept",
            what_a_newer_version_knows_is_kept,
        ),
        trial("an_older_row_is_changed", an_older_row_is_changed),
        trial(
            "what_has_no_business_is_removed",
            what_has_no_business_is_removed,
        ),
        trial(
            "a_guess_of_a_row_that_expired_is_none",
            a_guess_of_a_row_that_expired_is_none,
        ),
        trial(
            "completed_work_keeps_what_is_not_known",
            completed_work_keeps_what_is_not_known,
        ),
        trial(
            "a_free_asset_makes_five_calls",
            asset::a_free_asset_makes_five_calls,
        ),
        trial(
            "a_paid_asset_makes_seven_calls",
            asset::a_paid_asset_makes_seven_calls,
        ),
        trial(
            "a_rate_makes_one_write_more",
            asset::a_rate_makes_one_write_more,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

fn trial<Case>(name: &str, case: fn(World) -> Case) -> Trial
where
    Case: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Runtime::new()?;
        runtime.block_on(async { case(World::new().await).await });
        Ok(())
    })
}

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
struct World {
    clients: Clients,
    table: Table,
    name: String,
    calls: Arc<Mutex<Vec<String>>>,
}

impl World {
    async fn new() -> Self {
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

    async fn flow(&self) -> Flow {
        let (_, mut rows) = batch(1);
        self.table.flows().put_flows(&rows).await.unwrap();
        self.called();
        rows.remove(0)
    }

    /// The calls since the last time.
    fn called(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn key(id: FlowId) -> AttributeValue {
        AttributeValue::S(format!("flow#{id}"))
    }

    async fn raw(&self, key: AttributeValue) -> HashMap<String, AttributeValue> {
        let read = self.clients.dynamodb().get_item().table_name(&self.name);
        let read = read.key("pk", key).consistent_read(true).send();
        read.await.unwrap().item.unwrap()
    }

    /// Writes to a row what no function of this version would.
    async fn update(
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

fn product() -> StepProduct {
    StepProduct {
        step: Sha256Digest::of(b"step"),
        output: output(b"step"),
    }
}

fn deferral() -> Deferral {
    Deferral {
        not_before: at(50),
        next_try: NextTry::Another,
        reason: Wait::Worker,
        last_failure: None,
    }
}

fn number(value: &str) -> AttributeValue {
    AttributeValue::N(value.to_owned())
}

async fn claimed(on: &World, guess: &Flow, seconds: i64) -> Flow {
    let flows = on.table.flows();
    match flows.claim(guess, at(seconds), at(100)).await.unwrap() {
        Claim::Claimed(flow) => flow,
        other => panic!("not claimed: {other:?}"),
    }
}

/// As a worker does with what a message carries.
async fn right_guesses_read_nothing(on: World) {
    let flows = on.table.flows();
    let body = serde_json::to_string(&on.flow().await.message()).unwrap();
    let message: FlowMessage = serde_json::from_str(&body).unwrap();
    let claim = flows.claim(message.flow_ref(), at(10), at(100)).await;
    let Claim::Claimed(mut flow) = claim.unwrap() else {
        panic!("not claimed");
    };
    let fence = flow.fence;
    let begun = flows
        .change_held(&mut flow, move |flow| flow.begin_call(fence, &[]))
        .await;
    assert_eq!(begun.unwrap(), Some(Fenced::Done));
    let finished = flows.change_held(&mut flow, move |flow| {
        flow.finish_step(fence, 0, product(), CallEnd::Confirmed.into())
    });
    assert_eq!(finished.await.unwrap(), Some(Fenced::Done));
    let completed = Settlement::Completed(output(b"made"));
    let settled = flows
        .settle(&flow, fence, completed, CallEnd::NoCall, at(20))
        .await;
    assert_eq!(settled.unwrap(), Fenced::Done);
    assert_eq!(on.called(), ["UpdateItem"; 4]);
}

/// The refusal brings the row.
async fn wrong_guesses_read_nothing(on: World) {
    let flows = on.table.flows();
    let stale = on.flow().await;
    claimed(&on, &stale, 10).await;
    on.called();
    let leased = flows.claim(&stale, at(20), at(200)).await.unwrap();
    assert_eq!(leased, Claim::Leased { until: at(100) });
    assert_eq!(on.called(), ["UpdateItem"]);
    claimed(&on, &stale, 100).await;
    assert_eq!(on.called(), ["UpdateItem"; 2]);
    let (_, gone) = batch(1);
    let gone = flows.claim(&gone[0], at(10), at(100)).await.unwrap();
    assert_eq!(gone, Claim::Unknown);
    assert_eq!(on.called(), ["UpdateItem"]);
}

async fn what_changes_nothing_is_read(on: World) {
    let flows = on.table.flows();
    let flow = on.flow().await;
    let running = claimed(&on, &flow, 10).await;
    on.called();
    let leased = flows.claim(&running, at(20), at(200)).await.unwrap();
    assert_eq!(leased, Claim::Leased { until: at(100) });
    assert_eq!(on.called(), ["GetItem"]);
}

async fn what_a_newer_version_knows_is_kept(on: World) {
    let flows = on.table.flows();
    for guesses in [true, false] {
        let flow = on.flow().await;
        let shade = AttributeValue::M(HashMap::from([("shade".to_owned(), number("3"))]));
        on.update(
            World::key(flow.id),
            "SET #version = :version, colour = :colour, progress.price = :price"
                .replace("#version", "version")
                .as_str(),
            &[
                (":version", number("2")),
                (":colour", shade.clone()),
                (":price", number("7")),
            ],
        )
        .await;
        // As the worker knows it, or as whoever has its id alone.
        let known = |flow: &Flow| {
            if guesses {
                flow.into()
            } else {
                assetmill_core::FlowRef::from(flow.id)
            }
        };
        let unchanged = async |what: &str| {
            let row = on.raw(World::key(flow.id)).await;
            assert_eq!(row["version"], number("2"), "{what}");
            assert_eq!(row["colour"], shade, "{what}");
            let AttributeValue::M(progress) = &row["progress"] else {
                panic!("progress is a map: {row:?}");
            };
            assert_eq!(progress["price"], number("7"), "{what}");
            (row.clone(), progress.clone())
        };
        let read = async || {
            let rows = flows.flows(&tenant(), &[flow.id]).await.unwrap();
            rows.into_iter().flatten().next().unwrap()
        };
        let claim = flows.claim(known(&flow), at(10), at(100)).await.unwrap();
        assert!(matches!(claim, Claim::Claimed(_)), "{claim:?}");
        unchanged("claimed").await;
        let begun = flows
            .begin_call(known(&read().await), 1, Vec::new())
            .await
            .unwrap();
        assert_eq!(begun, Fenced::Done);
        unchanged("begun").await;
        let held = read().await;
        let finished = flows
            .finish_step(known(&held), 1, 0, product(), CallEnd::Confirmed)
            .await;
        assert_eq!(finished.unwrap(), Fenced::Done);
        let (_, progress) = unchanged("a step finished").await;
        assert!(progress.contains_key("products"), "{progress:?}");
        let deferred = flows
            .defer(known(&read().await), 1, deferral(), CallEnd::NoCall, at(30))
            .await;
        assert_eq!(deferred.unwrap(), Fenced::Done);
        let (row, _) = unchanged("deferred").await;
        assert!(!row.contains_key("lease_until"), "{row:?}");
        assert!(flows.rest(known(&read().await), at(60)).await.unwrap());
        unchanged("resting").await;
        let claim = flows.claim(known(&read().await), at(70), at(100)).await;
        assert!(matches!(claim.unwrap(), Claim::Claimed(_)));
        let (row, _) = unchanged("claimed again").await;
        assert!(!row.contains_key("unsent_in"), "{row:?}");
        let completed = Settlement::Completed(output(b"made"));
        let settled = flows
            .settle(known(&read().await), 2, completed, CallEnd::NoCall, at(80))
            .await;
        assert_eq!(settled.unwrap(), Fenced::Done);
        let (_, progress) = unchanged("settled").await;
        assert_eq!(progress.len(), 1, "{progress:?}");
        let flow = read().await;
        assert!(flow.progress.is_none() && flow.state().is_settled());
    }
}

/// As versions wrote it that knew neither revisions nor versions, and no progress where there was none.
async fn an_older_row_is_changed(on: World) {
    let flows = on.table.flows();
    let flow = on.flow().await;
    on.update(
        World::key(flow.id),
        "REMOVE revision, version, progress",
        &[],
    )
    .await;
    let running = claimed(&on, &flow, 10).await;
    // The guess was wrong, and then the row was at hand.
    assert_eq!(on.called(), ["UpdateItem"; 2]);
    assert_eq!(running.revision, 0);
    let begun = flows
        .begin_call(&running, running.fence, Vec::new())
        .await
        .unwrap();
    assert_eq!(begun, Fenced::Done);
    assert_eq!(on.called(), ["GetItem", "UpdateItem"]);
    let finished = flows
        .finish_step(&running, 1, 0, product(), CallEnd::Confirmed)
        .await;
    assert_eq!(finished.unwrap(), Fenced::Done);
    let row = on.raw(World::key(flow.id)).await;
    assert_eq!(row["version"], number("1"));
    assert!(!row.contains_key("revision"), "{row:?}");
    let read = flows.flows(&tenant(), &[flow.id]).await.unwrap();
    let read = read[0].as_ref().unwrap();
    assert_eq!(read.progress.products, [product()]);
}

/// An older version, to which it was unknown, left it there.
async fn what_has_no_business_is_removed(on: World) {
    let flow = on.flow().await;
    on.update(
        World::key(flow.id),
        "SET settled_at = :text, unsent_in = :text, unsent_since = :text, progress.open_call = :open",
        &[
            (":text", AttributeValue::S("0".to_owned())),
            (":open", AttributeValue::Bool(false)),
        ],
    )
    .await;
    claimed(&on, &flow, 10).await;
    let row = on.raw(World::key(flow.id)).await;
    for name in ["settled_at", "unsent_in", "unsent_since"] {
        assert!(!row.contains_key(name), "{name}: {row:?}");
    }
}

async fn a_guess_of_a_row_that_expired_is_none(on: World) {
    let flow = on.flow().await;
    on.update(
        World::key(flow.id),
        "SET expires_at = :past",
        &[(":past", number("1"))],
    )
    .await;
    let claim = on.table.flows().claim(&flow, at(10), at(100)).await;
    assert_eq!(claim.unwrap(), Claim::Unknown);
}

async fn completed_work_keeps_what_is_not_known(on: World) {
    let result_cache = on.table.result_cache();
    let key = WorkKey::new(
        &tenant(),
        &"copy".parse().unwrap(),
        "1",
        &Sha256Digest::of(b"source"),
        &Params::default(),
    );
    let holder = WorkHolder {
        flow_id: FlowId::generate(),
        fence: 1,
    };
    result_cache
        .claim(&key, holder, at(0), at(10))
        .await
        .unwrap();
    let pk = AttributeValue::S(format!("work#{}", key.as_str()));
    on.update(pk.clone(), "SET price = :price", &[(":price", number("7"))])
        .await;
    result_cache.complete(&key, &output(b"made")).await.unwrap();
    let row = on.raw(pk).await;
    assert_eq!(row["price"], number("7"));
    assert!(!row.contains_key("held_until"), "{row:?}");
    assert_eq!(
        result_cache.find(&key).await.unwrap(),
        Some(output(b"made"))
    );
}
