//! What an attempt knows of itself.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;

use super::Waiting;
use super::late_claim::LateClaim;
use crate::usecases::pacer::Pass;
use crate::{
    Backpressure, CallEnd, Cost, Event, Flow, Happened, NextTry, OperationName, Output, Report,
    RetryPolicy, Sha256Digest, WorkKey,
};

/// A flow's turn at a step.
#[derive(Debug)]
pub(super) struct StepTurn {
    pub(super) operation: OperationName,
    pub(super) step: Sha256Digest,
    pub(super) cost: Cost,
    pub(super) pass: Pass,
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) claimed_at: Timestamp,
    /// Its claim, while that is not written.
    pub(super) late_claim: Option<LateClaim>,
    pub(super) waiting: Waiting,
    /// What is known of its call at any time, also when it breaks off.
    pub(super) call: CallEnd,
    /// How often its step is tried.
    pub(super) retry: RetryPolicy,
    /// Its turn at its step, once it has come.
    pub(super) turn: Option<StepTurn>,
    /// Whether somebody was called in that turn.
    pub(super) called: bool,
    /// What whoever was called in that turn asks of those who come next.
    pub(super) backpressure: Backpressure,
    /// What it made that no change of the row has told yet: stored, and not remembered as the output of its work.
    pub(super) made: Option<(WorkKey, Output)>,
    /// What its last step made, where a caller is to have it from memory.
    pub(super) content: Option<Bytes>,
    /// Its turn at that work, which those who come to the same wait for: they find it once it is remembered.
    pub(super) first: Option<OwnedMutexGuard<()>>,
    /// What happened since its last change of the row.
    events: Vec<Event>,
}

impl Attempt {
    pub(super) fn new(waiting: Waiting) -> Self {
        Self {
            claimed_at: Timestamp::UNIX_EPOCH,
            late_claim: None,
            waiting,
            call: CallEnd::NoCall,
            retry: RetryPolicy::default(),
            turn: None,
            called: false,
            backpressure: Backpressure::default(),
            made: None,
            content: None,
            first: None,
            events: Vec::new(),
        }
    }

    /// Whether its claim has ended, as that of a process has that was frozen. Nothing that is paid for MUST be called under
    /// it any more, nor a claim be written by itself, which nobody would respect.
    pub(super) fn lease_ended(&self, now: Timestamp, lease: Duration) -> bool {
        now >= self.claimed_at + lease
    }

    /// Notes what happens, for the next change of the row to tell.
    pub(super) fn note(&mut self, flow: &Flow, now: Timestamp, what: Happened) {
        self.events.push(flow.event(now, what));
    }

    /// What happened since the last change of the row.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// What happened since the last change of the row, and this.
    pub(super) fn events_with(&self, event: Event) -> Vec<Event> {
        let mut events = self.events.clone();
        events.push(event);
        events
    }

    /// What it has to tell, once: after that it knows of no call.
    pub(super) fn report(&mut self) -> Report {
        Report {
            call: std::mem::take(&mut self.call),
            events: self.take_events(),
        }
    }

    /// What comes after an attempt that was not used.
    pub(super) fn next_try_of_unused(&self, flow: &Flow) -> NextTry {
        if flow.started_at == Some(self.claimed_at) {
            NextTry::First
        } else {
            NextTry::Same
        }
    }
}
