//! Pictures of a bounded number of bytes.

use assetmill_core::{FailureCode, OperationError};

use crate::format::Output;
use crate::geometry::Size;

/// The lowest quality that is tried: what is below can hardly be looked at.
const LOWEST_QUALITY: u8 = 5;
/// How often a picture is written at the most.
pub(crate) const MAX_ENCODES: u64 = 5;

/// The picture of the highest quality, up to this one, that has at most so many bytes, as far as
/// [`MAX_ENCODES`] attempts find it. What a picture took in one quality tells which to try next.
pub(super) fn best(
    write: impl Fn(u8) -> Result<Vec<u8>, OperationError>,
    quality: u8,
    most: usize,
) -> Result<Vec<u8>, OperationError> {
    let first = write(quality)?;
    if first.len() <= most {
        return Ok(first);
    }
    let lowest = LOWEST_QUALITY.min(quality);
    let mut known = Known {
        slope: USUAL_SLOPE,
        over: (quality, first.len()),
        under: None,
    };
    let mut best = None;
    for attempt in 2..=MAX_ENCODES {
        let last_chance = attempt == MAX_ENCODES && best.is_none();
        let next = if last_chance {
            lowest
        } else {
            known.guess(most, lowest)
        };
        if !known.is_between(next) {
            break;
        }
        let written = write(next)?;
        known.learn(next, written.len(), most);
        if written.len() <= most {
            best = Some(written);
        } else if next == lowest {
            break;
        }
    }
    best.ok_or_else(|| over_budget(known.over.1, most))
}

/// How much the logarithm of the bytes falls as that of the steps of quantisation grows, where nothing is
/// known yet.
const USUAL_SLOPE: f64 = 0.45;
const LEAST_SLOPE: f64 = 0.05;
/// How much further a guess goes than the slope says: one that fits is worth more than one that just does
/// not.
const CAUTION: f64 = 1.05;

/// What is known of a picture's bytes by their quality.
struct Known {
    slope: f64,
    /// The lowest quality that was too much, and its bytes.
    over: (u8, usize),
    /// The highest that was not.
    under: Option<u8>,
}

impl Known {
    /// The quality to try next.
    fn guess(&self, most: usize, lowest: u8) -> u8 {
        let (quality, bytes) = self.over;
        let wanted = log(scale(quality)) + CAUTION * (log(bytes) - log(most)) / self.slope;
        let qualities = lowest..quality;
        // The highest whose steps are coarse enough.
        let guessed = qualities.rev().find(|it| log(scale(*it)) >= wanted);
        let guessed = guessed.unwrap_or(lowest);
        self.under.map_or(guessed, |under| guessed.max(under + 1))
    }

    fn is_between(&self, quality: u8) -> bool {
        quality < self.over.0 && self.under.is_none_or(|under| quality > under)
    }

    fn learn(&mut self, quality: u8, bytes: usize, most: usize) {
        let coarser = log(scale(quality)) - log(scale(self.over.0));
        if coarser > 0.0 {
            self.slope = ((log(self.over.1) - log(bytes)) / coarser).max(LEAST_SLOPE);
        }
        if bytes <= most {
            self.under = Some(quality);
        } else {
            self.over = (quality, bytes);
        }
    }
}

/// The steps that a quality quantises in, as a percentage of those of quality 50: what libjpeg made usual
/// (`jpeg_quality_scaling`), and near enough for the others.
fn scale(quality: u8) -> usize {
    let quality = usize::from(quality.clamp(1, 100));
    if quality < 50 {
        5000 / quality
    } else {
        200 - 2 * quality
    }
}

#[expect(clippy::cast_precision_loss)]
fn log(number: usize) -> f64 {
    (number.max(1) as f64).ln()
}

/// The picture, if it has at most so many bytes.
pub(super) fn only(written: Vec<u8>, most: usize) -> Result<Vec<u8>, OperationError> {
    if written.len() <= most {
        return Ok(written);
    }
    Err(over_budget(written.len(), most))
}

/// Refuses what no quality can reach: every block of a picture takes some bits however little is in it.
///
/// JPEG has a code of at least a bit for the mean of a block and one for its end (ITU-T T.81, F.1.2), in
/// blocks of 64 samples, and half as many again for colours. `VP8` says of each 16 × 16 pixels how they
/// are predicted, with fixed probabilities: 2.5 bits for brightness and 0.8 for colours at the least
/// (RFC 6386, sections 8.1 and 11.2).
///
/// # Errors
/// [`FailureCode::BudgetNotMet`].
pub(crate) fn check_floor(
    size: Size,
    channels: u64,
    output: Output,
    most: usize,
) -> Result<(), OperationError> {
    let blocks = u64::from(size.width.div_ceil(16)) * u64::from(size.height.div_ceil(16));
    let least = match output {
        Output::Jpeg if channels > 2 => blocks * 12 / 8,
        Output::Jpeg => blocks,
        Output::WebP => blocks * 3 / 8,
        // Large areas of nothing take next to nothing.
        Output::Avif | Output::Png => 0,
    };
    let least = usize::try_from(least).unwrap_or(usize::MAX);
    if least <= most {
        Ok(())
    } else {
        Err(over_budget(least, most))
    }
}

fn over_budget(smallest: usize, most: usize) -> OperationError {
    OperationError::permanent(
        FailureCode::BudgetNotMet,
        format!(
            "the result would have {smallest} bytes at the least, more than max_bytes {most}; ask for \
             fewer pixels, for more bytes, or for another format"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// The bytes of a picture, which fall as its steps grow.
    fn bytes(quality: u8) -> usize {
        200_000 / (5 + scale(quality))
    }

    /// The picture of at most so many bytes, and how often it was written.
    fn of_quality(most: usize) -> (Result<Vec<u8>, OperationError>, u64) {
        let written = Cell::new(0);
        let write = |quality| {
            written.set(written.get() + 1);
            Ok(vec![0; bytes(quality)])
        };
        (best(write, 80, most), written.get())
    }

    #[test]
    fn a_high_quality_that_fits_is_found_in_a_few_attempts() {
        let least = bytes(LOWEST_QUALITY);
        for most in [4_000, 3_000, 2_000, 1_000, 500, 250, least] {
            let (found, attempts) = of_quality(most);
            let bytes = found.unwrap().len();
            assert!(bytes <= most, "{bytes} of {most}");
            assert!(bytes * 4 >= most * 3 || bytes == least, "{bytes} of {most}");
            assert!(attempts <= MAX_ENCODES, "{attempts}");
        }
        let (refused, attempts) = of_quality(least - 1);
        let failure = refused.unwrap_err();
        let said = &failure.failure().message;
        assert_eq!(failure.failure().code, FailureCode::BudgetNotMet);
        assert!(said.contains(&format!("{least} bytes")), "{said}");
        assert!(attempts <= MAX_ENCODES, "{attempts}");
    }

    #[test]
    fn what_no_quality_reaches_is_refused_before_it_is_tried() {
        let size = Size {
            width: 7000,
            height: 7000,
        };
        for (output, most, fits) in [
            (Output::WebP, 256, false),
            (Output::Jpeg, 256, false),
            (Output::WebP, 100_000, true),
            (Output::Avif, 256, true),
        ] {
            let checked = check_floor(size, 3, output, most);
            assert_eq!(checked.is_ok(), fits, "{output:?} {most}");
        }
    }
}
