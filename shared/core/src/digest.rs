//! Keys that content determines.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{MediaType, OperationName, Params, TenantId};

/// How much of a reader is held, in bytes.
const READ_AT_ONCE: usize = 64 * 1024;

/// A SHA-256 digest, shown as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sha256Digest(String);

impl Sha256Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// The digest of what a reader has left, however much that is.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of_reader(mut reader: impl Read) -> io::Result<Self> {
        let mut hash = Sha256::new();
        let mut bytes = vec![0; READ_AT_ONCE];
        loop {
            match reader.read(&mut bytes)? {
                0 => return Ok(Self(hex::encode(hash.finalize()))),
                read => hash.update(&bytes[..read]),
            }
        }
    }

    /// The digest of a list of texts. No two lists have the same bytes before they are digested.
    pub fn of_parts<'part>(parts: impl IntoIterator<Item = &'part str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex::encode(hash.finalize()))
    }

    /// The digest as its 32 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Made of hexadecimal digits alone.
        hex::decode(&self.0).unwrap_or_default()
    }

    /// The digest as 64 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: digests are 64 lower-case hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Sha256Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let is_digest =
            text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        is_digest.then(|| Self(text.to_owned())).ok_or(NotADigest)
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a piece of work: one source content, one operation as it is defined now, one set of
/// parameters, for one tenant. Equal work has equal keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkKey(Sha256Digest);

impl WorkKey {
    /// The key of running `operation`, whose definition has `fingerprint`, on `source` for `tenant`.
    pub fn new(
        tenant: &TenantId,
        operation: &OperationName,
        fingerprint: &str,
        source: &Sha256Digest,
        params: &Params,
    ) -> Self {
        Self(Sha256Digest::of_parts([
            tenant.as_str(),
            operation.as_str(),
            fingerprint,
            source.as_str(),
            &params.canonical(),
        ]))
    }

    /// The key as 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// Where an output is stored: `{tenant}/{sha256 of the output}.{extension}`. Storing it twice
/// stores the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OutputKey(String);

/// The text is not the key of an output.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the key of an output: keys are {{tenant}}/{{sha256}}.{{extension}}")]
pub struct NotAnOutputKey;

impl OutputKey {
    /// The key of an output with this content.
    pub fn new(tenant: &TenantId, sha256: &Sha256Digest, media_type: &MediaType) -> Self {
        Self(format!("{tenant}/{sha256}.{}", media_type.extension()))
    }

    /// The key as text; safe as a relative path of two segments.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the key of an output with this content.
    pub fn names(&self, content: &[u8]) -> bool {
        let (_, file) = self.0.split_once('/').unwrap_or_default();
        let (digest, _) = file.split_once('.').unwrap_or_default();
        digest == Sha256Digest::of(content).as_str()
    }
}

impl FromStr for OutputKey {
    type Err = NotAnOutputKey;

    fn from_str(text: &str) -> Result<Self, NotAnOutputKey> {
        let (tenant, file) = text.split_once('/').ok_or(NotAnOutputKey)?;
        let (digest, extension) = file.split_once('.').ok_or(NotAnOutputKey)?;
        let valid = tenant.parse::<TenantId>().is_ok()
            && digest.parse::<Sha256Digest>().is_ok()
            && (1..=8).contains(&extension.len())
            && extension
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        valid.then(|| Self(text.to_owned())).ok_or(NotAnOutputKey)
    }
}

impl TryFrom<String> for OutputKey {
    type Error = NotAnOutputKey;

    fn try_from(text: String) -> Result<Self, NotAnOutputKey> {
        text.parse()
    }
}

impl From<OutputKey> for String {
    fn from(key: OutputKey) -> String {
        key.0
    }
}

impl fmt::Display for OutputKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_of_nothing_is_the_published_one() {
        // FIPS 180-4 examples, NIST: SHA-256 of the empty message.
        assert_eq!(
            Sha256Digest::of(b"").as_str(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn work_keys_tell_every_part_apart() {
        let key = |tenant: &str, operation: &str, fingerprint: &str, source: &[u8]| {
            WorkKey::new(
                &tenant.parse().unwrap(),
                &operation.parse().unwrap(),
                fingerprint,
                &Sha256Digest::of(source),
                &Params::default(),
            )
        };
        let base = key("a", "b", "c", b"d");
        assert_eq!(base, key("a", "b", "c", b"d"));
        for other in [
            key("x", "b", "c", b"d"),
            key("a", "x", "c", b"d"),
            key("a", "b", "x", b"d"),
            key("a", "b", "c", b"x"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_reader_has_the_digest_of_all_that_it_reads() {
        let content = vec![7; 3 * READ_AT_ONCE + 1];
        let digest = Sha256Digest::of_reader(&content[..]);
        assert_eq!(digest.unwrap(), Sha256Digest::of(&content));
    }

    #[test]
    fn output_keys_name_one_content() {
        let tenant = TenantId::local();
        let key = OutputKey::new(&tenant, &Sha256Digest::of(b"made"), &MediaType::png());
        assert!(key.names(b"made"));
        assert!(!key.names(b"made up"));
    }

    #[test]
    fn output_keys_can_not_leave_their_folder() {
        let digest = "a".repeat(64);
        assert!(format!("local/{digest}.webp").parse::<OutputKey>().is_ok());
        for wrong in [
            String::new(),
            "local/x.webp".to_owned(),
            format!("../{digest}.webp"),
            format!("local/{digest}"),
            format!("local/{digest}./x"),
            format!("local/{digest}.webp/.."),
        ] {
            assert!(wrong.parse::<OutputKey>().is_err(), "{wrong}");
        }
    }
}
