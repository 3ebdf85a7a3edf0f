//! What is done to an asset that is the body of its request: the query says it, or the form that it is sent in.

use assetmill_core::{Catalogue, OperationName, ParamKind, ParamsSchema, TenantId};
use axum::body::Body;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::body::{GivenParams, Takes};
use crate::query::{FromQuery, QueryParams};
use crate::writes::WriteState;
use crate::writes::routes::assets::AssetBytes;
use crate::writes::transform_request::OneAsset;
use crate::writes::uploading::{form, kept};
use crate::{ErrorCode, Pointer, Problem};

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
        OneAsset::new(url, None, Some(GivenParams(params.collect()))).or_operation(named)
    }
}

/// A form with one asset, and what to do with it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TransformForm)]
#[allow(dead_code, reason = "describes the body in the document")]
pub(crate) struct SentForm {
    /// The asset.
    file: AssetBytes,
    /// The operation; without it, the catalogue's default. `GET /api/v2/operations` lists them.
    #[schema(
        example = "thumbnail",
        min_length = 1,
        max_length = 64,
        pattern = "^[a-z0-9][a-z0-9_-]*$",
        nullable = false
    )]
    operation: Option<String>,
    /// The parameters of the operation, as JSON; those left out have the operation's defaults.
    #[schema(value_type = Option<Object>, nullable = false, example = json!({}))]
    params: Option<GivenParams>,
}

/// What a form with one asset may have in it.
const ONE_FILE: Takes = Takes {
    files: 1,
    advice: "send each in a request of its own, or POST them to /api/v2/assets and name their URLs",
    texts: &["operation", "params"],
};

/// Keeps the file of a form for a tenant: what is asked for of it.
pub(crate) async fn sent_form(
    state: &WriteState,
    tenant: &TenantId,
    headers: &HeaderMap,
    body: Body,
) -> Result<OneAsset, Problem> {
    let mut form = form(state, tenant, headers, body, ONE_FILE).await?;
    let params = form.take_text("params");
    let params = params.map(|text| {
        serde_json::from_str::<GivenParams>(&text).map_err(|error| {
            let detail = format!("params is no JSON object such as {{\"width\": 300}}: {error}");
            Problem::new(ErrorCode::InvalidBody, detail).at(Pointer::root().field("params"))
        })
    });
    let params = params.transpose()?;
    let file = form.files.first().ok_or_else(Problem::internal)?;
    let upload = kept(state, tenant, file.clone()).await?;
    let operation = form.take_text("operation");
    Ok(OneAsset::new(upload.digital_asset_url, operation, params))
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
