//! Flows of one operation, the workers that handle them, and a vendor that counts.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_contract::memory::{
    MemoryFlows, MemoryGates, MemoryOutputs, MemoryResultCache, RuntimeClock,
};
use assetmill_contract::samples;
use assetmill_core::pacing::{Gate, Limits};
use assetmill_core::ports::{
    Clock, FlowQueue, FlowReads as _, FlowWrites as _, GateReads, GateRule, Gates, Outgoing,
    Sources, Unavailable,
};
use assetmill_core::usecases::{Alike, Cancel, MessageHandler, Pacer, Process, TimeLimits};
use assetmill_core::{
    Asset, AssetUrl, Catalogue, Cost, Failure, FailureCode, Flow, FlowFilter, FlowMessage,
    MediaType, Operation, OperationDescription, OperationError, OperationName, Params, Product,
    RetryPolicy, TenantId,
};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How many flows are handled at the same time.
const WORKERS: usize = 64;

pub(crate) struct World {
    pub(crate) vendor: Arc<Vendor>,
    pub(crate) clock: Arc<JumpingClock>,
    pub(crate) gates: Arc<MemoryGates>,
    flows: Arc<MemoryFlows>,
    queue: Arc<Queue>,
    /// One for each process; messages go to them by turns.
    work: Vec<MessageHandler>,
    rows: Vec<Flow>,
    fetched: Arc<AtomicU64>,
}

/// Who comes later.
pub(crate) fn newcomer() -> TenantId {
    "globex".parse().unwrap()
}

impl World {
    /// So many flows that were just accepted, and one process.
    pub(crate) async fn new(flows: u32, vendor: Vendor) -> Self {
        Self::with_pacers(flows, vendor, |gates, clock| vec![Pacer::new(gates, clock)]).await
    }

    /// The same with so many processes, which all have a way to go to the gate.
    pub(crate) async fn with_processes(processes: usize, flows: u32, vendor: Vendor) -> Self {
        Self::with_processes_far(processes, flows, vendor, None).await
    }

    /// The same, where of so many changes of the gate one is answered by nothing but a failure.
    pub(crate) async fn with_lost_answers(
        processes: usize,
        flows: u32,
        vendor: Vendor,
        one_of: u64,
    ) -> Self {
        Self::with_processes_far(processes, flows, vendor, Some(one_of)).await
    }

    async fn with_processes_far(
        processes: usize,
        flows: u32,
        vendor: Vendor,
        loses_one_of: Option<u64>,
    ) -> Self {
        Self::with_pacers(flows, vendor, |gates, clock| {
            let gates = Arc::new(Far {
                gates,
                loses_one_of,
                changes: AtomicU64::new(0),
            });
            let pacer = |_| Pacer::beside_others(gates.clone(), clock.clone());
            (0..processes).map(pacer).collect()
        })
        .await
    }

    async fn with_pacers(
        flows: u32,
        vendor: Vendor,
        pacers: impl FnOnce(Arc<MemoryGates>, Arc<JumpingClock>) -> Vec<Pacer>,
    ) -> Self {
        let clock = Arc::new(JumpingClock::default());
        let rows = Arc::new(MemoryFlows::default());
        let vendor = Arc::new(vendor);
        let operation: Arc<dyn Operation> = vendor.clone();
        let gates = Arc::new(MemoryGates::default());
        let fetched = Arc::new(AtomicU64::new(0));
        let mut pacers = pacers(gates.clone(), clock.clone());
        let queue = Arc::new(Queue {
            counts_seconds: pacers.len() > 1,
            ..Queue::default()
        });
        let process = Process {
            flows: rows.clone(),
            sources: Arc::new(Host(fetched.clone())),
            result_cache: Arc::new(MemoryResultCache::default()),
            outputs: Arc::new(MemoryOutputs::default()),
            catalogue: Catalogue::new([operation], &"vendor".parse().unwrap()).unwrap(),
            alike: Alike::default(),
            pacer: pacers[0].clone(),
            clock: clock.clone(),
            limits: TimeLimits {
                early: if queue.counts_seconds {
                    TimeLimits::EARLY_BY_SECONDS
                } else {
                    Duration::ZERO
                },
                ..TimeLimits::default()
            },
        };
        let mut world = Self {
            work: pacers
                .drain(..)
                .map(|pacer| MessageHandler {
                    process: Process {
                        pacer,
                        ..process.clone()
                    },
                    queue: queue.clone(),
                })
                .collect(),
            vendor,
            clock,
            gates,
            flows: rows,
            queue,
            rows: Vec::new(),
            fetched,
        };
        world.rows = world.accept(&samples::tenant(), flows).await;
        world
    }

