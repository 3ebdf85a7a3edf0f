//! Asks for turns at the gates of operations, for all flows of one process.
//!
//! What a gate is like is known for two seconds, so that an operation that is well and has no rate costs a read in that
//! time and no write; for a fifth of a second where several processes hand out turns at a rate. Flows that ask for slots at
//! the same time share one write.

mod calls;
mod clock;
mod health;
mod here;
mod known;
mod lines;
mod places;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

pub(super) use health::{Ended, Verdict};

use crate::pacing::{Gate, Limits, LineId, Look, Place, ProcessId, SPREAD, Slot, lateness};
use crate::ports::{Clock, GateRule, Gates, Unavailable};
use crate::{FlowId, Operation, OperationName, TenantId, Wait};
use here::{Here, WaitingHere};
use known::{InCall, Known};

/// How long it is believed what a gate is like.
const BELIEVED_FOR: Duration = Duration::from_secs(2);
/// How long it is believed whose turn it is, where other processes hand out turns, too: whoever comes beside others waits
/// for longer, and what a flow with a turn writes costs more than what this reads.
const TURNS_BELIEVED_FOR: Duration = Duration::from_millis(200);
/// How long one flow may ask alone whether a vendor is back: longer than attempts take.
const PROBE_WITHIN: Duration = Duration::from_mins(3);
/// Within how long those ask whether a vendor is back that let others ask first.
const AFTER_OTHERS: Duration = Duration::from_secs(2);
/// How soon a flow looks again where the gate changed at every look.
const LOOK_ANEW: Duration = Duration::from_secs(1);
/// How often a flow looks anew because the gate changed meanwhile.
const LOOKS: u32 = 6;

/// Asks for turns at gates. Its clones share what they know.
#[derive(Clone)]
pub struct Pacer {
    gates: Arc<dyn Gates>,
    clock: Arc<dyn Clock>,
    /// What this process is called, where others ask at the same gates.
    process: Option<ProcessId>,
    lines: Arc<Mutex<HashMap<OperationName, Arc<Line>>>>,
    /// How many flows wait in it for places.
    waiting_here: Arc<WaitingHere>,
}

/// Who asks for a turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) flow: FlowId,
    /// How long it waits here for a place, where one process makes all calls.
    pub(super) waits_for: Duration,
    /// Whether a caller waits for it.
    pub(super) is_awaited: bool,
    /// Whether it looks for a place for the first time.
    pub(super) is_new: bool,
    /// How long it rests before it looks for one again, at the least, where other processes call the same vendor.
    pub(super) rests_for: Duration,
}

/// What this process knows of the line before one gate.
#[derive(Default)]
struct Line {
    known: Mutex<Known>,
    here: Mutex<Here>,
    /// Who changes the gate for all who ask.
    asking: tokio::sync::Mutex<()>,
}

/// What comes of asking for a turn.
#[derive(Debug)]
pub(super) enum Turn {
    /// It is the turn of the flow.
    Now(Pass),
    /// It waits.
    Later(Place),
}

/// What comes of looking for a place.
enum Found {
    /// A place, at once.
    At(InCall),
    /// A place, after a while.
    After(InCall),
    /// None: it is looked for again after so long.
    None(Duration),
}

/// The turn of a flow. Its place among the calls that go on is free again when it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    since: Timestamp,
    /// What it was handed, or had been.
    slot: Option<Slot>,
    probes: bool,
    /// How many calls may go on.
    most: Option<NonZeroU32>,
    in_call: InCall,
}

impl Pass {
    /// The slot that the flow uses.
    pub(super) fn slot(&self) -> Option<Slot> {
        self.slot
    }

    /// Whether the flow asks alone whether a vendor is back.
    pub(super) fn probes(&self) -> bool {
        self.probes
    }
}

impl Pacer {
    /// Asks at these gates, which no other process does.
    pub fn new(gates: Arc<dyn Gates>, clock: Arc<dyn Clock>) -> Self {
        Self {
            gates,
            clock,
            process: None,
            lines: Arc::default(),
            waiting_here: Arc::default(),
        }
    }

