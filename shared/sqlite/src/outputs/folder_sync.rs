//! One `fsync` of a folder for all who wait for it.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Puts the names in folders on the disk. Those who ask while that goes on share the next time.
#[derive(Debug, Default)]
pub(super) struct FolderSync(Mutex<HashMap<PathBuf, Arc<Shared>>>);

#[derive(Debug, Default)]
struct Shared {
    progress: Mutex<Progress>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    begun: u64,
    /// The last that succeeded.
    done: u64,
    /// The last that failed.
    failed: u64,
    running: bool,
    waiting: usize,
}

/// One that goes on, until it is dropped: a panic ends it, too.
struct Running<'a> {
    shared: &'a Shared,
    number: u64,
    succeeded: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut progress = self.shared.progress();
        progress.running = false;
        if self.succeeded {
            progress.done = self.number;
        } else {
            progress.failed = self.number;
        }
        if progress.waiting > 0 {
            self.shared.ended.notify_all();
        }
    }
}

impl FolderSync {
    /// After `Ok`, the names that were in the folder before the call are on the disk.
    ///
    /// # Errors
    /// If the folder can't be opened, or the disk says no.
    pub(super) fn sync(&self, folder: &Path) -> io::Result<()> {
        let shared = {
            let mut folders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match folders.get(folder) {
                Some(shared) => shared.clone(),
                None => folders.entry(folder.to_owned()).or_default().clone(),
            }
        };
        shared.sync(|| File::open(folder)?.sync_all())
    }
}

impl Shared {
    /// Returns once a `sync` that began after this call has succeeded; does it itself where nobody does. Who came while one
    /// went on that failed is told so: the kernel says once that a page could not be written, and takes it for
    /// written then (<https://wiki.postgresql.org/wiki/Fsync_Errors>).
    fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut progress = self.progress();
        let before = progress.begun - u64::from(progress.running);
        let next = progress.begun + 1;
        while progress.running && progress.done < next && progress.failed <= before {
            progress.waiting += 1;
            progress = self
                .ended
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
            progress.waiting -= 1;
        }
        if progress.failed > before {
            return Err(io::Error::other(
                "the folder could not be synced when another asked",
            ));
        }
        if progress.done >= next {
            return Ok(());
        }
        progress.begun += 1;
        progress.running = true;
        let mut running = Running {
            shared: self,
            number: progress.begun,
            succeeded: false,
        };
        drop(progress);
        let synced = sync();
        running.succeeded = synced.is_ok();
        synced
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// Holds up the first until `others` wait, and says how each of them went and how often the folder was synced.
    fn others_come_meanwhile(first: io::Result<()>, others: usize) -> (Vec<bool>, u32) {
        let (shared, syncs) = (Shared::default(), AtomicU32::new(0));
        let (begun, first_begun) = mpsc::channel();
        let sync = || {
            syncs.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let went = thread::scope(|threads| {
            let (shared, sync) = (&shared, &sync);
            threads.spawn(move || {
                shared.sync(|| {
                    begun.send(()).unwrap();
                    while shared.progress().waiting < others {
                        thread::yield_now();
                    }
                    sync().and(first)
                })
            });
            first_begun.recv().unwrap();
            let others: Vec<_> = (0..others)
                .map(|_| threads.spawn(move || shared.sync(sync)))
                .collect();
            let went = others.into_iter().map(|it| it.join().unwrap().is_ok());
            went.collect()
        });
        (went, syncs.into_inner())
    }

    /// The first began before they came, and may have missed their names.
    #[test]
    fn who_asks_while_it_goes_on_shares_the_next() {
        assert_eq!(others_come_meanwhile(Ok(()), 5), (vec![true; 5], 2));
    }

    /// Its pages may be those that were lost.
    #[test]
    fn who_waits_for_one_that_fails_fails_too() {
        let failed = Err(io::Error::other("no space"));
        assert_eq!(others_come_meanwhile(failed, 3), (vec![false; 3], 1));
    }

    #[test]
    fn who_comes_after_one_that_failed_or_panicked_tries_anew() {
        let shared = Shared::default();
        assert!(shared.sync(|| Err(io::Error::other("no space"))).is_err());
        let panics = || shared.sync(|| panic!("by a test"));
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics));
        assert!(panicked.is_err());
        assert!(shared.sync(|| Ok(())).is_ok());
    }
}
