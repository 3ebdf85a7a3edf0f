//! Uploads in JSON.

use std::collections::BTreeMap;

use assetmill_core::ports::SignedPut;
use assetmill_core::{AssetUrl, MediaType, OutputKey, Sha256Digest};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;

/// An asset that was uploaded.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Upload)]
pub struct UploadView {
    /// Its URL, for requests of yours alone.
    #[schema(
        pattern = "^asset:[0-9a-f]{64}\\.[a-z0-9]{1,8}$",
        example = "asset:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae.jpg"
    )]
    pub digital_asset_url: String,
    /// How many bytes it has.
    #[schema(example = 48_211)]
    pub bytes: u64,
    /// What it is, by its content.
    #[schema(example = "image/jpeg")]
    pub media_type: String,
    /// The SHA-256 of its bytes.
    #[schema(example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    pub sha256: String,
    /// Until when it can be used, at the least. Uploading it again, and flows that use it, keep it for longer.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
    /// How to send the bytes, where they were announced and have to be sent. Until then there is no such asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    upload: Option<UploadRequestView>,
}

/// A request that sends what was announced, to be made as it stands here: no key is needed, and no other bytes are taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = UploadRequest)]
pub(super) struct UploadRequestView {
    /// Its method.
    method: PutMethod,
    /// Where to. Whoever has it can send these bytes, and nothing else.
    #[schema(format = "uri")]
    url: String,
    /// Its headers, besides the Content-Length.
    headers: BTreeMap<String, String>,
    /// Until when it has to be begun.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

/// The one method that sends uploads.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schema(as = UploadMethod)]
pub(super) enum PutMethod {
    /// The body is the bytes.
    Put,
}

/// Assets that were uploaded at once.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Uploads)]
pub struct UploadsView {
    /// Each of them, in the order of the form.
    pub assets: Vec<UploadView>,
}

/// What is answered to whoever uploads.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
pub enum UploadAnswer {
    /// The one asset that was sent.
    One(UploadView),
    /// The files of a form, though there may be one alone.
    Many(UploadsView),
}

impl UploadView {
    /// What is shown of so many bytes that are stored under a key, until that time at the least. `None` for a key that
    /// no upload has.
    pub fn new(
        key: &OutputKey,
        bytes: u64,
        media_type: &MediaType,
        sha256: &Sha256Digest,
        expires_at: Timestamp,
    ) -> Option<Self> {
        Some(Self {
            digital_asset_url: AssetUrl::of_upload(key)?.to_string(),
            bytes,
            media_type: media_type.to_string(),
            sha256: sha256.to_string(),
            expires_at: expires_at.into(),
            upload: None,
        })
    }

    /// The same of what has to be sent so, if it has to be.
    #[must_use]
    pub fn sent_by(self, request: Option<SignedPut>) -> Self {
        let upload = request.map(|request| UploadRequestView {
            method: PutMethod::Put,
            url: request.url.into(),
            headers: request.headers,
            expires_at: request.expires_at.into(),
        });
        Self { upload, ..self }
    }
}
