//! What the allocator keeps of the memory that bodies of assets took.

use std::hint::black_box;

/// The largest block that glibc may learn to keep (`DEFAULT_MMAP_THRESHOLD_MAX` in `mallopt(3)` is 32 MiB, with what it
/// adds to a block).
const LARGEST_KEPT: usize = 31 * 1024 * 1024;

/// Has glibc keep memory for the next body, up to twice [`LARGEST_KEPT`] at the end of a heap.
///
/// It gives blocks from 128 KiB on back to the kernel as they are freed, and a body that comes next takes them page by page
/// again. It learns from the largest block that was freed (`M_MMAP_THRESHOLD` in `mallopt(3)`), and one that nobody wrote
/// to costs no memory. Another allocator is not told anything.
pub(crate) fn keep_room_for_bodies() {
    drop(black_box(Vec::<u8>::with_capacity(LARGEST_KEPT)));
}
