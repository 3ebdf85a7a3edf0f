//! Pictures made for the purpose: honest ones of any size, and others.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// The bytes of a row whose pixels look like noise, and which a file holds in few bytes all the same.
fn noisy_row(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_u32;
    let tile: Vec<u8> = (0..4 * 96)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[1]
        })
        .collect();
    tile.iter().copied().cycle().take(length).collect()
}

fn png_chunk(into: &mut Vec<u8>, name: &[u8], data: &[u8]) {
    into.extend_from_slice(&u32::try_from(data.len()).unwrap().to_be_bytes());
    into.extend_from_slice(name);
    into.extend_from_slice(data);
    let mut crc = crc32fast::Hasher::new();
    crc.update(name);
    crc.update(data);
    into.extend_from_slice(&crc.finalize().to_be_bytes());
}

/// A PNG with this colour type (0 grey, 2 RGB, 6 RGBA) and bits a channel.
pub(crate) fn png(width: u32, height: u32, colour: u8, bits: u8) -> Vec<u8> {
    let channels = match colour {
        0 => 1,
        2 => 3,
        _ => 4,
    };
    let mut data = ZlibEncoder::new(Vec::new(), Compression::fast());
    let row = noisy_row(width as usize * channels * usize::from(bits / 8));
    for number in 0..height {
        data.write_all(&[0]).unwrap();
        // Rows differ, as those of photographs do.
        let shift = number as usize * 5 % row.len();
        data.write_all(&row[shift..]).unwrap();
        data.write_all(&row[..shift]).unwrap();
    }
    png_of(width, height, colour, bits, &data.finish().unwrap())
}

/// A PNG that says its size, with this content compressed.
pub(crate) fn png_of(width: u32, height: u32, colour: u8, bits: u8, data: &[u8]) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend_from_slice(&width.to_be_bytes());
    header.extend_from_slice(&height.to_be_bytes());
    header.extend_from_slice(&[bits, colour, 0, 0, 0]);
    let mut content = b"\x89PNG\r\n\x1a\n".to_vec();
    png_chunk(&mut content, b"IHDR", &header);
    png_chunk(&mut content, b"IDAT", data);
    png_chunk(&mut content, b"IEND", b"");
    content
}

