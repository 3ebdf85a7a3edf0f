//! A process of ours that dies, or whose call fails, at any point, and a bus that is down meanwhile: it is told each event
//! at least once.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use assetmill_contract::faults::{Fault, Faults};
use assetmill_contract::memory::{MemoryBus, MemoryFlows, MemoryQueue, RuntimeClock};
use assetmill_contract::samples;
use assetmill_core::ports::{Clock as _, FlowWrites as _};
use assetmill_core::usecases::{AnnounceAgain, Announcer, FailDeadLetter, Submit, Sweep};
use assetmill_core::{Flow, FlowMessage, WebhookEvent};
use tokio::time::Instant;

struct World {
    flows: Arc<MemoryFlows>,
    clock: Arc<RuntimeClock>,
    bus: Arc<MemoryBus>,
    letters: Vec<FlowMessage>,
}

impl World {
    async fn new(size: u32, bus: MemoryBus) -> Self {
        let flows = Arc::new(MemoryFlows::default());
        let clock = Arc::new(RuntimeClock::default());
        let (batch, rows) = samples::batch(size);
        flows.put_flows(&rows).await.unwrap();
        flows.put_batch(&batch).await.unwrap();
        flows.mark_dispatched(batch.id, clock.now()).await.unwrap();
        Self {
            flows,
            clock,
            bus: Arc::new(bus),
            letters: rows.iter().map(Flow::message).collect(),
        }
    }

    /// A process that settles what it is told to, does what a crash left, and tells the bus again. What it did not
    /// acknowledge comes again.
    async fn process(&mut self, faults: &Arc<Faults>) {
        let announcer = Announcer::new(faults.around(self.bus.clone()));
        let flows = announcer.around(faults.around(self.flows.clone()));
        let handler = FailDeadLetter {
            flows: flows.clone(),
            clock: self.clock.clone(),
        };
        let queue = MemoryQueue::new(self.clock.clone(), Duration::from_mins(1), 5);
        let sweep = Sweep {
            submit: Submit {
                flows,
                queue: Arc::new(queue),
                clock: self.clock.clone(),
            },
            grace: Duration::ZERO,
        };
        let again = AnnounceAgain {
            webhooks: faults.around(self.flows.webhooks()),
            announcer,
            clock: self.clock.clone(),
        };
        let letters = &mut self.letters;
        let work = async {
            let mut tries = 0;
            while let Some(letter) = letters.last() {
                tries += 1;
                if handler.handle(letter).await.is_ok() {
                    letters.pop();
                } else if tries > 2 * letters.len() {
                    break;
                }
            }
            tokio::time::advance(Duration::from_secs(1)).await;
            // What fails is logged.
            let _ = sweep.run().await;
            let until = Instant::now() + Duration::from_mins(1);
            let _ = again.run(until).await;
        };
        // It may die.
        let _ = faults.run(work).await;
    }

    /// Whether nothing is left to do.
    fn has_ended(&self) -> bool {
        let noted = self.flows.webhooks().every_delivery();
        self.letters.is_empty() && noted.iter().all(|it| it.due_at().is_none())
    }

    /// The bus has every flow, and the completion, and nothing else, each under one id.
    fn assert_told(&self, at: &str) {
        let mut flows = BTreeSet::new();
        let mut ids = BTreeSet::new();
        let mut completions = BTreeSet::new();
        for event in self.bus.every_event() {
            ids.insert(event.id);
            if event.event == WebhookEvent::BatchCompleted {
                completions.insert(event.id);
            } else {
                let payload: serde_json::Value = serde_json::from_str(&event.payload).unwrap();
                flows.insert(payload["data"]["flow_id"].as_str().unwrap().to_owned());
            }
        }
        let settled: BTreeSet<_> = self
            .flows
            .every_flow()
            .iter()
            .map(|it| it.id.to_string())
            .collect();
        assert_eq!(completions.len(), 1, "{at}");
        assert_eq!(ids.len(), settled.len() + 1, "{at}");
        assert_eq!(flows, settled, "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn wherever_a_process_dies_the_bus_is_told_each_event() {
    let mut points = 0;
    for down in [false, true] {
        for fault in Fault::ALL {
            for call in 1.. {
                let up = Arc::new(AtomicBool::new(!down));
                let is_up = up.clone();
                let bus = MemoryBus::that_takes(move |_| is_up.load(Ordering::SeqCst));
                let mut world = World::new(3, bus).await;
                let faults = Faults::at(call, fault);
                world.process(&faults).await;
                if faults.calls() < call {
                    break;
                }
                points += 1;
                // Whether or not it is up again when it is next asked.
                for round in 0..4 {
                    tokio::time::advance(Duration::from_hours(1)).await;
                    up.store(round > 0, Ordering::SeqCst);
                    world.process(&Faults::none()).await;
                }
                let at = format!("bus down: {down}, {fault:?} at call {call}");
                assert!(world.has_ended(), "{at}");
                world.assert_told(&at);
            }
        }
    }
    assert!(points > 100, "{points}");
}

/// Thousands of flows, a bus that refuses some, all or none by turns, and a process that dies again and again.
#[tokio::test(start_paused = true)]
async fn a_bus_that_fails_by_turns_is_told_each_event() {
    const FLOWS: u32 = 5_000;
    let asked = AtomicUsize::new(0);
    let bus = MemoryBus::that_takes(move |_| {
        let asked = asked.fetch_add(1, Ordering::SeqCst);
        match asked / 100 % 3 {
            0 => true,
            1 => false,
            _ => asked.is_multiple_of(2),
        }
    });
    let mut world = World::new(FLOWS, bus).await;
    let mut rounds = 0;
    while !world.has_ended() {
        rounds += 1;
        assert!(rounds < 500, "it does not end");
        let faults = Faults::at(300 + 40 * rounds, Fault::ALL[rounds % 4]);
        world.process(&faults).await;
        tokio::time::advance(Duration::from_mins(30)).await;
    }
    assert!(rounds > 10, "{rounds}");
    world.assert_told("in the end");
    let told = world.bus.every_event().len();
    assert!(told > FLOWS as usize + 1, "what is unknown is told again");
}
