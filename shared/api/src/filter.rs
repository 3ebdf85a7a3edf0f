//! Which flows are meant: one grammar for lists and for what is done to many.

use assetmill_core::{FailureCode, FlowFilter, FlowState};
use jiff::Timestamp;
use utoipa::IntoParams;

use crate::Problem;
use crate::query::{QueryParams, wrong};
use crate::views::FlowStateView;

/// The longest text that URLs are searched for, in characters.
const LONGEST_TEXT: usize = 200;

/// The parameters of a filter in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters in the document")]
pub(crate) struct FilterParams {
    /// Only flows in this state
    state: Option<FlowStateView>,
    /// Only flows that FAILED with this code
    #[param(example = "source_not_found")]
    code: Option<String>,
    /// Only flows of this operation
    #[param(example = "thumbnail")]
    operation: Option<String>,
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
    let url: Option<String> = params.take("url", "a text")?;
    if let Some(text) = &url
        && !(1..=LONGEST_TEXT).contains(&text.chars().count())
    {
        let bounds = format!("must be a text of 1 to {LONGEST_TEXT} characters");
        return Err(wrong("url", &bounds));
    }
    Ok(FlowFilter {
        state: params.take("state", &format!("one of {states}"))?,
        code: params
            .take::<FailureCode>("code", "the code of a failure, such as vendor_timeout")?,
        operation: params.take("operation", "the name of an operation")?,
        settled_since: params
            .take::<Timestamp>("since", "a time of RFC 3339, such as 2026-01-31T09:30:00Z")?,
        url,
    })
}

/// A filter as text: the same for the same filter, and empty for one that means every flow.
pub(crate) fn canonical(filter: &FlowFilter) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    let FlowFilter {
        state,
        code,
        operation,
        settled_since,
        url,
    } = filter;
    let parts = [
        ("state", state.map(|state| state.as_str().to_owned())),
        ("code", code.map(|code| code.as_str().to_owned())),
        ("operation", operation.as_ref().map(ToString::to_string)),
        ("since", settled_since.map(|since| since.to_string())),
        ("url", url.clone()),
    ];
    for (name, value) in parts {
        if let Some(value) = value {
            text.append_pair(name, &value);
        }
    }
    text.finish()
}
