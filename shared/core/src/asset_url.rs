//! The URL of a digital asset, and URLs that look like one but are refused.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{OutputKey, TenantId};

/// The longest URL of an asset, in bytes. Presigned S3 URLs with a session token stay well below.
pub const MAX_URL_BYTES: usize = 4096;

/// The scheme of what was uploaded.
const UPLOAD: &str = "asset";

/// The URL of a digital asset: `http` or `https`, with a host, without credentials, at most
/// [`MAX_URL_BYTES`] long; or that of something that its tenant uploaded: `asset:{sha256}.{extension}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AssetUrl(Url);

/// Why a URL can't name a digital asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlRefusal {
    /// The scheme is not one that assets are fetched over.
    #[error("only http and https URLs can be fetched, and asset: URLs of what was uploaded")]
    UnsupportedScheme,
    /// The URL carries a user name or a password, which would end up in logs and results.
    #[error(
        "the URL has a user name or password in it; use a presigned URL or one that needs none"
    )]
    CredentialsInUrl,
    /// The URL has the scheme of uploads, and names none.
    #[error(
        "not the URL of an upload; those are asset:, a SHA-256 in hexadecimal digits and an ending, as \
         POST /api/v2/assets answers them"
    )]
    NotAnUpload,
    /// The URL is longer than [`MAX_URL_BYTES`].
    #[error("the URL is longer than {MAX_URL_BYTES} bytes; use a shorter one")]
    UrlTooLong,
}

/// The text is no URL at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a URL: {reason}; give an absolute http or https URL, such as https://example.com/a.jpg"
)]
pub struct NotAUrl {
    reason: String,
}

/// A URL that was refused, in a form that may be stored and shown: without credentials, and no
/// longer than an [`AssetUrl`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RefusedUrl(String);

/// What the caller named as an asset.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Source {
    /// An asset that can be asked for.
    Asset(AssetUrl),
    /// A URL that is never fetched; its flow fails from the start.
    Refused(RefusedUrl),
}

impl RefusedUrl {
    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AssetUrl {
    /// The URL to fetch, without its fragment.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The URL of an upload, or of an output: whatever its tenant has stored under this key.
    pub fn of_upload(key: &OutputKey) -> Option<Self> {
        let (_, name) = key.as_str().split_once('/')?;
        Url::parse(&format!("{UPLOAD}:{name}")).ok().map(Self)
    }

    /// Where a tenant has stored it, if it is the URL of an upload.
    pub fn upload_of(&self, tenant: &TenantId) -> Option<OutputKey> {
        self.is_upload()
            .then(|| format!("{tenant}/{}", self.0.path()).parse().ok())
            .flatten()
    }

    /// Whether it is the URL of an upload.
    pub fn is_upload(&self) -> bool {
        self.0.scheme() == UPLOAD
    }
}

impl fmt::Display for AssetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Source {
    /// Sorts what a caller sent: an asset, or a URL that is refused and why.
    ///
    /// # Errors
    /// [`NotAUrl`] when the text is no URL at all.
    pub fn parse(text: &str) -> Result<Result<AssetUrl, (RefusedUrl, UrlRefusal)>, NotAUrl> {
        let url = Url::parse(text.trim()).map_err(|error| NotAUrl {
            reason: error.to_string(),
        })?;
        Ok(match refusal(&url) {
            None => Ok(AssetUrl(without_fragment(url))),
            Some(refusal) => Err((RefusedUrl::showing(url), refusal)),
        })
    }
}

/// Reads back what `Display` wrote into a row.
impl From<String> for Source {
    fn from(text: String) -> Self {
        match Self::parse(&text) {
            Ok(Ok(url)) => Self::Asset(url),
            Ok(Err(_)) | Err(_) => Self::Refused(RefusedUrl(text)),
        }
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asset(url) => url.fmt(f),
            Self::Refused(RefusedUrl(shown)) => f.write_str(shown),
        }
    }
}

impl RefusedUrl {
    fn showing(mut url: Url) -> Self {
        // Both fail only for URLs that can't carry credentials at all.
        let _ = url.set_password(None);
        if !url.username().is_empty() {
            let _ = url.set_username("***");
        }
        let mut shown = url.to_string();
        if shown.len() > MAX_URL_BYTES {
            shown.truncate(shown.floor_char_boundary(MAX_URL_BYTES - '…'.len_utf8()));
            shown.push('…');
        }
        Self(shown)
    }
}

