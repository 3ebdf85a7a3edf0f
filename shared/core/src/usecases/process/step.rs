//! From an asset to what a step makes of it, or to what kept it from that.

use jiff::Timestamp;

use super::Process;
use super::attempt::Attempt;
use super::keep::StepOutput;
use crate::pacing::Place;
use crate::ports::{Claiming, Unavailable, WorkClaim, WorkHolder};
use crate::{
    Asset, Call, CallEnd, Cost, Failure, FailureCode, Fenced, Flow, Happened, LookUp, NextTry,
    OperationError, Output, Report, Run, Sha256Digest, Step, WorkKey,
};

/// How an attempt went.
pub(super) enum AttemptEnd {
    Output(Output),
    OperationError(OperationError),
    /// Another flow is doing the same paid work, at most until then.
    Busy {
        until: Timestamp,
    },
    /// A vendor is at it, and is asked again then.
    Job {
        until: Timestamp,
        trouble: Option<Failure>,
    },
    /// It stands in line for its step.
    InLine {
        place: Place,
        next_try: NextTry,
        failure: Option<Failure>,
    },
    /// There is no time left for the next step: another attempt does it.
    OutOfTime,
    /// It is another's by now: the lease ended, or the flow was taken up or cancelled before it was claimed.
    Lost,
}

impl Process {
    /// Makes what a step makes of an asset.
    ///
    /// # Errors
    /// The other [`AttemptEnd`]s of an attempt.
    pub(super) async fn run_step(
        &self,
        flow: &mut Flow,
        step: &Step,
        asset: Asset,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        let description = step.operation.description();
        let work = WorkKey::new(
            &flow.tenant,
            &description.name,
            step.operation.fingerprint(),
            &Sha256Digest::of(&asset.content),
            &step.params,
        );
        let call = Call {
            tenant: flow.tenant.clone(),
            asset,
            params: step.params.clone(),
            reference: flow.next_reference(),
            backpressure: attempt.backpressure.clone(),
        };
        match description.cost {
            Cost::Free => self.run_free(flow, step, call, work, attempt).await,
            Cost::Paid => self.run_paid(flow, step, call, work, attempt).await,
        }
    }

    async fn run_free(
        &self,
        flow: &mut Flow,
        step: &Step,
        call: Call,
        work: WorkKey,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        // Hundreds of flows begin at the same time, and what one of them makes is there for all.
        let first = self.alike.first(&work);
        let Some(first) = self.in_sight(flow, attempt, first).await? else {
            return Ok(Err(AttemptEnd::Lost));
        };
        if let Some(output) = self.result_cache.find(&work).await?
            && let Some(found) = self.found(&work, output).await?
        {
            return Ok(Ok(found));
        }
        self.keep_asset_for(flow, step, &call).await?;
        let called = self.call(flow, step, call, work, attempt).await;
        attempt.first = first.filter(|_| attempt.made.is_some());
        called
    }

