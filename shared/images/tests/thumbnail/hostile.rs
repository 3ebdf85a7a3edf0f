//! Content that lies, is cut short, or is no picture.

use std::time::{Duration, Instant};

use assetmill_core::FailureCode;
use image::ImageFormat;

use crate::support::{
    CMYK, Extras, PALETTE, PROGRESSIVE, UPRIGHT, encoded, encoded_with, failure, lossy_webp,
    photograph,
};

/// Where in `content` these bytes begin.
fn find(content: &[u8], bytes: &[u8]) -> usize {
    let mut windows = content.windows(bytes.len());
    windows.position(|window| window == bytes).unwrap()
}

/// CRC-32 of ISO 3309, as PNG's chunks end with it (RFC 2083, section 15).
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut content = UPRIGHT.to_vec();
    content[16..20].copy_from_slice(&width.to_be_bytes());
    content[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc(&content[12..29]);
    content[29..33].copy_from_slice(&crc.to_be_bytes());
    content
}

fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
    let mut content = encoded(&photograph().into(), ImageFormat::Jpeg);
    // ITU-T T.81, B.2.2: marker, length, precision, then lines and samples per line.
    let frame = find(&content, &[0xFF, 0xC0]);
    content[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    content[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    content
}

/// Says its size in its frame alone, behind a container that says 160 × 160.
fn webp_with_a_frame_of(width: u16, height: u16) -> Vec<u8> {
    let frame = lossy_webp(&photograph());
    let mut content = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x9f\0\0\x9f\0\0".to_vec();
    content.extend_from_slice(&frame[12..]);
    let length = u32::try_from(content.len() - 8).unwrap();
    content[4..8].copy_from_slice(&length.to_le_bytes());
    let start = find(&content, &[0x9D, 0x01, 0x2A]);
    content[start + 3..start + 5].copy_from_slice(&width.to_le_bytes());
    content[start + 5..start + 7].copy_from_slice(&height.to_le_bytes());
    content
}

/// Canvas of an extended WebP (RFC 9649, section 2.7.1): 24 bits each, less one.
fn webp_with_a_canvas_of(width: u32, height: u32) -> Vec<u8> {
    let mut content = webp_with_a_frame_of(160, 160);
    content[24..27].copy_from_slice(&(width - 1).to_le_bytes()[..3]);
    content[27..30].copy_from_slice(&(height - 1).to_le_bytes()[..3]);
    content
}

/// Within the pixels that are decoded, but resizing pays for the long side.
#[tokio::test]
async fn a_long_side_is_refused_by_the_header() {
    for (width, height) in [
        (1, 99_999_999),
        (70_000, 2),
        (i32::MAX as u32, i32::MAX as u32),
    ] {
        let (code, message) = failure(&png_of(width, height)).await;
        assert_eq!(code, FailureCode::TooManyPixels, "{message}");
        assert!(message.contains("65535"), "{message}");
    }
}

#[tokio::test]
async fn a_bomb_is_refused_by_its_header() {
    for (name, content) in [
        ("png 60000 × 60000", png_of(60_000, 60_000)),
        ("png 10001 × 10000", png_of(10_001, 10_000)),
        ("jpeg 65535 × 65535", jpeg_of(65_535, 65_535)),
        ("webp frame", webp_with_a_frame_of(16_383, 16_383)),
        ("webp canvas", webp_with_a_canvas_of(16_384, 16_384)),
    ] {
        let begun = Instant::now();
        let (code, message) = failure(&content).await;
        assert_eq!(code, FailureCode::TooManyPixels, "{name}: {message}");
        assert!(message.contains("100000000"), "{name}: {message}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{name}");
    }
}

#[tokio::test]
async fn a_truncated_picture_is_corrupt_wherever_it_ends() {
    let extras = Extras {
        orientation: Some(6),
        profile: None,
    };
    let photograph_jpeg = encoded_with(&photograph().into(), ImageFormat::Jpeg, extras);
    for (name, whole) in [
        ("jpeg", photograph_jpeg),
        ("progressive jpeg", PROGRESSIVE.to_vec()),
        ("cmyk jpeg", CMYK.to_vec()),
        ("png", UPRIGHT.to_vec()),
        ("palette png", PALETTE.to_vec()),
        ("lossy webp", lossy_webp(&photograph())),
        (
            "lossless webp",
            encoded(&photograph().into(), ImageFormat::WebP),
        ),
    ] {
        let tenths = (1..10).map(|tenth| whole.len() * tenth / 10);
        for length in tenths.chain([20, 40, whole.len() - 100, whole.len() - 20]) {
            let (code, message) = failure(&whole[..length]).await;
            assert_eq!(
                code,
                FailureCode::CorruptAsset,
                "{name} {length}: {message}"
            );
        }
    }
    for jpeg in [PROGRESSIVE, CMYK] {
        let (code, _) = failure(&jpeg[..jpeg.len() - 1]).await;
        assert_eq!(code, FailureCode::CorruptAsset);
    }
}

/// An embedded preview has an end marker of its own.
#[tokio::test]
async fn the_end_of_a_preview_is_not_the_end_of_the_picture() {
    let whole = encoded(&photograph().into(), ImageFormat::Jpeg);
    let preview = b"\xFF\xEB\0\x08\xFF\xD8\xFF\xD9\0\0";
    let content = [&whole[..2], preview, &whole[2..whole.len() / 2]].concat();
    assert_eq!(failure(&content).await.0, FailureCode::CorruptAsset);
}

#[tokio::test]
async fn garbage_behind_a_good_beginning_is_corrupt() {
    let noise: Vec<u8> = (0_u32..5000)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    for beginning in [
        &b"\xFF\xD8\xFF\xE0"[..],
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x13\0\0WEBPVP8 ",
    ] {
        let (code, message) = failure(&[beginning, &noise].concat()).await;
        assert_eq!(code, FailureCode::CorruptAsset, "{message}");
    }
}

#[tokio::test]
async fn what_is_no_picture_is_named() {
    for (content, name) in [
        (
            &b"<!DOCTYPE html><html><body>Not found</body></html>"[..],
            "text/html",
        ),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "image/avif"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"hello", "application/octet-stream"),
    ] {
        let (code, message) = failure(content).await;
        assert_eq!(code, FailureCode::UnsupportedMediaType);
        assert!(message.contains(name), "{message}");
        assert!(
            message.contains("image/jpeg, image/png, image/webp"),
            "{message}"
        );
    }
}