    /// Has no more flows wait here for places than so many workers can spare.
    #[must_use]
    pub fn beside_workers(self, workers: usize) -> Self {
        let waiting_here = Arc::new(WaitingHere::beside(workers));
        Self {
            waiting_here,
            ..self
        }
    }

    /// Asks at these gates, as other processes do.
    pub fn beside_others(gates: Arc<dyn Gates>, clock: Arc<dyn Clock>) -> Self {
        Self {
            process: Some(ProcessId::generate()),
            ..Self::new(gates, clock)
        }
    }

    /// Asks for a turn of a flow that was handed `slot` before, if any. One that comes less than `early`
    /// before its time waits here for it.
    pub(super) async fn turn(
        &self,
        operation: &dyn Operation,
        asker: Asker<'_>,
        slot: Option<Slot>,
        early: Duration,
    ) -> Result<Turn, Unavailable> {
        let name = &operation.description().name;
        let limits = operation.limits();
        let line = self.line(name);
        let of = LineId::of(asker.tenant);
        let mut slot = slot;
        let mut place = None;
        // The place that it waited for, while the gate may have closed.
        let mut waited_for = None;
        // Whether its turn has come: nobody else's gate has to know of it then.
        let mut due = false;
        for _ in 0..LOOKS {
            match self
                .look(name, &line, &limits, of, &mut slot, &mut due)
                .await?
            {
                Look::Pass => {
                    due = true;
                    let most = limits.concurrency;
                    if let Some(in_call) = waited_for.take() {
                        return Ok(Turn::Now(self.pass(in_call, slot, most)));
                    }
                    // Whoever waits longer comes too late for its turn.
                    let longest = limits
                        .rate
                        .map_or(Duration::MAX, |rate| lateness(&rate) / 2);
                    let asker = Asker {
                        waits_for: asker.waits_for.min(longest),
                        ..asker
                    };
                    match self.place(name, &line, of, asker, most).await? {
                        Found::At(in_call) => {
                            return Ok(Turn::Now(self.pass(in_call, slot, most)));
                        }
                        Found::After(in_call) => waited_for = Some(in_call),
                        Found::None(rest) => {
                            place = Some(Place {
                                reason: Wait::Concurrency,
                                until: self.clock.now() + rest,
                                slot,
                            });
                            break;
                        }
                    }
                }
                Look::TakeSlot => {}
                Look::Probe => {
                    let others = line.known().others_ask_until(of, asker.flow);
                    if let Some(until) = others.filter(|until| *until > self.clock.now()) {
                        place = Some(Place {
                            reason: Wait::VendorDown,
                            until: until + AFTER_OTHERS.mul_f64(rand::random()),
                            slot,
                        });
                        break;
                    }
                    if self.may_probe(name, &line, of).await? {
                        return Ok(Turn::Now(Pass {
                            probes: true,
                            ..self.pass(InCall::anyhow(&line, of), slot, None)
                        }));
                    }
                }
                Look::Wait { reason, until } => {
                    if reason == Wait::VendorDown {
                        line.known().holds_up(of);
                    }
                    let now = self.clock.now();
                    let rest = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                    // Turns are spread by themselves.
                    let is_turn = reason == Wait::Rate && limits.rate.is_some();
                    if is_turn && rest <= early {
                        tokio::time::sleep(rest + Duration::from_millis(1)).await;
                        // Others may have come before it meanwhile.
                        continue;
                    }
                    let spread = if is_turn {
                        Duration::ZERO
                    } else {
                        SPREAD.mul_f64(rand::random())
                    };
                    let until = (until + spread - early.min(rest)).max(now);
                    place = Some(Place {
                        reason,
                        until,
                        slot,
                    });
                    break;
                }
            }
        }
        if let Some(unused) = waited_for {
            drop(unused);
            self.give_back_places(name, &line, of, limits.concurrency)
                .await;
        }
        // Where the gate changed at every look, it is asked again soon.
        Ok(Turn::Later(place.unwrap_or(Place {
            reason: Wait::Rate,
            until: self.clock.now() + LOOK_ANEW,
            slot,
        })))
    }

