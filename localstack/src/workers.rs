//! What an event source mapping and a schedule do on AWS: hands messages to the worker, dead letters
//! to the janitor, and sweeps now and then.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{Delivery, FlowDeliveries, Unavailable};
use assetmill_core::usecases::{DeliverWebhooks, FailDeadLetter, MessageHandler, Meter, Sweep};
use assetmill_sqlite::{Expired, Expiry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The most messages that are asked for at once.
pub(crate) const MAX_RECEIVE: usize = 64;
/// How long a receive waits for a message, as of SQS.
pub(crate) const WAIT: Duration = Duration::from_secs(20);
/// How long to rest after the queue failed.
pub(crate) const REST: Duration = Duration::from_secs(1);
/// How long after their receipt messages that came before are still begun, one after the other: they must not
/// become visible meanwhile.
const ALONE_FOR: Duration = Duration::from_mins(1);
/// What is counted is for a plot.
const FLUSH_EVERY: Duration = Duration::from_secs(2);
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// How late endpoints are told, at the most, where nothing else is due.
const LOOK_FOR_WEBHOOKS_EVERY: Duration = Duration::from_secs(1);
/// What is kept for days may be kept for another hour.
const EXPIRE_EVERY: Duration = Duration::from_hours(1);

/// The longest that quarantined flows wait for a moment in which no other flow is due.
const LAST_AFTER: Duration = Duration::from_mins(5);

/// Receives messages and works on them as far as `permits` go, until `stop`; returns once what it began is
/// done. Flows in `quarantine` are tried when no other is due, with no other of a queue beside them.
pub async fn work(
    work: MessageHandler,
    deliveries: Arc<dyn FlowDeliveries>,
    quarantine: Option<Arc<dyn FlowDeliveries>>,
    permits: Permits,
    stop: CancellationToken,
) {
    let handle = move |delivery: Delivery| {
        let work = work.clone();
        let message = delivery.message.delivered(delivery.receive_count > 1);
        async move { work.handle(&message).await }
    };
    let Some(quarantine) = quarantine else {
        return consume(deliveries, permits, stop, handle).await;
    };
    let overdue = Instant::now() + LAST_AFTER;
    let mut quarantined = true;
    while !stop.is_cancelled() {
        let wait = if quarantined { Duration::ZERO } else { WAIT };
        let busy = receive(&deliveries, &permits, wait, &stop, &handle).await;
        let due = if quarantined {
            !busy || Instant::now() >= overdue
        } else {
            // One whose handling broke off comes again. Nothing is kept waiting to look for it.
            !busy && permits.running.is_empty()
        };
        if due {
            quarantined = suspects_alone(&quarantine, &permits, &stop, &handle).await;
        }
    }
    permits.ended().await;
}

/// Waits until nothing is worked on, and works on those messages of the quarantine that are tried at the same time.
/// Whether there was one.
async fn suspects_alone<Handled>(
    quarantine: &Arc<dyn FlowDeliveries>,
    permits: &Permits,
    stop: &CancellationToken,
    handle: &impl Fn(Delivery) -> Handled,
) -> bool
where
    Handled: Future<Output = Result<(), Unavailable>> + Send + 'static,
{
    let Some(_alone) = permits.alone(stop).await else {
        return false;
    };
    let received = match quarantine.receive(MAX_RECEIVE, Duration::ZERO).await {
        Ok(received) => received,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "receive failed");
            tokio::time::sleep(REST).await;
            return true;
        }
    };
    let found = !received.is_empty();
    let begin = |delivery: Delivery| {
        tracing::warn!(flow_id = %delivery.message.flow_id, "quarantined flow is tried");
        // A task of its own, so that a panic is its own.
        permits.spawn(quarantine, delivery, (), handle)
    };
    let tried: Vec<_> = received.into_iter().map(begin).collect();
    for flow in tried {
        let _ = flow.await;
    }
    found
}

/// Receives dead letters and settles their flows, until `stop`.
pub async fn fail_dead_letter(
    fail_dead_letter: FailDeadLetter,
    dead_letters: Arc<dyn FlowDeliveries>,
    stop: CancellationToken,
) {
    let handle = move |delivery: Delivery| {
        let fail_dead_letter = fail_dead_letter.clone();
        async move { fail_dead_letter.handle(&delivery.message).await }
    };
    consume(dead_letters, Permits::new(1), stop, handle).await;
}

/// Sweeps now and then, until `stop`.
pub async fn sweep(sweep: Sweep, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        // It has logged what failed, and comes again.
        let _ = sweep.run().await;
    }
}

/// Adds what was counted to the log now and then, until `stop`.
pub async fn flush(meter: Meter, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(FLUSH_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        meter.flush().await;
    }
}

