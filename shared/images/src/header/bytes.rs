//! Numbers in content.

/// The number of two bytes at `at`, the lower first.
pub(super) fn u16_le(content: &[u8], at: usize) -> Option<u16> {
    let bytes = content.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*bytes))
}

/// The number of two bytes at `at`, the higher first.
pub(super) fn u16_be(content: &[u8], at: usize) -> Option<u16> {
    let bytes = content.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes(*bytes))
}

/// The number of four bytes at `at`, the lowest first.
pub(super) fn u32_le(content: &[u8], at: usize) -> Option<u32> {
    let bytes = content.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

/// The number of four bytes at `at`, the highest first.
pub(super) fn u32_be(content: &[u8], at: usize) -> Option<u32> {
    let bytes = content.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}

/// The number of three bytes at `at`, the lowest first.
pub(super) fn u24_le(content: &[u8], at: usize) -> Option<u32> {
    let [low, middle, high] = *content.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes([low, middle, high, 0]))
}
