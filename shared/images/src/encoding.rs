//! How pictures are to be written.

use serde::{Deserialize, Serialize};

use super::format::Output;

/// How a picture is to be written.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Encoding {
    /// `None` for that of the asset.
    pub(super) output: Option<Output>,
    /// From 1 to 100; PNG has none.
    pub(super) quality: u8,
    /// What is behind transparent pixels where the format has none.
    pub(super) background: [u8; 3],
    /// The most bytes.
    pub(super) max_bytes: Option<usize>,
    /// What becomes of the ICC profile.
    pub(super) profile: ProfilePolicy,
}

/// What becomes of a colour profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ProfilePolicy {
    /// It stays.
    Keep,
    /// Colours become those of sRGB, which needs no profile.
    Srgb,
}
