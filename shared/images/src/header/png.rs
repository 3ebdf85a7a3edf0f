//! PNG (W3C, Portable Network Graphics, third edition).

use super::Header;
use super::bytes::u32_be;

/// The signature (section 5.2).
const SIGNATURE_BYTES: usize = 8;
/// Length, name and checksum of a chunk (section 5.3).
const AROUND_DATA: usize = 12;
/// How much the profile of an `iCCP` chunk can be unpacked to, for each byte: deflate's most
/// (<https://zlib.net/zlib_tech.html>).
const MOST_UNPACKED: u64 = 1032;
/// What the decoder lets profiles and rows take (`png_limits`).
const MOST_METADATA: u64 = crate::decode::PNG_EXTRA_BYTES;

pub(super) fn header(content: &[u8]) -> Option<Header> {
    let (first, mut rest) = chunk(content.get(SIGNATURE_BYTES..)?)?;
    if first.name != b"IHDR" {
        return None;
    }
    let (width, height) = (u32_be(first.data, 0)?, u32_be(first.data, 4)?);
    let (bits, colour) = (*first.data.get(8)?, *first.data.get(9)?);
    let interlaced = *first.data.get(12)? != 0;
    // A palette or a transparent colour is unpacked to channels.
    let (mut channels, has_palette) = match colour {
        0 => (1, false),
        2 => (3, false),
        3 => (3, true),
        4 => (2, false),
        6 => (4, false),
        _ => return None,
    };
    let mut header = Header::plain(width, height, channels);
    while let Some((chunk, after)) = chunk(rest) {
        rest = after;
        header.pieces += 1;
        let length = chunk.data.len() as u64;
        match chunk.name {
            b"IDAT" | b"PLTE" => {}
            b"IEND" => break,
            b"tRNS" => {
                channels = if has_palette { 4 } else { channels + 1 };
            }
            b"iCCP" => header.metadata += (length * MOST_UNPACKED).min(MOST_METADATA),
            b"acTL" => header.frames = u32_be(chunk.data, 0)?.max(1).into(),
            b"fcTL" => {
                let frame = u64::from(u32_be(chunk.data, 4)?) * u64::from(u32_be(chunk.data, 8)?);
                header.largest_frame = header.largest_frame.max(frame);
            }
            _ => header.metadata += length,
        }
    }
    header.channels = channels.min(4);
    header.depth = if bits == 16 { 2 } else { 1 };
    // The rows of a pass are spread over the picture after they were unpacked.
    header.passes = if interlaced { 2 } else { 1 };
    Some(header)
}

struct Chunk<'a> {
    name: &'a [u8],
    data: &'a [u8],
}

fn chunk(content: &[u8]) -> Option<(Chunk<'_>, &[u8])> {
    let length = usize::try_from(u32_be(content, 0)?).ok()?;
    let chunk = Chunk {
        name: content.get(4..8)?,
        data: content.get(8..8_usize.checked_add(length)?)?,
    };
    // The last checksum may be missing: the decoder says so.
    let after = content
        .get(AROUND_DATA.checked_add(length)?..)
        .unwrap_or_default();
    Some((chunk, after))
}
