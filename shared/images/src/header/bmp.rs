//! BMP (Microsoft, Bitmap Storage, <https://learn.microsoft.com/windows/win32/gdi/bitmap-storage>).

use super::Header;
use super::bytes::{u16_le, u32_le};

/// Where the header of the bitmap begins, after that of the file.
const AT: usize = 14;
/// The length of the oldest header, whose sides have two bytes.
const CORE: u32 = 12;

pub(super) fn header(content: &[u8]) -> Option<Header> {
    let (width, height) = if u32_le(content, AT)? == CORE {
        (
            u16_le(content, AT + 4)?.into(),
            u16_le(content, AT + 6)?.into(),
        )
    } else {
        let height = u32_le(content, AT + 8)?.cast_signed();
        // Stored from the top where it is negative.
        (u32_le(content, AT + 4)?, height.unsigned_abs())
    };
    Some(Header::plain(width, height, 4))
}
