//! Between rows and the domain.

use std::str::FromStr;

use assetmill_core::{
    Batch, Counts, Flow, FlowState, History, NotABatchName, Params, Source, Status, TenantId,
    WebhookId,
};
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, RowIndex, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::retention::{self, Cutoff};

pub(super) const FLOW: &str =
    "flow_id, batch_id, place, tenant, source, operation, params, state, \
     at, detail, attempts, fence, unconfirmed_calls, created_at, started_at, progress,
     due_at, revision, history, tells, tells_progress";
pub(super) const BATCH: &str = "batch_id, tenant, operation, params, size, retry_of, created_at, \
     dispatched_at, completed_at, name, labels, completed, failed, cancelled, webhook";

/// Writes a flow's row, or writes it anew.
pub(super) fn put_flow(rows: &Connection, flow: &Flow) -> rusqlite::Result<()> {
    let (at, detail) = status_columns(&flow.status)?;
    let progress = match &flow.progress {
        none if none.is_none() => None,
        progress => Some(to_json(progress)?),
    };
    // The values stand in the order of the columns.
    rows.prepare_cached(&format!(
        "INSERT INTO flows ({FLOW})
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         -- What never changes is not written again, nor are the indexes that it is in.
         ON CONFLICT (flow_id) DO UPDATE SET state = excluded.state, at = excluded.at,
            detail = excluded.detail, attempts = excluded.attempts, fence = excluded.fence,
            unconfirmed_calls = excluded.unconfirmed_calls, started_at = excluded.started_at,
            progress = excluded.progress, due_at = excluded.due_at,
            revision = excluded.revision, history = excluded.history"
    ))?
    .execute(params![
        flow.id.to_string(),
        flow.batch_id.to_string(),
        flow.index,
        flow.tenant.as_str(),
        flow.source.to_string(),
        flow.operation.as_str(),
        flow.params.canonical(),
        flow.state().as_str(),
        at.map(Timestamp::as_millisecond),
        detail,
        flow.attempts,
        i64::try_from(flow.fence).unwrap_or(i64::MAX),
        flow.unconfirmed_calls,
        flow.created_at.as_millisecond(),
        flow.started_at.map(Timestamp::as_millisecond),
        progress,
        flow.due_at.map(Timestamp::as_millisecond),
        i64::try_from(flow.revision).unwrap_or(i64::MAX),
        String::from(flow.history.clone()),
        told(&flow.tells)?,
        told(&flow.tells_progress)?,
    ])?;
    Ok(())
}

fn told(webhooks: &[WebhookId]) -> rusqlite::Result<Option<String>> {
    let some = (!webhooks.is_empty()).then(|| to_json(&webhooks));
    some.transpose()
}

/// The flow of this id, unless it expired.
pub(super) fn find_flow(
    rows: &Connection,
    id: &str,
    gone: Cutoff,
) -> rusqlite::Result<Option<Flow>> {
    rows.prepare_cached(&format!(
        "SELECT {FLOW} FROM flows WHERE flow_id = ?1 AND {}",
        retention::flow_lives("?2")
    ))?
    .query_row(params![id, gone], flow)
    .optional()
}

/// The flow of this id, if it is this tenant's and did not expire. Of another's nothing is read, so that it takes as long as
/// one that does not exist.
pub(super) fn find_flow_of(
    rows: &Connection,
    id: &str,
    tenant: &TenantId,
    gone: Cutoff,
) -> rusqlite::Result<Option<Flow>> {
    rows.prepare_cached(&format!(
        "SELECT {FLOW} FROM flows WHERE flow_id = ?1 AND tenant = ?2 AND {}",
        retention::flow_lives("?3")
    ))?
    .query_row(params![id, tenant.as_str(), gone], flow)
    .optional()
}

/// Reads the columns of [`FLOW`], by their places: it is done some times for each flow, and names are looked for one by one.
pub(super) fn flow(row: &Row<'_>) -> rusqlite::Result<Flow> {
    Ok(Flow {
        id: parsed(row, 0)?,
        batch_id: parsed(row, 1)?,
        index: row.get(2)?,
        tenant: parsed(row, 3)?,
        source: Source::from(row.get::<_, String>(4)?),
        operation: parsed(row, 5)?,
        params: json(row, 6)?,
        status: status(row, 7)?,
        attempts: row.get(10)?,
        fence: u64::try_from(row.get::<_, i64>(11)?).unwrap_or_default(),
        unconfirmed_calls: row.get(12)?,
        created_at: time(row, 13)?.unwrap_or_default(),
        started_at: time(row, 14)?,
        progress: optional_json(row, 15)?.unwrap_or_default(),
        due_at: time(row, 16)?,
        revision: u64::try_from(row.get::<_, i64>(17)?).unwrap_or_default(),
        history: history(row, 18)?,
        tells: optional_json(row, 19)?.unwrap_or_default(),
        tells_progress: optional_json(row, 20)?.unwrap_or_default(),
    })
}

