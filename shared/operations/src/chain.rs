//! Operations one after the other, on one asset, in memory.

use std::sync::Arc;

use assetmill_core::{
    Asset, Availability, Cost, Failure, Operation, OperationDescription, OperationName, Params,
    Product, RetryPolicy, Setback, Sha256Digest, TenantId,
};
use async_trait::async_trait;

/// One operation of a chain, and its parameters.
pub(crate) struct Link {
    pub(crate) operation: Arc<dyn Operation>,
    pub(crate) params: Params,
}

/// What the catalogue says of a chain.
pub(crate) struct Settings {
    pub(crate) name: OperationName,
    pub(crate) summary: String,
    pub(crate) retry: RetryPolicy,
}

/// An operation that is a list of operations: each takes what the one before made. It takes what the first
/// takes, makes what the last makes, costs what any of them costs, and can run if all of them can.
pub(crate) struct Chain {
    description: OperationDescription,
    fingerprint: String,
    retry: RetryPolicy,
    first: Link,
    rest: Vec<Link>,
}

impl Chain {
    pub(crate) fn new(settings: Settings, first: Link, rest: Vec<Link>) -> Self {
        let links = || std::iter::once(&first).chain(&rest);
        let descriptions = || links().map(|link| link.operation.description());
        let unavailable = descriptions().find_map(|it| match &it.availability {
            Availability::Available => None,
            Availability::Unavailable { reason } => Some(format!("{}: {reason}", it.name)),
        });
        let description = OperationDescription {
            name: settings.name,
            summary: settings.summary,
            params: assetmill_core::ParamsSchema::default(),
            accepts: first.operation.description().accepts.clone(),
            produces: rest
                .last()
                .unwrap_or(&first)
                .operation
                .description()
                .produces
                .clone(),
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
            fingerprint: fingerprint(links()),
            description,
            retry: settings.retry,
            first,
            rest,
        }
    }
}

fn fingerprint<'l>(links: impl Iterator<Item = &'l Link>) -> String {
    let parts: Vec<_> = links
        .map(|link| (link.operation.fingerprint(), link.params.canonical()))
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

    /// Runs one after the other. Once something was paid for, nothing that fails later makes it be paid
    /// for again.
    async fn run(
        &self,
        tenant: &TenantId,
        asset: Asset,
        _params: &Params,
    ) -> Result<Product, Setback> {
        let url = asset.url.clone();
        let mut product = self.first.run(tenant, asset).await?;
        let mut paid = self.first.is_paid();
        for link in &self.rest {
            let asset = Asset {
                url: url.clone(),
                content: product.content,
            };
            let name = &link.operation.description().name;
            product = link
                .run(tenant, asset)
                .await
                .map_err(|setback| within(name, setback, paid))?;
            paid |= link.is_paid();
        }
        Ok(product)
    }
}

impl Link {
    async fn run(&self, tenant: &TenantId, asset: Asset) -> Result<Product, Setback> {
        self.operation.run(tenant, asset, &self.params).await
    }

    fn is_paid(&self) -> bool {
        self.operation.description().cost == Cost::Paid
    }
}

/// What the setback of a later operation is to the chain.
fn within(name: &OperationName, setback: Setback, paid: bool) -> Setback {
    let named = |failure: Failure| Failure {
        message: format!("{name}: {}", failure.message),
        ..failure
    };
    match setback {
        Setback::Final(failure) => Setback::Final(named(failure)),
        Setback::Abandoned(failure) => Setback::Abandoned(named(failure)),
        setback if paid => {
            let mut failure = named(setback.failure().clone());
            failure
                .message
                .push_str("; what came before was paid for, so it is not run again by itself");
            Setback::Abandoned(failure)
        }
        Setback::Transient(failure) => Setback::Transient(named(failure)),
        Setback::Persistent(failure) => Setback::Persistent(named(failure)),
        Setback::Paced {
            failure,
            retry_after,
        } => Setback::Paced {
            failure: named(failure),
            retry_after,
        },
        Setback::Unconfirmed(failure) => Setback::Unconfirmed(named(failure)),
        Setback::Throttled {
            failure,
            retry_after,
        } => Setback::Throttled {
            failure: named(failure),
            retry_after,
        },
    }
}
