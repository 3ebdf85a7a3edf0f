//! The changes that a flow knows, on its row.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::{FlowWrites, Unavailable};
use crate::{
    Cancellation, Claim, Deferral, Event, Failure, Fenced, Flow, FlowId, Report, Settlement,
    StepProduct, TenantId,
};

/// Changes rows by the rules of [`Flow`], which stand there alone: every adapter has these.
#[async_trait]
pub trait FlowChanges: FlowWrites {
    /// [`Flow::claim`] on the row of a flow.
    async fn claim(
        &self,
        id: FlowId,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Claim, Unavailable> {
        let claim = changed(self, id, move |flow| flow.claim(now, lease_until));
        Ok(claim.await?.unwrap_or(Claim::Unknown))
    }

    /// [`Flow::begin_call`] on the row of a flow.
    async fn begin_call(
        &self,
        id: FlowId,
        fence: u64,
        events: Vec<Event>,
    ) -> Result<Fenced, Unavailable> {
        fenced(self, id, move |flow| flow.begin_call(fence, &events)).await
    }

    /// [`Flow::report`] on the row of a flow.
    async fn report(&self, id: FlowId, fence: u64, report: Report) -> Result<Fenced, Unavailable> {
        fenced(self, id, move |flow| flow.report(fence, report.clone())).await
    }

    /// [`Flow::finish_step`] on the row of a flow.
    async fn finish_step(
        &self,
        id: FlowId,
        fence: u64,
        done: usize,
        product: StepProduct,
        report: impl Into<Report> + Send + 'async_trait,
    ) -> Result<Fenced, Unavailable> {
        let report = report.into();
        fenced(self, id, move |flow| {
            flow.finish_step(fence, done, product.clone(), report.clone())
        })
        .await
    }

    /// [`Flow::settle`] on the row of a flow.
    async fn settle(
        &self,
        id: FlowId,
        fence: u64,
        settlement: Settlement,
        report: impl Into<Report> + Send + 'async_trait,
        now: Timestamp,
    ) -> Result<Fenced, Unavailable> {
        let report = report.into();
        fenced(self, id, move |flow| {
            flow.settle(fence, settlement.clone(), report.clone(), now)
        })
        .await
    }

    /// [`Flow::defer`] on the row of a flow.
    async fn defer(
        &self,
        id: FlowId,
        fence: u64,
        deferral: Deferral,
        report: impl Into<Report> + Send + 'async_trait,
        now: Timestamp,
    ) -> Result<Fenced, Unavailable> {
        let report = report.into();
        fenced(self, id, move |flow| {
            flow.defer(fence, deferral.clone(), report.clone(), now)
        })
        .await
    }

    /// [`Flow::rest`] on the row of a flow.
    async fn rest(&self, id: FlowId, until: Timestamp) -> Result<bool, Unavailable> {
        let rests = changed(self, id, move |flow| flow.rest(until));
        Ok(rests.await?.unwrap_or(false))
    }

    /// [`Flow::wake`] on the row of a flow.
    async fn wake(&self, id: FlowId, sent_for: Timestamp) -> Result<(), Unavailable> {
        changed(self, id, move |flow| flow.wake(sent_for)).await?;
        Ok(())
    }

    /// [`Flow::bury`] on the row of a flow. The flow as it is afterwards; `None` if there is none.
    async fn bury(
        &self,
        id: FlowId,
        failure: Failure,
        now: Timestamp,
    ) -> Result<Option<Flow>, Unavailable> {
        changed(self, id, move |flow| {
            flow.bury(failure.clone(), now);
            flow.clone()
        })
        .await
    }

    /// [`Flow::cancel`] on the row of a flow of the tenant.
    async fn cancel(
        &self,
        tenant: &TenantId,
        id: FlowId,
        now: Timestamp,
    ) -> Result<Cancellation, Unavailable> {
        let tenant = tenant.clone();
        let cancellation = changed(self, id, move |flow| flow.cancel(&tenant, now));
        Ok(cancellation.await?.unwrap_or(Cancellation::Unknown))
    }
}

impl<Flows: FlowWrites + ?Sized> FlowChanges for Flows {}

/// Whether the rule found the row, and its fence.
async fn fenced(
    flows: &(impl FlowWrites + ?Sized),
    id: FlowId,
    rule: impl Fn(&mut Flow) -> Fenced + Send + Sync + 'static,
) -> Result<Fenced, Unavailable> {
    Ok(changed(flows, id, rule).await?.unwrap_or(Fenced::Lost))
}

/// What the rule says of the row that it was applied to.
async fn changed<Verdict: Send>(
    flows: &(impl FlowWrites + ?Sized),
    id: FlowId,
    rule: impl Fn(&mut Flow) -> Verdict + Send + Sync + 'static,
) -> Result<Option<Verdict>, Unavailable> {
    let rule = Arc::new(rule);
    let applied = rule.clone();
    let before = flows.change(
        id,
        Arc::new(move |flow| {
            applied(flow);
        }),
    );
    Ok(before.await?.map(|mut flow| rule(&mut flow)))
}
