//! The contract suite: each MUST of a port is a case, and every adapter passes all of them.
//!
//! An adapter's test is a binary without the standard harness whose `main` calls [`run`]; each case
//! is then a test of its own, named `{adapter}::{port}::{case}`.

mod claims;
mod flows;
mod outputs;
mod queue;
mod settling;
mod works;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{FlowDeliveries, FlowQueue, FlowWrites, OutputWrites, Works};
use libtest_mimic::{Arguments, Trial};

/// One adapter of each port, empty, for one case alone.
pub struct Adapters {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// Remembered work.
    pub works: Arc<dyn Works>,
    /// Stored outputs.
    pub outputs: Arc<dyn OutputWrites>,
    /// The sending end of the queue.
    pub queue: Arc<dyn FlowQueue>,
    /// The receiving end of the queue, set to [`VISIBILITY`] and [`MAX_RECEIVES`].
    pub deliveries: Arc<dyn FlowDeliveries>,
    /// The receiving end of its dead-letter queue.
    pub dead_letters: Arc<dyn FlowDeliveries>,
    /// What has to live as long as the case, such as a temporary folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

/// The visibility timeout that the queue under test has.
pub const VISIBILITY: Duration = Duration::from_secs(1);
/// How often the queue under test delivers a message before it is a dead letter.
pub const MAX_RECEIVES: u32 = 2;

/// A case of the suite.
struct Case {
    name: &'static str,
    run: fn(Arc<Adapters>) -> Running,
}

type Running = Pin<Box<dyn Future<Output = ()>>>;

macro_rules! cases {
    ($port:literal: $($case:ident),* $(,)?) => {
        pub(super) const CASES: &[super::Case] = &[$(super::Case {
            name: concat!($port, "::", stringify!($case)),
            run: |adapters| Box::pin($case(adapters)),
        }),*];
    };
}
use cases;

/// Runs every case on fresh adapters from `open`, and ends the process as a test harness does.
pub fn run<Opened>(adapter: &'static str, open: fn() -> Opened) -> !
where
    Opened: Future<Output = Adapters> + 'static,
{
    let all = [
        flows::CASES,
        claims::CASES,
        settling::CASES,
        works::CASES,
        outputs::CASES,
        queue::CASES,
    ];
    let trials = all
        .into_iter()
        .flatten()
        .map(|case| {
            Trial::test(format!("{adapter}::{}", case.name), move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?;
                runtime.block_on(async { (case.run)(Arc::new(open().await)).await });
                Ok(())
            })
        })
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}
