//! How much pictures may take.

use std::time::Duration;

/// The most pixels of an asset that are decoded unless the catalogue says otherwise: a photograph
/// of 100 megapixels. At 8 bytes a pixel (16 bits a channel) it takes 800 MB.
pub const DEFAULT_MAX_PIXELS: u64 = 100_000_000;

/// What pictures may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The bytes that all pictures of one tenant in work may take together. One that would take more is
    /// refused.
    pub memory: u64,
    /// The bytes beside them for pictures of other tenants, however much the first one asks for.
    pub memory_of_others: u64,
    /// The time of a core that one picture may take, in whole seconds.
    pub cpu: Duration,
    /// The most pixels of a result, width times height, whatever its parameters say.
    pub output_pixels: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            memory: 2 * 1024 * 1024 * 1024,
            memory_of_others: 512 * 1024 * 1024,
            cpu: Duration::from_mins(1),
            output_pixels: 100_000_000,
        }
    }
}
