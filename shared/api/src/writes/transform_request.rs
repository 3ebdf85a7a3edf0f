//! From request bodies to orders.

use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

use assetmill_core::usecases::{SourceList, SourceListError, TransformRequest};
use assetmill_core::{
    Availability, BatchName, Catalogue, Failure, Labels, MAX_BATCH, Operation, OperationName,
    Params, Sha256Digest, TenantId, TenantLimits,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{
    Array, ArrayBuilder, Object, ObjectBuilder, SchemaFormat, SchemaType, Type,
};

use crate::body::{BoundedList, GivenParams};
use crate::in_flight::FLOW_BYTES;
use crate::writes::given_webhook::GivenWebhook;
use crate::{ErrorCode, Pointer, Problem, RequestBody};

/// One asset, and what to do with it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a JSON object such as {\"digital_asset_url\": \"https://example.com/a.jpg\"}"
)]
#[schema(as = TransformOne)]
pub(crate) struct OneAsset {
    /// Where the asset is: an http or https URL without credentials, or the `asset:` URL of an upload.
    #[schema(
        format = "uri",
        min_length = 1,
        max_length = 4096,
        example = "http://127.0.0.1:8000/samples/coffee.jpg"
    )]
    digital_asset_url: String,
    /// The operation; without it, the catalogue's default. `GET /api/v2/operations` lists them.
    #[schema(
        example = "thumbnail",
        min_length = 1,
        max_length = 64,
        pattern = "^[a-z0-9][a-z0-9_-]*$"
    )]
    operation: Option<String>,
    /// The parameters of the operation; those left out have the operation's defaults.
    #[schema(value_type = Option<Object>, example = json!({}))]
    params: Option<GivenParams>,
}

/// Up to 10,000 assets, and what to do with each.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a JSON object such as {\"digital_asset_urls\": [\"https://example.com/a.jpg\"]}"
)]
#[schema(as = TransformMany)]
pub(crate) struct ManyAssets {
    /// Where the assets are: http or https URLs without credentials, or `asset:` URLs of uploads.
    #[schema(schema_with = urls)]
    digital_asset_urls: BoundedList<String, MAX_BATCH>,
    /// The operation; without it, the catalogue's default. `GET /api/v2/operations` lists them.
    #[schema(
        example = "thumbnail",
        min_length = 1,
        max_length = 64,
        pattern = "^[a-z0-9][a-z0-9_-]*$"
    )]
    operation: Option<String>,
    /// The parameters of the operation; those left out have the operation's defaults.
    #[schema(value_type = Option<Object>, example = json!({}))]
    params: Option<GivenParams>,
    /// What to call the batch; many may be called the same.
    #[schema(schema_with = batch_name, required = false)]
    name: Option<BatchName>,
    /// What to label the batch with, to find it again.
    #[schema(schema_with = labels, required = false)]
    labels: Option<Labels>,
    /// Who to tell of this batch, and of no other.
    webhook: Option<GivenWebhook>,
}

/// The schema of a list of URLs. One that is longer than 4,096 bytes is a failed row, and refuses nothing.
fn urls() -> Array {
    let url = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::Custom("uri".to_owned())))
        .min_length(Some(1));
    ArrayBuilder::new()
        .items(url)
        .min_items(Some(1))
        .max_items(Some(MAX_BATCH))
        .description(Some(
            "Where the assets are: http or https URLs without credentials, or `asset:` URLs of uploads.",
        ))
        .examples([json!(["http://127.0.0.1:8000/samples/coffee.jpg"])])
        .build()
}

/// Text of one line.
const LINE: &str = r"^[^\u0000-\u001f\u007f-\u009f]*$";

fn batch_name() -> Object {
    let of_name = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$";
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .min_length(Some(1))
        .max_length(Some(128))
        .pattern(Some(of_name))
        .description(Some("What to call the batch; many may be called the same."))
        .examples([json!("autumn catalogue")])
        .build()
}

fn labels() -> Object {
    let value = ObjectBuilder::new()
        .schema_type(Type::String)
        .max_length(Some(128))
        .pattern(Some(LINE));
    let key = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(64))
        .pattern(Some("^[a-z0-9][a-z0-9._/-]*$"));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .max_properties(Some(16))
        .property_names(Some(key))
        .additional_properties(Some(value))
        .description(Some(
            "What to label the batch with, to find it again: up to 16 keys of a-z, 0-9, `-`, `_`, `.` and `/`, each with \
             a value of up to 128 characters.",
        ))
        .examples([json!({ "season": "autumn" })])
        .build()
}