    /// Accepts so many flows of a tenant.
    pub(crate) async fn accept(&self, tenant: &TenantId, flows: u32) -> Vec<Flow> {
        let (mut batch, mut accepted) = samples::batch(flows);
        batch.tenant = tenant.clone();
        for flow in &mut accepted {
            flow.operation = "vendor".parse().unwrap();
            flow.tenant = tenant.clone();
            flow.created_at = self.clock.now();
        }
        self.flows.put_flows(&accepted).await.unwrap();
        self.flows.put_batch(&batch).await.unwrap();
        let messages: Vec<_> = accepted
            .iter()
            .map(|flow| Outgoing::now(flow.message()))
            .collect();
        self.queue.send(&messages).await.unwrap();
        accepted
    }

    /// Cancels what the tenant of these flows can of their batch.
    pub(crate) async fn cancel(&self, flows: &[Flow]) {
        let process = &self.work[0].process;
        let cancel = Cancel {
            flows: self.flows.clone(),
            catalogue: process.catalogue.clone(),
            gates: self.gates.clone(),
            clock: self.clock.clone(),
        };
        let Flow {
            tenant, batch_id, ..
        } = &flows[0];
        let all = FlowFilter::default();
        let cancelled = cancel.of_batch(tenant, *batch_id, &all, false).await;
        assert!(cancelled.unwrap().unwrap().cancelled > 0);
    }

    /// The flows that are there from the beginning.
    pub(crate) fn first(&self) -> &[Flow] {
        &self.rows
    }

