//! Pictures of a bounded number of bytes.

use assetmill_core::{FailureCode, Setback};

use crate::transform::blocking::Stop;

/// The lowest quality that is tried: what is below can hardly be looked at.
const LOWEST_QUALITY: u8 = 5;

/// The picture of the highest quality, up to this one, that has at most so many bytes. It is written at most
/// eight times.
pub(super) fn best(
    write: impl Fn(u8) -> Result<Vec<u8>, Setback>,
    quality: u8,
    most: usize,
    stop: &Stop,
) -> Result<Vec<u8>, Setback> {
    let first = write(quality)?;
    if first.len() <= most {
        return Ok(first);
    }
    let mut found = None;
    let mut smallest = first.len();
    let (mut low, mut high) = (LOWEST_QUALITY.min(quality), quality);
    while low < high {
        stop.check()?;
        let middle = low + (high - low) / 2;
        let written = write(middle)?;
        smallest = smallest.min(written.len());
        if written.len() <= most {
            found = Some(written);
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    found.ok_or_else(|| over_budget(smallest, most))
}

/// The picture, if it has at most so many bytes.
pub(super) fn only(written: Vec<u8>, most: usize) -> Result<Vec<u8>, Setback> {
    if written.len() <= most {
        return Ok(written);
    }
    Err(over_budget(written.len(), most))
}

fn over_budget(smallest: usize, most: usize) -> Setback {
    Setback::lasting(
        FailureCode::BudgetNotMet,
        format!(
            "the result would have {smallest} bytes at the least, more than max_bytes {most}; ask for \
             fewer pixels, for more bytes, or for another format"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_quality(most: usize) -> Result<Vec<u8>, Setback> {
        best(
            |quality| Ok(vec![0; usize::from(quality) * 10]),
            80,
            most,
            &Stop::default(),
        )
    }

    #[test]
    fn the_highest_quality_that_fits_is_found() {
        for (most, bytes) in [(5000, 800), (800, 800), (799, 790), (333, 330), (50, 50)] {
            assert_eq!(of_quality(most).unwrap().len(), bytes, "{most}");
        }
        let failure = of_quality(49).unwrap_err();
        assert_eq!(failure.failure().code, FailureCode::BudgetNotMet);
        assert!(
            failure.failure().message.contains("50 bytes"),
            "{failure:?}"
        );
    }
}