/// Tells endpoints what they are to be told, until `stop`; what was begun ends then.
pub async fn deliver_webhooks(deliver: DeliverWebhooks, stop: CancellationToken) {
    deliver.serve(LOOK_FOR_WEBHOOKS_EVERY, stop).await;
}

/// Deletes what expired, from the start on and now and then, until `stop`.
pub async fn expire(expiry: Expiry, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(EXPIRE_EVERY);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match stop.run_until_cancelled(expiry.run()).await {
            None => return,
            Some(Ok(expired)) if expired == Expired::default() => {}
            Some(Ok(expired)) => tracing::info!(
                batches = expired.batches,
                flows = expired.flows,
                works = expired.works,
                outputs = expired.outputs,
                "deleted what is older than it is kept"
            ),
            Some(Err(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "expiry failed");
            }
        }
    }
}

/// Where messages are worked on.
pub struct Permits {
    semaphore: Arc<Semaphore>,
    parallel: u32,
    running: TaskTracker,
}

impl Permits {
    /// Permits for so many messages at the same time.
    pub fn new(parallel: usize) -> Self {
        let parallel = u32::try_from(parallel).unwrap_or(u32::MAX);
        Self {
            semaphore: Arc::new(Semaphore::new(parallel as usize)),
            parallel,
            running: TaskTracker::new(),
        }
    }

    /// The messages that are worked on, for whoever counts them.
    pub fn running(&self) -> TaskTracker {
        self.running.clone()
    }

    /// Works on a message, and holds its place for as long.
    fn spawn<Handled>(
        &self,
        deliveries: &Arc<dyn FlowDeliveries>,
        delivery: Delivery,
        place: impl Send + 'static,
        handle: &impl Fn(Delivery) -> Handled,
    ) -> JoinHandle<()>
    where
        Handled: Future<Output = Result<(), Unavailable>> + Send + 'static,
    {
        let receipt = delivery.receipt.clone();
        let handled = handle(delivery);
        let deliveries = deliveries.clone();
        self.running.spawn(async move {
            let _place = place;
            acknowledge_if_handled(handled, &*deliveries, &receipt).await;
        })
    }

    /// Waits until nothing is worked on, and keeps it so. Nothing once it is time to stop.
    async fn alone(&self, stop: &CancellationToken) -> Option<SemaphorePermit<'_>> {
        let all = self.semaphore.acquire_many(self.parallel);
        stop.run_until_cancelled(all).await?.ok()
    }

    /// Waits until what was begun is done.
    async fn ended(self) {
        self.running.close();
        self.running.wait().await;
    }

    /// Waits for a free permit, and takes as many as one receive can use.
    async fn free(&self) -> Vec<OwnedSemaphorePermit> {
        let first = self.semaphore.clone().acquire_owned().await;
        let more = || self.semaphore.clone().try_acquire_owned().ok();
        // The semaphore is never closed.
        first
            .ok()
            .into_iter()
            .chain(std::iter::from_fn(more))
            .take(MAX_RECEIVE)
            .collect()
    }
}

async fn consume<Handled>(
    deliveries: Arc<dyn FlowDeliveries>,
    permits: Permits,
    stop: CancellationToken,
    handle: impl Fn(Delivery) -> Handled,
) where
    Handled: Future<Output = Result<(), Unavailable>> + Send + 'static,
{
    while !stop.is_cancelled() {
        receive(&deliveries, &permits, WAIT, &stop, &handle).await;
    }
    permits.ended().await;
}

/// Receives messages once there are permits for them, and begins to work on them. Whether there were any.
async fn receive<Handled>(
    deliveries: &Arc<dyn FlowDeliveries>,
    permits: &Permits,
    wait: Duration,
    stop: &CancellationToken,
    handle: &impl Fn(Delivery) -> Handled,
) -> bool
where
    Handled: Future<Output = Result<(), Unavailable>> + Send + 'static,
{
    let Some(free) = stop.run_until_cancelled(permits.free()).await else {
        return false;
    };
    let received = stop.run_until_cancelled(deliveries.receive(free.len(), wait));
    match received.await {
        None => false,
        Some(Ok(received)) => {
            let found = !received.is_empty();
            let mut again = Vec::new();
            for (delivery, permit) in received.into_iter().zip(free) {
                if delivery.receive_count > 1 {
                    again.push(delivery);
                } else {
                    permits.spawn(deliveries, delivery, permit, handle);
                }
            }
            let received_at = Instant::now();
            for delivery in again {
                // It may have stopped the process that received it before. What is too late comes again.
                let Some(_alone) = permits.alone(stop).await else {
                    break;
                };
                if received_at.elapsed() > ALONE_FOR {
                    break;
                }
                let _ = permits.spawn(deliveries, delivery, (), handle).await;
            }
            found
        }
        Some(Err(error)) => {
            tracing::error!(error = &error as &dyn std::error::Error, "receive failed");
            tokio::time::sleep(REST).await;
            true
        }
    }
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
