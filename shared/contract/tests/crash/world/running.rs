//! One life of the program: what callers ask of it, and its work.

use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::memory::MemoryQueue;
use assetmill_core::ports::FlowDeliveries;
use assetmill_core::usecases::{
    Accepted, Cancel, FailDeadLetter, KeyedRequest, MessageHandler, Once, Products, Retry,
    RunSynchronously, SourceList, Submit, Sweep, Swept, TransformRequest,
};
use assetmill_core::{BatchId, Flow, FlowFilter, Labels, Params, Sha256Digest};
use futures_util::future::join_all;

use super::{GRACE, Kind, Way, tenant};

/// One life of the program.
pub(crate) struct Running {
    pub(super) submit: Submit,
    pub(super) once: Once,
    pub(super) answer: RunSynchronously,
    pub(super) work: MessageHandler,
    pub(super) sweep: Sweep,
    pub(super) fail_dead_letter: FailDeadLetter,
    pub(super) cancel: Cancel,
    pub(super) retry: Retry,
    pub(super) deliveries: Arc<dyn FlowDeliveries>,
    pub(super) dead_letters: Arc<dyn FlowDeliveries>,
    pub(super) queue: Arc<MemoryQueue>,
    pub(super) kind: Kind,
}

impl Running {
    /// Submits the batch under test. Its id when the caller was told that it is accepted.
    pub(crate) async fn submit(&self, way: Way) -> Option<BatchId> {
        let order = self.order();
        let accepted = match way {
            Way::Answered => {
                let answered = self.answer.run(order, Products::Stored).await;
                answered.map(|answered| answered.accepted)
            }
            Way::Queued | Way::Cancelled | Way::Retried => self.submit.start(order).await,
        };
        accepted.ok().map(|accepted| accepted.batch.id)
    }

    /// Submits the batch under test under a key, always the same. Its flows when the caller was told of them; whose rows
    /// it was shown, where it waited for them.
    pub(crate) async fn submit_with_key(&self, way: Way) -> Option<(BatchId, Vec<Flow>)> {
        let request = KeyedRequest {
            tenant: tenant(),
            key: "of the caller".parse().unwrap(),
            fingerprint: Sha256Digest::of(b"what it asks for"),
        };
        let found = self.once.find(&request).await.ok()?;
        // Others who ask for the same come in between, as they do where ports take their time.
        tokio::task::yield_now().await;
        let begun = if let Some(begun) = found {
            begun
        } else {
            let begun = self.once.begin(&request, self.order(), None).await;
            begun.ok()?
        };
        tokio::task::yield_now().await;
        let Accepted { batch, flows } = match way {
            Way::Answered => {
                let answered = self.once.run(begun, &self.answer, Products::AtHand);
                answered.await.ok()?.accepted
            }
            Way::Queued | Way::Cancelled | Way::Retried => {
                let started = self.once.start(begun).await.ok()?;
                return Some((started.batch.id, Vec::new()));
            }
        };
        Some((batch.id, flows))
    }

    fn order(&self) -> TransformRequest {
        let urls: Vec<_> = self.kind.assets().iter().map(|(url, _)| url).collect();
        let operation = self.work.process.catalogue.default_operation();
        TransformRequest {
            tenant: tenant(),
            sources: SourceList::parse(&urls).unwrap(),
            operation: operation.clone(),
            params: Params::default(),
            name: None,
            labels: Labels::default(),
            webhook: None,
        }
    }

    /// What the caller does with a batch that was accepted, besides waiting for it.
    pub(crate) async fn meddle(&self, way: Way, batch: BatchId) {
        let every = FlowFilter::default();
        match way {
            Way::Queued | Way::Answered => {}
            Way::Cancelled => {
                self.work_once().await;
                // One that is told that it failed asks again.
                while self
                    .cancel
                    .of_batch(&tenant(), batch, &every, false)
                    .await
                    .is_err()
                {}
            }
            Way::Retried => {
                self.drain().await;
                // Nobody asks again: the batch may have been started.
                if let Ok(order) = self.retry.order(&tenant(), batch, &every).await {
                    let _ = self.submit.start_as(order, Some(batch)).await;
                }
            }
        }
    }

    /// Sweeps and works until nothing is left to do, as an event source and a schedule would.
    pub(crate) async fn drain(&self) {
        for _ in 0..1_000 {
            while let Some(next) = self.queue.next_visible() {
                self.sleep_until(next).await;
                self.work_once().await;
            }
            while let Some(next) = self.queue.dead_letters().next_visible() {
                self.sleep_until(next).await;
                self.fail_dead_letters_once().await;
            }
            tokio::time::sleep(GRACE * 2).await;
            let swept = self.sweep.run().await;
            if swept.is_ok_and(|swept| swept == Swept::default())
                && self.queue.next_visible().is_none()
            {
                return;
            }
        }
        panic!("there is always something left to do");
    }

    async fn sleep_until(&self, time: jiff::Timestamp) {
        let wait = time.duration_since(self.work.process.clock.now());
        tokio::time::sleep(wait.try_into().unwrap_or(Duration::ZERO)).await;
    }

    async fn work_once(&self) {
        let Ok(deliveries) = self.deliveries.receive(10, Duration::ZERO).await else {
            return;
        };
        let handled = deliveries.iter().map(async |delivery| {
            // A worker that dies takes no other with it.
            let work = self.work.clone();
            let again = delivery.receive_count > 1;
            let message = delivery.message.clone().delivered(again);
            let handled = tokio::spawn(async move { work.handle(&message).await }).await;
            if matches!(handled, Ok(Ok(()))) {
                // A failure is as good as a crash here: the message comes again.
                let _ = self.deliveries.acknowledge(&delivery.receipt).await;
            }
        });
        join_all(handled).await;
    }

    async fn fail_dead_letters_once(&self) {
        let Ok(letters) = self.dead_letters.receive(10, Duration::ZERO).await else {
            return;
        };
        for letter in letters {
            if self.fail_dead_letter.handle(&letter.message).await.is_ok() {
                let _ = self.dead_letters.acknowledge(&letter.receipt).await;
            }
        }
    }
}
