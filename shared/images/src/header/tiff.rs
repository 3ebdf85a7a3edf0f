//! TIFF (Adobe, TIFF 6.0, and `BigTIFF`). The first directory is the picture that is decoded.

use super::Header;

/// The tags that tell what decoding takes (section 8).
const WIDTH: u16 = 256;
const HEIGHT: u16 = 257;
const BITS_PER_SAMPLE: u16 = 258;
const STRIP_OFFSETS: u16 = 273;
const SAMPLES_PER_PIXEL: u16 = 277;
const TILE_OFFSETS: u16 = 324;

/// How a file is written.
#[derive(Clone, Copy)]
struct Reader<'a> {
    content: &'a [u8],
    big_endian: bool,
    /// Whether places and counts have eight bytes.
    big: bool,
}

/// One entry of a directory.
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where its value, or the place of its value, stands.
    at: usize,
}

pub(super) fn header(content: &[u8]) -> Option<Header> {
    let big_endian = match content.get(..2)? {
        b"II" => false,
        b"MM" => true,
        _ => return None,
    };
    let mut reader = Reader {
        content,
        big_endian,
        big: false,
    };
    reader.big = reader.number(2, 2)? == 43;
    let directory = usize::try_from(if reader.big {
        reader.number(8, 8)?
    } else {
        reader.number(4, 4)?
    })
    .ok()?;
    let mut header = Header::plain(0, 0, 1);
    let mut bits = 1;
    for entry in reader.entries(directory)? {
        match entry.tag {
            WIDTH => header.size.width = reader.side(&entry)?,
            HEIGHT => header.size.height = reader.side(&entry)?,
            BITS_PER_SAMPLE => bits = reader.first(&entry)?,
            SAMPLES_PER_PIXEL => header.channels = reader.first(&entry)?,
            STRIP_OFFSETS | TILE_OFFSETS => header.pieces = entry.count,
            _ => header.metadata = header.metadata.saturating_add(entry.bytes()),
        }
    }
    header.largest_frame = header.pixels();
    header.channels = header.channels.clamp(1, 4);
    header.depth = bits.div_ceil(8).clamp(1, 8);
    // Values beyond the end of the file are refused when they are read.
    header.metadata = header.metadata.min(content.len() as u64);
    // A strip or tile is unpacked beside the picture, and may be all of it.
    header.scratch = header.decoded().min(DECODED_LIMIT);
    Some(header)
}

/// What the decoder lets a picture take (`tiff::decoder::Limits`).
const DECODED_LIMIT: u64 = 256 * 1024 * 1024;

impl Reader<'_> {
    /// The number of so many bytes at this place.
    fn number(self, at: usize, bytes: usize) -> Option<u64> {
        let digits = self.content.get(at..at.checked_add(bytes)?)?;
        let add = |number: u64, digit: &u8| number << 8 | u64::from(*digit);
        Some(if self.big_endian {
            digits.iter().fold(0, add)
        } else {
            digits.iter().rev().fold(0, add)
        })
    }

    fn entries(self, directory: usize) -> Option<impl Iterator<Item = Entry>> {
        let (count_bytes, entry_bytes) = if self.big { (8, 20) } else { (2, 12) };
        let count = usize::try_from(self.number(directory, count_bytes)?).ok()?;
        let first = directory.checked_add(count_bytes)?;
        Some((0..count).map_while(move |index| {
            let at = first.checked_add(index.checked_mul(entry_bytes)?)?;
            let count_bytes = if self.big { 8 } else { 4 };
            Some(Entry {
                tag: u16::try_from(self.number(at, 2)?).ok()?,
                kind: u16::try_from(self.number(at + 2, 2)?).ok()?,
                count: self.number(at + 4, count_bytes)?,
                at: at + 4 + count_bytes,
            })
        }))
    }

    /// The first of an entry's numbers.
    fn first(self, entry: &Entry) -> Option<u64> {
        let word = if self.big { 8 } else { 4 };
        let at = if entry.bytes() <= word {
            entry.at
        } else {
            let word = if self.big { 8 } else { 4 };
            usize::try_from(self.number(entry.at, word)?).ok()?
        };
        self.number(at, entry.number_bytes()?)
    }

    fn side(self, entry: &Entry) -> Option<u32> {
        u32::try_from(self.first(entry)?).ok()
    }
}

impl Entry {
    /// The bytes of one of its numbers; `None` for what is no whole number.
    fn number_bytes(&self) -> Option<usize> {
        match self.kind {
            1 => Some(1),
            3 => Some(2),
            4 => Some(4),
            16 => Some(8),
            _ => None,
        }
    }

    fn bytes(&self) -> u64 {
        // Kinds that are not known count as the largest that are.
        let each = self.number_bytes().unwrap_or(8) as u64;
        self.count.saturating_mul(each)
    }
}