    async fn run_paid(
        &self,
        flow: &mut Flow,
        step: &Step,
        mut call: Call,
        work: WorkKey,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        let operation = &step.operation;
        if !flow.progress.open_call && !operation.keeps_asset() {
            return self.run_first(flow, step, call, work, attempt).await;
        }
        // The work is claimed apart from the call: nobody is to hold it for a flow that is cancelled by then.
        if self.claim_now(flow, attempt).await? == Fenced::Lost {
            return Ok(Err(AttemptEnd::Lost));
        }
        if let Some(found) = self.claim_work(flow, &work).await? {
            return Ok(found);
        }
        if flow.progress.open_call && operation.looks_up() {
            attempt.called = true;
            match operation.look_up(call.clone()).await {
                Ok(LookUp::Absent) => {
                    // It was never charged: what follows is the first.
                    let report = Report::from(CallEnd::Confirmed);
                    if self.report(flow, report, attempt).await? == Fenced::Lost {
                        return Ok(Err(AttemptEnd::Lost));
                    }
                    call.reference = flow.next_reference();
                }
                Ok(LookUp::Found(run)) => {
                    attempt.call = CallEnd::Unconfirmed;
                    return self.after(flow, step, call, work, Ok(run), attempt).await;
                }
                Ok(LookUp::Unknown(failure)) => {
                    self.release_work(flow, &work).await;
                    return Ok(Err(AttemptEnd::OperationError(
                        OperationError::Unconfirmed(failure),
                    )));
                }
                Err(error) => {
                    attempt.call = CallEnd::Unconfirmed;
                    let run = Err(error);
                    return self.after(flow, step, call, work, run, attempt).await;
                }
            }
        } else if flow.progress.open_call && !operation.resends_unconfirmed() {
            self.release_work(flow, &work).await;
            return Ok(Err(AttemptEnd::OperationError(OperationError::Abandoned(
                Failure::transient(
                    FailureCode::VendorUnconfirmed,
                    "the call of the vendor was broken off, and may have been charged; retry the flow to call it again",
                ),
            ))));
        }
        self.keep_asset_for(flow, step, &call).await?;
        let now = self.clock.now();
        if attempt.lease_ended(now, self.limits.lease) {
            return Ok(Err(AttemptEnd::Lost));
        }
        attempt.note(flow, now, Happened::Sent);
        let events = attempt.take_events();
        let begun = self.change(flow, attempt, move |row, fence| {
            row.begin_call(fence, &events)
        });
        match begun.await? {
            Fenced::Lost => Ok(Err(AttemptEnd::Lost)),
            Fenced::Done => self.call(flow, step, call, work, attempt).await,
        }
    }

    /// Calls the operation for work that nobody is at, with nothing to be kept before.
    async fn run_first(
        &self,
        flow: &mut Flow,
        step: &Step,
        call: Call,
        work: WorkKey,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        loop {
            let now = self.clock.now();
            if attempt.lease_ended(now, self.limits.lease) {
                return Ok(Err(AttemptEnd::Lost));
            }
            let begun = self.claim_and_begin_call(flow, &work, attempt, now).await?;
            match begun {
                Claiming::Claimed(Fenced::Done) => {
                    return self.call(flow, step, call, work, attempt).await;
                }
                Claiming::Claimed(Fenced::Lost) => return Ok(Err(AttemptEnd::Lost)),
                Claiming::Held { until } => return Ok(Err(AttemptEnd::Busy { until })),
                Claiming::Done(output) => {
                    if let Some(found) = self.found(&work, output).await? {
                        return Ok(Ok(found));
                    }
                }
            }
        }
    }

    /// Calls the operation. That it is called is written before where it costs money.
    async fn call(
        &self,
        flow: &mut Flow,
        step: &Step,
        call: Call,
        work: WorkKey,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        if step.operation.description().cost == Cost::Paid {
            // Until its product is kept, or its refusal known, the call may have been paid for nothing.
            attempt.call = CallEnd::Unconfirmed;
        }
        attempt.called = true;
        // A paid call was announced, so that its flow is claimed.
        let run = self.begin_in_time(step, call.clone());
        let Some(run) = self.in_sight(flow, attempt, run).await? else {
            // Broken off, it tells nothing of who was called.
            attempt.called = false;
            return Ok(Err(AttemptEnd::Lost));
        };
        self.after(flow, step, call, work, run, attempt).await
    }

    /// Does what comes after a call: keeps its product, goes on with its job, or tells what is known of it.
    async fn after(
        &self,
        flow: &mut Flow,
        step: &Step,
        call: Call,
        work: WorkKey,
        run: Result<Run, OperationError>,
        attempt: &mut Attempt,
    ) -> Result<Result<StepOutput, AttemptEnd>, Unavailable> {
        let error = match run {
            Ok(Run::Done(product)) => {
                let made = self.keep(flow, work, product, attempt).await?;
                attempt.call = CallEnd::Confirmed;
                return Ok(Ok(made));
            }
            Ok(Run::Taken(job)) => {
                return self.take_on(flow, step, &call, work, job, attempt).await;
            }
            Err(error) => error,
        };
        Ok(Err(self
            .after_error(flow, step, &work, error, attempt)
            .await))
    }