/// Reads the columns of [`BATCH`].
pub(super) fn batch(row: &Row<'_>) -> rusqlite::Result<Batch> {
    let retry_of: Option<String> = row.get("retry_of")?;
    let name: Option<String> = row.get("name")?;
    Ok(Batch {
        id: parsed(row, "batch_id")?,
        tenant: parsed(row, "tenant")?,
        operation: parsed(row, "operation")?,
        params: json::<Params>(row, "params")?,
        size: row.get("size")?,
        retry_of: retry_of.map(|_| parsed(row, "retry_of")).transpose()?,
        created_at: time(row, "created_at")?.unwrap_or_default(),
        dispatched_at: time(row, "dispatched_at")?,
        completed_at: time(row, "completed_at")?,
        name: name
            .map(|name| {
                name.try_into()
                    .map_err(|error: NotABatchName| unreadable(error.into()))
            })
            .transpose()?,
        labels: optional_json(row, "labels")?.unwrap_or_default(),
        webhook: optional_json(row, "webhook")?,
        counted: counted(row)?,
    })
}

/// How the flows of a batch ended, if all of them were counted.
fn counted(row: &Row<'_>) -> rusqlite::Result<Counts> {
    Ok(Counts {
        completed: row.get("completed")?,
        failed: row.get("failed")?,
        cancelled: row.get("cancelled")?,
        ..Counts::default()
    })
}

fn history(row: &Row<'_>, column: usize) -> rusqlite::Result<History> {
    let text: String = row.get(column)?;
    History::try_from(text).map_err(|error| unreadable(error.into()))
}

/// Writes a value as JSON.
pub(super) fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Reads a value from JSON text.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(error.into()))
}

fn status_columns(status: &Status) -> rusqlite::Result<(Option<Timestamp>, Option<String>)> {
    Ok(match status {
        Status::Pending {
            not_before,
            last_failure,
        } => (*not_before, last_failure.as_ref().map(to_json).transpose()?),
        Status::Running {
            lease_until,
            abandoned,
        } => (Some(*lease_until), Some(to_json(abandoned)?)),
        Status::Completed { output, settled_at } => (Some(*settled_at), Some(to_json(output)?)),
        Status::Failed {
            failure,
            settled_at,
        } => (Some(*settled_at), Some(to_json(failure)?)),
        Status::Cancelled { settled_at } => (Some(*settled_at), None),
    })
}

/// Reads `state`, `at` and `detail`, which stand at `column` and after it.
fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let (at, detail) = (time(row, column + 1)?, column + 2);
    let since = at.unwrap_or_default();
    match parsed(row, column)? {
        FlowState::Pending => Ok(Status::Pending {
            not_before: at,
            last_failure: optional_json(row, detail)?,
        }),
        FlowState::Running => Ok(Status::Running {
            lease_until: since,
            abandoned: optional_json(row, detail)?.unwrap_or_default(),
        }),
        FlowState::Completed => Ok(Status::Completed {
            output: json(row, detail)?,
            settled_at: since,
        }),
        FlowState::Failed => Ok(Status::Failed {
            failure: json(row, detail)?,
            settled_at: since,
        }),
        FlowState::Cancelled => Ok(Status::Cancelled { settled_at: since }),
    }
}

/// Reads a column that holds the text of a domain type.
pub(super) fn parsed<T>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<T>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error: T::Err| unreadable(error.into()))
}

fn json<T: DeserializeOwned>(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<T> {
    from_json(&row.get::<_, String>(column)?)
}

pub(super) fn optional_json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: impl RowIndex,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| from_json(&text)).transpose()
}

fn time(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Option<Timestamp>> {
    let millisecond: Option<i64> = row.get(column)?;
    millisecond
        .map(|millisecond| {
            Timestamp::from_millisecond(millisecond).map_err(|error| unreadable(error.into()))
        })
        .transpose()
}

fn unreadable(error: Box<dyn std::error::Error + Send + Sync>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error)
}
