//! What must be true in the end.

use std::collections::HashMap;
use std::sync::Arc;

use assetmill_core::ports::{
    ActivityReads as _, FlowReads as _, FlowWrites as _, OutputWrites as _,
};
use assetmill_core::{
    ActivityInterval, Batch, BatchId, Counts, FailureCode, Flow, FlowState, Status,
    WebhookDelivery, WebhookEvent, WebhookId,
};

use super::{Kind, Way, World, tenant};
use crate::stubs::Vendor;

impl World {
    /// What must be true once nothing is left to do.
    pub(crate) async fn check(&self, accepted: Option<BatchId>, way: Way) -> Result<(), String> {
        let may_be_cancelled = matches!(way, Way::Cancelled);
        let batches = self.flows.every_batch();
        if accepted.is_some_and(|id| batches.iter().all(|batch| batch.id != id)) {
            return Err("an accepted batch is lost".to_owned());
        }
        for batch in batches {
            let flows = self.check_batch(&batch).await?;
            for flow in &flows {
                let source = flow.source.to_string();
                let asset = self.kind.assets().iter().find(|(url, _)| *url == source);
                let as_expected = asset.is_some_and(|(_, expected)| flow.state() == *expected);
                let was_cancelled = flow.state() == FlowState::Cancelled && may_be_cancelled;
                if !as_expected && !was_cancelled && !gave_up(flow) {
                    return Err(format!("{source} is {:?}", flow.status));
                }
            }
        }
        match self.kind {
            Kind::Free => Ok(()),
            Kind::Paid | Kind::Paced | Kind::Chain | Kind::Job => self.check_charges().await,
        }
    }

    /// What must be true of a batch that was submitted several times under one key, besides all else: there is no other,
    /// its assets and no others were processed, and where the worker did not fail, each of them was paid for once.
    pub(crate) fn check_once(&self, id: BatchId, worker_failed: bool) -> Result<(), String> {
        let batches = self.flows.every_batch();
        if batches.len() != 1 || batches[0].id != id {
            return Err(format!("{} batches", batches.len()));
        }
        let flows = self.flows.every_flow();
        let strays = flows.iter().filter(|flow| flow.batch_id != id);
        for stray in strays {
            if stray.fence > 0 {
                return Err(format!("{} was processed for nobody", stray.source));
            }
        }
        for (source, charges) in self.vendors.iter().flat_map(|vendor| vendor.charges()) {
            if charges != 1 && !worker_failed {
                return Err(format!("{source} was processed {charges} times"));
            }
        }
        Ok(())
    }

    /// As [`check`](Self::check), where one asset kills its workers.
    pub(crate) async fn check_poisoned(
        &self,
        accepted: Option<BatchId>,
        poison: &str,
        of_poison: FailureCode,
    ) -> Result<(), String> {
        let id = accepted.ok_or("not accepted")?;
        let batch = self.flows.batch(&tenant(), id).await.unwrap();
        let flows = self.check_batch(&batch.ok_or("lost")?).await?;
        for (flow, (url, expected)) in flows.iter().zip(self.kind.assets()) {
            let poisoned = *url == poison;
            let code = match &flow.status {
                Status::Failed { failure, .. } => Some(failure.code),
                _ => None,
            };
            if poisoned != (code == Some(of_poison)) || (!poisoned && flow.state() != *expected) {
                return Err(format!("{url} is {:?}", flow.status));
            }
            if poisoned
                && of_poison == FailureCode::VendorUnconfirmed
                && flow.unconfirmed_calls == 0
            {
                return Err("nobody says that calls may have been charged".to_owned());
            }
        }
        Ok(())
    }

    async fn check_batch(&self, batch: &Batch) -> Result<Vec<Flow>, String> {
        let page = self
            .flows
            .batch_flows(&batch.tenant, batch.id, None, None, 100)
            .await;
        let flows = page.unwrap().flows;
        if flows.len() != batch.size as usize {
            return Err(format!("{} flows of {}", flows.len(), batch.size));
        }
        for flow in &flows {
            self.check_flow(flow).await?;
        }
        let counts = self.flows.counts(&batch.tenant, batch.id).await.unwrap();
        if counts.settled() != batch.size || batch.completed_at.is_none() {
            return Err(format!("the batch did not complete: {counts:?}"));
        }
        let left = self.flows.completions(jiff::Timestamp::MAX, 100).await;
        if left.unwrap().iter().any(|left| left.id == batch.id) {
            return Err("nothing followed from the completion of the batch".to_owned());
        }
        self.check_told(batch, counts)?;
        self.check_told_of_flows(batch, &flows)?;
        self.check_bus(batch, &flows)?;
        Ok(flows)
    }

    /// The endpoint is to be told of the completion, once, and of nothing that did not happen.
    fn check_told(&self, batch: &Batch, counts: Counts) -> Result<(), String> {
        let of_batch = format!("\"batch_id\":\"{}\"", batch.id);
        let told = self.told();
        let told: Vec<_> = told
            .iter()
            .filter(|delivery| delivery.event == WebhookEvent::BatchCompleted)
            .filter(|delivery| delivery.payload.contains(&of_batch))
            .collect();
        let [told] = told[..] else {
            return Err(format!("the endpoint is told {} times", told.len()));
        };
        let payload: serde_json::Value = serde_json::from_str(&told.payload).unwrap();
        let ended = &payload["data"]["counts"];
        if ended["completed"] != counts.completed || ended["failed"] != counts.failed {
            return Err(format!("the endpoint is told of {ended}"));
        }
        Ok(())
    }

    /// What the endpoint is told.
    fn told(&self) -> Vec<WebhookDelivery> {
        let mut told = self.flows.webhooks().every_delivery();
        told.retain(|delivery| delivery.webhook_id != WebhookId::BUS);
        told
    }