    /// Handles messages for so long, or until none is left.
    pub(crate) async fn work_for(&self, time: Duration) {
        let end = Instant::now() + time;
        let places = Arc::new(Semaphore::new(WORKERS));
        let mut tasks = JoinSet::new();
        let mut processes = (0..self.work.len()).cycle();
        loop {
            while tasks.try_join_next().is_some_and(|done| done.is_ok()) {}
            let next = self.queue.next();
            let idle = tasks.is_empty();
            match next {
                _ if Instant::now() >= end => break,
                None if idle => break,
                Some((due, message)) if due <= Instant::now() => {
                    let place = places.clone().acquire_owned().await.unwrap();
                    let work = &self.work[processes.next().unwrap()];
                    let work = work.clone();
                    self.queue.take(due, &message);
                    tasks.spawn(async move {
                        work.handle(&message.1).await.unwrap();
                        drop(place);
                    });
                }
                next => {
                    let due = next.map_or(end, |(due, _)| due.min(end));
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        _ = tasks.join_next(), if !idle => {}
                    }
                }
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Has every message come again that is there now.
    pub(crate) async fn send_again(&self) {
        let messages = self.queue.messages.lock().unwrap().clone();
        let again: Vec<_> = messages.into_values().map(Outgoing::now).collect();
        self.queue.send(&again).await.unwrap();
    }

    pub(crate) async fn work_to_the_end(&self) {
        self.work_for(Duration::from_hours(100)).await;
    }

    /// The first flows as they are.
    pub(crate) async fn rows(&self) -> Vec<Flow> {
        self.rows_of(&self.rows).await
    }

    /// These flows of one tenant as they are.
    pub(crate) async fn rows_of(&self, flows: &[Flow]) -> Vec<Flow> {
        let ids: Vec<_> = flows.iter().map(|flow| flow.id).collect();
        let rows = self.flows.flows(&flows[0].tenant, &ids).await.unwrap();
        rows.into_iter().map(Option::unwrap).collect()
    }

    /// How many messages were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.queue.sent.load(Ordering::SeqCst)
    }

    /// How many assets were fetched.
    pub(crate) fn fetched(&self) -> u64 {
        self.fetched.load(Ordering::SeqCst)
    }
}

/// Gates that are some milliseconds away, there and back.
#[derive(Debug)]
struct Far {
    gates: Arc<MemoryGates>,
    loses_one_of: Option<u64>,
    changes: AtomicU64,
}

const AWAY: Duration = Duration::from_millis(8);

#[async_trait]
impl GateReads for Far {
    async fn gate(&self, operation: &OperationName) -> Result<Gate, Unavailable> {
        tokio::time::sleep(AWAY).await;
        let gate = self.gates.gate(operation).await;
        tokio::time::sleep(AWAY).await;
        gate
    }
}

#[async_trait]
impl Gates for Far {
    async fn change_gate(
        &self,
        operation: &OperationName,
        guess: Option<Gate>,
        rule: GateRule,
    ) -> Result<Gate, Unavailable> {
        tokio::time::sleep(AWAY).await;
        // As where the guess was wrong, the rule is tried in vain first.
        let _ = guess.and_then(|guess| guess.apply(&*rule));
        let before = self.gates.change_gate(operation, None, rule).await;
        tokio::time::sleep(AWAY).await;
        let number = self.changes.fetch_add(1, Ordering::SeqCst) + 1;
        match self.loses_one_of {
            Some(one_of) if number.is_multiple_of(one_of) => Err(Unavailable::new(
                "gates",
                std::io::Error::other("no answer"),
            )),
            _ => before,
        }
    }
}

/// A clock that can be set wrong.
#[derive(Default)]
pub(crate) struct JumpingClock {
    right: RuntimeClock,
    /// In seconds.
    wrong_by: AtomicI64,
}

impl JumpingClock {
    pub(crate) fn jump(&self, seconds: i64) {
        self.wrong_by.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Timestamp {
        let right = self.right.now().as_millisecond();
        let wrong_by = self.wrong_by.load(Ordering::SeqCst);
        // Long after 1970, so that it can be set back.
        let now = 1_700_000_000_000 + right + wrong_by * 1_000;
        Timestamp::from_millisecond(now).unwrap()
    }
}

/// A queue that counts time by itself, as SQS does: in whole seconds, where processes are apart.
#[derive(Default)]
struct Queue {
    messages: Mutex<BTreeMap<(Instant, u64), FlowMessage>>,
    sent: AtomicU64,
    counts_seconds: bool,
}

type Message = (u64, FlowMessage);

impl Queue {
    fn next(&self) -> Option<(Instant, Message)> {
        let messages = self.messages.lock().unwrap();
        let ((due, number), message) = messages.first_key_value()?;
        Some((*due, (*number, message.clone())))
    }

    fn take(&self, due: Instant, message: &Message) {
        self.messages.lock().unwrap().remove(&(due, message.0));
    }
}

#[async_trait]
impl FlowQueue for Queue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        for outgoing in messages {
            let number = self.sent.fetch_add(1, Ordering::SeqCst);
            // Timers count milliseconds.
            let delay = if self.counts_seconds {
                // And somebody has to come to it.
                let seconds = Duration::from_secs_f64(outgoing.delay.as_secs_f64().ceil());
                seconds + Duration::from_millis(number * 373 % 500)
            } else {
                outgoing.delay
            };
            let due = Instant::now() + delay + Duration::from_millis(1);
            let message = outgoing.message.clone();
            self.messages.lock().unwrap().insert((due, number), message);
        }
        Ok(())
    }
}

/// Every asset is another, and takes its time.
struct Host(Arc<AtomicU64>);

#[async_trait]
impl Sources for Host {
    async fn fetch(&self, _: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(50 + number * 37 % 200)).await;
        Ok(Asset {
            url: url.clone(),
            content: Bytes::from(number.to_string()),
        })
    }
}

/// A vendor that allows so many calls in any window, and counts.
pub(crate) struct Vendor {
    description: OperationDescription,
    limits: Limits,
    began: Instant,
    allows: Option<(usize, Duration)>,
    takes: Duration,
    down: Mutex<Range<Duration>>,
    /// It breaks down over the first so many assets of this tenant.
    breaks_over: Option<(TenantId, u32)>,
    asks_for_patience: Mutex<Option<Duration>>,
    calls: Mutex<Vec<Call>>,
    /// How many calls go on, and how many did at the most.
    at_once: Mutex<(usize, usize)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Since the beginning.
    pub(crate) at: Duration,
    pub(crate) answer: Answer,
    pub(crate) tenant: TenantId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Made,
    TooMany,
    Down,
}

