//! Assets that are announced, and sent by a request of their own.

use std::fmt::Display;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

use assetmill_core::ports::AnnouncedUpload;
use assetmill_core::{FailureCode, MediaType, Sha256Digest, TenantId};
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _};
use utoipa::ToSchema;

use super::uploading::most_of_tenant;
use crate::views::UploadView;
use crate::writes::WriteState;
use crate::{ErrorCode, Pointer, Problem, RequestBody};

/// How long after it was announced an asset may be sent: a client may announce many before it sends the first.
const SENT_WITHIN: Duration = Duration::from_hours(1);

/// The bytes of an asset that the caller has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a JSON object such as {\"sha256\": \"2c26…\", \"bytes\": 48211, \"media_type\": \"image/jpeg\"}"
)]
#[schema(as = AnnouncedUpload)]
pub(crate) struct Announcement {
    /// Their SHA-256, in lower-case hexadecimal digits.
    #[serde(deserialize_with = "parsed")]
    #[schema(
        value_type = String,
        pattern = "^[0-9a-f]{64}$",
        example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
    )]
    sha256: Sha256Digest,
    /// How many they are: as many as an asset may have.
    #[schema(value_type = u64, minimum = 1, example = 48_211)]
    bytes: NonZeroU64,
    /// What they are, for the ending of the URL: processed they are as what they show themselves.
    #[serde(default, deserialize_with = "declared")]
    #[schema(
        value_type = Option<String>,
        pattern = "^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}$",
        example = "image/jpeg"
    )]
    media_type: Option<MediaType>,
}

impl RequestBody for Announcement {}

/// What was announced, and how to send it if it has to be sent.
pub(crate) async fn announced(
    state: &WriteState,
    tenant: &TenantId,
    announcement: Announcement,
) -> Result<UploadView, Problem> {
    let bytes = announcement.bytes;
    let most = most_of_tenant(state, tenant, state.uploads.max_announced).await;
    if bytes.get() > most {
        let code = ErrorCode::Failure(FailureCode::AssetTooLarge);
        let detail = format!(
            "an asset of yours may have {most} bytes, and this has {bytes}; send a smaller one"
        );
        return Err(Problem::new(code, detail).at(Pointer::root().field("bytes")));
    }
    let declared = announcement.media_type.unwrap_or_else(MediaType::unknown);
    let upload = AnnouncedUpload::new(tenant, announcement.sha256, bytes, &declared);
    let now = state.submit.clock.now();
    let since = now.checked_sub(state.uploads.fresh_for);
    let since = since.unwrap_or(Timestamp::MIN);
    let links = &state.upload_links;
    let request = links.upload_link(&upload, since, SENT_WITHIN).await?;
    let expires_at = now + state.uploads.kept_for;
    let AnnouncedUpload {
        key,
        sha256,
        media_type,
        ..
    } = &upload;
    let view = UploadView::new(key, bytes.get(), media_type, sha256, expires_at);
    Ok(view.ok_or_else(Problem::internal)?.sent_by(request))
}

fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
    T::Err: Display,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(D::Error::custom)
}

/// A media type without parameters.
fn declared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<MediaType>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let parsed = text.parse::<MediaType>().map_err(D::Error::custom)?;
    if !parsed.as_str().eq_ignore_ascii_case(&text) {
        return Err(D::Error::custom(
            "a media type without parameters, such as image/webp",
        ));
    }
    Ok(Some(parsed))
}
