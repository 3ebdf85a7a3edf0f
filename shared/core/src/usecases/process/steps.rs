//! From a claimed flow to its output, step by step.

use std::time::Duration;

use tokio::time::Instant;

use super::attempt::Attempt;
use super::keep::StepOutput;
use super::step::AttemptEnd;
use super::{Process, Waiting};
use crate::ports::Unavailable;
use crate::{
    Asset, AssetUrl, Availability, Cost, Failure, FailureCode, Fenced, Flow, Happened, OpenJob,
    OperationError, Source, Status, Step, StepProduct,
};

/// What an attempt takes besides its operation: fetching is given 30 seconds, storing takes a few.
const AROUND_OPERATION: Duration = Duration::from_secs(35);

impl Process {
    /// Takes the steps of a flow that are not done. `flow` follows its row.
    pub(super) async fn run_steps(
        &self,
        flow: &mut Flow,
        attempt: &mut Attempt,
    ) -> Result<AttemptEnd, Unavailable> {
        let (steps, url) = match self.steps(flow) {
            Ok(found) => found,
            Err(error) => return Ok(AttemptEnd::OperationError(error)),
        };
        let mut done = flow.progress.done_of(&steps);
        let mut asset = None;
        loop {
            // A catalogue that changed meanwhile may have no more of them.
            let Some(step) = steps.get(done) else {
                let last = flow.progress.products.get(done.saturating_sub(1));
                return Ok(match last {
                    Some(last) => AttemptEnd::Output(last.output.clone()),
                    None => AttemptEnd::Lost,
                });
            };
            attempt.retry = step.retry;
            if self.given_up(flow, step) {
                return Ok(AttemptEnd::OperationError(OperationError::Permanent(
                    Failure::worker_crashed(),
                )));
            }
            let job = open_job(flow, step, done);
            if job.is_none() && self.may_outlast_its_caller(step, attempt) {
                return Ok(AttemptEnd::OutOfTime);
            }
            if job.is_none()
                && let Some(end) = self.await_turn(flow, step, attempt).await?
            {
                return Ok(end);
            }
            let made = if let Some(job) = job {
                self.ask(flow, step, job, attempt).await?
            } else {
                let input = match asset.take() {
                    Some(asset) => asset,
                    None => match self.input(flow, &mut done, &url, attempt).await? {
                        None => return Ok(AttemptEnd::Lost),
                        Some(Ok(asset)) => asset,
                        Some(Err(error)) => {
                            let end = Err::<(), _>(AttemptEnd::OperationError(error));
                            let ended = self.end_turn(flow, &steps[done], end, attempt).await;
                            return Ok(ended.err().unwrap_or(AttemptEnd::Lost));
                        }
                    },
                };
                attempt.note(flow, self.clock.now(), Happened::Fetched);
                // What is gone is made again, by the step that made it.
                let made = self.run_step(flow, &steps[done], input, attempt).await?;
                self.end_turn(flow, &steps[done], made, attempt).await
            };
            let step = &steps[done];
            let made = match made {
                Ok(made) => made,
                Err(AttemptEnd::OperationError(error)) if steps.len() > 1 => {
                    let name = &step.operation.description().name;
                    return Ok(AttemptEnd::OperationError(error.of_step(name)));
                }
                Err(end) => return Ok(end),
            };
            attempt.note(flow, self.clock.now(), Happened::Stored);
            if done + 1 == steps.len() {
                if attempt.waiting.is_for_content() {
                    attempt.content = made.content;
                }
                return Ok(AttemptEnd::Output(made.output));
            }
            if self.finish_step(flow, done, step, &made, attempt).await? == Fenced::Lost {
                return Ok(AttemptEnd::Lost);
            }
            if !self.has_time_for_a_step(attempt) {
                return Ok(AttemptEnd::OutOfTime);
            }
            done += 1;
            asset = made.content.map(|content| Asset {
                url: url.clone(),
                content,
            });
        }
    }