impl Vendor {
    pub(crate) fn limited(limits: &str, allows: Option<(usize, Duration)>) -> Self {
        Self {
            description: samples::description("vendor", Cost::Paid),
            limits: limits.parse().unwrap(),
            began: Instant::now(),
            allows,
            takes: Duration::from_millis(200),
            down: Mutex::new(Duration::ZERO..Duration::ZERO),
            breaks_over: None,
            asks_for_patience: Mutex::default(),
            calls: Mutex::default(),
            at_once: Mutex::default(),
        }
    }

    /// The same with calls that take so long.
    pub(crate) fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    pub(crate) fn down_during(self, seconds: Range<u64>) -> Self {
        let time = Duration::from_secs;
        *self.down.lock().unwrap() = time(seconds.start)..time(seconds.end);
        self
    }

    /// The same, down whenever it is given one of the first so many assets of a tenant.
    pub(crate) fn breaking_over(self, tenant: TenantId, assets: u32) -> Self {
        let breaks_over = Some((tenant, assets));
        Self {
            breaks_over,
            ..self
        }
    }

    /// Answers the next call with a 429 that asks for so much patience.
    pub(crate) fn ask_for_patience(&self, time: Duration) {
        *self.asks_for_patience.lock().unwrap() = Some(time);
    }

    /// Since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.at_once.lock().unwrap().1
    }

    fn call_begins(&self) {
        let mut at_once = self.at_once.lock().unwrap();
        at_once.0 += 1;
        at_once.1 = at_once.1.max(at_once.0);
    }

    /// When it was called with this answer.
    pub(crate) fn times(&self, answer: Answer) -> Vec<Duration> {
        let calls = self.calls();
        let of_it = calls.iter().filter(|call| call.answer == answer);
        of_it.map(|call| call.at).collect()
    }

    /// When what was made for a tenant was.
    pub(crate) fn made_for(&self, tenant: &TenantId) -> Vec<Duration> {
        let calls = self.calls();
        let of_it = calls
            .iter()
            .filter(|call| call.answer == Answer::Made && call.tenant == *tenant);
        of_it.map(|call| call.at).collect()
    }

    fn answer(&self, tenant: &TenantId, url: &AssetUrl) -> (Answer, Option<Duration>) {
        let breaks = |number: u32| url.as_url().as_str() == format!("https://example.com/{number}");
        let breaks = self
            .breaks_over
            .as_ref()
            .is_some_and(|(of, assets)| of == tenant && (0..*assets).any(breaks));
        let at = self.began.elapsed();
        let mut calls = self.calls.lock().unwrap();
        let patience = self.asks_for_patience.lock().unwrap().take();
        let too_many = self.allows.is_some_and(|(most, window)| {
            let within = |call: &&Call| call.at + window > at && call.answer == Answer::Made;
            calls.iter().rev().take(most).filter(within).count() >= most
        });
        let answer = if breaks || self.down.lock().unwrap().contains(&at) {
            Answer::Down
        } else if too_many || patience.is_some() {
            Answer::TooMany
        } else {
            Answer::Made
        };
        let tenant = tenant.clone();
        calls.push(Call { at, answer, tenant });
        (answer, patience)
    }
}

#[async_trait]
impl Operation for Vendor {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &'static str {
        "1"
    }

    fn retry(&self) -> RetryPolicy {
        RetryPolicy::default()
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn run(
        &self,
        tenant: &TenantId,
        asset: Asset,
        _: &Params,
    ) -> Result<Product, OperationError> {
        let (answer, patience) = self.answer(tenant, &asset.url);
        self.call_begins();
        tokio::time::sleep(self.takes).await;
        self.at_once.lock().unwrap().0 -= 1;
        match answer {
            Answer::Made => Ok(Product {
                content: asset.content,
                media_type: MediaType::png(),
            }),
            Answer::Down => Err(OperationError::transient(
                FailureCode::VendorUnavailable,
                "503",
            )),
            Answer::TooMany => Err(OperationError::Throttled {
                failure: Failure::transient(FailureCode::VendorThrottled, "429"),
                retry_after: patience,
            }),
        }
    }
}
