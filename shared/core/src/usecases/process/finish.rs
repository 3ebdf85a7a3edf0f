//! From how an attempt went to what comes next.

use std::time::Duration;

use jiff::Timestamp;

use super::attempt::Attempt;
use super::step::AttemptEnd;
use super::turns::in_words;
use super::{Outcome, Process};
use crate::pacing::Slot;
use crate::ports::Unavailable;
use crate::{
    Deferral, Failure, FailureCode, Fenced, Flow, NextTry, OperationError, Report, RetryPolicy,
    Settlement, Status, Wait,
};

/// How long a flow waits, at the least, before it looks whether another has finished the same paid
/// work; a random share is added, lest all who wait look at once. As long as one that another is at.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// How long to leave a throttling party alone that does not say how long.
const UNSAID_RETRY_AFTER: Duration = Duration::from_secs(5);
const SHORTEST_RETRY_AFTER: Duration = Duration::from_secs(1);
/// The most that is added to a `Retry-After`, lest all waiting flows come back at once.
const MAX_SPREAD: Duration = Duration::from_secs(10);

enum Next {
    Settle(Settlement),
    Defer(Deferral),
    HandOver(Deferral),
    Lost,
}

impl Process {
    pub(super) async fn finish(
        &self,
        flow: Flow,
        attempt: &mut Attempt,
        end: AttemptEnd,
    ) -> Result<Outcome, Unavailable> {
        let now = self.clock.now();
        let slot = match &end {
            AttemptEnd::InLine { place, .. } => place.slot,
            _ => None,
        };
        let next = self.next(&flow, attempt, end, now);
        let report = attempt.report();
        match next {
            Next::Settle(settlement) => self.settle(flow, settlement, report, attempt, now).await,
            Next::Defer(deferral) => self.defer(flow, attempt, deferral, slot, report, now).await,
            Next::HandOver(deferral) => {
                let outcome = self
                    .defer(flow, attempt, deferral, slot, report, now)
                    .await?;
                Ok(match outcome {
                    Outcome::Wait { until, row } if until <= now => Outcome::HandOver { row },
                    outcome => outcome,
                })
            }
            Next::Lost => Ok(Self::lost(&flow, now)),
        }
    }

    fn next(&self, flow: &Flow, attempt: &Attempt, end: AttemptEnd, now: Timestamp) -> Next {
        let error = match end {
            AttemptEnd::Output(output) => return Next::Settle(Settlement::Completed(output)),
            AttemptEnd::Busy { until } => {
                return Next::Defer(Deferral {
                    not_before: until.min(now + LOOK_AGAIN + LOOK_AGAIN.mul_f64(rand::random())),
                    next_try: NextTry::Same,
                    reason: Wait::SameWork,
                    last_failure: None,
                });
            }
            AttemptEnd::Job { until, trouble } => {
                return Next::Defer(Deferral {
                    not_before: until,
                    next_try: NextTry::Same,
                    reason: Wait::VendorJob,
                    last_failure: trouble,
                });
            }
            AttemptEnd::InLine {
                place,
                next_try,
                failure,
            } => {
                return Next::Defer(Deferral {
                    not_before: place.until,
                    next_try,
                    reason: place.reason,
                    last_failure: failure,
                });
            }
            AttemptEnd::OutOfTime => {
                return Next::HandOver(Deferral {
                    not_before: now,
                    next_try: attempt.next_try_of_unused(flow),
                    reason: Wait::Worker,
                    last_failure: None,
                });
            }
            AttemptEnd::Lost => return Next::Lost,
            AttemptEnd::OperationError(error) => error,
        };
        match error {
            OperationError::Permanent(failure) | OperationError::Abandoned(failure) => {
                Next::Settle(Settlement::Failed(failure))
            }
            OperationError::Persistent(failure) if attempt.waiting.goes_on() => {
                Next::Settle(Settlement::Failed(failure))
            }
            OperationError::Transient(failure)
            | OperationError::Persistent(failure)
            | OperationError::Unconfirmed(failure) => {
                Self::after_failed_try(flow, attempt.retry, failure, now)
            }
            OperationError::Paced { retry_after, .. } => {
                Self::after_pacing(flow, attempt, retry_after, now)
            }
            OperationError::Throttled {
                failure,
                retry_after,
            } => self.after_throttling(flow, failure, retry_after, now),
        }
    }

    fn after_failed_try(
        flow: &Flow,
        policy: RetryPolicy,
        failure: Failure,
        now: Timestamp,
    ) -> Next {
        let attempts = flow.step_attempts();
        if attempts >= policy.max_attempts {
            return Next::Settle(Settlement::Failed(failure));
        }
        Next::Defer(Deferral {
            not_before: now + policy.wait_after(attempts, rand::random()),
            next_try: NextTry::Another,
            reason: Wait::Retry(failure.code),
            last_failure: Some(failure),
        })
    }

