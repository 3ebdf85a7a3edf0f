//! Whether a JPEG is whole. The decoder fills what is missing of a truncated one with grey and says
//! nothing.

/// The markers without a length: ITU-T T.81, table B.1.
const EOI: u8 = 0xD9;
const SOI: u8 = 0xD8;
const TEM: u8 = 0x01;
const RST: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;

/// Whether the end marker stands where the segments and scans lead to. An end marker within a
/// segment, such as that of an embedded preview, does not count.
pub(super) fn is_whole(content: &[u8]) -> bool {
    let mut rest = content;
    while let Some((marker, after)) = next_marker(rest) {
        rest = match marker {
            EOI => return true,
            SOI | TEM => after,
            marker if RST.contains(&marker) => after,
            _ => match skip_segment(after) {
                Some(after) => after,
                None => return false,
            },
        };
    }
    false
}

/// The next marker: in the data of a scan, `FF 00` is a stuffed byte and `FF FF` is filling
/// (T.81, B.1.1.2 and B.1.1.5).
fn next_marker(content: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = content;
    loop {
        let at = rest.iter().position(|byte| *byte == 0xFF)?;
        rest = &rest[at + 1..];
        match rest.first()? {
            0x00 | 0xFF => {}
            marker => return Some((*marker, &rest[1..])),
        }
    }
}

/// What follows a segment, whose first two bytes are its length, themselves included.
fn skip_segment(content: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes([*content.first()?, *content.get(1)?]));
    content.get(length.max(2)..)
}
