//! Keeping what was made, before anybody is told.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::Process;
use super::attempt::Attempt;
use crate::ports::Unavailable;
use crate::{
    CallEnd, Flow, MediaType, Output, OutputKey, Product, Sha256Digest, TenantId, WorkKey,
};

/// Tries at a write that would lose paid work if it failed.
const TRIES: u32 = 5;
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What a step made.
pub(super) struct StepOutput {
    pub(super) output: Output,
    /// Its content, unless it was found to be stored already.
    pub(super) content: Option<Bytes>,
}

impl StepOutput {
    /// What was found to be made already.
    pub(super) fn before(output: Output) -> Self {
        Self {
            output,
            content: None,
        }
    }
}

impl Process {
    /// Stores a product. That it is the output of the work is for the next change of the row to tell.
    pub(super) async fn keep(
        &self,
        flow: &Flow,
        work: WorkKey,
        product: Product,
        attempt: &mut Attempt,
    ) -> Result<StepOutput, Unavailable> {
        let output = product_output(&flow.tenant, &product);
        persistently(|| {
            let content = product.content.clone();
            self.outputs.put(&output.key, content, &output.media_type)
        })
        .await?;
        attempt.made = Some((work, output.clone()));
        Ok(StepOutput {
            output,
            content: Some(product.content),
        })
    }

    /// Remembers by itself what an attempt made that broke off before a change of its row told.
    pub(super) async fn remember_made(&self, attempt: &mut Attempt) {
        let Some((work, output)) = attempt.made.take() else {
            return;
        };
        if let Err(error) = persistently(|| self.result_cache.complete(&work, &output)).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "output of work was not remembered");
            if attempt.call == CallEnd::Confirmed {
                // The next attempt is not to find that it was paid, and call again.
                attempt.call = CallEnd::Unconfirmed;
            }
        }
    }

    /// Stores an asset that the end of a job needs.
    pub(super) async fn keep_asset(
        &self,
        flow: &Flow,
        content: Bytes,
    ) -> Result<OutputKey, Unavailable> {
        let media_type = MediaType::unknown();
        let key = OutputKey::new(&flow.tenant, &Sha256Digest::of(&content), &media_type);
        self.outputs.put(&key, content, &media_type).await?;
        Ok(key)
    }
}

/// What a product is known as.
pub(in crate::usecases) fn product_output(tenant: &TenantId, product: &Product) -> Output {
    let sha256 = Sha256Digest::of(&product.content);
    Output {
        key: OutputKey::new(tenant, &sha256, &product.media_type),
        bytes: product.content.len() as u64,
        media_type: product.media_type.clone(),
        sha256,
    }
}

async fn persistently<'a>(
    write: impl Fn() -> BoxFuture<'a, Result<(), Unavailable>>,
) -> Result<(), Unavailable> {
    let mut tries = 1;
    loop {
        match write().await {
            Err(error) if tries < TRIES => {
                tracing::warn!(
                    dependency = error.dependency,
                    error = &error as &dyn std::error::Error,
                    tries,
                    "write failed, trying again"
                );
                tokio::time::sleep(TRY_AGAIN_AFTER * tries).await;
                tries += 1;
            }
            result => return result,
        }
    }
}