    /// Nothing went wrong: the flow waits for its turn as it would have in the queue.
    fn after_pacing(flow: &Flow, attempt: &Attempt, retry_after: Duration, now: Timestamp) -> Next {
        Next::Defer(Deferral {
            not_before: now + retry_after,
            next_try: attempt.next_try_of_unused(flow),
            reason: Wait::SourcePaced,
            last_failure: None,
        })
    }

    fn after_throttling(
        &self,
        flow: &Flow,
        failure: Failure,
        retry_after: Option<Duration>,
        now: Timestamp,
    ) -> Next {
        let not_before = now
            .saturating_add(throttled_for(retry_after))
            .unwrap_or(Timestamp::MAX);
        let (reason, patience, since) = match failure.code {
            FailureCode::SourceThrottled => {
                let started_at = flow.started_at.unwrap_or(flow.created_at);
                (
                    Wait::SourceThrottled,
                    self.limits.source_patience,
                    started_at,
                )
            }
            _ => (Wait::VendorThrottled, self.limits.patience, flow.created_at),
        };
        if not_before > since + patience {
            return Next::Settle(Settlement::Failed(Failure::transient(
                FailureCode::GaveUpWaiting,
                format!(
                    "waiting longer than {} is not worth it: {}; try again later",
                    in_words(patience),
                    failure.message
                ),
            )));
        }
        Next::Defer(Deferral {
            not_before,
            next_try: NextTry::Same,
            reason,
            last_failure: Some(failure),
        })
    }

    async fn settle(
        &self,
        mut flow: Flow,
        settlement: Settlement,
        report: Report,
        attempt: &mut Attempt,
        now: Timestamp,
    ) -> Result<Outcome, Unavailable> {
        let code = match &settlement {
            Settlement::Completed(_) => "completed",
            Settlement::Failed(failure) => failure.code.as_str(),
        };
        let settled = self.change_with_made(&mut flow, attempt, move |row, fence| {
            row.settle(fence, settlement.clone(), report.clone(), now)
        });
        match settled.await? {
            Fenced::Lost => Ok(Self::lost(&flow, now)),
            Fenced::Done => {
                tracing::debug!(
                    flow_id = %flow.id,
                    batch_id = %flow.batch_id,
                    tenant = %flow.tenant,
                    operation = %flow.operation,
                    attempt = flow.attempts,
                    outcome = code,
                    "flow settled"
                );
                Ok(Outcome::Settled {
                    content: attempt.content.take(),
                })
            }
        }
    }

    async fn defer(
        &self,
        mut flow: Flow,
        attempt: &mut Attempt,
        deferral: Deferral,
        slot: Option<Slot>,
        report: Report,
        now: Timestamp,
    ) -> Result<Outcome, Unavailable> {
        let until = deferral.not_before;
        if let Some(failure) = &deferral.last_failure {
            tracing::debug!(
                flow_id = %flow.id,
                batch_id = %flow.batch_id,
                tenant = %flow.tenant,
                operation = %flow.operation,
                attempt = flow.attempts,
                code = failure.code.as_str(),
                %until,
                "flow will be tried again"
            );
        }
        let deferred = self.change(&mut flow, attempt, move |row, fence| {
            let deferred = row.defer(fence, deferral.clone(), report.clone(), now);
            if deferred == Fenced::Done {
                row.progress.slot = slot;
            }
            deferred
        });
        match deferred.await? {
            Fenced::Done => Ok(Outcome::Wait {
                until,
                row: Some(Box::new(flow)),
            }),
            Fenced::Lost => Ok(Self::lost(&flow, now)),
        }
    }

    /// Another attempt holds the flow, or it was cancelled: look again soon, and let the claim tell.
    fn lost(flow: &Flow, now: Timestamp) -> Outcome {
        let Flow {
            id: flow_id,
            batch_id,
            tenant,
            operation,
            attempts: attempt,
            ..
        } = flow;
        if matches!(flow.status, Status::Running { lease_until, .. } if lease_until <= now) {
            tracing::warn!(%flow_id, %batch_id, %tenant, %operation, attempt, "attempt outlived its lease");
        } else {
            tracing::debug!(%flow_id, %batch_id, %tenant, %operation, attempt, "flow was taken or cancelled before it was claimed");
        }
        Outcome::Wait {
            until: now + LOOK_AGAIN,
            row: None,
        }
    }
}

/// How long a flow waits that was asked for patience.
pub(super) fn throttled_for(retry_after: Option<Duration>) -> Duration {
    let wait = retry_after
        .unwrap_or(UNSAID_RETRY_AFTER)
        .max(SHORTEST_RETRY_AFTER);
    wait.saturating_add((wait / 4).min(MAX_SPREAD).mul_f64(rand::random()))
}
