//! How batches are doing.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{FlowReads, Unavailable};
use assetmill_core::{Batch, BatchId, TenantId};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use futures_util::future::try_join_all;

use crate::cursor::Cursor;
use crate::filter::{BatchFilter, BatchFilterParams, FilterParams};
use crate::in_flight::MEMORY_OF_A_BATCH;
use crate::not_modified::{IfNoneMatch, NotModified};
use crate::path::BatchIdParam;
use crate::query::Query;
use crate::reads::ReadState;
use crate::reads::pages::{BatchPage, BatchesPage, BatchesQuery, FailuresQuery, FlowsQuery};
use crate::reads::problems::{BatchProblems, BatchesProblems};
use crate::reads::rows::Page;
use crate::views::{BatchView, FailuresView};
use crate::{Caller, ErrorCode, PathId, Problem, rows};

/// How many batches a page looks at whose filter means few of them: it is shorter then, and has a next one.
const LOOKED_AT: usize = 1_000;
/// How many of those it reads at once, at the least.
const READ_AT_ONCE: usize = 100;
/// Since when failures are told, if nobody says.
const LATELY: Duration = Duration::from_hours(24);
/// How many batches are counted at the same time.
const COUNTED_AT_ONCE: usize = 10;

/// Your batches
///
/// The latest first, all or those that a filter means. A batch that was started a moment ago may be missing for another
/// moment. Of one that runs and has more than 1,000 flows, flows that run may be counted as pending, and some that are
/// settled too: its own page counts them. Where few of many batches are meant, a page may be shorter than `limit`, or empty, and still have a
/// `next_cursor`.
#[utoipa::path(
    get,
    path = "/api/v2/batches",
    tag = "results",
    params(
        (
            "limit" = Option<u8>, Query, minimum = 1, maximum = 100,
            description = "How many; 20 if it is not given"
        ),
        (
            "cursor" = Option<String>, Query, format = "batches-cursor",
            description = "The `next_cursor` of the page before"
        ),
        BatchFilterParams,
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "A page of batches", body = BatchesPage),
        NotModified,
        BatchesProblems,
    ),
)]
pub(crate) async fn batches(
    State(state): State<Arc<ReadState>>,
    Caller(tenant): Caller,
    Query(query): Query<BatchesQuery>,
) -> Result<Json<BatchesPage>, Problem> {
    let (batches, next) = meant(&*state.flows, &tenant, &query).await?;
    let next_cursor = next.map(Cursor);
    let batches = counted(&state, batches).await?;
    Ok(Json(BatchesPage {
        batches,
        next_cursor,
    }))
}

/// One batch, with a page of its flows
///
/// How the batch is doing, and its flows in the order of the request, all or those that a filter means.
#[utoipa::path(
    get,
    path = "/api/v2/batches/{batch_id}",
    tag = "results",
    params(
        BatchIdParam,
        FilterParams,
        IfNoneMatch,
        (
            "limit" = Option<u16>, Query, minimum = 1, maximum = 1000,
            description = "How many flows; 100 if it is not given"
        ),
        (
            "cursor" = Option<String>, Query, format = "flows-cursor",
            description = "The `next_cursor` of the page before"
        ),
    ),
    responses(
        (status = 200, description = "The batch and a page of its flows", body = BatchPage),
        NotModified,
        BatchProblems,
    ),
)]
pub(crate) async fn batch(
    State(state): State<Arc<ReadState>>,
    Caller(tenant): Caller,
    PathId(id): PathId<BatchId>,
    Query(query): Query<FlowsQuery>,
) -> Result<Response, Problem> {
    let batch = state.flows.batch(&tenant, id).await?;
    let batch = batch.ok_or_else(no_such_batch)?;
    let counts = match batch.final_counts() {
        Some(counts) => counts,
        None => state.flows.counts(&tenant, id).await?,
    };
    let page = Page {
        flows: state.flows.clone(),
        links: state.links(),
        tenant: tenant.clone(),
        batch: id,
        filter: query.filter,
        left: query.limit,
        after: query.after,
        ended: false,
        at_once: state.rows_at_once,
    };
    let in_flight = state.in_flight.of(&tenant);
    rows::answer(&BatchView::new(batch, counts), page, in_flight).await
}

