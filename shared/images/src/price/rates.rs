//! What a pixel costs, by what is done with it: upper bounds of what was measured on a core of `x86_64` of
//! 2026 without the vector code that needs an assembler (`just limits` prints what the worst pictures take).

use crate::format::Format;
use crate::format::Output;

/// What decoding takes, in nanoseconds where nothing else is said.
pub(super) struct Decoding {
    /// A channel of a pixel.
    pub(super) sample: u64,
    /// A pixel, each time that it is gone over again, in picoseconds.
    pub(super) pass_picoseconds: u64,
    /// A byte of the asset.
    pub(super) byte: u64,
    /// A segment, chunk, strip or tile.
    pub(super) piece: u64,
}

/// What writing a pixel takes.
#[derive(Clone, Copy)]
pub(super) struct Writing {
    /// Bytes that an encoder keeps, its output among them.
    pub(super) memory: u64,
    /// Bytes of the output alone, at the most.
    pub(super) written: u64,
    pub(super) nanoseconds: u64,
}

/// Laying one picture over another, in nanoseconds a pixel.
pub(super) const LAID: u64 = 30;
/// Resizing, in nanoseconds a sample.
pub(super) const RESIZED: u64 = 3;
/// Converting colours, in nanoseconds a pixel.
pub(super) const CONVERTED: u64 = 20;

pub(super) fn decoding(format: Format) -> Decoding {
    let (sample, pass_picoseconds, byte, piece) = match format {
        Format::Jpeg => (8, 600, 20, 500),
        Format::Png => (8, 4_000, 10, 200),
        Format::WebP => (20, 0, 40, 500),
        Format::Gif => (10, 0, 20, 100),
        Format::Tiff => (8, 0, 20, 500),
        Format::Bmp => (4, 0, 5, 500),
    };
    Decoding {
        sample,
        pass_picoseconds,
        byte,
        piece,
    }
}

/// The time of WebP and AVIF grows with what quality keeps.
pub(super) fn encoding(output: Output, quality: u8) -> Writing {
    match output {
        Output::Jpeg => Writing {
            memory: if quality >= 90 { 14 } else { 9 },
            written: 4,
            nanoseconds: 40,
        },
        Output::Png => Writing {
            memory: 10,
            written: 5,
            nanoseconds: 150,
        },
        Output::WebP => Writing {
            memory: 20,
            written: 4,
            nanoseconds: 300 + 10 * u64::from(quality),
        },
        Output::Avif => Writing {
            memory: 60,
            written: 4,
            nanoseconds: 500 + 25 * u64::from(quality),
        },
    }
}

/// JPEG in fewer bytes.
pub(super) const SMALL_JPEG: Writing = Writing {
    memory: 24,
    written: 4,
    nanoseconds: 400,
};

/// PNG in fewer bytes: of a byte of its decoded pixels, and not of a pixel.
pub(super) const SMALL_PNG: Writing = Writing {
    memory: 8,
    written: 1,
    nanoseconds: 300,
};
