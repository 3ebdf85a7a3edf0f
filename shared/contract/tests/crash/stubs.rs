//! The world outside: a host of assets and a vendor, with known misbehaviour.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_contract::samples;
use assetmill_core::pacing::Limits;
use assetmill_core::ports::{FlowQueue, Outgoing, Sources, Unavailable};
use assetmill_core::{
    Asset, AssetUrl, Call, Cost, Failure, FailureCode, Job, JobCall, MediaType, Operation,
    OperationDescription, OperationError, Params, Product, RetryPolicy, Run, Step, TenantId,
};
use async_trait::async_trait;
use bytes::Bytes;

/// A host that serves each URL's own text; `…/missing` is not there, and `…/flaky` fails once.
#[derive(Default)]
pub(crate) struct Host {
    failed: Mutex<HashSet<String>>,
    poison: Mutex<Option<String>>,
}

impl Host {
    /// From now on, fetching this source kills the worker.
    pub(crate) fn poison(&self, source: &str) {
        *self.poison.lock().unwrap() = Some(source.to_owned());
    }
}

#[async_trait]
impl Sources for Host {
    async fn fetch(&self, _: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        let text = url.to_string();
        let poison = self.poison.lock().unwrap().clone();
        assert_ne!(poison.as_ref(), Some(&text), "poison");
        if text.ends_with("missing") {
            return Err(OperationError::permanent(
                FailureCode::SourceNotFound,
                "404",
            ));
        }
        if text.ends_with("flaky") && self.failed.lock().unwrap().insert(text.clone()) {
            return Err(OperationError::transient(
                FailureCode::SourceTimeout,
                "late",
            ));
        }
        Ok(Asset {
            url: url.clone(),
            content: Bytes::from(text),
        })
    }
}

/// A paid operation, which writes its name below what it is given. It charges for each call that it answers,
/// throttles the first call for `…/throttled`, and is out of order for the first call for `…/unwell`.
pub(crate) struct Vendor {
    description: OperationDescription,
    /// Whether it takes work on, and is done when it is asked for the second time.
    takes_jobs: bool,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    charges: HashMap<String, u32>,
    refused: HashSet<String>,
    poison: Option<String>,
    /// What it was given, and how often it was asked for it.
    jobs: Vec<(Bytes, u32)>,
}

impl Vendor {
    pub(crate) fn new(name: &str, cost: Cost) -> Self {
        Self {
            description: samples::description(name, cost),
            takes_jobs: false,
            limits: Limits::default(),
            state: Mutex::default(),
        }
    }

    /// A vendor that takes work on.
    pub(crate) fn of_jobs(name: &str) -> Self {
        Self {
            takes_jobs: true,
            ..Self::new(name, Cost::Paid)
        }
    }

    /// A vendor that is asked for no more than this.
    pub(crate) fn limited(name: &str, limits: &str) -> Self {
        Self {
            limits: limits.parse().unwrap(),
            ..Self::new(name, Cost::Paid)
        }
    }

    /// What it makes of a text.
    pub(crate) fn made_of(&self, text: &str) -> String {
        format!("{text}\n{}", self.description.name)
    }

    fn product(&self, content: &Bytes) -> Product {
        let text = String::from_utf8(content.to_vec()).unwrap();
        Product {
            content: self.made_of(&text).into(),
            media_type: MediaType::png(),
        }
    }

    /// How often each source was charged.
    pub(crate) fn charges(&self) -> HashMap<String, u32> {
        self.state.lock().unwrap().charges.clone()
    }

    /// From now on, calls for this source kill the worker.
    pub(crate) fn poison(&self, source: &str) {
        self.state.lock().unwrap().poison = Some(source.to_owned());
    }
}

#[async_trait]
impl Operation for Vendor {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &'static str {
        "1"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn run(
        &self,
        _: &TenantId,
        asset: Asset,
        _params: &Params,
    ) -> Result<Product, OperationError> {
        // A call takes a while: other flows get their turn.
        tokio::task::yield_now().await;
        let source = asset.url.to_string();
        let poison = self.state.lock().unwrap().poison.clone();
        assert_ne!(poison.as_ref(), Some(&source), "poison");
        let mut state = self.state.lock().unwrap();
        if source.ends_with("throttled") && state.refused.insert(source.clone()) {
            return Err(OperationError::Throttled {
                failure: Failure::transient(FailureCode::VendorThrottled, "429"),
                retry_after: Some(Duration::from_secs(30)),
            });
        }
        if source.ends_with("unwell") && state.refused.insert(source.clone()) {
            return Err(OperationError::transient(
                FailureCode::VendorUnavailable,
                "503",
            ));
        }
        *state.charges.entry(source).or_default() += 1;
        Ok(self.product(&asset.content))
    }

    fn longest_job(&self) -> Duration {
        Duration::from_hours(1)
    }

    async fn begin(&self, call: Call) -> Result<Run, OperationError> {
        let content = call.asset.content.clone();
        let product = self.run(&call.tenant, call.asset, &call.params).await?;
        if !self.takes_jobs {
            return Ok(Run::Done(product));
        }
        let jobs = &mut self.state.lock().unwrap().jobs;
        jobs.push((content, 0));
        Ok(Run::Taken(Job {
            state: (jobs.len() - 1).to_string(),
            ask_after: Duration::ZERO,
            trouble: None,
        }))
    }

    async fn ask(&self, job: JobCall) -> Result<Run, OperationError> {
        tokio::task::yield_now().await;
        let jobs = &mut self.state.lock().unwrap().jobs;
        let (content, asked) = &mut jobs[job.state.parse::<usize>().unwrap()];
        *asked += 1;
        if *asked > 1 {
            return Ok(Run::Done(self.product(content)));
        }
        Ok(Run::Taken(Job {
            state: job.state,
            ask_after: Duration::from_secs(30),
            trouble: None,
        }))
    }
}

/// An operation of several steps.
pub(crate) struct Chain {
    description: OperationDescription,
    steps: Vec<Step>,
}

impl Chain {
    pub(crate) fn new(operations: impl IntoIterator<Item = Arc<dyn Operation>>) -> Self {
        let step = |operation: Arc<dyn Operation>| Step {
            params: Params::default(),
            retry: operation.retry(),
            operation,
        };
        Self {
            description: samples::description("chain", Cost::Paid),
            steps: operations.into_iter().map(step).collect(),
        }
    }
}

#[async_trait]
impl Operation for Chain {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &'static str {
        "chain"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    fn steps(&self) -> &[Step] {
        &self.steps
    }

    async fn run(&self, _: &TenantId, _: Asset, _: &Params) -> Result<Product, OperationError> {
        panic!("its steps are to be run, one by one");
    }
}

/// A queue that sends every message twice, the last one first.
pub(crate) struct Duplicating(pub(crate) Arc<dyn FlowQueue>);

#[async_trait]
impl FlowQueue for Duplicating {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        // Waiting messages stay single: else their number would double with every wait.
        let copies = if messages.iter().all(|sent| sent.delay.is_zero()) {
            2
        } else {
            1
        };
        let reversed: Vec<_> = messages.iter().rev().cloned().collect();
        for _ in 0..copies {
            self.0.send(&reversed).await?;
        }
        Ok(())
    }
}