    /// What a flow finds at the gate. One that needs a slot is handed it; if that is due at once, it is to look again, for
    /// which it needs none.
    async fn look(
        &self,
        name: &OperationName,
        line: &Line,
        limits: &Limits,
        of: LineId,
        slot: &mut Option<Slot>,
        due: &mut bool,
    ) -> Result<Look, Unavailable> {
        self.follow_clock(name, line).await?;
        let mut gate = self.gate(name, line, self.believed_for(limits)).await?;
        let now = self.clock.now();
        if let Some(rate) = &limits.rate {
            let apart = self.process.is_some();
            line.known().move_on_to(rate, apart, now, &mut gate);
        }
        let look = gate.look(limits, of, *slot, now);
        let (Look::TakeSlot, Some(rate)) = (look, limits.rate) else {
            return Ok(look);
        };
        if *due {
            return Ok(Look::Pass);
        }
        let handed = self.line_up(name, line, &gate, of, rate, limits.concurrency);
        let until;
        (*slot, until) = handed.await?;
        if until <= self.clock.now() {
            *due = true;
            return Ok(Look::TakeSlot);
        }
        let reason = Wait::Rate;
        Ok(Look::Wait { reason, until })
    }

    fn pass(&self, in_call: InCall, slot: Option<Slot>, most: Option<NonZeroU32>) -> Pass {
        Pass {
            since: self.clock.now(),
            slot,
            probes: false,
            most,
            in_call,
        }
    }

    fn line(&self, name: &OperationName) -> Arc<Line> {
        let mut lines = lock(&self.lines);
        if let Some(line) = lines.get(name) {
            return line.clone();
        }
        lines.entry(name.clone()).or_default().clone()
    }

    /// How old the gate may be by which a flow looks for its turn.
    fn believed_for(&self, limits: &Limits) -> Duration {
        if self.process.is_some() && limits.rate.is_some() {
            TURNS_BELIEVED_FOR
        } else {
            BELIEVED_FOR
        }
    }

    /// The gate, as it was `at_most` so long ago.
    async fn gate(
        &self,
        name: &OperationName,
        line: &Line,
        at_most: Duration,
    ) -> Result<Gate, Unavailable> {
        if let Some(gate) = line.known().gate(at_most) {
            return Ok(gate);
        }
        // One asks for all.
        let _asking = line.asking.lock().await;
        if let Some(gate) = line.known().gate(at_most) {
            return Ok(gate);
        }
        // It is as old as the question.
        let asked = Instant::now();
        let gate = self.gates.gate(name).await?;
        line.known().learn(gate.clone(), asked);
        Ok(gate)
    }

    /// Changes the gate by a rule: what the rule answers, and the gate as it is then. Whoever calls it MUST ask for all.
    async fn change<T>(
        &self,
        name: &OperationName,
        line: &Line,
        rule: impl Fn(&mut Gate) -> T + Send + Sync + 'static,
    ) -> Result<(T, Gate), Unavailable> {
        let guess = line.known().last().cloned();
        let asked = Instant::now();
        let rule = Arc::new(rule);
        let changes = rule.clone();
        let changes: GateRule = Arc::new(move |gate| drop(changes(gate)));
        let before = self.gates.change_gate(name, guess, changes).await?;
        let (answer, after) = before.apply_and_answer(&*rule);
        let after = after.unwrap_or(before);
        line.known().learn(after.clone(), asked);
        Ok((answer, after))
    }

    async fn may_probe(
        &self,
        name: &OperationName,
        line: &Line,
        of: LineId,
    ) -> Result<bool, Unavailable> {
        let _asking = line.asking.lock().await;
        let now = self.clock.now();
        let until = now + PROBE_WITHIN;
        let probe = move |gate: &mut Gate| gate.probe(of, until, now);
        Ok(self.change(name, line, probe).await?.0)
    }
}

impl Line {
    fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        lock(&self.here)
    }
}

/// Nothing panics while it holds one of these.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
