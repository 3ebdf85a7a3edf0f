//! What never changes of a batch, remembered: a worker settles many flows of the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use assetmill_core::BatchId;

/// How many batches are remembered, some 40 bytes each: with one more, all are forgotten.
const MOST: usize = 1_024;

/// How large a batch is, and when its rows expire, in seconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(in crate::table) struct Size {
    pub(super) flows: u32,
    pub(super) expires_at: i64,
}

/// The sizes of batches whose flows were settled lately.
#[derive(Debug, Clone, Default)]
pub(in crate::table) struct Sizes(Arc<Mutex<HashMap<BatchId, Size>>>);

impl Sizes {
    pub(super) fn get(&self, batch: BatchId) -> Option<Size> {
        let sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(&batch).copied()
    }

    pub(super) fn remember(&self, batch: BatchId, size: Size) {
        let mut sizes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sizes.len() >= MOST {
            sizes.clear();
        }
        sizes.insert(batch, size);
    }
}
