//! Media types (RFC 6838).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A media type without parameters, in lower case, such as `image/webp`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaType(String);

/// The text is no media type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a media type: give one such as image/webp")]
pub struct NotAMediaType;

const EXTENSIONS: &[(&str, &str)] = &[
    ("application/json", "json"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/gif", "gif"),
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/tiff", "tiff"),
    ("image/webp", "webp"),
    ("text/plain", "txt"),
];

impl MediaType {
    /// JPEG.
    pub fn jpeg() -> Self {
        Self("image/jpeg".to_owned())
    }

    /// PNG.
    pub fn png() -> Self {
        Self("image/png".to_owned())
    }

    /// WebP.
    pub fn webp() -> Self {
        Self("image/webp".to_owned())
    }

    /// AVIF.
    pub fn avif() -> Self {
        Self("image/avif".to_owned())
    }

    /// BMP.
    pub fn bmp() -> Self {
        Self("image/bmp".to_owned())
    }

    /// GIF.
    pub fn gif() -> Self {
        Self("image/gif".to_owned())
    }

    /// JSON.
    pub fn json() -> Self {
        Self("application/json".to_owned())
    }

    /// TIFF.
    pub fn tiff() -> Self {
        Self("image/tiff".to_owned())
    }

    /// Bytes of which nothing is known.
    pub fn unknown() -> Self {
        Self("application/octet-stream".to_owned())
    }

    /// The media type as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The media type of files that customarily end so; [`unknown`](Self::unknown) where none is
    /// known.
    pub fn of_extension(extension: &str) -> Self {
        EXTENSIONS
            .iter()
            .find(|(_, known)| *known == extension)
            .map_or_else(Self::unknown, |(media_type, _)| {
                Self((*media_type).to_owned())
            })
    }

    /// The customary ending of file names; `bin` where none is known.
    pub fn extension(&self) -> &'static str {
        EXTENSIONS
            .iter()
            .find(|(media_type, _)| *media_type == self.0)
            .map_or("bin", |(_, extension)| extension)
    }
}

impl FromStr for MediaType {
    type Err = NotAMediaType;

    /// Reads a `Content-Type`; its parameters are dropped.
    fn from_str(text: &str) -> Result<Self, NotAMediaType> {
        let essence = text.split(';').next().unwrap_or_default().trim();
        // RFC 6838, section 4.2: restricted names.
        let is_name = |part: &str| {
            (1..=127).contains(&part.len())
                && part
                    .bytes()
                    .all(|c| c.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&c))
        };
        match essence.split_once('/') {
            Some((kind, subtype)) if is_name(kind) && is_name(subtype) => {
                Ok(Self(essence.to_ascii_lowercase()))
            }
            _ => Err(NotAMediaType),
        }
    }
}

impl TryFrom<String> for MediaType {
    type Error = NotAMediaType;

    fn try_from(text: String) -> Result<Self, NotAMediaType> {
        text.parse()
    }
}

impl From<MediaType> for String {
    fn from(media_type: MediaType) -> String {
        media_type.0
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_case_are_dropped() {
        let parsed: MediaType = "Image/PNG; charset=x".parse().unwrap();
        assert_eq!(parsed, MediaType::png());
        assert_eq!(parsed.extension(), "png");
    }

    #[test]
    fn what_is_no_media_type_is_an_error() {
        for wrong in ["", "image", "image/", "/png", "a b/c", "image/png\r\nx: y"] {
            assert!(wrong.parse::<MediaType>().is_err(), "{wrong}");
        }
    }
}
