//! ICC profiles.

use image::ColorType;

/// Longer profiles are dropped: those of RGB and grey have some kilobytes, and a JPEG can't carry more
/// than 16 MB.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Whether a profile describes colours of this type. The profile of a CMYK picture does not once
/// the decoder has made it RGB.
pub(super) fn fits(profile: &[u8], color: ColorType) -> bool {
    // ICC.1:2022, 7.2: the signature of the data colour space is at offset 16, "acsp" at 36.
    let expected: &[u8] = if color.has_color() { b"RGB " } else { b"GRAY" };
    profile.len() <= MAX_BYTES
        && profile.get(16..20) == Some(expected)
        && profile.get(36..40) == Some(b"acsp")
}
