//! WebP (RFC 9649).

use super::Header;
use super::bytes::{u16_le, u24_le, u32_le};
use crate::webp::{Chunk, FRAME_HEADER_BYTES, chunks, content_chunks};

/// The widths and heights of lossy pictures have 14 bits (RFC 6386, section 9.1), as those of lossless ones
/// (RFC 9649, section 3.4).
const SIDE: u32 = 0x3FFF;

pub(super) fn header(content: &[u8]) -> Option<Header> {
    let mut header: Option<Header> = None;
    let (mut largest, mut frames, mut metadata, mut pieces) = (0, 0, 0, 0);
    for (name, data) in content_chunks(content) {
        pieces += 1;
        match name {
            b"VP8X" => {
                let (width, height) = (u24_le(data, 4)? + 1, u24_le(data, 7)? + 1);
                header = Some(Header::plain(width, height, 4));
            }
            b"ANMF" => {
                frames += 1;
                let (width, height) = (u24_le(data, 6)? + 1, u24_le(data, 9)? + 1);
                largest = pixels(width, height).max(largest);
                for chunk in chunks(data.get(FRAME_HEADER_BYTES..).unwrap_or_default()) {
                    pieces += 1;
                    // The decoder believes a frame before it compares it with the container.
                    if let Some((width, height)) = frame(chunk) {
                        largest = pixels(width, height).max(largest);
                    }
                }
            }
            b"ICCP" | b"EXIF" | b"XMP " => metadata += data.len() as u64,
            _ => {
                let Some((width, height)) = frame((name, data)) else {
                    continue;
                };
                largest = pixels(width, height).max(largest);
                header = header.or_else(|| Some(Header::plain(width, height, 4)));
            }
        }
    }
    let mut header = header?;
    header.largest_frame = header.largest_frame.max(largest);
    header.frames = frames.max(1);
    header.metadata = metadata;
    header.pieces = pieces;
    // What is unpacked of a frame stands beside the pixels that are made of it.
    header.scratch = header.largest_frame * 4;
    Some(header)
}

fn pixels(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

/// Width and height of a picture's own chunk.
fn frame((name, data): Chunk<'_>) -> Option<(u32, u32)> {
    match name {
        // After a tag of 3 bytes and a start code of 3.
        b"VP8 " => {
            let side = |at| Some(u32::from(u16_le(data, at)?) & SIDE);
            Some((side(6)?, side(8)?))
        }
        // After a signature of 1 byte, each less 1.
        b"VP8L" => {
            let bits = u32_le(data, 1)?;
            Some(((bits & SIDE) + 1, (bits >> 14 & SIDE) + 1))
        }
        _ => None,
    }
}