/// A GIF with a screen of one size and a frame of another, which holds one pixel.
pub(crate) fn gif(screen: (u16, u16), frame: (u16, u16)) -> Vec<u8> {
    let mut content = b"GIF89a".to_vec();
    for side in [screen.0, screen.1] {
        content.extend_from_slice(&side.to_le_bytes());
    }
    // A table of two colours.
    content.extend_from_slice(&[0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    content.extend_from_slice(&[0x2C, 0, 0, 0, 0]);
    for side in [frame.0, frame.1] {
        content.extend_from_slice(&side.to_le_bytes());
    }
    content.extend_from_slice(&[0, 2, 2, 0x44, 1, 0, 0x3B]);
    content
}

/// A GIF of one frame in one colour.
pub(crate) fn flat_gif(width: u16, height: u16) -> Vec<u8> {
    let mut content = Vec::new();
    let mut encoder = gif::Encoder::new(&mut content, width, height, &[0, 0, 0, 9, 9, 9]).unwrap();
    let pixels = vec![1; usize::from(width) * usize::from(height)];
    let frame = gif::Frame::from_indexed_pixels(width, height, pixels, None);
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    content
}

/// A progressive JPEG of this size with so many scans after the first, each of next to nothing.
pub(crate) fn jpeg_of_scans(side: u16, scans: usize) -> Vec<u8> {
    let mut content = vec![0xFF, 0xD8, 0xFF, 0xDB, 0, 67, 0];
    content.extend_from_slice(&[1; 64]);
    let sides = [side.to_be_bytes(), side.to_be_bytes()].concat();
    content.extend_from_slice(&[0xFF, 0xC2, 0, 11, 8]);
    content.extend_from_slice(&sides);
    content.extend_from_slice(&[1, 1, 0x11, 0]);
    // One code, of one bit, for each table.
    for table in [0x00, 0x10] {
        content.extend_from_slice(&[0xFF, 0xC4, 0, 20, table, 1]);
        content.extend_from_slice(&[0; 16]);
    }
    for scan in 0..=scans {
        let spectrum = if scan == 0 { [0, 0] } else { [1, 63] };
        content.extend_from_slice(&[0xFF, 0xDA, 0, 8, 1, 1, 0]);
        content.extend_from_slice(&spectrum);
        content.push(0);
        content.extend_from_slice(&[0; 140]);
    }
    content.extend_from_slice(&[0xFF, 0xD9]);
    content
}

/// A JPEG of the full size that is taken; of several scans if it is progressive.
pub(crate) fn jpeg(width: usize, height: usize, progressive: bool) -> Vec<u8> {
    let mut encoder = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    encoder.set_fastest_defaults();
    encoder.set_size(width, height);
    encoder.set_quality(50.0);
    encoder.set_chroma_sampling_pixel_sizes((1, 1), (1, 1));
    if progressive {
        encoder.set_progressive_mode();
    }
    let mut started = encoder.start_compress(Vec::new()).unwrap();
    let row = noisy_row(width * 3);
    for _ in 0..height {
        started.write_scanlines(&row).unwrap();
    }
    started.finish().unwrap()
}

/// A TIFF of one strip in RGB, compressed by `PackBits` (TIFF 6.0, section 9).
pub(crate) fn tiff(width: u32, height: u32) -> Vec<u8> {
    let mut strip = Vec::new();
    let mut left = u64::from(width) * u64::from(height) * 3;
    while left > 0 {
        let run = left.min(128);
        // A run of n bytes is written as 257 - n, and a single byte as itself after a 0.
        let head = u8::try_from((257 - run) % 256).unwrap();
        strip.extend_from_slice(&[head, 7]);
        left -= run;
    }
    let mut content = b"II\x2A\0\x08\0\0\0".to_vec();
    let offset = 8 + 2 + 9 * 12 + 4 + 6;
    let entries: [(u16, u16, u32, u32); 9] = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 3, offset - 6),
        (259, 3, 1, 32_773),
        (262, 3, 1, 2),
        (273, 4, 1, offset),
        (277, 3, 1, 3),
        (278, 4, 1, height),
        (279, 4, 1, u32::try_from(strip.len()).unwrap()),
    ];
    content.extend_from_slice(&9_u16.to_le_bytes());
    for (tag, kind, count, value) in entries {
        content.extend_from_slice(&tag.to_le_bytes());
        content.extend_from_slice(&kind.to_le_bytes());
        content.extend_from_slice(&count.to_le_bytes());
        content.extend_from_slice(&value.to_le_bytes());
    }
    content.extend_from_slice(&[0, 0, 0, 0, 8, 0, 8, 0, 8, 0]);
    content.extend_from_slice(&strip);
    content
}

/// A BMP in 256 colours, compressed by runs.
pub(crate) fn bmp(width: u32, height: u32) -> Vec<u8> {
    let mut pixels = Vec::new();
    for _ in 0..height {
        let mut left = width;
        while left > 0 {
            let run = left.min(255);
            pixels.extend_from_slice(&[u8::try_from(run).unwrap(), 1]);
            left -= run;
        }
        pixels.extend_from_slice(&[0, 0]);
    }
    pixels.extend_from_slice(&[0, 1]);
    let offset = 14 + 40 + 1024_u32;
    let size = u32::try_from(pixels.len()).unwrap();
    let mut content = b"BM".to_vec();
    for number in [offset + size, 0, offset, 40, width, height] {
        content.extend_from_slice(&number.to_le_bytes());
    }
    content.extend_from_slice(&[1, 0, 8, 0]);
    for number in [1, size, 2835, 2835, 256, 0_u32] {
        content.extend_from_slice(&number.to_le_bytes());
    }
    content.extend((0..=255_u8).flat_map(|grey| [grey, grey, grey, 0]));
    content.extend_from_slice(&pixels);
    content
}

/// A WebP in one colour, without loss.
pub(crate) fn webp(width: u32, height: u32) -> Vec<u8> {
    let pixels = vec![100; width as usize * height as usize * 3];
    let encoder = webp::Encoder::from_rgb(&pixels, width, height);
    encoder.encode_simple(true, 0.0).unwrap().to_vec()
}
