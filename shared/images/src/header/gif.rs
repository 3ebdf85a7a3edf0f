//! GIF (`CompuServe`, Graphics Interchange Format, version 89a).

use super::Header;
use super::bytes::u16_le;

/// The signature and the description of the screen (sections 17 and 18).
const SCREEN_BYTES: usize = 13;
const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2C;
/// The descriptor of an image, after its first byte (section 20).
const DESCRIPTOR_BYTES: usize = 9;

pub(super) fn header(content: &[u8]) -> Option<Header> {
    let (width, height) = (u16_le(content, 6)?, u16_le(content, 8)?);
    let mut header = Header::plain(width.into(), height.into(), 4);
    let mut rest = content.get(SCREEN_BYTES + colours(*content.get(10)?)..)?;
    header.frames = 0;
    while let Some((&introducer, after)) = rest.split_first() {
        header.pieces += 1;
        rest = match introducer {
            EXTENSION => skip_blocks(after.get(1..).unwrap_or_default(), &mut header),
            IMAGE => {
                let (width, height) = (u16_le(after, 4)?, u16_le(after, 6)?);
                let pixels = u64::from(width) * u64::from(height);
                header.largest_frame = header.largest_frame.max(pixels);
                header.frames += 1;
                let start = DESCRIPTOR_BYTES + colours(*after.get(8)?);
                // One byte says how long the codes are at first.
                skip_blocks(after.get(start + 1..).unwrap_or_default(), &mut header)
            }
            // The trailer, or something that is none of it: the decoder stops here too.
            _ => break,
        };
    }
    header.frames = header.frames.max(1);
    // A frame is unpacked beside the screen that it is drawn on.
    header.scratch = header.largest_frame * 4;
    Some(header)
}

/// The bytes of a table of colours whose presence and size these flags tell (section 18).
fn colours(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        return 0;
    }
    3 << (usize::from(flags & 7) + 1)
}

/// What follows blocks of data, of which the last is empty (section 15).
fn skip_blocks<'a>(content: &'a [u8], header: &mut Header) -> &'a [u8] {
    let mut rest = content;
    while let Some((&length, after)) = rest.split_first() {
        rest = after.get(usize::from(length)..).unwrap_or_default();
        header.pieces += 1;
        if length == 0 {
            break;
        }
    }
    rest
}
