//! The query of what is done to many flows.

use assetmill_core::FlowFilter;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::Problem;
use crate::filter::{FilterParams, take_filter};
use crate::query::{FromQuery, QueryParams};

/// Which flows something is done to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Action {
    /// Those that it means.
    pub(crate) filter: FlowFilter,
    /// Whether it is only to be told to how many.
    pub(crate) dry_run: bool,
}

/// The same in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameter in the document")]
struct DryRunParam {
    /// Whether to tell to how many flows it would be done, and do nothing
    dry_run: Option<bool>,
}

/// The parameters of a [`Action`] in the document.
pub(crate) struct ActionParams;

impl IntoParams for ActionParams {
    fn into_params(parameter_in: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let mut params = FilterParams::into_params(&parameter_in);
        params.extend(DryRunParam::into_params(&parameter_in));
        params
    }
}

impl FromQuery for Action {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        Ok(Self {
            filter: take_filter(params)?,
            dry_run: params.take("dry_run", "true or false")?.unwrap_or_default(),
        })
    }
}
