//! Rows to test with.

use std::sync::LazyLock;

use assetmill_core::pacing::{LineId, Need, PlacesNeeded, ProcessId};
use assetmill_core::{
    Availability, Batch, BatchId, Cost, Counts, Flow, FlowId, FlowState, History, Labels,
    MediaType, OperationDescription, Output, OutputKey, Params, ParamsSchema, Progress,
    SettledFlow, Sha256Digest, Source, Status, TenantId, Webhook, WebhookEvent, WebhookId,
    WebhookSecret,
};
use jiff::Timestamp;

/// What a process that nobody knows needs for so many calls of the sample tenant, of so many places in all.
///
/// # Panics
/// Where there are none in all.
#[expect(clippy::unwrap_used)]
pub fn places_needed(calls: u32, most: u32, [enough, until]: [Timestamp; 2]) -> PlacesNeeded {
    let need = Need {
        line: LineId::of(&tenant()),
        calls,
        waiting: 0,
        new: 0,
        resting: 0,
        looks_at: until,
    };
    PlacesNeeded {
        process: ProcessId::generate(),
        most: most.try_into().unwrap(),
        of: vec![need],
        enough,
        until,
    }
}

/// The tenant of every sample.
pub fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

/// A time, so many seconds after the tests began: rows that are new may not have expired.
pub fn at(seconds: i64) -> Timestamp {
    static BEGAN: LazyLock<i64> = LazyLock::new(|| Timestamp::now().as_second());
    Timestamp::from_second(*BEGAN + seconds).unwrap()
}

/// A new batch of `size` pending flows, accepted at [`at`]`(0)`.
pub fn batch(size: u32) -> (Batch, Vec<Flow>) {
    let batch = Batch {
        id: BatchId::generate(),
        tenant: tenant(),
        operation: "copy".parse().unwrap(),
        params: Params::default(),
        size,
        retry_of: None,
        name: None,
        labels: Labels::default(),
        webhook: None,
        created_at: at(0),
        dispatched_at: None,
        completed_at: None,
        counted: Counts::default(),
    };
    let flows = (0..size).map(|index| flow(&batch, index)).collect();
    (batch, flows)
}

fn flow(batch: &Batch, index: u32) -> Flow {
    Flow {
        id: FlowId::generate(),
        revision: 1,
        batch_id: batch.id,
        index,
        tenant: batch.tenant.clone(),
        source: Source::Asset(format!("https://example.com/{index}").parse().unwrap()),
        operation: batch.operation.clone(),
        params: batch.params.clone(),
        status: Status::Pending {
            not_before: None,
            last_failure: None,
        },
        attempts: 0,
        fence: 0,
        unconfirmed_calls: 0,
        progress: Progress::default(),
        history: History::default(),
        tells: Vec::new(),
        tells_progress: Vec::new(),
        due_at: None,
        created_at: batch.created_at,
        started_at: None,
    }
}

/// An endpoint of a tenant, made at [`at`]`(0)`.
pub fn webhook(tenant: TenantId) -> Webhook {
    Webhook {
        id: WebhookId::generate(),
        tenant,
        url: "https://example.com/hook?a=\"1'".parse().unwrap(),
        events: [WebhookEvent::BatchCompleted].into(),
        secret: WebhookSecret::generate(),
        retired: Vec::new(),
        created_at: at(0),
        disabled_at: None,
    }
}

/// What callers may know of an operation that takes and makes anything.
pub fn description(name: &str, cost: Cost) -> OperationDescription {
    OperationDescription {
        name: name.parse().unwrap(),
        summary: String::new(),
        params: ParamsSchema::default(),
        accepts: Vec::new(),
        produces: Vec::new(),
        availability: Availability::Available,
        cost,
    }
}

/// The output with this content.
pub fn output(content: &[u8]) -> Output {
    let sha256 = Sha256Digest::of(content);
    let media_type = MediaType::png();
    Output {
        key: OutputKey::new(&tenant(), &sha256, &media_type),
        media_type,
        bytes: content.len() as u64,
        sha256,
    }
}

/// How the flows at these places ended: by turns completed, failed and cancelled.
pub fn ended(indexes: impl IntoIterator<Item = u32>) -> Vec<SettledFlow> {
    let states = [
        FlowState::Completed,
        FlowState::Failed,
        FlowState::Cancelled,
    ];
    let ended = |index| SettledFlow {
        index,
        state: states[index as usize % 3],
    };
    indexes.into_iter().map(ended).collect()
}
