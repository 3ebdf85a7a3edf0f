//! The container of WebP (RFC 9649, section 2).

use std::iter;

/// The flags of the VP8X chunk (section 2.7.1).
const HAS_PROFILE: u8 = 0b0010_0000;
const HAS_ALPHA: u8 = 0b0001_0000;
/// `RIFF`, a length, `WEBP`.
const HEADER_BYTES: usize = 12;
/// What stands in an `ANMF` chunk before the chunks of its frame (section 2.7.1.1).
pub(super) const FRAME_HEADER_BYTES: usize = 16;

/// A chunk: its name and its content.
pub(super) type Chunk<'a> = (&'a [u8], &'a [u8]);

/// The chunks that follow each other in `bytes`, up to the first that is not whole.
pub(super) fn chunks(bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = bytes;
    iter::from_fn(move || {
        let (name, after) = rest.split_at_checked(4)?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (content, after) = after.split_at_checked(length)?;
        // Chunks of an odd length are followed by one byte of padding.
        rest = after.get(length % 2..).unwrap_or_default();
        Some((name, content))
    })
}

/// The chunks of a picture, in the container around it.
pub(super) fn content_chunks(content: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    chunks(content.get(HEADER_BYTES..).unwrap_or_default())
}

/// A still picture, with an ICC profile added. `None` when `content` is no WebP.
pub(super) fn with_profile(
    content: &[u8],
    (width, height): (u32, u32),
    profile: &[u8],
) -> Option<Vec<u8>> {
    let inner: Vec<_> = content_chunks(content)
        .filter(|(name, _)| *name != b"VP8X")
        .collect();
    let alpha = inner.iter().any(|(name, content)| match *name {
        b"ALPH" => true,
        // Section 3.4: after a signature of 1 byte and 28 bits of size, the bit of alpha.
        b"VP8L" => content.get(4).is_some_and(|byte| byte & 0x10 != 0),
        _ => false,
    });
    let flags = HAS_PROFILE | if alpha { HAS_ALPHA } else { 0 };
    let mut extended = vec![flags, 0, 0, 0];
    for length in [width, height] {
        extended.extend_from_slice(&length.checked_sub(1)?.to_le_bytes()[..3]);
    }
    let mut body = b"WEBP".to_vec();
    push(&mut body, (b"VP8X", &extended))?;
    push(&mut body, (b"ICCP", profile))?;
    for chunk in inner {
        push(&mut body, chunk)?;
    }
    let mut whole = Vec::new();
    push(&mut whole, (b"RIFF", &body))?;
    Some(whole)
}

fn push(bytes: &mut Vec<u8>, (name, content): Chunk<'_>) -> Option<()> {
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(&u32::try_from(content.len()).ok()?.to_le_bytes());
    bytes.extend_from_slice(content);
    if content.len() % 2 == 1 {
        bytes.push(0);
    }
    Some(())
}