impl RequestBody for OneAsset {
    const MISTAKEN_FIELDS: &'static [(&'static str, &'static str)] = &[(
        "digital_asset_urls",
        "for several assets, POST to /api/v1/transforms or /api/v2/transforms",
    )];
}

impl RequestBody for ManyAssets {
    const MISTAKEN_FIELDS: &'static [(&'static str, &'static str)] = &[(
        "digital_asset_url",
        "here it is digital_asset_urls, a list; for one asset and its bytes, \
         POST to /api/v1/transform",
    )];
}

impl OneAsset {
    /// This operation, or the default one, on the asset at this URL.
    pub(crate) fn new(
        digital_asset_url: String,
        operation: Option<String>,
        params: Option<GivenParams>,
    ) -> Self {
        Self {
            digital_asset_url,
            operation,
            params,
        }
    }

    /// The same with this operation, unless it names one.
    pub(crate) fn or_operation(self, named: Option<OperationName>) -> Self {
        Self {
            operation: self.operation.or(named.map(String::from)),
            ..self
        }
    }

    /// Of this body, sent to this route.
    pub(crate) fn fingerprint(&self, route: &str) -> Sha256Digest {
        let url = self.digital_asset_url.as_str();
        fingerprint(
            route,
            self.operation.as_deref(),
            self.params.as_ref(),
            [url],
        )
    }

    /// The order, if it can be accepted.
    pub(crate) fn order(
        self,
        tenant: TenantId,
        catalogue: &Catalogue,
    ) -> Result<TransformRequest, Problem> {
        let pointer = Pointer::root().field("digital_asset_url");
        let sources = SourceList::parse(&[self.digital_asset_url])
            .map_err(|error| refused(&error).at(pointer))?;
        order(
            tenant,
            sources,
            catalogue,
            self.operation.as_deref(),
            self.params,
        )
    }
}

impl ManyAssets {
    /// Of this body, sent to this route.
    pub(crate) fn fingerprint(&self, route: &str) -> Sha256Digest {
        let BoundedList { items, given } = &self.digital_asset_urls;
        let given = given.to_string();
        // Of a list that is too long a part was read.
        let urls = iter::once(given.as_str()).chain(items.iter().map(String::as_str));
        let of_assets = fingerprint(route, self.operation.as_deref(), self.params.as_ref(), urls);
        let of_assets = match &self.webhook {
            Some(webhook) => {
                Sha256Digest::of_parts([of_assets.as_str(), webhook.fingerprint().as_str()])
            }
            None => of_assets,
        };
        let labels = self.labels.as_ref().filter(|labels| !labels.is_empty());
        if self.name.is_none() && labels.is_none() {
            return of_assets;
        }
        let name = self.name.as_ref().map_or("", BatchName::as_str);
        let labels = labels.into_iter().flat_map(Labels::iter);
        let labels = labels.flat_map(|(key, value)| [key, value]);
        Sha256Digest::of_parts([of_assets.as_str(), name].into_iter().chain(labels))
    }

