//! Ids in paths.

use std::str::FromStr;

use assetmill_core::{BatchId, FlowId};
use axum::RequestPartsExt as _;
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use utoipa::IntoParams;

use crate::{ErrorCode, Problem};

/// An id that can stand in a path.
pub trait IdInPath: FromStr {
    /// The code of the problem when what stands there is no id.
    const CODE: ErrorCode;
}

impl IdInPath for FlowId {
    const CODE: ErrorCode = ErrorCode::FlowIdInPath;
}

impl IdInPath for BatchId {
    const CODE: ErrorCode = ErrorCode::BatchIdInPath;
}

/// The id of a batch in the path, in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter in the document")]
pub(crate) struct BatchIdParam {
    /// The batch
    #[param(format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8000")]
    batch_id: String,
}

/// The one id in the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathId<Id>(pub Id);

impl<Id: IdInPath, S: Send + Sync> FromRequestParts<S> for PathId<Id> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let not_an_id = || {
            Problem::new(
                Id::CODE,
                "the path holds no id where one should be; \
                 ids are UUIDs, such as 01890a5d-ac96-774b-bcce-b302099a8057",
            )
        };
        let params: RawPathParams = parts.extract().await.map_err(|_| not_an_id())?;
        params
            .iter()
            .next()
            .and_then(|(_, text)| text.parse().ok())
            .map(Self)
            .ok_or_else(not_an_id)
    }
}
