//! What is done to an asset that is the body of its request: the query says it.

use assetmill_core::{Catalogue, OperationName, ParamKind, ParamsSchema};
use serde_json::Value;
use utoipa::IntoParams;

use crate::Problem;
use crate::body::GivenParams;
use crate::query::{FromQuery, QueryParams};
use crate::writes::transform_request::OneAsset;

/// The query of a request whose body is an asset.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SentAsset {
    operation: NamedOperation,
    /// The parameters of the operation, as they are written.
    params: Vec<(String, String)>,
}

/// The operation that a query names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedOperation(pub(crate) Option<OperationName>);

/// The same in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameter in the document")]
pub(crate) struct SentAssetParams {
    /// The operation, where the body does not name one. Where the body is the asset, any other parameter is one of the
    /// operation's
    #[param(
        min_length = 1,
        max_length = 64,
        pattern = "^[a-z0-9][a-z0-9_-]*$",
        example = "thumbnail"
    )]
    operation: Option<String>,
}

impl FromQuery for SentAsset {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        Ok(Self {
            operation: NamedOperation::from_query(params)?,
            params: params.take_rest(),
        })
    }
}

impl FromQuery for NamedOperation {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        Ok(Self(params.take("operation", "the name of an operation")?))
    }
}

impl SentAsset {
    /// What is asked for of an asset that is kept under this URL. A parameter is read as the kind that the operation says;
    /// what that refuses is told when the order is made.
    pub(crate) fn of(self, url: String, catalogue: &Catalogue) -> OneAsset {
        let NamedOperation(named) = self.operation;
        let asked = match &named {
            Some(name) => catalogue.get(name.as_str()),
            None => Some(catalogue.default_operation()),
        };
        let schema = asked.map(|operation| &operation.description().params);
        let params = self.params.into_iter().map(|(name, text)| {
            let value = read(schema, &name, text);
            (name, value)
        });
        OneAsset::new(url, GivenParams(params.collect())).or_operation(named)
    }
}

/// A text of the query as what the operation takes under this name.
fn read(schema: Option<&ParamsSchema>, name: &str, text: String) -> Value {
    let kind = schema
        .and_then(|schema| schema.0.get(name))
        .map(|spec| &spec.kind);
    let read = match kind {
        Some(ParamKind::Boolean | ParamKind::Integer { .. } | ParamKind::Number { .. }) => {
            serde_json::from_str(&text)
                .ok()
                .filter(|value: &Value| !value.is_array() && !value.is_object())
        }
        _ => None,
    };
    read.unwrap_or(Value::String(text))
}
