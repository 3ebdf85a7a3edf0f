//! Running operations behind the wall.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_core::{Asset, Failure, Operation as _, OperationError, Product};
use assetmill_images::sandbox::Confinement;
use assetmill_images::{Bounds, Builtin, Codecs, Settings, Spent, Transform};
use serde_json::Value;

use crate::processes::children;

/// Codec processes, and what pictures took in them.
#[derive(Clone)]
pub(crate) struct Wall {
    codecs: Codecs,
    spent: Arc<Mutex<Vec<Spent>>>,
}

impl Wall {
    pub(crate) fn with(bounds: Bounds) -> Self {
        let spent: Arc<Mutex<Vec<Spent>>> = Arc::default();
        // Those of the test before are on their way out.
        while !children().is_empty() {
            std::thread::yield_now();
        }
        let noted = spent.clone();
        let codecs = Codecs::sandboxed(bounds, Confinement::Required).unwrap();
        Self {
            codecs: codecs.observed(move |one| noted.lock().unwrap().push(one)),
            spent,
        }
    }

    pub(crate) fn new() -> Self {
        Self::with(Bounds::default())
    }

    pub(crate) async fn run(
        &self,
        transform: Transform,
        params: Value,
        content: &[u8],
    ) -> Result<Product, OperationError> {
        self.run_for("acme", transform, params, content).await
    }

    pub(crate) async fn run_for(
        &self,
        tenant: &str,
        transform: Transform,
        params: Value,
        content: &[u8],
    ) -> Result<Product, OperationError> {
        let settings = Settings::new("any".parse().unwrap(), transform, self.codecs.clone());
        let operation = Builtin::new(transform, settings);
        let schema = &operation.description().params;
        let params = schema.accept(params.as_object().unwrap()).unwrap();
        let asset = Asset {
            url: "https://example.com/a".parse().unwrap(),
            content: content.to_vec().into(),
        };
        let tenant = tenant.parse().unwrap();
        operation.run(&tenant, asset, &params).await
    }

    /// As it has to fail: for good.
    pub(crate) async fn failure(
        &self,
        transform: Transform,
        params: Value,
        content: &[u8],
    ) -> Failure {
        match self.run(transform, params.clone(), content).await {
            Err(OperationError::Permanent(failure)) if !failure.retryable => failure,
            other => panic!(
                "{transform:?} {params}: {:?}",
                other.map(|it| it.media_type)
            ),
        }
    }

    /// What the pictures took that were worked on, and no others.
    pub(crate) fn spent(&self) -> Vec<Spent> {
        std::mem::take(&mut *self.spent.lock().unwrap())
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let patience = Duration::from_mins(5);
    runtime
        .unwrap()
        .block_on(async { tokio::time::timeout(patience, future).await })
        .expect("in five minutes")
}
