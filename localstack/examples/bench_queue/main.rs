//! How many assets a second go through a vendor: Assetmill, and beside it, in the same run, a Redis queue and `FastAPI` in
//! Python. Figures are ratios: they say little about another machine.
//!
//! `just bench-queue [PYTHON]`, where PYTHON is one that has taskiq, taskiq-redis, fastapi, uvicorn and aiohttp; without
//! it, Assetmill runs alone, beside the cheapest loop that moves the same bytes. `redis-server` has to be in the PATH.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::panic,
    clippy::unchecked_time_subtraction,
    reason = "a measurement"
)]

mod beside;
mod connection;
mod floor;
mod ledger;
mod load;
mod mill;
mod process;
mod stub;

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

/// Flows of a batch.
const FLOWS: usize = 2_000;
const CALLERS: usize = 16;
const CALLS: usize = 4_000;

/// Whether something is to be measured: one row alone, for a profile of it, if `BENCH_ONLY` is a part of its name.
pub(crate) fn is_wanted(what: &str) -> bool {
    what.contains(&std::env::var("BENCH_ONLY").unwrap_or_default())
}

/// What a measurement found.
pub(crate) struct Measured {
    pub(crate) what: &'static str,
    pub(crate) a_second: f64,
    pub(crate) cpu_each: Duration,
    pub(crate) more: String,
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu_each.as_secs_f64() * 1_000.0;
        let Self {
            what,
            a_second,
            more,
            ..
        } = self;
        write!(
            f,
            "{what:<34} {a_second:>7.0} a second, {cpu:.2} ms CPU each{more}"
        )
    }
}

#[tokio::main]
async fn main() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .unwrap();
    // glibc keeps the memory of bodies from then on, as it does for Assetmill (`localstack/src/heap.rs`).
    drop(std::hint::black_box(Vec::<u8>::with_capacity(
        31 * 1024 * 1024,
    )));
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next();
    if program.as_deref() == Some(floor::ARGUMENT) {
        return floor::serve(arguments).await;
    }
    let program = program.unwrap_or_else(|| "target/release/assetmill".to_owned());
    let python = arguments.next();
    let rounds = 3;
    let folders = tempfile::tempdir().unwrap();
    let mut numbers = 0..;
    // One vendor alone, for a profile of it.
    let only = std::env::var("BENCH_DELAY").ok();
    for delay in [Duration::ZERO, Duration::from_millis(200)] {
        if only
            .as_ref()
            .is_some_and(|only| *only != delay.as_millis().to_string())
        {
            continue;
        }
        println!("vendor of {} ms", delay.as_millis());
        for _ in 0..rounds {
            let stub = stub::serve(delay).await;
            let mut folder = || {
                let number = numbers.next().unwrap_or(0);
                let folder = folders.path().join(number.to_string());
                std::fs::create_dir(&folder).unwrap();
                folder
            };
            let mut all = mill::measure(&program, &stub, delay, &folder()).await;
            all.extend(floor::measure(&stub, delay, &folder()).await);
            if let Some(python) = &python {
                all.extend(beside::measure(python, &stub, delay, &folder()).await);
            }
            for measured in all {
                println!("  {measured}");
            }
            empty(folders.path());
        }
    }
}

/// Gives back the room of all files, and leaves their names: a file system looks long for a place for new files where
/// thousands were deleted just now, and what is measured next would pay for it.
fn empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            empty(&entry.path());
        } else if let Ok(file) = File::options().write(true).open(entry.path()) {
            file.set_len(0).unwrap();
        }
    }
}
