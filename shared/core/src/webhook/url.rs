//! Where an endpoint is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// The longest URL of an endpoint, in bytes: all endpoints of a tenant are one row.
const LONGEST: usize = 2048;

/// The URL of an endpoint: `http` or `https`, with a host, without credentials and fragment, at most 2,048 bytes long.
/// What it leads to is checked each time it is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(Url);

/// Why a text can't be the URL of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAWebhookUrl {
    /// It is no URL.
    #[error("not a URL: {0}; give an absolute https URL, such as https://example.com/hook")]
    NotAUrl(String),
    /// It is not for HTTP.
    #[error("only http and https URLs can be told")]
    Scheme,
    /// It has a user name or a password, which would be listed and logged.
    #[error("the URL has a user name or password in it; who sends is known by the signature")]
    Credentials,
    /// It is too long.
    #[error("the URL is longer than {LONGEST} bytes; use a shorter one")]
    TooLong,
}

impl WebhookUrl {
    /// The URL to post to.
    pub fn as_url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for WebhookUrl {
    type Err = NotAWebhookUrl;

    fn from_str(text: &str) -> Result<Self, NotAWebhookUrl> {
        let mut url =
            Url::parse(text.trim()).map_err(|error| NotAWebhookUrl::NotAUrl(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(NotAWebhookUrl::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotAWebhookUrl::Credentials);
        }
        url.set_fragment(None);
        if url.as_str().len() > LONGEST {
            return Err(NotAWebhookUrl::TooLong);
        }
        Ok(Self(url))
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = NotAWebhookUrl;

    fn try_from(text: String) -> Result<Self, NotAWebhookUrl> {
        text.parse()
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_posted_to_is_a_url_of_an_endpoint() {
        let url: WebhookUrl = " https://example.com/hook?a=1#top ".parse().unwrap();
        assert_eq!(url.to_string(), "https://example.com/hook?a=1");
        let refused = |text: &str| text.parse::<WebhookUrl>().unwrap_err();
        assert!(matches!(refused("example.com"), NotAWebhookUrl::NotAUrl(_)));
        assert!(matches!(refused("https://"), NotAWebhookUrl::NotAUrl(_)));
        for text in ["asset:0123", "file:///etc/passwd", "ftp://example.com/"] {
            assert_eq!(refused(text), NotAWebhookUrl::Scheme, "{text}");
        }
        let with_password = "https://a:b@example.com/";
        assert_eq!(refused(with_password), NotAWebhookUrl::Credentials);
        let long = format!("https://example.com/{}", "a".repeat(LONGEST));
        assert_eq!(refused(&long), NotAWebhookUrl::TooLong);
    }
}
