//! Every port with faults around each of its calls.

use std::time::Duration;

use assetmill_core::pacing::{Gate, Limits};
use assetmill_core::ports::{
    ActivityLog, ActivityReads, Completion, Delivery, EventBus, FlowDeliveries, FlowPage,
    FlowQueue, FlowReads, FlowWrites, GateReads, GateRule, Gates, IdempotencyKeys, OneWebhookRule,
    Outbox, Outgoing, OutputWrites, ResultCache, Rule, SettledCount, Sources, Unavailable,
    WebhookRule, Webhooks, WorkClaim, WorkHolder,
};
use assetmill_core::{
    Activity, ActivityInterval, Asset, AssetUrl, Batch, BatchId, Call, Cost, Counts, DeliveryId,
    Failure, FailureCode, Flow, FlowId, FlowRef, FlowState, IdempotencyKey, Job, JobCall, KeyClaim,
    LookUp, MediaType, Operation, OperationDescription, OperationError, OperationName, Output,
    OutputKey, Params, Product, RetryPolicy, Run, SettledFlow, Step, TenantId, Webhook,
    WebhookDelivery, WebhookId, WorkKey,
};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use super::{Effect, Faulty};

macro_rules! spoilt {
    ($trait:ident: $($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl<Port: $trait + ?Sized> $trait for Faulty<Port> {
            $(async fn $method(&self, $($name: $type),*) -> Result<$answer, Unavailable> {
                self.spoil(self.inner.$method($($name),*)).await
            })*
        }
    };
}

spoilt! { FlowReads:
    flows(tenant: &TenantId, ids: &[FlowId]) -> Vec<Option<Flow>>;
    batch(tenant: &TenantId, id: BatchId) -> Option<Batch>;
    batches(tenant: &TenantId, before: Option<BatchId>, limit: usize) -> Vec<Batch>;
    batch_flows(tenant: &TenantId, id: BatchId, state: Option<FlowState>, after: Option<u32>, limit: usize) -> FlowPage;
    counts(tenant: &TenantId, id: BatchId) -> Counts;
    open_flows(tenant: &TenantId, enough: u64) -> u64;
}

spoilt! { FlowWrites:
    put_flows(flows: &[Flow]) -> ();
    put_batch(batch: &Batch) -> ();
    mark_dispatched(id: BatchId, now: Timestamp) -> ();
    undispatched(created_before: Timestamp, limit: usize) -> Vec<Batch>;
    due(now: Timestamp, limit: usize) -> Vec<Flow>;
    change(flow: FlowRef, rule: Rule) -> Option<Flow>;
    count_settled(batch: BatchId, settled: &[SettledFlow]) -> SettledCount;
    mark_completed(batch: BatchId, now: Timestamp) -> Completion;
    completions(completed_before: Timestamp, limit: usize) -> Vec<Batch>;
    completion_done(batch: BatchId) -> ();
}

spoilt! { Outbox:
    webhooks(tenant: &TenantId) -> Vec<Webhook>;
    put_deliveries(deliveries: &[WebhookDelivery]) -> ();
}

spoilt! { Webhooks:
    change_webhooks(tenant: &TenantId, rule: WebhookRule) -> Vec<Webhook>;
    all_webhooks() -> Vec<Webhook>;
    webhook(tenant: &TenantId, id: WebhookId) -> Option<Webhook>;
    change_webhook_of_batch(tenant: &TenantId, batch: BatchId, rule: OneWebhookRule) -> Option<Webhook>;
    delivery(tenant: &TenantId, webhook: WebhookId, id: DeliveryId) -> Option<WebhookDelivery>;
    replace_delivery(delivery: &WebhookDelivery) -> bool;
    deliveries(tenant: &TenantId, webhook: WebhookId, before: Option<DeliveryId>, limit: usize) -> Vec<WebhookDelivery>;
    due_deliveries(now: Timestamp, each: usize) -> Vec<WebhookDelivery>;
    due_to_bus(now: Timestamp, limit: usize) -> Vec<WebhookDelivery>;
}

spoilt! { FlowQueue:
    send(messages: &[Outgoing]) -> ();
}

spoilt! { FlowDeliveries:
    receive(max: usize, wait: Duration) -> Vec<Delivery>;
    acknowledge(receipt: &str) -> ();
}

spoilt! { OutputWrites:
    put(key: &OutputKey, content: Bytes, media_type: &MediaType) -> ();
    size(key: &OutputKey) -> Option<u64>;
    get(key: &OutputKey) -> Option<Bytes>;
}

spoilt! { ResultCache:
    find(key: &WorkKey) -> Option<Output>;
    claim(key: &WorkKey, holder: WorkHolder, now: Timestamp, until: Timestamp) -> WorkClaim;
    complete(key: &WorkKey, output: &Output) -> ();
    release(key: &WorkKey, holder: WorkHolder) -> ();
    forget(key: &WorkKey) -> ();
}

spoilt! { IdempotencyKeys:
    find(tenant: &TenantId, key: &IdempotencyKey, now: Timestamp) -> Option<KeyClaim>;
    claim(key: &IdempotencyKey, claim: &KeyClaim) -> KeyClaim;
}

spoilt! { GateReads:
    gate(operation: &OperationName) -> Gate;
}

spoilt! { Gates:
    change_gate(operation: &OperationName, guess: Option<Gate>, rule: GateRule) -> Gate;
}

spoilt! { ActivityReads:
    activity(tenant: &TenantId, since: ActivityInterval) -> Vec<(ActivityInterval, Activity)>;
}

spoilt! { ActivityLog:
    add(tenant: &TenantId, interval: ActivityInterval, activity: Activity) -> ();
}

#[async_trait]
impl<Port: Sources + ?Sized> Sources for Faulty<Port> {
    async fn fetch(&self, tenant: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        let failure =
            |_| OperationError::transient(FailureCode::SourceUnavailable, "injected fault");
        self.faults
            .spoil(self.inner.fetch(tenant, url), failure)
            .await
    }
}

#[async_trait]
impl<Port: EventBus + ?Sized> EventBus for Faulty<Port> {
    async fn publish(&self, events: &[WebhookDelivery]) -> Vec<Result<(), String>> {
        let published = async { Ok::<_, Effect>(self.inner.publish(events).await) };
        let refused = vec![Err("injected fault".to_owned()); events.len()];
        let spoilt = self.faults.spoil(published, |effect| effect).await;
        spoilt.unwrap_or(refused)
    }

    async fn is_there(&self) -> Option<bool> {
        let asked = async { Ok::<_, Effect>(self.inner.is_there().await) };
        let answer = self.faults.spoil(asked, |effect| effect).await;
        answer.unwrap_or(None)
    }
}

#[async_trait]
impl<Port: Operation + ?Sized> Operation for Faulty<Port> {
    fn description(&self) -> &OperationDescription {
        self.inner.description()
    }

    fn fingerprint(&self) -> &str {
        self.inner.fingerprint()
    }

    fn retry(&self) -> RetryPolicy {
        self.inner.retry()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn steps(&self) -> &[Step] {
        self.inner.steps()
    }

    fn longest_run(&self) -> Option<Duration> {
        self.inner.longest_run()
    }

    fn resends_unconfirmed(&self) -> bool {
        self.inner.resends_unconfirmed()
    }

    fn longest_job(&self) -> Duration {
        self.inner.longest_job()
    }

    fn keeps_asset(&self) -> bool {
        self.inner.keeps_asset()
    }

    fn looks_up(&self) -> bool {
        self.inner.looks_up()
    }

    async fn run(
        &self,
        tenant: &TenantId,
        asset: Asset,
        params: &Params,
    ) -> Result<Product, OperationError> {
        self.inner.run(tenant, asset, params).await
    }

    async fn begin(&self, call: Call) -> Result<Run, OperationError> {
        let free = self.description().cost == Cost::Free;
        let unconfirmed = if free || self.resends_unconfirmed() {
            OperationError::Unconfirmed
        } else {
            OperationError::Abandoned
        };
        let failure = |effect| match effect {
            Effect::None => {
                OperationError::transient(FailureCode::VendorUnavailable, "injected fault")
            }
            Effect::Done => unconfirmed(injected()),
        };
        self.faults.spoil(self.inner.begin(call), failure).await
    }

    /// A question that gets no answer is asked again.
    async fn ask(&self, job: JobCall) -> Result<Run, OperationError> {
        let state = job.state.clone();
        let asked = async { Ok::<_, Effect>(self.inner.ask(job).await) };
        match self.faults.spoil(asked, |effect| effect).await {
            Ok(answer) => answer,
            Err(_) => Ok(Run::Taken(Job {
                state,
                ask_after: Duration::from_secs(1),
                trouble: Some(injected()),
            })),
        }
    }

    async fn look_up(&self, call: Call) -> Result<LookUp, OperationError> {
        let asked = async { Ok::<_, Effect>(self.inner.look_up(call).await) };
        match self.faults.spoil(asked, |effect| effect).await {
            Ok(answer) => answer,
            Err(_) => Ok(LookUp::Unknown(injected())),
        }
    }
}

fn injected() -> Failure {
    Failure::transient(FailureCode::VendorUnconfirmed, "injected fault")
}
