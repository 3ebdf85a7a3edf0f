//! Work that takes a core and much memory.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use assetmill_core::{FailureCode, Setback};
use tokio::sync::Semaphore;

/// As many at a time as there are cores, in the whole process: more would be no faster, and each
/// holds a decoded picture.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    Arc::new(Semaphore::new(cores))
});

/// Tells work that nobody waits for its result any more.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Stop {
    /// An error once nobody waits for the result; work calls this between its steps.
    pub(super) fn check(&self) -> Result<(), Setback> {
        if self.0.load(Ordering::Relaxed) {
            return Err(crashed("it was stopped"));
        }
        Ok(())
    }
}

/// Runs work off the runtime's threads, when one of the places is free. Dropping the future before
/// then keeps the work from starting; dropping it later stops the work at its next
/// [`Stop::check`], and its place stays taken until then.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce(&Stop) -> Result<T, Setback> + Send + 'static,
) -> Result<T, Setback> {
    let place = PLACES.clone().acquire_owned().await;
    let place = place.map_err(|_| crashed("the process is ending"))?;
    let stop = StopOnDrop(Stop::default());
    let told = stop.0.clone();
    let task = tokio::task::spawn_blocking(move || {
        let _place = place;
        told.check()?;
        work(&told)
    });
    task.await
        .unwrap_or_else(|_| Err(crashed("this asset brought it down")))
}

fn crashed(reason: &str) -> Setback {
    Setback::lasting(
        FailureCode::OperationCrashed,
        format!("the operation did not finish: {reason}"),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_lasting_failure_and_frees_its_place() {
        for _ in 0..64 {
            let result = run::<()>(|_| panic!("a codec gave up")).await;
            let setback = result.unwrap_err();
            assert_eq!(setback.failure().code, FailureCode::OperationCrashed);
            assert!(!setback.failure().retryable);
        }
        assert_eq!(run(|_| Ok(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn dropping_the_future_stops_the_work() {
        let (started, has_started) = mpsc::channel();
        let (stopped, has_stopped) = mpsc::channel();
        let task = tokio::spawn(run(move |stop| {
            started.send(()).unwrap();
            while stop.check().is_ok() {
                std::thread::yield_now();
            }
            stopped.send(()).unwrap();
            Ok(())
        }));
        tokio::task::spawn_blocking(move || has_started.recv())
            .await
            .unwrap()
            .unwrap();
        task.abort();
        tokio::task::spawn_blocking(move || has_stopped.recv())
            .await
            .unwrap()
            .unwrap();
    }
}