/// What failed in a batch
///
/// The failures of a batch, grouped by operation, step, code and the shape of the message; at most 100 groups, those
/// with the most flows first. The same filters as for its flows say which failures.
#[utoipa::path(
    get,
    path = "/api/v2/batches/{batch_id}/failures",
    tag = "results",
    params(
        BatchIdParam,
        FilterParams,
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "The failures, by what they have in common", body = FailuresView),
        NotModified,
        BatchProblems,
    ),
)]
pub(crate) async fn batch_failures(
    State(state): State<Arc<ReadState>>,
    Caller(tenant): Caller,
    PathId(id): PathId<BatchId>,
    Query(FailuresQuery(filter)): Query<FailuresQuery>,
) -> Result<Json<FailuresView>, Problem> {
    let _memory = state.in_flight.of(&tenant).hold(MEMORY_OF_A_BATCH).await?;
    let groups = state.failures().of_batch(&tenant, id, &filter).await?;
    let groups = groups.ok_or_else(no_such_batch)?;
    Ok(Json(FailuresView::new(groups, true)))
}

/// What failed
///
/// The failures of all your batches, grouped as those of one batch are: what failed in the last 24 hours, unless `since`
/// says otherwise.
#[utoipa::path(
    get,
    path = "/api/v2/failures",
    tag = "results",
    params(FilterParams, IfNoneMatch),
    responses(
        (status = 200, description = "The failures, by what they have in common", body = FailuresView),
        NotModified,
        BatchesProblems,
    ),
)]
pub(crate) async fn failures(
    State(state): State<Arc<ReadState>>,
    Caller(tenant): Caller,
    Query(FailuresQuery(mut filter)): Query<FailuresQuery>,
) -> Result<Json<FailuresView>, Problem> {
    let _memory = state.in_flight.of(&tenant).hold(MEMORY_OF_A_BATCH).await?;
    let a_day_ago = state.clock.now() - LATELY;
    filter.settled_since.get_or_insert(a_day_ago);
    let (groups, complete) = state.failures().of_tenant(&tenant, &filter).await?;
    Ok(Json(FailuresView::new(groups, complete)))
}

/// A page of the batches that are meant, and where the next begins.
async fn meant(
    flows: &dyn FlowReads,
    tenant: &TenantId,
    query: &BatchesQuery,
) -> Result<(Vec<Batch>, Option<BatchId>), Unavailable> {
    let mut meant = Vec::new();
    let (mut before, mut looked_at) = (query.before, 0);
    // One more than asked for tells whether there is another page.
    let mut limit = query.limit + 1;
    if query.filter != BatchFilter::default() {
        // Few of them may be meant, and one that is looked for is not to be read for one by one.
        limit = limit.max(READ_AT_ONCE);
    }
    loop {
        let batches = flows.batches(tenant, before, limit).await?;
        let more = batches.len() == limit;
        for batch in batches {
            if query.filter.ends_before(&batch) {
                return Ok((meant, None));
            }
            if meant.len() == query.limit || looked_at >= LOOKED_AT {
                return Ok((meant, before));
            }
            looked_at += 1;
            before = Some(batch.id);
            if query.filter.matches(&batch) {
                meant.push(batch);
            }
        }
        if !more {
            return Ok((meant, None));
        }
    }
}

async fn counted(state: &ReadState, batches: Vec<Batch>) -> Result<Vec<BatchView>, Unavailable> {
    let mut views = Vec::with_capacity(batches.len());
    let mut batches = batches.into_iter().peekable();
    while batches.peek().is_some() {
        let some: Vec<_> = batches.by_ref().take(COUNTED_AT_ONCE).collect();
        let counts = some.iter().map(|batch| state.flows.progress(batch));
        let counts = try_join_all(counts).await?;
        views.extend(
            some.into_iter()
                .zip(counts)
                .map(|(batch, counts)| BatchView::new(batch, counts)),
        );
    }
    Ok(views)
}

fn no_such_batch() -> Problem {
    Problem::new(
        ErrorCode::BatchNotFound,
        "you have no such batch; GET /api/v2/batches lists yours",
    )
}
