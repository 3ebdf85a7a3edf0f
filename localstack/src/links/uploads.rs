use std::collections::BTreeMap;
use std::time::Duration;

use assetmill_api::{ErrorCode, InFlight, Problem, UnderWay, body};
use assetmill_core::ports::{
    AnnouncedUpload, OutputWrites as _, SignedPut, Unavailable, UploadLinks,
};
use assetmill_core::{MediaType, OutputKey, TenantId};
use assetmill_sqlite::FolderOutputs;
use async_trait::async_trait;
use axum::Router;
use axum::extract::{Path, RawQuery, Request, State};
use axum::routing::put;
use http::StatusCode;
use jiff::Timestamp;

use super::signature::SignedLinks;

/// Takes announced uploads itself, at URLs that it signs.
#[derive(Clone)]
pub struct SignedUploads {
    links: SignedLinks,
    files: FolderOutputs,
}

/// What a URL lets be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Permit {
    bytes: u64,
    expires: i64,
}

impl SignedUploads {
    /// Uploads that become `files`, at URLs that are signed as `links` are.
    pub fn new(links: SignedLinks, files: FolderOutputs) -> Self {
        Self { links, files }
    }

    /// Answers the URLs that this makes. What comes is counted on its tenant.
    pub fn router(self, in_flight: InFlight) -> Router {
        Router::new()
            .route("/uploads/{tenant}/{file}", put(upload))
            .with_state((self, in_flight))
    }

    /// What a URL with this key and this query lets be sent, if it was made here, to the letter.
    fn check(&self, key: &OutputKey, query: &str) -> Result<Permit, Problem> {
        let refused = |detail| Err(Problem::new(ErrorCode::LinkRefused, detail));
        let permit = permit_of(query).filter(|(permit, signature)| {
            let signed = self.links.is_signature(&text_of(key, *permit), signature);
            signed && query_of(*permit, signature) == query
        });
        let Some((permit, _)) = permit else {
            return refused("the signature does not fit this URL; use it exactly as it was given");
        };
        if permit.expires <= self.links.now().as_second() {
            return refused("this URL has expired; announce the asset again to get a new one");
        }
        Ok(permit)
    }
}

#[async_trait]
impl UploadLinks for SignedUploads {
    async fn upload_link(
        &self,
        upload: &AnnouncedUpload,
        // What is asked for lives as long as what is stored now.
        _since: Timestamp,
        lifetime: Duration,
    ) -> Result<Option<SignedPut>, Unavailable> {
        let bytes = upload.bytes.get();
        if self.files.size(&upload.key).await? == Some(bytes) {
            return Ok(None);
        }
        let failed = |error: String| Unavailable::new("links", error);
        let expires = (self.links.now() + lifetime).as_second();
        let permit = Permit { bytes, expires };
        let signature = self.links.signature(&text_of(&upload.key, permit));
        let url = self.links.url(&format!("uploads/{}", upload.key));
        let mut url = url.map_err(|error| failed(error.to_string()))?;
        url.set_query(Some(&query_of(permit, &signature)));
        let expires_at = Timestamp::from_second(expires);
        Ok(Some(SignedPut {
            url,
            headers: BTreeMap::new(),
            expires_at: expires_at.map_err(|error| failed(error.to_string()))?,
        }))
    }
}

async fn upload(
    State((uploads, in_flight)): State<(SignedUploads, InFlight)>,
    Path((tenant, file)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Result<StatusCode, Problem> {
    let unknown = || Problem::new(ErrorCode::UnknownPath, "there is no such upload");
    let key: OutputKey = format!("{tenant}/{file}").parse().map_err(|_| unknown())?;
    let tenant: TenantId = tenant.parse().map_err(|_| unknown())?;
    let permit = uploads.check(&key, query.as_deref().unwrap_or_default())?;
    UnderWay::count(request.extensions(), &tenant)?;
    let (head, body) = request.into_parts();
    let memory = in_flight.of(&tenant);
    let content = body::announced(&head.headers, body, &memory, permit.bytes, &key).await?;
    // A folder keeps no types: the ending says it.
    let media_type = MediaType::unknown();
    uploads.files.put(&key, content, &media_type).await?;
    tracing::info!(%tenant, bytes = permit.bytes, "announced asset uploaded");
    Ok(StatusCode::OK)
}

/// What is signed. It begins as no text of a link does, which begins with the name of a tenant and a slash.
fn text_of(key: &OutputKey, Permit { bytes, expires }: Permit) -> String {
    format!("PUT\n{key}\n{bytes}\n{expires}")
}

/// The query of a URL. Nothing in it needs escaping.
fn query_of(Permit { bytes, expires }: Permit, signature: &str) -> String {
    format!("bytes={bytes}&expires={expires}&signature={signature}")
}

/// What [`query_of`] made it of, and more spellings that mean the same.
fn permit_of(query: &str) -> Option<(Permit, &str)> {
    let (bytes, rest) = query.strip_prefix("bytes=")?.split_once("&expires=")?;
    let (expires, signature) = rest.split_once("&signature=")?;
    let permit = Permit {
        bytes: bytes.parse().ok()?,
        expires: expires.parse().ok()?,
    };
    Some((permit, signature))
}