    /// The memory that its order takes until it is answered, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let urls = &self.digital_asset_urls.items;
        let bytes_of = |url: &String| FLOW_BYTES + 2 * url.len() as u64;
        urls.iter().map(bytes_of).sum()
    }

    /// Itself, if it names no more than `max` assets: as many as one answer holds.
    pub(crate) fn for_at_most(self, max: usize) -> Result<Self, Problem> {
        let given = self.digital_asset_urls.given;
        // One that no batch could have is refused as such.
        if given <= max || given > MAX_BATCH {
            return Ok(self);
        }
        let detail = format!(
            "{given} URLs are too many to wait for; send at most {max}, or POST them to \
             /api/v2/transforms, which takes {MAX_BATCH}"
        );
        let pointer = Pointer::root().field("digital_asset_urls");
        Err(Problem::new(ErrorCode::TooManyUrls, detail).at(pointer))
    }

    /// Itself, if it names no more assets than a batch of its tenant may have.
    pub(crate) fn within(self, limits: &TenantLimits) -> Result<Self, Problem> {
        let given = self.digital_asset_urls.given;
        // More than may be open at all could never be started.
        let open = usize::try_from(limits.open_flows).unwrap_or(usize::MAX);
        let max = limits.batch_size.min(open);
        if given <= max || given > MAX_BATCH {
            return Ok(self);
        }
        let detail = format!(
            "{given} URLs are too many: a batch of yours may have {max}; send fewer at a time, or ask the operator \
             for more"
        );
        let pointer = Pointer::root().field("digital_asset_urls");
        Err(Problem::new(ErrorCode::TooManyUrls, detail).at(pointer))
    }

    /// The order, if it can be accepted.
    pub(crate) fn order(
        self,
        tenant: TenantId,
        catalogue: &Catalogue,
    ) -> Result<TransformRequest, Problem> {
        let list = Pointer::root().field("digital_asset_urls");
        let place = Pointer::root().field("webhook");
        let webhook = self.webhook.map(|webhook| webhook.asked(&place));
        let webhook = webhook.transpose()?;
        let BoundedList { items, given } = self.digital_asset_urls;
        let sources = if given > MAX_BATCH {
            Err(SourceListError::TooMany { given })
        } else {
            SourceList::parse(&items)
        };
        let sources = sources.map_err(|error| {
            let pointer = match &error {
                SourceListError::Empty | SourceListError::TooMany { .. } => list,
                SourceListError::NotAUrl { index, .. } => list.index(*index),
                SourceListError::NoneUsable { .. } => list.index(0),
            };
            refused(&error).at(pointer)
        })?;
        let order = order(
            tenant,
            sources,
            catalogue,
            self.operation.as_deref(),
            self.params,
        )?;
        Ok(TransformRequest {
            name: self.name,
            labels: self.labels.unwrap_or_default(),
            webhook,
            ..order
        })
    }
}

/// Equal for bodies that say the same, in whatever order and with whatever space. It is of what was sent, and not of what
/// that means today: defaults may change between two times that the same is sent.
fn fingerprint<'body>(
    route: &'body str,
    operation: Option<&'body str>,
    params: Option<&GivenParams>,
    urls: impl IntoIterator<Item = &'body str>,
) -> Sha256Digest {
    let params: BTreeMap<_, _> = params.iter().flat_map(|params| &params.0).collect();
    // Scalars under names always serialise.
    let params = serde_json::to_string(&params).unwrap_or_default();
    let urls = Sha256Digest::of_parts(urls);
    Sha256Digest::of_parts([route, operation.unwrap_or_default(), &params, urls.as_str()])
}

fn order(
    tenant: TenantId,
    sources: SourceList,
    catalogue: &Catalogue,
    operation: Option<&str>,
    params: Option<GivenParams>,
) -> Result<TransformRequest, Problem> {
    let operation = chosen(catalogue, operation)?;
    let params = accepted(&*operation, params)?;
    Ok(TransformRequest {
        tenant,
        sources,
        operation,
        params,
        name: None,
        labels: Labels::default(),
        webhook: None,
    })
}

fn refused(error: &SourceListError) -> Problem {
    let code = match error {
        SourceListError::Empty => ErrorCode::EmptyList,
        SourceListError::TooMany { .. } => ErrorCode::TooManyUrls,
        SourceListError::NotAUrl { .. } => ErrorCode::InvalidUrl,
        SourceListError::NoneUsable { refusal } => ErrorCode::Failure(Failure::from(*refusal).code),
    };
    Problem::new(code, error.to_string())
}

fn chosen(catalogue: &Catalogue, name: Option<&str>) -> Result<Arc<dyn Operation>, Problem> {
    let pointer = || Pointer::root().field("operation");
    let operation = match name {
        None => catalogue.default_operation(),
        Some(name) => catalogue.get(name).ok_or_else(|| {
            let known: Vec<_> = catalogue
                .iter()
                .map(|operation| operation.description().name.as_str())
                .collect();
            let detail = format!(
                "there is no operation {name:?}; there is {}",
                known.join(", ")
            );
            Problem::new(ErrorCode::UnknownOperation, detail).at(pointer())
        })?,
    };
    let description = operation.description();
    match &description.availability {
        Availability::Available => Ok(operation.clone()),
        Availability::Unavailable { reason } => {
            let detail = format!("{} can't run here: {reason}", description.name);
            Err(Problem::new(ErrorCode::OperationNotOffered, detail).at(pointer()))
        }
    }
}

fn accepted(operation: &dyn Operation, params: Option<GivenParams>) -> Result<Params, Problem> {
    let given = params.unwrap_or_default();
    operation
        .description()
        .params
        .accept(&given.0)
        .map_err(|error| {
            let pointer = Pointer::root().field("params").field(&error.name);
            Problem::new(ErrorCode::InvalidParams, error.message).at(pointer)
        })
}