    pub(super) fn steps(&self, flow: &Flow) -> Result<(Vec<Step>, AssetUrl), OperationError> {
        let unavailable = |message: String| {
            OperationError::permanent(
                FailureCode::OperationUnavailable,
                format!("{message}; ask the operator to restore it, then retry"),
            )
        };
        let Some(operation) = self.catalogue.get(flow.operation.as_str()) else {
            return Err(unavailable(format!(
                "the catalogue no longer has an operation {}",
                flow.operation
            )));
        };
        if let Availability::Unavailable { reason } = &operation.description().availability {
            return Err(unavailable(reason.clone()));
        }
        let Source::Asset(url) = &flow.source else {
            return Err(OperationError::permanent(
                FailureCode::UnsupportedScheme,
                "the URL can't be fetched",
            ));
        };
        Ok((Step::all_of(operation, &flow.params), url.clone()))
    }

    /// What the step after `done` others takes; `None` if the flow was lost meanwhile. `done` goes back where what they
    /// made is gone.
    async fn input(
        &self,
        flow: &mut Flow,
        done: &mut usize,
        url: &AssetUrl,
        attempt: &mut Attempt,
    ) -> Result<Option<Result<Asset, OperationError>>, Unavailable> {
        while let Some(last) = done.checked_sub(1) {
            let key = &flow.progress.products[last].output.key;
            if let Some(content) = self.outputs.get(key).await? {
                let url = url.clone();
                return Ok(Some(Ok(Asset { url, content })));
            }
            *done = last;
        }
        let tenant = flow.tenant.clone();
        let fetch = self.sources.fetch(&tenant, url);
        self.in_sight(flow, attempt, fetch).await
    }

    async fn finish_step(
        &self,
        flow: &mut Flow,
        done: usize,
        step: &Step,
        made: &StepOutput,
        attempt: &mut Attempt,
    ) -> Result<Fenced, Unavailable> {
        let product = StepProduct {
            step: step.fingerprint(),
            output: made.output.clone(),
        };
        let report = attempt.report();
        self.change_with_made(flow, attempt, move |row, fence| {
            row.finish_step(fence, done, product.clone(), report.clone())
        })
        .await
    }

    /// Whether a paid call that begins now may be stopped by the end of the wait of its caller.
    pub(super) fn may_outlast_its_caller(&self, step: &Step, attempt: &Attempt) -> bool {
        let Waiting::CallerUntil(deadline, _) = attempt.waiting else {
            return false;
        };
        let operation = &step.operation;
        let longest = operation.longest_run().unwrap_or(self.limits.operation);
        self.limits.stops_when_answered
            && operation.description().cost == Cost::Paid
            && Instant::now() + longest >= deadline
    }

    /// Whether a flow stopped too many workers. Where attempts that ended lie between: every other end settles the flow
    /// at its last attempt. A question about a job is no attempt, nor is one that was cut off where that is no fault of
    /// the flow's.
    fn given_up(&self, flow: &Flow, step: &Step) -> bool {
        let Status::Running { abandoned, .. } = flow.status else {
            return false;
        };
        let (stopped_workers, ended) = match self.limits.most_abandoned {
            Some(most) => (abandoned >= most, flow.step_attempts()),
            None => (false, flow.step_attempts().saturating_sub(abandoned)),
        };
        let used_up = flow.progress.job.is_none() && ended > step.retry.max_attempts;
        stopped_workers || used_up
    }

    /// Whether a step that begins now would end before the lease does.
    fn has_time_for_a_step(&self, attempt: &Attempt) -> bool {
        let lasts = self.clock.now().duration_since(attempt.claimed_at);
        let lasts = Duration::try_from(lasts).unwrap_or_default();
        lasts + self.limits.operation + AROUND_OPERATION <= self.limits.lease
    }
}

/// The job that a vendor took on for the step after `done` others.
fn open_job(flow: &Flow, step: &Step, done: usize) -> Option<OpenJob> {
    let current = done == flow.progress.products.len();
    let job = flow.progress.job_of(step).filter(|_| current);
    job.cloned()
}
