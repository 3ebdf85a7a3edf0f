//! What works on flows, from its beginning to its end.

use std::future::Future;
use std::time::Duration;

use assetmill_core::ports::Unavailable;
use assetmill_core::usecases::Meter;
use assetmill_sqlite::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::stopping::InWork;
use crate::workers::Permits;
use crate::{heap, signals, workers};

/// How long what is in flight may take after a signal, where what is not done by then is put back. Callers of v1 wait for
/// less, and a paid call that is broken off may have been charged.
pub(crate) const GRACEFUL: Duration = Duration::from_mins(1);

/// The tasks that work on flows.
pub(crate) struct Working {
    stop: CancellationToken,
    tasks: TaskTracker,
    in_work: InWork,
    meter: Meter,
    store: Option<Store>,
}

/// Why an end was no good one.
#[derive(Debug, thiserror::Error)]
pub enum EndError {
    /// Signals can't be listened for.
    #[error(transparent)]
    Signals(#[from] std::io::Error),
    /// What is in flight can't be put back.
    #[error(transparent)]
    PutBack(#[from] Unavailable),
}

impl Working {
    /// Begins to work, on so many flows at the same time.
    pub(crate) fn begin(app: App, store: Option<Store>, parallel: usize) -> Self {
        heap::keep_room_for_bodies();
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let permits = Permits::new(parallel);
        let in_work = InWork {
            queued: permits.running(),
            answered: app.attempts,
        };
        tasks.spawn(workers::work(
            app.work,
            app.deliveries,
            app.quarantine,
            permits,
            stop.clone(),
        ));
        tasks.spawn(workers::fail_dead_letter(
            app.fail_dead_letter,
            app.dead_letters,
            stop.clone(),
        ));
        tasks.spawn(workers::sweep(app.sweep, stop.clone()));
        tasks.spawn(workers::flush(app.meter.clone(), stop.clone()));
        let deliver = workers::deliver_webhooks(app.deliver_webhooks, stop.clone());
        tasks.spawn(deliver);
        if let Some(expiry) = store.as_ref().and_then(Store::expiry) {
            tasks.spawn(workers::expire(expiry, stop.clone()));
        }
        Self {
            stop,
            tasks,
            in_work,
            meter: app.meter,
            store,
        }
    }

    /// Has something else run beside it, and end with it.
    pub(crate) fn also<Task>(&self, begin: impl FnOnce(CancellationToken) -> Task)
    where
        Task: Future<Output = ()> + Send + 'static,
    {
        self.tasks.spawn(begin(self.stop.clone()));
    }

    /// The flows in work.
    pub(crate) fn in_work(&self) -> InWork {
        self.in_work.clone()
    }

    /// Begins nothing more, and waits until what was begun is done, until `patience` ends, or for a second signal to stop.
    /// How many flows were put back into the queue, for whoever comes next.
    ///
    /// # Errors
    /// [`EndError`]; whatever it was, nothing is lost.
    pub(crate) async fn end(self, patience: impl Future<Output = ()>) -> Result<usize, EndError> {
        self.stop.cancel();
        self.tasks.close();
        let again = signals::stop()?;
        let finished = async {
            self.tasks.wait().await;
            // Their callers may have been answered before them; from here on there will be no more.
            self.in_work.answered.close();
            self.in_work.answered.wait().await;
        };
        tokio::select! {
            // In this order: whoever reads how to stop at once is heard.
            biased;
            () = finished => {}
            () = again => {}
            () = patience => {}
        }
        self.meter.flush_soon().await;
        // However it ended: what was received and not begun is held too. On AWS other processes may hold flows; what
        // this one held comes again after the queue's visibility timeout.
        Ok(match self.store {
            Some(store) => store.release().await?,
            None => 0,
        })
    }
}
