//! The contract suite: each MUST of a port is a case, and every adapter passes all of them.
//!
//! An adapter's test is a binary without the standard harness whose `main` calls [`run`]; each case
//! is then a test of its own, named `{adapter}::{port}::{case}`.

mod activity;
mod claims;
mod completing;
mod flows;
mod gates;
mod guesses;
mod idempotency;
mod outputs;
mod queue;
mod resting;
mod result_cache;
mod settling;
mod steps;
mod together;
mod webhooks;

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{
    ActivityLog, FlowDeliveries, FlowQueue, FlowWrites, Gates, IdempotencyKeys, OutputWrites,
    ResultCache, Webhooks,
};
use libtest_mimic::{Arguments, Trial};

/// One adapter of each port, empty, for one case alone.
pub struct Adapters {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// Remembered work.
    pub result_cache: Arc<dyn ResultCache>,
    /// Keys of requests.
    pub keys: Arc<dyn IdempotencyKeys>,
    /// Gates of operations.
    pub gates: Arc<dyn Gates>,
    /// What happened lately.
    pub activity: Arc<dyn ActivityLog>,
    /// Endpoints and what they are told, in the same store as the rows.
    pub webhooks: Arc<dyn Webhooks>,
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

/// Ports that an adapter may have without the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Flows, batches, remembered work, keys of requests, gates, and what happened lately.
    Rows,
    /// Stored outputs.
    Outputs,
    /// The queue and its dead-letter queue.
    Queue,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 3] = [Self::Rows, Self::Outputs, Self::Queue];

    fn cases(self) -> impl Iterator<Item = &'static Case> {
        let cases: &[&[Case]] = match self {
            Self::Rows => &[
                flows::CASES,
                claims::CASES,
                guesses::CASES,
                steps::CASES,
                resting::CASES,
                settling::CASES,
                completing::CASES,
                together::CASES,
                result_cache::CASES,
                idempotency::CASES,
                gates::CASES,
                activity::CASES,
                webhooks::CASES,
            ],
            Self::Outputs => &[outputs::CASES],
            Self::Queue => &[queue::CASES],
        };
        cases.iter().copied().flatten()
    }
}

/// A case that an emulator of the real thing is known to fail.
pub struct KnownFault {
    /// The name of the case, such as `outputs::putting_again_succeeds`.
    pub case: &'static str,
    /// What the emulator does wrong.
    pub reason: &'static str,
}

/// Runs every case on fresh adapters from `open`, and ends the process as a test harness does.
pub fn run<Opened>(adapter: &'static str, open: fn() -> Opened) -> !
where
    Opened: Future<Output = Adapters> + 'static,
{
    run_parts(adapter, &Part::ALL, &[], open)
}

/// Runs the cases of some ports; those of the others are not asked. Those that an emulator is known
/// to fail are shown as ignored, with the reason.
pub fn run_parts<Opened>(
    adapter: &'static str,
    parts: &[Part],
    known_faults: &[KnownFault],
    open: fn() -> Opened,
) -> !
where
    Opened: Future<Output = Adapters> + 'static,
{
    let trials = trials(adapter, parts, known_faults, open);
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

/// Those cases, for a test that has others beside them.
pub fn trials<Opened>(
    adapter: &'static str,
    parts: &[Part],
    known_faults: &[KnownFault],
    open: fn() -> Opened,
) -> Vec<Trial>
where
    Opened: Future<Output = Adapters> + 'static,
{
    let cases: Vec<_> = parts.iter().copied().flat_map(Part::cases).collect();
    assert!(!cases.is_empty(), "a suite without a case proves nothing");
    for fault in known_faults {
        let known = cases.iter().any(|case| case.name == fault.case);
        assert!(known, "there is no case {}", fault.case);
    }
    cases
        .into_iter()
        .map(|case| {
            let fault = known_faults.iter().find(|fault| fault.case == case.name);
            let trial = Trial::test(format!("{adapter}::{}", case.name), move || {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?;
                runtime.block_on(async { (case.run)(Arc::new(open().await)).await });
                Ok(())
            });
            match fault {
                Some(fault) => trial.with_ignored_flag(true).with_kind(fault.reason),
                None => trial,
            }
        })
        .collect()
}
