//! What a vendor took on: it is asked about, one short question at a time, until it is done.

use std::time::Duration;

use super::Process;
use super::attempt::Attempt;
use super::keep::StepOutput;
use super::step::{AttemptEnd, holder};
use crate::ports::Unavailable;
use crate::{
    Call, CallEnd, Cost, Failure, FailureCode, Fenced, Flow, Happened, Job, JobCall, MediaType,
    OpenJob, OperationError, OutputKey, Run, Sha256Digest, Step, WorkKey,
};

/// How many questions in a row are asked without a rest.
const WITHOUT_REST: u32 = 8;
/// The rest after more, and after a question that took too long.
const REST: Duration = Duration::from_secs(5);

impl Process {
    /// Goes on with what a vendor has just taken on.
    pub(super) async fn take_on(
        &self,
        flow: &mut Flow,
        step: &Step,
        call: &Call,
        work: WorkKey,
        job: Job,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        let operation = &step.operation;
        let asset = operation.keeps_asset().then(|| {
            let digest = Sha256Digest::of(&call.asset.content);
            OutputKey::new(&flow.tenant, &digest, &MediaType::unknown())
        });
        let now = self.clock.now();
        attempt.note(flow, now, Happened::Taken);
        let open = OpenJob {
            step: step.fingerprint(),
            state: job.state,
            work,
            asset,
            until: now + operation.longest_job(),
        };
        if !job.ask_after.is_zero() {
            return self
                .rest_until_asked(flow, step, open, job.ask_after, job.trouble, attempt)
                .await;
        }
        attempt.call = CallEnd::Taken(Box::new(open.clone()));
        let report = attempt.report();
        if self.report(flow, report, attempt).await? == Fenced::Lost {
            return Ok(Err(AttemptEnd::Lost));
        }
        self.question(flow, step, open, true, attempt).await
    }

    /// Asks about a job that an earlier attempt kept.
    pub(super) async fn ask(
        &self,
        flow: &mut Flow,
        step: &Step,
        job: OpenJob,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        if step.operation.description().cost == Cost::Paid
            && let Some(found) = self.claim_work(flow, &job.work).await?
        {
            return Ok(found);
        }
        self.question(flow, step, job, false, attempt).await
    }

    async fn question(
        &self,
        flow: &mut Flow,
        step: &Step,
        mut open: OpenJob,
        mut fresh: bool,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        let asset = match &open.asset {
            Some(key) => self.outputs.get(key).await?,
            None => None,
        };
        let mut asked = 0;
        loop {
            let question = JobCall {
                tenant: flow.tenant.clone(),
                asset_url: match &flow.source {
                    crate::Source::Asset(url) => url.clone(),
                    crate::Source::Refused(_) => return Ok(Err(AttemptEnd::Lost)),
                },
                asset: asset.clone(),
                params: step.params.clone(),
                state: open.state.clone(),
                fresh,
            };
            let mut job = match self.ask_in_time(step, question).await {
                Ok(Run::Done(product)) => {
                    let made = self.keep(flow, open.work, product, attempt).await?;
                    attempt.call = CallEnd::Confirmed;
                    return Ok(Ok(made));
                }
                Ok(Run::Taken(job)) => job,
                Err(error) => {
                    let end = self.after_error(flow, step, &open.work, error, attempt);
                    return Ok(Err(end.await));
                }
            };
            if self.clock.now() >= open.until {
                self.release_work(flow, &open.work).await;
                attempt.call = CallEnd::Unconfirmed;
                let error = too_long(step, job.trouble.as_ref());
                return Ok(Err(AttemptEnd::OperationError(error)));
            }
            open.state = job.state;
            asked += 1;
            if asked >= WITHOUT_REST {
                job.ask_after = job.ask_after.max(REST);
            }
            if !job.ask_after.is_zero() {
                return self
                    .rest_until_asked(flow, step, open, job.ask_after, job.trouble, attempt)
                    .await;
            }
            attempt.call = CallEnd::Taken(Box::new(open.clone()));
            let report = attempt.report();
            if self.report(flow, report, attempt).await? == Fenced::Lost {
                return Ok(Err(AttemptEnd::Lost));
            }
            fresh = true;
        }
    }

    /// Lets a job be until it is asked about again. The work stays claimed meanwhile.
    async fn rest_until_asked(
        &self,
        flow: &Flow,
        step: &Step,
        open: OpenJob,
        rest: Duration,
        trouble: Option<Failure>,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        let now = self.clock.now();
        let until = (now + rest).min(open.until);
        let paid = step.operation.description().cost == Cost::Paid;
        if paid && rest > self.limits.lease / 2 {
            // Whoever holds it is this flow: what the claim says is known.
            self.result_cache
                .claim(&open.work, holder(flow), now, until + self.limits.lease)
                .await?;
        }
        attempt.call = CallEnd::Taken(Box::new(open));
        Ok(Err(AttemptEnd::Job { until, trouble }))
    }

    async fn ask_in_time(&self, step: &Step, question: JobCall) -> Result<Run, OperationError> {
        let limit = self.limits.operation;
        let state = question.state.clone();
        let answer = step.operation.ask(question);
        tokio::time::timeout(limit, answer)
            .await
            .unwrap_or_else(|_| {
                Ok(Run::Taken(Job {
                    state,
                    ask_after: REST,
                    trouble: Some(Failure::transient(
                        FailureCode::VendorTimeout,
                        format!("the vendor did not answer within {} s", limit.as_secs()),
                    )),
                }))
            })
    }
}

fn too_long(step: &Step, trouble: Option<&Failure>) -> OperationError {
    let longest = step.operation.longest_job().as_secs();
    let why = trouble.map_or_else(String::new, |trouble| format!(": {}", trouble.message));
    OperationError::Abandoned(Failure::transient(
        FailureCode::VendorTimeout,
        format!(
            "the vendor took the request, may have charged for it, and was not done within {longest} s{why}; retry the \
             flow to call it again"
        ),
    ))
}
