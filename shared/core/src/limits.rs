//! What one tenant may have.

use crate::MAX_BATCH;

/// What one tenant may have at the most. What a request asks for above it is refused before anything is begun.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TenantLimits {
    /// How many requests it may make; `None` where nothing bounds them.
    pub requests: Option<RequestRate>,
    /// The flows of its batches that run in the background and are not complete.
    pub open_flows: u64,
    /// The assets of one of its batches; at most [`MAX_BATCH`].
    pub batch_size: usize,
    /// The bytes of one of its assets; `None` where the bound of all assets is its own too.
    pub asset_bytes: Option<u64>,
}

/// A rate of requests, as a bucket of tokens: each request takes one, and they come back evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequestRate {
    /// How many come back in a second; above 0.
    pub per_second: f64,
    /// How many the bucket holds; at least 1.
    pub burst: u32,
}

impl TenantLimits {
    /// The open flows of a tenant of whom nothing else is said: a hundred of the largest batches.
    pub const DEFAULT_OPEN_FLOWS: u64 = 1_000_000;
}

impl Default for TenantLimits {
    fn default() -> Self {
        Self {
            requests: None,
            open_flows: Self::DEFAULT_OPEN_FLOWS,
            batch_size: MAX_BATCH,
            asset_bytes: None,
        }
    }
}
