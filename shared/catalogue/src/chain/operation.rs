//! Operations one after the other.

use assetmill_core::{
    Asset, Availability, Cost, FailureCode, Operation, OperationDescription, OperationError,
    OperationName, Params, Product, RetryPolicy, Sha256Digest, Step, TenantId,
};
use async_trait::async_trait;

/// What the catalogue says of a chain.
pub(crate) struct Settings {
    pub(crate) name: OperationName,
    pub(crate) summary: String,
    /// How often each of them is tried, where it isn't as often as it says itself.
    pub(crate) retry: Option<RetryPolicy>,
}

/// An operation that is a list of operations: each takes what the one before made. It takes what the first
/// takes, makes what the last makes, costs what any of them costs, and can run if all of them can.
pub(crate) struct Chain {
    description: OperationDescription,
    fingerprint: String,
    retry: RetryPolicy,
    steps: Vec<Step>,
}

impl Chain {
    /// A chain of the first and of what follows it.
    pub(crate) fn new(settings: Settings, first: Step, rest: Vec<Step>) -> Self {
        let last = rest.last().unwrap_or(&first).operation.clone();
        let accepts = first.operation.description().accepts.clone();
        let mut steps = vec![first];
        steps.extend(rest);
        if let Some(retry) = settings.retry {
            for step in &mut steps {
                step.retry = retry;
            }
        }
        let descriptions = || steps.iter().map(|step| step.operation.description());
        let unavailable = descriptions().find_map(|it| match &it.availability {
            Availability::Available => None,
            Availability::Unavailable { reason } => Some(format!("{}: {reason}", it.name)),
        });
        let description = OperationDescription {
            name: settings.name,
            summary: settings.summary,
            params: assetmill_core::ParamsSchema::default(),
            accepts,
            produces: last.description().produces.clone(),
            availability: match unavailable {
                None => Availability::Available,
                Some(reason) => Availability::Unavailable { reason },
            },
            cost: if descriptions().any(|it| it.cost == Cost::Paid) {
                Cost::Paid
            } else {
                Cost::Free
            },
        };
        Self {
            fingerprint: fingerprint(&steps),
            description,
            retry: settings.retry.unwrap_or_default(),
            steps,
        }
    }
}

fn fingerprint(steps: &[Step]) -> String {
    let parts: Vec<_> = steps
        .iter()
        .map(|step| (step.operation.fingerprint(), step.params.canonical()))
        .collect();
    let definition = serde_json::json!({ "version": 1, "chain": parts });
    Sha256Digest::of(definition.to_string().as_bytes()).to_string()
}

#[async_trait]
impl Operation for Chain {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn retry(&self) -> RetryPolicy {
        self.retry
    }

    fn steps(&self) -> &[Step] {
        &self.steps
    }

    async fn run(
        &self,
        tenant: &TenantId,
        mut asset: Asset,
        _params: &Params,
    ) -> Result<Product, OperationError> {
        let mut made = None;
        for step in &self.steps {
            if let Some(Product { content, .. }) = made.take() {
                asset.content = content;
            }
            let run = step.operation.run(tenant, asset.clone(), &step.params);
            let name = &step.operation.description().name;
            made = Some(run.await.map_err(|error| error.of_step(name))?);
        }
        made.ok_or_else(|| {
            OperationError::permanent(FailureCode::OperationUnavailable, "the chain has no steps")
        })
    }
}
