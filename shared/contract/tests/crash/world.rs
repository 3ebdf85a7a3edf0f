//! What outlives a process, and how one is started on it.

mod check;
mod kinds;
mod running;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::faults::Faults;
use assetmill_contract::memory::{
    MemoryActivityLog, MemoryBus, MemoryFlows, MemoryGates, MemoryIdempotencyKeys, MemoryOutputs,
    MemoryQueue, MemoryResultCache, MemoryWebhooks, RuntimeClock,
};
use assetmill_contract::samples;
use assetmill_core::ports::{Clock, FlowQueue, FlowWrites, Gates, OutputWrites, ResultCache};
use assetmill_core::usecases::{
    Alike, Announcer, Cancel, FailDeadLetter, MessageHandler, Meter, Once, Pacer, Process, Retry,
    RunSynchronously, Submit, Sweep, TimeLimits,
};
use assetmill_core::{Catalogue, Cost, Operation, Shares, TenantId, Webhook, WebhookEvent};
use tokio_util::task::TaskTracker;

use crate::stubs::{Chain, Duplicating, Host, Vendor};

pub(crate) use kinds::{Kind, Way};
pub(crate) use running::Running;

const VISIBILITY: Duration = Duration::from_secs(200);
const GRACE: Duration = Duration::from_mins(1);

/// What outlives a process.
pub(crate) struct World {
    kind: Kind,
    /// What its endpoint is told of.
    events: BTreeSet<WebhookEvent>,
    pub(crate) vendors: Vec<Arc<Vendor>>,
    pub(crate) host: Arc<Host>,
    flows: Arc<MemoryFlows>,
    result_cache: Arc<MemoryResultCache>,
    keys: Arc<MemoryIdempotencyKeys>,
    gates: Arc<MemoryGates>,
    /// Whether calls to gates are points too. They change nothing here, so of pairs of points they would be many and say
    /// little.
    pub(crate) gates_fail: bool,
    /// Whether there is a bus, every call to which is a point too.
    pub(crate) has_bus: bool,
    bus: Arc<MemoryBus>,
    activity: Arc<MemoryActivityLog>,
    meter: Meter,
    outputs: Arc<MemoryOutputs>,
    queue: Arc<MemoryQueue>,
    clock: Arc<RuntimeClock>,
    duplicates: bool,
}

impl World {
    /// Whose endpoint is told of batches alone, which makes for fewer points.
    pub(crate) fn told_of_batches(kind: Kind) -> Self {
        Self::telling(kind, [WebhookEvent::BatchCompleted].into())
    }

    pub(crate) fn of(kind: Kind) -> Self {
        Self::telling(
            kind,
            [WebhookEvent::FlowSettled, WebhookEvent::BatchCompleted].into(),
        )
    }

    fn telling(kind: Kind, events: BTreeSet<WebhookEvent>) -> Self {
        let clock = Arc::new(RuntimeClock::default());
        let activity = Arc::<MemoryActivityLog>::default();
        let webhook = Webhook {
            events: events.clone(),
            ..samples::webhook(tenant())
        };
        let vendors = match kind {
            Kind::Free => vec![Vendor::new("transform", Cost::Free)],
            Kind::Paid => vec![Vendor::new("vendor", Cost::Paid)],
            Kind::Paced => vec![Vendor::limited("vendor", "rate=60/min")],
            Kind::Chain => vec![
                Vendor::new("first", Cost::Paid),
                Vendor::new("second", Cost::Paid),
            ],
            Kind::Job => vec![Vendor::new("first", Cost::Paid), Vendor::of_jobs("second")],
        };
        Self {
            kind,
            events,
            vendors: vendors.into_iter().map(Arc::new).collect(),
            host: Arc::default(),
            flows: Arc::new(MemoryFlows::told_to(MemoryWebhooks::with(webhook))),
            result_cache: Arc::default(),
            keys: Arc::default(),
            gates: Arc::default(),
            gates_fail: false,
            has_bus: false,
            // It refuses some of what it is told.
            bus: Arc::new(MemoryBus::that_takes(|event| {
                !event.id.to_string().ends_with(['0', '4', '8', 'c'])
            })),
            meter: Meter::new(activity.clone(), clock.clone()),
            activity,
            outputs: Arc::default(),
            queue: Arc::new(MemoryQueue::new(clock.clone(), VISIBILITY, 5)),
            clock,
            duplicates: false,
        }
    }

    pub(crate) fn with_duplicates(kind: Kind) -> Self {
        Self {
            duplicates: true,
            ..Self::of(kind)
        }
    }

    /// Starts the program, with faults around each of its ports.
    pub(crate) fn process(&self, faults: &Arc<Faults>) -> Running {
        // It counts what the rows came to be, whatever their callers were told.
        let mut flows: Arc<dyn FlowWrites> = faults.around(self.meter.around(self.flows.clone()));
        if self.has_bus {
            flows = Announcer::new(faults.around(self.bus.clone())).around(flows);
        }
        let gates: Arc<dyn Gates> = if self.gates_fail {
            faults.around(self.gates.clone())
        } else {
            self.gates.clone()
        };
        let result_cache: Arc<dyn ResultCache> = faults.around(self.result_cache.clone());
        let outputs: Arc<dyn OutputWrites> = faults.around(self.outputs.clone());
        let mut steps: Vec<Arc<dyn Operation>> = Vec::new();
        for vendor in &self.vendors {
            steps.push(faults.around(vendor.clone()));
        }
        let operation = match self.kind {
            Kind::Free | Kind::Paid | Kind::Paced => steps.remove(0),
            Kind::Chain | Kind::Job => Arc::new(Chain::new(steps)),
        };
        let mut queue: Arc<dyn FlowQueue> = faults.around(self.queue.clone());
        if self.duplicates {
            queue = Arc::new(Duplicating(queue));
        }
        let clock: Arc<dyn Clock> = self.clock.clone();
        let submit = Submit {
            flows: flows.clone(),
            queue: queue.clone(),
            clock: clock.clone(),
        };
        let name = operation.description().name.clone();
        let process = Process {
            flows: flows.clone(),
            sources: faults.around(self.host.clone()),
            result_cache,
            outputs,
            catalogue: Catalogue::new([operation], &name).unwrap(),
            alike: Alike::default(),
            pacer: Pacer::new(gates.clone(), clock.clone()),
            clock: clock.clone(),
            limits: TimeLimits::default(),
        };
        let work = MessageHandler { process, queue };
        Running {
            answer: RunSynchronously {
                submit: submit.clone(),
                work: work.clone(),
                permits: Shares::new(2, 2),
                attempts: TaskTracker::new(),
                answer_within: Duration::from_secs(20),

                keeps: false,
                meter: self.meter.clone(),
            },
            sweep: Sweep {
                submit: submit.clone(),
                grace: GRACE,
            },
            cancel: Cancel {
                flows: flows.clone(),
                catalogue: work.process.catalogue.clone(),
                gates,
                clock: clock.clone(),
            },
            retry: Retry {
                submit: submit.clone(),
                catalogue: work.process.catalogue.clone(),
            },
            once: Once {
                submit: submit.clone(),
                keys: faults.around(self.keys.clone()),
            },
            submit,
            work,
            fail_dead_letter: FailDeadLetter { flows, clock },
            deliveries: faults.around(self.queue.clone()),
            dead_letters: faults.around(self.queue.dead_letters()),
            queue: self.queue.clone(),
            kind: self.kind,
        }
    }
}

fn tenant() -> TenantId {
    "acme".parse().unwrap()
}
