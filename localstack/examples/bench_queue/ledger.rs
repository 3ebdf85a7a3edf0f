//! Records of calls that cost money, as cheap as they can be and survive a crash: one file that only grows, and one
//! thread that writes what several ask for at the same time.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use tokio::sync::oneshot;

/// About as long as what Assetmill writes of a flow.
const RECORD_BYTES: usize = 300;

/// What a record tells.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// A call begins.
    Begins,
    /// It ended, and its product is in a file of the folder, whose name is on the disk before the record is.
    Kept,
}

#[derive(Clone)]
pub(crate) struct Ledger(Sender<(Told, oneshot::Sender<()>)>);

impl Ledger {
    /// Of products that are kept in this folder.
    pub(crate) fn of(folder: &Path) -> Self {
        let (sender, asks) = channel::<(Told, oneshot::Sender<()>)>();
        let mut log = File::create(folder.join("ledger")).unwrap();
        let names = File::open(folder).unwrap();
        thread::spawn(move || {
            while let Ok(first) = asks.recv() {
                let asked: Vec<_> = std::iter::once(first).chain(asks.try_iter()).collect();
                if asked.iter().any(|(told, _)| *told == Told::Kept) {
                    names.sync_all().unwrap();
                }
                log.write_all(&vec![b'.'; RECORD_BYTES * asked.len()])
                    .unwrap();
                log.sync_data().unwrap();
                for (_, written) in asked {
                    let _ = written.send(());
                }
            }
        });
        Self(sender)
    }

    /// Returns once it is on the disk.
    pub(crate) async fn tell(&self, told: Told) {
        let (written, on_disk) = oneshot::channel();
        self.0.send((told, written)).unwrap();
        on_disk.await.unwrap();
    }
}
