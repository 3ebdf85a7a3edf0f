//! What an event source mapping and a schedule do on AWS: hands messages to the worker, dead letters
//! to the janitor, and sweeps now and then.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{Delivery, FlowDeliveries, Unavailable};
use assetmill_core::usecases::{Bury, Sweep, Work};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The most messages of one receive, as of SQS.
const MAX_RECEIVE: usize = 10;
/// How long a receive waits for a message, as of SQS.
const WAIT: Duration = Duration::from_secs(20);
/// How long to rest after the queue failed.
const REST: Duration = Duration::from_secs(1);
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Receives messages and works on them, at most `parallel` at the same time, until `stop`; returns
/// once what it began is done.
pub async fn work(
    work: Work,
    deliveries: Arc<dyn FlowDeliveries>,
    parallel: usize,
    stop: CancellationToken,
) {
    let handle = move |delivery: Delivery| {
        let work = work.clone();
        async move { work.handle(&delivery.message).await }
    };
    consume(deliveries, parallel, stop, handle).await;
}

/// Receives dead letters and settles their flows, until `stop`.
pub async fn bury(bury: Bury, dead_letters: Arc<dyn FlowDeliveries>, stop: CancellationToken) {
    let handle = move |delivery: Delivery| {
        let bury = bury.clone();
        async move { bury.handle(&delivery.message).await }
    };
    consume(dead_letters, 1, stop, handle).await;
}

/// Sweeps now and then, until `stop`.
pub async fn sweep(sweep: Sweep, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        if let Err(error) = sweep.run().await {
            tracing::error!(error = &error as &dyn std::error::Error, "sweep failed");
        }
    }
}

async fn consume<Handled>(
    deliveries: Arc<dyn FlowDeliveries>,
    parallel: usize,
    stop: CancellationToken,
    handle: impl Fn(Delivery) -> Handled,
) where
    Handled: Future<Output = Result<(), Unavailable>> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(parallel));
    let running = TaskTracker::new();
    while let Some(free) = stop.run_until_cancelled(free_permits(&permits)).await {
        let received = stop.run_until_cancelled(deliveries.receive(free.len(), WAIT));
        match received.await {
            None => break,
            Some(Ok(received)) => {
                for (delivery, permit) in received.into_iter().zip(free) {
                    let receipt = delivery.receipt.clone();
                    let handled = handle(delivery);
                    let deliveries = deliveries.clone();
                    running.spawn(async move {
                        let _permit = permit;
                        acknowledge_if_handled(handled, &*deliveries, &receipt).await;
                    });
                }
            }
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "receive failed");
                tokio::time::sleep(REST).await;
            }
        }
    }
    running.close();
    running.wait().await;
}

/// Waits for a free permit, and takes as many as one receive can use.
async fn free_permits(permits: &Arc<Semaphore>) -> Vec<OwnedSemaphorePermit> {
    let first = permits.clone().acquire_owned().await;
    let more = || permits.clone().try_acquire_owned().ok();
    // The semaphore is never closed.
    first
        .ok()
        .into_iter()
        .chain(std::iter::from_fn(more))
        .take(MAX_RECEIVE)
        .collect()
}

/// What is not acknowledged comes again after the queue's visibility timeout, and a panic ends here
/// in the same way.
async fn acknowledge_if_handled(
    handled: impl Future<Output = Result<(), Unavailable>>,
    deliveries: &dyn FlowDeliveries,
    receipt: &str,
) {
    let acknowledged = match handled.await {
        Ok(()) => deliveries.acknowledge(receipt).await,
        Err(error) => Err(error),
    };
    if let Err(error) = acknowledged {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "message was not acknowledged"
        );
    }
}
