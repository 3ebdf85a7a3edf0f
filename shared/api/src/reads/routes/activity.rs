//! What happened lately.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ActivityInterval;
use assetmill_core::ports::ACTIVITY_KEPT_FOR;
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;

use crate::filter::TIME;
use crate::not_modified::{IfNoneMatch, NotModified};
use crate::query::{FromQuery, Query, QueryParams};
use crate::reads::ReadState;
use crate::reads::problems::BatchesProblems;
use crate::views::ActivityView;
use crate::{Caller, Problem};

/// Since when it is told, if nobody says.
const LATELY: Duration = Duration::from_hours(24);

/// Since when it is to be told.
pub(crate) struct Since(Option<Timestamp>);

impl FromQuery for Since {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        params.take("since", TIME).map(Self)
    }
}

/// What happened lately
///
/// How many of your flows settled, and how, and how many paid calls there were, in intervals of five minutes: of the last
/// 24 hours, or since a time, of which the last seven days are told, or as many as are kept. An interval in which nothing
/// happened is left out. What happened a moment ago is told some seconds later, and what a process counted that was
/// killed may be missing: it is for a plot, and no account.
#[utoipa::path(
    get,
    path = "/api/v2/activity",
    tag = "results",
    params(
        (
            "since" = Option<String>, Query, format = DateTime, example = "2026-01-31T09:30:00Z",
            description = "Since when: the interval that has this time, and those after it"
        ),
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "What happened, the earliest first", body = ActivityView),
        NotModified,
        BatchesProblems,
    ),
)]
pub(crate) async fn activity(
    State(state): State<Arc<ReadState>>,
    Caller(tenant): Caller,
    Query(Since(since)): Query<Since>,
) -> Result<Json<ActivityView>, Problem> {
    let now = state.clock.now();
    let since = since.unwrap_or(now - LATELY).max(now - ACTIVITY_KEPT_FOR);
    // Of whole intervals, so that what is asked for again is still the same.
    let since = ActivityInterval::of(since);
    let points = state.activity.activity(&tenant, since).await?;
    Ok(Json(ActivityView::new(since, points)))
}
