//! JPEG (ITU-T T.81).

use assetmill_core::OperationError;

use super::Header;
use super::bytes::u16_be;
use crate::decode::corrupt;
use crate::format::Format;

/// Markers without a length (table B.1).
const EOI: u8 = 0xD9;
const SOI: u8 = 0xD8;
const TEM: u8 = 0x01;
const RST: std::ops::RangeInclusive<u8> = 0xD0..=0xD7;
/// The beginning of a scan.
const SOS: u8 = 0xDA;
/// Application data: profiles, EXIF.
const APP: std::ops::RangeInclusive<u8> = 0xE0..=0xEF;
const COMMENT: u8 = 0xFE;

/// A frame header, and what follows from it.
struct Frame {
    width: u32,
    height: u32,
    components: u64,
    /// The blocks of 8 × 8 samples of all components.
    blocks: u64,
}

/// The header of a JPEG that is whole: the decoder fills what is missing of a truncated one with grey and
/// says nothing, so the end marker has to stand where the segments and scans lead to. An end marker within
/// a segment, such as that of an embedded preview, does not count. `None` where there is no frame.
pub(super) fn header(content: &[u8]) -> Result<Option<Header>, OperationError> {
    let mut frame = None;
    let (mut scans, mut segments, mut metadata, mut whole) = (0, 0, 0, false);
    let mut rest = content;
    while let Some((marker, after)) = next_marker(rest) {
        segments += 1;
        rest = match marker {
            EOI => {
                whole = true;
                break;
            }
            SOI | TEM => after,
            marker if RST.contains(&marker) => after,
            _ => {
                let Some((segment, after)) = segment(after) else {
                    break;
                };
                match marker {
                    SOS => scans += 1,
                    // All of C0 to CF but the tables and the extension among them begin a frame.
                    0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                        frame = frame.or_else(|| Frame::read(segment));
                    }
                    COMMENT => metadata += segment.len() as u64,
                    marker if APP.contains(&marker) => metadata += segment.len() as u64,
                    _ => {}
                }
                after
            }
        };
    }
    if !whole {
        return Err(corrupt(Format::Jpeg, "it ends before its end marker"));
    }
    Ok(frame.map(|frame| frame.header(scans, segments, metadata)))
}

impl Frame {
    /// The segment, its length included (B.2.2).
    fn read(segment: &[u8]) -> Option<Self> {
        let (height, width) = (u16_be(segment, 3)?.into(), u16_be(segment, 5)?.into());
        let count = usize::from(*segment.get(7)?);
        let factors = segment.get(8..)?.chunks_exact(3).take(count);
        let factors = factors.map(|part| (u64::from(part[1] >> 4), u64::from(part[1] & 15)));
        let factors: Vec<_> = factors.collect();
        let most =
            |side: fn(&(u64, u64)) -> u64| factors.iter().map(side).max().unwrap_or(1).max(1);
        let (across, down) = (most(|it| it.0), most(|it| it.1));
        let blocks =
            |side: u32, factor: u64, most: u64| (u64::from(side) * factor).div_ceil(most * 8);
        Some(Self {
            width,
            height,
            components: count as u64,
            blocks: factors
                .iter()
                .map(|(h, v)| blocks(width, *h, across) * blocks(height, *v, down))
                .sum(),
        })
    }

    fn header(&self, scans: u64, segments: u64, metadata: u64) -> Header {
        let channels = if self.components == 1 { 1 } else { 3 };
        // Where there is more than one scan, all coefficients are kept until the last: 64 of 2 bytes.
        let coefficients = if scans > 1 { self.blocks * 128 } else { 0 };
        // Four components are decoded as they are, by another decoder, and then turned.
        let four = if self.components == 4 {
            u64::from(self.width) * u64::from(self.height) * 6
        } else {
            0
        };
        Header {
            passes: scans.max(1),
            pieces: segments,
            metadata,
            scratch: coefficients + four,
            ..Header::plain(self.width, self.height, channels)
        }
    }
}

/// The next marker: in the data of a scan, `FF 00` is a stuffed byte and `FF FF` is filling
/// (B.1.1.2 and B.1.1.5).
fn next_marker(content: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = content;
    loop {
        let at = memchr::memchr(0xFF, rest)?;
        rest = &rest[at + 1..];
        match rest.first()? {
            0x00 | 0xFF => {}
            marker => return Some((*marker, &rest[1..])),
        }
    }
}

/// A segment, whose first two bytes are its length, themselves included, and what follows it.
fn segment(content: &[u8]) -> Option<(&[u8], &[u8])> {
    content.split_at_checked(usize::from(u16_be(content, 0)?).max(2))
}
