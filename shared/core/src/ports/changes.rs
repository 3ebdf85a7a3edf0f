//! The changes that a flow knows, on its row.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{FlowWrites, Rule, Unavailable};
use crate::pacing::Slot;
use crate::{
    Cancellation, Claim, Deferral, Event, Failure, Fenced, Flow, FlowRef, Report, Settlement,
    StepProduct, TenantId,
};

/// Changes rows by the rules of [`Flow`], which stand there alone: every adapter has these. Whoever has the row
/// that is to be changed gives it in the place of the id: a right guess spares a read.
#[async_trait]
pub trait FlowChanges: FlowWrites {
    /// Changes the row of a flow by any rule, beginning from `flow`, which is the row afterwards: what the next
    /// change begins from. What the rule says of the row; `None`, and `flow` as it was, if there is none.
    async fn change_held<Verdict: Send>(
        &self,
        flow: &mut Flow,
        rule: impl for<'row> Fn(&'row mut Flow) -> Verdict + Send + Sync + 'static,
    ) -> Result<Option<Verdict>, Unavailable> {
        let held = &*flow;
        let answer = changed(self, held.into(), move |row| {
            let verdict = rule(row);
            (verdict, row.clone())
        });
        let Some((verdict, row)) = answer.await? else {
            return Ok(None);
        };
        *flow = row;
        Ok(Some(verdict))
    }

    /// [`Flow::claim`] on the row of a flow.
    async fn claim(
        &self,
        flow: impl Into<FlowRef> + Send,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Claim, Unavailable> {
        let claim = changed(self, flow.into(), move |flow| flow.claim(now, lease_until));
        Ok(claim.await?.unwrap_or(Claim::Unknown))
    }

    /// [`Flow::claim_in_turn`] on the row of a flow.
    async fn claim_in_turn(
        &self,
        flow: impl Into<FlowRef> + Send,
        slot: Option<Slot>,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Claim, Unavailable> {
        let claim = changed(self, flow.into(), move |flow| {
            flow.claim_in_turn(slot, now, lease_until)
        });
        Ok(claim.await?.unwrap_or(Claim::Unknown))
    }

    /// [`Flow::begin_call`] on the row of a flow.
    async fn begin_call(
        &self,
        flow: impl Into<FlowRef> + Send,
        fence: u64,
        events: Vec<Event>,
    ) -> Result<Fenced, Unavailable> {
        fenced(self, flow.into(), move |flow| {
            flow.begin_call(fence, &events)
        })
        .await
    }

    /// [`Flow::report`] on the row of a flow.
    async fn report(
        &self,
        flow: impl Into<FlowRef> + Send,
        fence: u64,
        report: Report,
    ) -> Result<Fenced, Unavailable> {
        fenced(self, flow.into(), move |flow| {
            flow.report(fence, report.clone())
        })
        .await
    }

    /// [`Flow::finish_step`] on the row of a flow.
    async fn finish_step(
        &self,
        flow: impl Into<FlowRef> + Send,
        fence: u64,
        done: usize,
        product: StepProduct,
        report: impl Into<Report> + Send + 'async_trait,
    ) -> Result<Fenced, Unavailable> {
        let report = report.into();
        fenced(self, flow.into(), move |flow| {
            flow.finish_step(fence, done, product.clone(), report.clone())
        })
        .await
    }

    /// [`Flow::settle`] on the row of a flow.
    async fn settle(
        &self,
        flow: impl Into<FlowRef> + Send,
        fence: u64,
        settlement: Settlement,
        report: impl Into<Report> + Send + 'async_trait,
        now: Timestamp,
    ) -> Result<Fenced, Unavailable> {
        let report = report.into();
        fenced(self, flow.into(), move |flow| {
            flow.settle(fence, settlement.clone(), report.clone(), now)
        })
        .await
    }

    /// [`Flow::defer`] on the row of a flow.
    async fn defer(
        &self,
        flow: impl Into<FlowRef> + Send,
        fence: u64,
        deferral: Deferral,
        report: impl Into<Report> + Send + 'async_trait,
        now: Timestamp,
    ) -> Result<Fenced, Unavailable> {
        let report = report.into();
        fenced(self, flow.into(), move |flow| {
            flow.defer(fence, deferral.clone(), report.clone(), now)
        })
        .await
    }

    /// [`Flow::rest`] on the row of a flow.
    async fn rest(
        &self,
        flow: impl Into<FlowRef> + Send,
        until: Timestamp,
    ) -> Result<bool, Unavailable> {
        let rests = changed(self, flow.into(), move |flow| flow.rest(until));
        Ok(rests.await?.unwrap_or(false))
    }

    /// [`Flow::wake`] on the row of a flow.
    async fn wake(
        &self,
        flow: impl Into<FlowRef> + Send,
        sent_for: Timestamp,
    ) -> Result<(), Unavailable> {
        changed(self, flow.into(), move |flow| flow.wake(sent_for)).await?;
        Ok(())
    }

    /// [`Flow::fail_dead_letter`] on the row of a flow. The flow as it is afterwards; `None` if there is none.
    async fn fail_dead_letter(
        &self,
        flow: impl Into<FlowRef> + Send,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Option<Flow>, Unavailable> {
        changed(self, flow.into(), move |flow| {
            flow.fail_dead_letter(failure.clone(), now);
            flow.clone()
        })
        .await
    }

    /// [`Flow::cancel`] on the row of a flow of the tenant.
    async fn cancel(
        &self,
        tenant: &TenantId,
        flow: impl Into<FlowRef> + Send,
        now: Timestamp,
    ) -> Result<Cancellation, Unavailable> {
        let tenant = tenant.clone();
        let cancellation = changed(self, flow.into(), move |flow| flow.cancel(&tenant, now));
        Ok(cancellation.await?.unwrap_or(Cancellation::Unknown))
    }

    /// [`Flow::cancel`] on the rows of these flows of the tenant. Those that were cancelled, as they are afterwards.
    async fn cancel_all(
        &self,
        tenant: &TenantId,
        flows: Vec<Flow>,
        now: Timestamp,
    ) -> Result<Vec<Flow>, Unavailable> {
        let tenant = tenant.clone();
        let rule = JudgingRule::new(move |flow: &mut Flow| flow.cancel(&tenant, now));
        let before = self.change_all(flows, rule.rule()).await?;
        let cancelled = before.iter().filter_map(|flow| match rule.verdict(flow).0 {
            Cancellation::Cancelled(flow) => Some(flow),
            Cancellation::Unchanged(_) | Cancellation::Unknown => None,
        });
        Ok(cancelled.collect())
    }
}

impl<Flows: FlowWrites + ?Sized> FlowChanges for Flows {}

/// Whether the rule found the row, and its fence.
async fn fenced(
    flows: &(impl FlowWrites + ?Sized),
    flow: FlowRef,
    rule: impl Fn(&mut Flow) -> Fenced + Send + Sync + 'static,
) -> Result<Fenced, Unavailable> {
    Ok(changed(flows, flow, rule).await?.unwrap_or(Fenced::Lost))
}

/// What the rule says of the row that it was applied to.
async fn changed<Verdict: Send>(
    flows: &(impl FlowWrites + ?Sized),
    flow: FlowRef,
    rule: impl Fn(&mut Flow) -> Verdict + Send + Sync + 'static,
) -> Result<Option<Verdict>, Unavailable> {
    let rule = JudgingRule::new(rule);
    let before = flows.change(flow, rule.rule()).await?;
    Ok(before.map(|flow| rule.verdict(&flow).0))
}

/// A [`Rule`] that also says something of the row. Adapters hand back the row as it was before: what the rule said, and
/// made of it, follows from that.
pub(crate) struct JudgingRule<Judge>(Arc<Judge>);

impl<Verdict, Judge> JudgingRule<Judge>
where
    Judge: Fn(&mut Flow) -> Verdict + Send + Sync + 'static,
{
    pub(crate) fn new(judge: Judge) -> Self {
        Self(Arc::new(judge))
    }

    /// What adapters apply.
    pub(crate) fn rule(&self) -> Rule {
        let judge = self.0.clone();
        Arc::new(move |flow| {
            judge(flow);
        })
    }

    /// What it said of the row that was this before, and made of it if that is another.
    pub(crate) fn verdict(&self, before: &Flow) -> (Verdict, Option<Flow>) {
        before.apply(|flow| (self.0)(flow))
    }
}
