//! From a vendor's success to the product.

use assetmill_core::{FailureCode, MediaType, OperationError, Product};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;

use super::answer::presentable;
use super::call::Call;
use super::pointer::JsonPointer;
use super::profile::{ResultPlace, ResultRole, listed};
use super::response::Response;

mod download;

/// Base64 as vendors write it: with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Takes the product out of an answer.
///
/// # Errors
/// [`FailureCode::VendorResponseInvalid`], permanent, when it is not where or what the profile says;
/// an unconfirmed error when it can't be fetched from where the vendor put it, since the call
/// before was charged.
pub(super) async fn product(call: &Call<'_>, answer: &Response) -> Result<Product, OperationError> {
    let profile = call.profile;
    let product = match &profile.result {
        ResultPlace::Body => Product {
            media_type: kind(&answer.body, declared(&answer.headers)),
            content: answer.hold(answer.body.clone()),
        },
        ResultPlace::Base64(at) => {
            let content = decode(at, text(at, document(answer)?)?)?;
            let content = answer.hold(content);
            let only = match profile.produces.as_slice() {
                [only] => Some(only.clone()),
                _ => None,
            };
            Product {
                media_type: kind(&content, only),
                content,
            }
        }
        ResultPlace::Url(at) => {
            let url = text(at, document(answer)?)?;
            let (content, declared) = download::fetch(call, url).await?;
            Product {
                media_type: kind(&content, declared),
                content,
            }
        }
    };
    check(call, &product, answer)?;
    match profile.role {
        ResultRole::Product => Ok(product),
        ResultRole::Mask => {
            let asset = call.asset.cloned().ok_or_else(|| {
                invalid("the asset that the vendor's mask is of is gone from where it was kept")
            })?;
            call.masks
                .cut_out(call.tenant, asset, product.content)
                .await
        }
    }
}

fn check(call: &Call<'_>, product: &Product, answer: &Response) -> Result<(), OperationError> {
    let Call {
        profile, secrets, ..
    } = call;
    if product.content.is_empty() {
        return Err(invalid("the vendor's result is empty"));
    }
    if profile.produces.is_empty() || profile.produces.contains(&product.media_type) {
        return Ok(());
    }
    // Some vendors answer 200 with an error in it.
    let said = answer
        .said(profile, secrets)
        .map_or_else(String::new, |said| format!(": {said}"));
    Err(invalid(format!(
        "the vendor's result is {}, not {}{said}",
        // It may be what the vendor called it.
        presentable(product.media_type.as_str(), secrets),
        listed(&profile.produces)
    )))
}

/// What content is: what it shows by itself, or else what it is declared to be.
fn kind(content: &[u8], declared: Option<MediaType>) -> MediaType {
    let shown = MediaType::of_content(content);
    let declared_xml = || {
        declared
            .as_ref()
            .is_some_and(|declared| declared.as_str().ends_with("+xml"))
    };
    // XML shows that it is XML, and not of which kind.
    if shown == MediaType::unknown() || (shown.as_str() == "text/xml" && declared_xml()) {
        declared.unwrap_or(shown)
    } else {
        shown
    }
}

fn declared(headers: &HeaderMap) -> Option<MediaType> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    text.parse().ok()
}

fn document(answer: &Response) -> Result<&Value, OperationError> {
    answer.document().ok_or_else(|| {
        invalid(if answer.body.is_empty() {
            "the vendor's answer is empty"
        } else {
            "the vendor's answer is not JSON"
        })
    })
}

fn text<'a>(at: &JsonPointer, document: &'a Value) -> Result<&'a str, OperationError> {
    at.str_in(document).ok_or_else(|| {
        let at = at.as_str();
        invalid(format!("the vendor's answer has no text at {at}"))
    })
}

fn decode(at: &JsonPointer, text: &str) -> Result<Bytes, OperationError> {
    // A data URL (RFC 2397) holds the same after its comma.
    let encoded = match text.strip_prefix("data:") {
        Some(data) => data.split_once(',').map_or(data, |(_, encoded)| encoded),
        None => text,
    };
    BASE64.decode(encoded).map(Bytes::from).map_err(|_| {
        let at = at.as_str();
        invalid(format!("the vendor's answer has no base64 at {at}"))
    })
}

fn invalid(message: impl Into<String>) -> OperationError {
    OperationError::permanent(FailureCode::VendorResponseInvalid, message)
}
