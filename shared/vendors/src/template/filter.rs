//! How a value is written.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::percent_encoded;

/// What is done to a value before it is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// `base64`: RFC 4648, section 4.
    Base64,
    /// `base64url`: section 5, without padding.
    Base64Url,
    /// `urlencode`: percent-encoded.
    UrlEncode,
    /// `basic:USER`: the credentials of Basic authentication (RFC 7617), the value being the password.
    Basic(String),
    /// `basic`: the same, the value being the user and the password empty.
    BasicUser,
}

impl Filter {
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text.split_once(':') {
            Some(("basic", user)) => Self::Basic(user.to_owned()),
            Some(_) => return None,
            None => match text {
                "base64" => Self::Base64,
                "base64url" => Self::Base64Url,
                "urlencode" => Self::UrlEncode,
                "basic" => Self::BasicUser,
                _ => return None,
            },
        })
    }

    pub(super) fn apply(&self, text: &str) -> String {
        match self {
            Self::Base64 => STANDARD.encode(text),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(text),
            Self::UrlEncode => percent_encoded(text),
            Self::Basic(user) => STANDARD.encode(format!("{user}:{text}")),
            Self::BasicUser => STANDARD.encode(format!("{text}:")),
        }
    }

    /// Whether what it makes stands in a URL as it is.
    pub(super) fn is_fit_for_url(&self) -> bool {
        matches!(self, Self::Base64Url | Self::UrlEncode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_as_their_documents_say() {
        for (filter, expected) in [
            ("base64", "Pz8+"),
            ("base64url", "Pz8-"),
            ("urlencode", "%3F%3F%3E"),
            ("basic", "Pz8+Og=="),
            ("basic:api", "YXBpOj8/Pg=="),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().apply("??>"), expected);
        }
        for wrong in ["", "Basic", "base64:x", "rot13"] {
            assert_eq!(Filter::parse(wrong), None, "{wrong}");
        }
    }
}