    /// The bus has each flow as it ended, and the completion, or is to be told again.
    fn check_bus(&self, batch: &Batch, flows: &[Flow]) -> Result<(), String> {
        if !self.has_bus {
            return Ok(());
        }
        let mut told = self.bus.every_event();
        told.extend(self.flows.webhooks().every_delivery());
        told.retain(|event| event.webhook_id == WebhookId::BUS);
        let has = |expected: &WebhookDelivery| {
            let mut same = told.iter().filter(|event| event.id == expected.id);
            same.any(|event| event.payload == expected.payload)
        };
        for flow in flows {
            let expected = WebhookDelivery::announces_settled(flow);
            if !expected.as_ref().is_some_and(has) {
                return Err(format!("the bus is not told of {}", flow.source));
            }
        }
        let counts = batch.final_counts().ok_or("no counts")?;
        if has(&WebhookDelivery::announces_completion(batch, counts)) {
            Ok(())
        } else {
            Err("the bus is not told of the completion".to_owned())
        }
    }

    /// The same of each of its flows.
    fn check_told_of_flows(&self, batch: &Batch, flows: &[Flow]) -> Result<(), String> {
        if !self.events.contains(&WebhookEvent::FlowSettled) {
            return Ok(());
        }
        let mut told = HashMap::new();
        for delivery in self.told() {
            let payload: serde_json::Value = serde_json::from_str(&delivery.payload).unwrap();
            let data = &payload["data"];
            if delivery.event == WebhookEvent::FlowSettled
                && data["batch_id"] == batch.id.to_string()
            {
                let before = told.insert(data["flow_id"].to_string(), data["state"].to_string());
                if before.is_some() {
                    return Err("the endpoint is told of a flow twice".to_owned());
                }
            }
        }
        for flow in flows {
            let told = told.get(&format!("\"{}\"", flow.id)).map(String::as_str);
            let expected = format!("\"{}\"", flow.state().as_str());
            if told != Some(&expected) {
                return Err(format!("of {} the endpoint is told {told:?}", flow.source));
            }
        }
        Ok(())
    }

    async fn check_flow(&self, flow: &Flow) -> Result<(), String> {
        if !flow.state().is_settled() {
            return Err(format!("{} is {:?}", flow.source, flow.status));
        }
        let settlements = self.flows.settlements(flow.id);
        // What is refused from the start never was anything else.
        let settles = flow.fence > 0 || flow.state() == FlowState::Cancelled;
        if settlements != u32::from(settles) {
            return Err(format!("{} settled {settlements} times", flow.source));
        }
        if let Status::Completed { output, .. } = &flow.status {
            let content = self.outputs.get(&output.key).await.unwrap();
            let made = |text: String, vendor: &Arc<Vendor>| vendor.made_of(&text);
            let expected = self.vendors.iter().fold(flow.source.to_string(), made);
            if content.as_deref() != Some(expected.as_bytes()) {
                return Err(format!("the output of {} is wrong or missing", flow.source));
            }
        }
        Ok(())
    }

    /// No flow pays a vendor twice, and two of the same source only where one says that its call may have been
    /// charged.
    async fn check_charges(&self) -> Result<(), String> {
        let (mut told, mut flows) = (HashMap::<_, u32>::new(), HashMap::<_, u32>::new());
        let paid_calls = self.paid_calls().await;
        for batch in self.flows.every_batch() {
            let page = self
                .flows
                .batch_flows(&batch.tenant, batch.id, None, None, 100)
                .await;
            for flow in page.unwrap().flows {
                let source = flow.source.to_string();
                *told.entry(source.clone()).or_default() += flow.unconfirmed_calls;
                *flows.entry(source).or_default() += 1;
            }
        }
        let charges = self.vendors.iter().flat_map(|vendor| vendor.charges());
        let least = charges.map(|(_, charges)| u64::from(charges)).sum();
        let uncertain: u32 = told.values().sum();
        let most = least + u64::from(uncertain);
        if !(least..=most).contains(&paid_calls) {
            return Err(format!(
                "{paid_calls} paid calls are counted: {least} charges, {uncertain} unconfirmed"
            ));
        }
        for (source, charges) in self.vendors.iter().flat_map(|vendor| vendor.charges()) {
            let (told, flows) = (told[&source], flows[&source]);
            if charges > (1 + told).min(flows) {
                return Err(format!(
                    "{source}: {charges} charges for {flows} flows, {told} unconfirmed"
                ));
            }
        }
        Ok(())
    }
}

impl World {
    /// How many paid calls were counted.
    async fn paid_calls(&self) -> u64 {
        self.meter.flush().await;
        let since = ActivityInterval::numbered(0);
        let counted = self.activity.activity(&tenant(), since).await.unwrap();
        counted.iter().map(|(_, of)| of.paid_calls).sum()
    }
}

/// Whether the flow was given up, and says why.
fn gave_up(flow: &Flow) -> bool {
    stopped_two_workers(flow) || is_unconfirmed(flow)
}

/// Whether the flow was given up because nobody knows whether its call was charged, and says so.
fn is_unconfirmed(flow: &Flow) -> bool {
    let given_up = matches!(&flow.status, Status::Failed { failure, .. }
        if failure.code == FailureCode::VendorUnconfirmed);
    given_up && flow.unconfirmed_calls > 0
}

/// Whether the flow was given up because two workers in a row stopped while they held it.
fn stopped_two_workers(flow: &Flow) -> bool {
    let given_up = matches!(&flow.status, Status::Failed { failure, .. }
        if failure.code == FailureCode::WorkerCrashed);
    given_up && flow.fence > 2
}
