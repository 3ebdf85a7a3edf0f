//! Which flows are meant: one grammar for lists and for what is done to many.

use assetmill_core::{
    Batch, BatchName, FailureCode, FailureGroupId, FlowFilter, FlowState, Labels, OperationName,
};
use jiff::Timestamp;
use utoipa::IntoParams;

use crate::Problem;
use crate::query::{QueryParams, wrong};
use crate::views::{FailureCodeView, FlowStateView};

/// The longest text that is searched for, in characters.
const LONGEST_TEXT: usize = 200;

const OPERATION: &str = "the name of an operation";
/// What a time has to be.
pub(crate) const TIME: &str = "a time of RFC 3339, such as 2026-01-31T09:30:00Z";

/// The parameters of a filter in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters in the document")]
pub(crate) struct FilterParams {
    /// Only flows in this state
    state: Option<FlowStateView>,
    /// Only flows that FAILED with this code
    #[param(inline)]
    code: Option<FailureCodeView>,
    /// Only flows of this operation
    #[param(
        min_length = 1,
        max_length = 64,
        pattern = "^[a-z0-9][a-z0-9_-]*$",
        example = "thumbnail"
    )]
    operation: Option<String>,
    /// Only flows of this group of failures: the `id` that failures are answered with
    #[param(pattern = "^[0-9a-f]{16}$", example = "8c6f1f0e2b7d4a35")]
    group: Option<String>,
    /// Only flows that reached their final state then or later
    #[param(format = DateTime, example = "2026-01-31T09:30:00Z")]
    since: Option<String>,
    /// Only flows whose asset's URL has this in it, in capitals or not
    #[param(min_length = 1, max_length = 200, example = "example.com/")]
    url: Option<String>,
}

/// Takes the parameters of a filter.
///
/// # Errors
/// `invalid_query` with the first that is not what it may be.
pub(crate) fn take_filter(params: &mut QueryParams) -> Result<FlowFilter, Problem> {
    let states = FlowState::ALL.map(FlowState::as_str).join(", ");
    Ok(FlowFilter {
        state: params.take("state", &format!("one of {states}"))?,
        code: params
            .take::<FailureCode>("code", "the code of a failure, such as vendor_timeout")?,
        operation: params.take("operation", OPERATION)?,
        group: params.take::<FailureGroupId>(
            "group",
            "the id of a group of failures, 16 hexadecimal digits",
        )?,
        settled_since: params.take("since", TIME)?,
        url: take_text(params, "url")?,
        ids: None,
        settled_until: None,
    })
}

/// A filter as text: the same for the same filter, and empty for one that means every flow.
pub(crate) fn canonical(filter: &FlowFilter) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    let FlowFilter {
        state,
        code,
        operation,
        group,
        settled_since,
        url,
        ids,
        settled_until,
    } = filter;
    let parts = [
        ("state", state.map(|state| state.as_str().to_owned())),
        ("code", code.map(|code| code.as_str().to_owned())),
        ("operation", operation.as_ref().map(ToString::to_string)),
        ("group", group.map(|group| group.to_string())),
        ("since", settled_since.map(|since| since.to_string())),
        ("until", settled_until.map(|until| until.to_string())),
        ("url", url.clone()),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            text.append_pair(name, &value);
        }
    }
    for id in ids.iter().flatten() {
        text.append_pair("id", &id.to_string());
    }
    text.finish()
}

/// Which batches are meant: those for which all that is given is true.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct BatchFilter {
    name: Option<String>,
    labels: Labels,
    operation: Option<OperationName>,
    since: Option<Timestamp>,
}

/// Its parameters in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters in the document")]
pub(crate) struct BatchFilterParams {
    /// Only batches whose name has this in it, in capitals or not
    #[param(min_length = 1, max_length = 200, example = "autumn")]
    name: Option<String>,
    /// Only batches with all of these labels, `key:value` with commas between
    #[param(
        pattern = r"^[a-z0-9][a-z0-9._/-]{0,63}:[^,\u0000-\u001f\u007f-\u009f]{0,128}(,[a-z0-9][a-z0-9._/-]{0,63}:[^,\u0000-\u001f\u007f-\u009f]{0,128}){0,15}$",
        example = "season:autumn"
    )]
    labels: Option<String>,
    /// Only batches of this operation
    #[param(
        min_length = 1,
        max_length = 64,
        pattern = "^[a-z0-9][a-z0-9_-]*$",
        example = "thumbnail"
    )]
    operation: Option<String>,
    /// Only batches that were accepted then or later
    #[param(format = DateTime, example = "2026-01-31T09:30:00Z")]
    since: Option<String>,
}

/// Takes the parameters of a filter of batches.
///
/// # Errors
/// `invalid_query` with the first that is not what it may be.
pub(crate) fn take_batch_filter(params: &mut QueryParams) -> Result<BatchFilter, Problem> {
    let labels = "labels, each as key:value, with commas between";
    Ok(BatchFilter {
        name: take_text(params, "name")?,
        labels: params.take("labels", labels)?.unwrap_or_default(),
        operation: params.take("operation", OPERATION)?,
        since: params.take("since", TIME)?,
    })
}

impl BatchFilter {
    /// Whether a batch is meant.
    pub(crate) fn matches(&self, batch: &Batch) -> bool {
        let named = |text: &str| {
            let name = batch.name.as_ref().map(BatchName::as_str);
            name.is_some_and(|name| name.to_lowercase().contains(&text.to_lowercase()))
        };
        self.name.as_deref().is_none_or(named)
            && batch.labels.contain(&self.labels)
            && (self.operation.as_ref()).is_none_or(|operation| batch.operation == *operation)
            && self.since.is_none_or(|since| batch.created_at >= since)
    }

    /// Whether none that is older than this one is meant.
    pub(crate) fn ends_before(&self, batch: &Batch) -> bool {
        self.since.is_some_and(|since| batch.created_at < since)
    }
}

fn take_text(params: &mut QueryParams, name: &str) -> Result<Option<String>, Problem> {
    let text: Option<String> = params.take(name, "a text")?;
    if let Some(text) = &text
        && !(1..=LONGEST_TEXT).contains(&text.chars().count())
    {
        let bounds = format!("must be a text of 1 to {LONGEST_TEXT} characters");
        return Err(wrong(name, &bounds));
    }
    Ok(text)
}