    /// What the end of a call without a product comes to.
    pub(super) async fn after_error(
        &self,
        flow: &Flow,
        step: &Step,
        work: &WorkKey,
        error: OperationError,
        attempt: &mut Attempt,
    ) -> AttemptEnd {
        if step.operation.description().cost == Cost::Free {
            attempt.call = CallEnd::Confirmed;
            return AttemptEnd::OperationError(error);
        }
        self.release_work(flow, work).await;
        AttemptEnd::OperationError(match error {
            // It stays open, so that the next attempt asks what became of it.
            OperationError::Unconfirmed(failure) | OperationError::Abandoned(failure)
                if step.operation.looks_up() =>
            {
                attempt.call = CallEnd::NoCall;
                OperationError::Unconfirmed(failure)
            }
            OperationError::Unconfirmed(_) | OperationError::Abandoned(_) => {
                attempt.call = CallEnd::Unconfirmed;
                error
            }
            error => {
                attempt.call = CallEnd::Confirmed;
                error
            }
        })
    }

    async fn keep_asset_for(
        &self,
        flow: &Flow,
        step: &Step,
        call: &Call,
    ) -> Result<(), Unavailable> {
        if step.operation.keeps_asset() {
            self.keep_asset(flow, call.asset.content.clone()).await?;
        }
        Ok(())
    }

    /// Writes what an attempt has to tell, at once.
    pub(super) async fn report(
        &self,
        flow: &mut Flow,
        report: Report,
        attempt: &mut Attempt,
    ) -> Result<Fenced, Unavailable> {
        self.change(flow, attempt, move |row, fence| {
            row.report(fence, report.clone())
        })
        .await
    }

    pub(super) async fn release_work(&self, flow: &Flow, work: &WorkKey) {
        if let Err(error) = self.result_cache.release(work, holder(flow)).await {
            // What is known of the call counts for more; the claim ends by itself.
            tracing::warn!(
                flow_id = %flow.id,
                error = &error as &dyn std::error::Error,
                "claim was not released"
            );
        }
    }

    /// What was made of the work before; `None`, and forgotten, if it is not stored any more.
    async fn found(
        &self,
        work: &WorkKey,
        output: Output,
    ) -> Result<Option<StepOutput>, Unavailable> {
        if self.outputs.size(&output.key).await?.is_some() {
            return Ok(Some(StepOutput::before(output)));
        }
        self.result_cache.forget(work).await?;
        Ok(None)
    }

    /// Claims paid work. `None` when the work is the caller's to do.
    pub(super) async fn claim_work(
        &self,
        flow: &Flow,
        work: &WorkKey,
    ) -> Result<Option<Result<StepOutput, AttemptEnd>>, Unavailable> {
        loop {
            let now = self.clock.now();
            let until = now + self.limits.lease;
            match self
                .result_cache
                .claim(work, holder(flow), now, until)
                .await?
            {
                WorkClaim::Claimed => return Ok(None),
                WorkClaim::Held { until } => return Ok(Some(Err(AttemptEnd::Busy { until }))),
                WorkClaim::Done(output) => {
                    if let Some(found) = self.found(work, output).await? {
                        return Ok(Some(Ok(found)));
                    }
                }
            }
        }
    }

    pub(super) async fn begin_in_time(
        &self,
        step: &Step,
        call: Call,
    ) -> Result<Run, OperationError> {
        let limit = self.limits.operation;
        let operation = &step.operation;
        let run = operation.begin(call);
        tokio::time::timeout(limit, run).await.unwrap_or_else(|_| {
            let took = format!("took longer than {} s", limit.as_secs());
            if operation.description().cost == Cost::Free {
                return Err(OperationError::transient(
                    FailureCode::OperationTimeout,
                    format!("the operation {took}; try a smaller asset, or another time"),
                ));
            }
            let failure = Failure::transient(
                FailureCode::VendorTimeout,
                format!("the vendor {took}, and may have charged; try again later"),
            );
            Err(if operation.resends_unconfirmed() {
                OperationError::Unconfirmed(failure)
            } else {
                OperationError::Abandoned(failure)
            })
        })
    }
}

/// Who holds work that this attempt does.
pub(super) fn holder(flow: &Flow) -> WorkHolder {
    WorkHolder {
        flow_id: flow.id,
        fence: flow.fence,
    }
}
