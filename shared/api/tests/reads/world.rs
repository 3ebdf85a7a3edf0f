//! The routes over ports in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use assetmill_api::reads::{ReadState, router};
use assetmill_api::{Callers, InFlight, layers};
use assetmill_contract::memory::{MemoryActivityLog, MemoryFlows, MemoryGates, MemoryOutputs};
use assetmill_contract::samples::{self, at};
use assetmill_core::ports::{FlowWrites as _, SystemClock};
use assetmill_core::{
    Asset, Availability, Batch, Catalogue, Cost, Failure, FailureCode, Flow, MediaType, Operation,
    OperationDescription, OperationError, ParamKind, ParamSpec, ParamValue, Params, ParamsSchema,
    Product, RetryPolicy, Status, TenantId,
};
use async_trait::async_trait;
use axum::Router;

use crate::support::{self, Answer};

pub(crate) const ACME: &str = "0123456789abcdef";
pub(crate) const GLOBEX: &str = "fedcba9876543210";

/// Everything behind the routes.
pub(crate) struct World {
    pub(crate) state: ReadState,
    pub(crate) flows: Arc<MemoryFlows>,
    pub(crate) activity: Arc<MemoryActivityLog>,
}

impl World {
    /// Anybody is the tenant of the samples.
    pub(crate) fn new() -> Self {
        let flows = Arc::new(MemoryFlows::default());
        let activity = Arc::new(MemoryActivityLog::default());
        Self {
            state: ReadState {
                flows: flows.clone(),
                links: Arc::new(MemoryOutputs::default()),
                catalogue: catalogue(),
                gates: Arc::new(MemoryGates::default()),
                activity: activity.clone(),
                clock: Arc::new(SystemClock),
                callers: Callers::open(samples::tenant()),
                link_lifetime: Duration::from_hours(1),
                in_flight: InFlight::unbounded(),
                max_rows: 10_000,
                rows_at_once: 100,
            },
            flows,
            activity,
        }
    }

    /// The tenant of the samples, and another.
    pub(crate) fn with_keys() -> Self {
        let mut world = Self::new();
        let keys = format!("acme:{ACME},globex:{GLOBEX}");
        world.state.callers = Callers::from_keys(&keys).unwrap();
        world
    }

    /// A batch with a flow in each of these states.
    pub(crate) async fn batch(&self, states: &[Status]) -> (Batch, Vec<Flow>) {
        let size = u32::try_from(states.len()).unwrap();
        let (batch, mut flows) = samples::batch(size);
        for (flow, status) in flows.iter_mut().zip(states) {
            flow.status = status.clone();
        }
        self.flows.put_flows(&flows).await.unwrap();
        self.flows.put_batch(&batch).await.unwrap();
        (batch, flows)
    }

    pub(crate) fn routes(&self) -> Router {
        layers::around(router(self.state.clone()))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        support::ask(self.routes(), support::get(path)).await
    }

    pub(crate) async fn get_as(&self, key: &str, path: &str) -> Answer {
        let mut request = support::get(path);
        let value = format!("Bearer {key}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        support::ask(self.routes(), request).await
    }

    pub(crate) async fn post(&self, path: &str, body: String) -> Answer {
        support::ask(self.routes(), support::post(path, body)).await
    }

    pub(crate) async fn post_as(&self, key: &str, path: &str, body: String) -> Answer {
        let mut request = support::post(path, body);
        let value = key.parse().unwrap();
        request.headers_mut().insert("x-api-key", value);
        support::ask(self.routes(), request).await
    }
}

pub(crate) fn pending() -> Status {
    Status::Pending {
        not_before: None,
        last_failure: None,
    }
}

pub(crate) fn waiting_for_another_try() -> Status {
    Status::Pending {
        not_before: Some(at(60)),
        last_failure: Some(Failure::transient(
            FailureCode::VendorThrottled,
            "the vendor asked for patience",
        )),
    }
}

pub(crate) fn running() -> Status {
    Status::Running {
        lease_until: at(180),
        abandoned: 0,
    }
}

pub(crate) fn completed() -> Status {
    Status::Completed {
        output: samples::output(b"made"),
        settled_at: at(5),
    }
}

pub(crate) fn failed() -> Status {
    Status::Failed {
        failure: Failure::permanent(FailureCode::CorruptAsset, "not an image; send one"),
        settled_at: at(6),
    }
}

pub(crate) fn cancelled() -> Status {
    Status::Cancelled { settled_at: at(7) }
}

struct Described(OperationDescription);

#[async_trait]
impl Operation for Described {
    fn description(&self) -> &OperationDescription {
        &self.0
    }

    fn fingerprint(&self) -> &'static str {
        "1"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    async fn run(
        &self,
        _: &TenantId,
        _asset: Asset,
        _params: &Params,
    ) -> Result<Product, OperationError> {
        panic!("reading runs nothing")
    }
}

fn catalogue() -> Catalogue {
    let times = ParamSpec {
        summary: "How often".to_owned(),
        kind: ParamKind::Integer { min: 1, max: 3 },
        default: Some(ParamValue::Integer(1)),
    };
    let copy: Arc<dyn Operation> = Arc::new(Described(OperationDescription {
        name: "copy".parse().unwrap(),
        summary: "Copies".to_owned(),
        params: ParamsSchema(BTreeMap::from([("times".to_owned(), times)])),
        accepts: Vec::new(),
        produces: vec![MediaType::png()],
        availability: Availability::Available,
        cost: Cost::Free,
    }));
    let vendor: Arc<dyn Operation> = Arc::new(Described(OperationDescription {
        name: "vendor".parse().unwrap(),
        summary: "Asks a vendor".to_owned(),
        params: ParamsSchema::default(),
        accepts: vec![MediaType::jpeg()],
        produces: Vec::new(),
        availability: Availability::Unavailable {
            reason: "the operator has to set VENDOR_KEY".to_owned(),
        },
        cost: Cost::Paid,
    }));
    Catalogue::new([copy, vendor], &"copy".parse().unwrap()).unwrap()
}