/// A URL as given by an operator or a redirect: anything refused is an error.
impl FromStr for AssetUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Source::parse(text) {
            Ok(Ok(url)) => Ok(url),
            Ok(Err((_, refusal))) => Err(refusal.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn refusal(url: &Url) -> Option<UrlRefusal> {
    if url.scheme() == UPLOAD {
        // All that follows: a host, a query and a fragment too.
        let name = &url.as_str()[UPLOAD.len() + 1..];
        let named = format!("{}/{name}", TenantId::local()).parse::<OutputKey>();
        named.is_err().then_some(UrlRefusal::NotAnUpload)
    } else if !matches!(url.scheme(), "http" | "https") {
        Some(UrlRefusal::UnsupportedScheme)
    } else if !url.username().is_empty() || url.password().is_some() {
        Some(UrlRefusal::CredentialsInUrl)
    } else if url.as_str().len() > MAX_URL_BYTES {
        Some(UrlRefusal::UrlTooLong)
    } else {
        None
    }
}

fn without_fragment(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (String, UrlRefusal) {
        let (shown, refusal) = Source::parse(text).unwrap().unwrap_err();
        (Source::Refused(shown).to_string(), refusal)
    }

    #[test]
    fn an_asset_url_loses_its_fragment() {
        let url = Source::parse(" https://example.com/a.jpg?x=1#top ")
            .unwrap()
            .unwrap();
        assert_eq!(url.to_string(), "https://example.com/a.jpg?x=1");
    }

    #[test]
    fn the_url_of_an_upload_names_what_its_tenant_stored() {
        let tenant: TenantId = "acme".parse().unwrap();
        let name = format!("{}.jpg", "0f".repeat(32));
        let key: OutputKey = format!("acme/{name}").parse().unwrap();
        let url = AssetUrl::of_upload(&key).unwrap();
        assert_eq!(url.to_string(), format!("asset:{name}"));
        assert_eq!(url.upload_of(&tenant), Some(key));
        assert_eq!(Source::parse(&url.to_string()).unwrap().unwrap(), url);
        let elsewhere: AssetUrl = format!("https://example.com/{name}").parse().unwrap();
        assert_eq!(elsewhere.upload_of(&tenant), None);
        for wrong in [
            "asset:",
            "asset:a.jpg",
            &format!("asset://{name}"),
            &format!("asset:../globex/{name}"),
            &format!("asset:globex/{name}"),
            &format!("asset:{name}?x"),
            &format!("asset:{name}#x"),
            &format!("asset:%2e%2e/{name}"),
        ] {
            assert_eq!(refused(wrong).1, UrlRefusal::NotAnUpload, "{wrong}");
        }
    }

    #[test]
    fn text_that_is_no_url_is_an_error() {
        for text in [
            "",
            "a.jpg",
            "example.com/a.jpg",
            "http://",
            "https://exa mple/",
        ] {
            assert!(Source::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn other_schemes_are_refused() {
        for text in ["ftp://example.com/a", "file:///etc/passwd", "data:,x"] {
            assert_eq!(refused(text).1, UrlRefusal::UnsupportedScheme, "{text}");
        }
    }

    #[test]
    fn credentials_are_refused_and_not_kept() {
        let (shown, refusal) = refused("https://alice:secret@example.com/a.jpg");
        assert_eq!(refusal, UrlRefusal::CredentialsInUrl);
        assert_eq!(shown, "https://***@example.com/a.jpg");
    }

    #[test]
    fn a_long_url_is_refused_and_shortened() {
        let (shown, refusal) = refused(&format!("https://example.com/{}", "a".repeat(9_000)));
        assert_eq!(refusal, UrlRefusal::UrlTooLong);
        assert_eq!(shown.len(), MAX_URL_BYTES);
    }

    #[test]
    fn a_row_reads_back_as_it_was_written() {
        for text in [
            "https://example.com/a.jpg",
            "https://al:b@example.com/a",
            "ftp://h/a",
        ] {
            let source = match Source::parse(text).unwrap() {
                Ok(url) => Source::Asset(url),
                Err((shown, _)) => Source::Refused(shown),
            };
            assert_eq!(Source::from(source.to_string()), source);
        }
    }
}
