//! What a job would take, known from the picture's header and the parameters before anything is set aside.
//!
//! Memory is the most that stands beside each other at any step: decoded pixels, what they are resized
//! into, what an encoder keeps. It is reserved, and enforced: an estimate that is too low stops an honest
//! picture, one that is too high makes others wait. Time of a core is a sum of rates, which a picture's
//! content moves up and down; it decides what is refused, and the kernel counts the real one.
//! `tests/limits.rs` holds both against what the worst pictures take.

mod rates;

use std::time::Duration;

use assetmill_core::{FailureCode, OperationError};

use crate::bounds::Bounds;
use crate::encode::budget;
use crate::encoding::Encoding;
use crate::format::Format;
use crate::format::Output;
use crate::geometry::{Geometry, Part, Plan, Size};
use crate::header::{Header, too_many};
use crate::transforms::inspect;
use crate::work::{Job, Work};

/// What any job takes besides: buffers, tables, stacks.
const FIXED_BYTES: u64 = 24 * 1024 * 1024;

/// What a job would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    /// Bytes.
    pub(crate) memory: u64,
    /// Time of a core.
    pub(crate) cpu: Duration,
}

/// What was added up so far.
struct Bill {
    /// The most bytes at any step.
    peak: u64,
    nanoseconds: u64,
}

impl Bill {
    fn step(&mut self, bytes: u64, nanoseconds: u64) {
        self.peak = self.peak.max(bytes);
        self.nanoseconds = self.nanoseconds.saturating_add(nanoseconds);
    }
}

/// Pixels as they are between two steps.
#[derive(Clone, Copy)]
struct Pixels {
    count: u64,
    channels: u64,
    depth: u64,
}

impl Pixels {
    fn bytes(self) -> u64 {
        self.count * self.channels * self.depth
    }
}

impl Price {
    /// What a job takes on an asset of so many `bytes` with this header, and a second picture with so many
    /// pixels `beside` it.
    ///
    /// # Errors
    /// A permanent error when the result would have too many pixels, can't have as few bytes as it may, or
    /// when the job would take more than `bounds`.
    pub(crate) fn of(
        job: &Job,
        header: &Header,
        bytes: u64,
        beside: u64,
        bounds: &Bounds,
    ) -> Result<Self, OperationError> {
        let mut bill = Bill {
            peak: 0,
            nanoseconds: 0,
        };
        match &job.work {
            Work::Inspect => {
                let whole = decoded(
                    job.format,
                    header,
                    bytes,
                    &[inspect::hashed(header.size)],
                    &mut bill,
                );
                resized(whole, header.size, inspect::hashed(header.size), &mut bill);
            }
            Work::Optimize { quality } => {
                optimize(job.format, header, bytes, *quality, &mut bill)?;
            }
            Work::Shape { geometry, encoding } => {
                let made = shaped(job.format, header, bytes, *geometry, bounds, &mut bill)?;
                finished(job.format, header, &made, encoding, &mut bill)?;
            }
            Work::Watermark { encoding, .. } => {
                let whole = decoded(job.format, header, bytes, &[], &mut bill);
                let size = header.size;
                // Both in four channels, the overlay in two sizes.
                let laid = Pixels {
                    channels: 4,
                    depth: 1,
                    ..whole
                };
                let overlay = (beside + whole.count) * 4;
                bill.step(
                    whole.bytes() + laid.bytes() + overlay,
                    whole.count * rates::LAID + beside * rates::LAID,
                );
                let made = Made { pixels: laid, size };
                finished(job.format, header, &made, encoding, &mut bill)?;
            }
            Work::CutOut { .. } => {
                let whole = decoded(job.format, header, bytes, &[], &mut bill);
                let cut = Pixels {
                    channels: 4,
                    depth: 1,
                    ..whole
                };
                // The mask as it comes, in one channel, and in the size of the asset.
                let masks = beside * 9 + whole.count;
                bill.step(
                    whole.bytes() + cut.bytes() + masks,
                    (whole.count + beside) * rates::LAID,
                );
                written(cut, Output::Png, 100, &mut bill, 1);
            }
        }
        let memory = FIXED_BYTES + bytes + header.metadata * 2 + bill.peak + bill.peak / 8;
        let price = Self {
            memory,
            cpu: Duration::from_nanos(bill.nanoseconds),
        };
        price.within(bounds)
    }

    fn within(self, bounds: &Bounds) -> Result<Self, OperationError> {
        if self.memory <= bounds.memory && self.cpu <= bounds.cpu {
            return Ok(self);
        }
        Err(refused(format!(
            "it would take some {} MB and {} s of a core, more than the {} MB and {} s that one asset may \
             have; a smaller picture, a smaller result, or JPEG or WebP in the place of AVIF or PNG would \
             take less",
            self.memory / 1_000_000,
            self.cpu.as_secs().max(1),
            bounds.memory / 1_000_000,
            bounds.cpu.as_secs(),
        )))
    }
}

/// A picture that is about to be written.
struct Made {
    pixels: Pixels,
    size: Size,
}

/// Decoding, no larger than any of these plans needs it.
fn decoded(format: Format, header: &Header, bytes: u64, plans: &[Plan], bill: &mut Bill) -> Pixels {
    let by = match format {
        Format::Jpeg => plans.iter().map(|plan| plan.shrink(header.size)).min(),
        _ => None,
    };
    let by = u64::from(by.unwrap_or(1));
    let Size { width, height } = header.size;
    let pixels = Pixels {
        count: u64::from(width).div_ceil(by) * u64::from(height).div_ceil(by),
        channels: header.channels,
        depth: header.depth,
    };
    let rates = rates::decoding(format);
    let passes = header.passes.saturating_sub(1);
    let nanoseconds = (header.pixels() * header.channels * rates.sample)
        .saturating_add(passes.saturating_mul(header.pixels() * rates.pass_picoseconds / 1000))
        .saturating_add(bytes * rates.byte + header.pieces * rates.piece);
    bill.step(pixels.bytes() + header.scratch, nanoseconds);
    pixels
}

/// Resizing by a plan for a picture of this size, whole.
fn resized(pixels: Pixels, size: Size, plan: Plan, bill: &mut Bill) -> Pixels {
    if plan.target == size && plan.part == Part::WHOLE {
        return pixels;
    }
    let target = Pixels {
        count: plan.target.pixels(),
        ..pixels
    };
    // First across, into as many rows as there are; then down.
    let between = u64::from(plan.target.width) * u64::from(size.height);
    let across = u64::from(size.height) * u64::from(plan.target.width.max(size.width));
    let down = u64::from(plan.target.width) * u64::from(plan.target.height.max(size.height));
    let samples = (across + down) * pixels.channels * pixels.depth;
    bill.step(
        pixels.bytes() + between * pixels.channels * pixels.depth + target.bytes(),
        samples.saturating_mul(rates::RESIZED),
    );
    target
}

fn shaped(
    format: Format,
    header: &Header,
    bytes: u64,
    geometry: Geometry,
    bounds: &Bounds,
    bill: &mut Bill,
) -> Result<Made, OperationError> {
    // Which way up it is stands in its metadata, which is not read yet: both are paid for.
    let upright = geometry.plan(header.size);
    let turned = geometry.plan(header.size.turned());
    for plan in [upright, turned] {
        let Size { width, height } = plan.target;
        if plan.target.pixels() > bounds.output_pixels {
            return Err(too_many(format!(
                "the result would have {width} × {height} pixels, more than the {} that are made; ask for \
                 fewer",
                bounds.output_pixels
            )));
        }
    }
    let turned_back = Plan {
        target: turned.target.turned(),
        ..turned
    };
    let plans = [upright, turned_back];
    let whole = decoded(format, header, bytes, &plans, bill);
    let by = header.pixels().div_ceil(whole.count.max(1));
    let stored = if by > 1 {
        // Whatever is left of each side, at the least as much as the target has.
        Size {
            width: header.size.width.div_ceil(2),
            height: header.size.height.div_ceil(2),
        }
    } else {
        header.size
    };
    let size = plans
        .iter()
        .map(|plan| plan.target)
        .max_by_key(|target| target.pixels());
    let before = bill.nanoseconds;
    let mut most = (0, whole);
    for plan in plans {
        bill.nanoseconds = before;
        let made = resized(whole, stored, plan, bill);
        if bill.nanoseconds >= most.0 {
            most = (bill.nanoseconds, made);
        }
    }
    bill.nanoseconds = most.0;
    let size = size.unwrap_or(header.size);
    let pixels = Pixels {
        count: size.pixels(),
        ..most.1
    };
    Ok(Made { pixels, size })
}

/// Colours, a background, and writing in the format that is wanted.
fn finished(
    found: Format,
    header: &Header,
    made: &Made,
    encoding: &Encoding,
    bill: &mut Bill,
) -> Result<(), OperationError> {
    let output = encoding.output.unwrap_or(found.output());
    let Made { pixels, size } = *made;
    fits(output, size)?;
    let eight = Pixels { depth: 1, ..pixels };
    let mut copies = eight.bytes();
    if pixels.depth > 1 {
        copies += pixels.bytes();
    }
    let mut nanoseconds = 0;
    if header.metadata > 0 {
        // Its profile may be one that the output can't carry.
        copies += eight.bytes();
        nanoseconds += pixels.count * rates::CONVERTED;
    }
    bill.step(copies, nanoseconds);
    let times = match encoding.max_bytes {
        None => 1,
        Some(most) => {
            budget::check_floor(size, pixels.channels, output, most)?;
            if output == Output::Png {
                1
            } else {
                budget::MAX_ENCODES
            }
        }
    };
    written(eight, output, encoding.quality, bill, times);
    Ok(())
}

/// Writing so many times, of which the best is kept.
fn written(pixels: Pixels, output: Output, quality: u8, bill: &mut Bill, times: u64) {
    let rates = rates::encoding(output, quality);
    let kept = if times > 1 {
        pixels.count * rates.written
    } else {
        0
    };
    bill.step(
        pixels.bytes() + pixels.count * rates.memory + kept,
        (pixels.count * rates.nanoseconds).saturating_mul(times),
    );
}

fn optimize(
    format: Format,
    header: &Header,
    bytes: u64,
    quality: u8,
    bill: &mut Bill,
) -> Result<(), OperationError> {
    if header.frames > 1 {
        return Err(OperationError::permanent(
            assetmill_core::FailureCode::UnsupportedMediaType,
            format!(
                "the {} is an animation, of which optimize would keep one frame; use a still picture, or \
                 convert",
                format.name()
            ),
        ));
    }
    let whole = decoded(format, header, bytes, &[], bill);
    fits(format.output(), header.size)?;
    match format {
        Format::Jpeg => {
            let rates = rates::SMALL_JPEG;
            bill.step(
                whole.bytes() + whole.count * rates.memory,
                whole.count * rates.nanoseconds,
            );
        }
        Format::Png => {
            let rates = rates::SMALL_PNG;
            // Written plainly first where it has to be turned.
            let eight = Pixels { depth: 1, ..whole };
            bill.step(whole.bytes() + eight.bytes(), 0);
            bill.step(
                whole.bytes() * rates.memory,
                whole.bytes().saturating_mul(rates.nanoseconds),
            );
        }
        _ => written(whole, format.output(), quality, bill, 1),
    }
    Ok(())
}

/// Whether a format can hold a picture of this size.
fn fits(output: Output, size: Size) -> Result<(), OperationError> {
    let most = output.longest_side();
    let Size { width, height } = size;
    if width.max(height) <= most {
        return Ok(());
    }
    Err(too_many(format!(
        "the result would have {width} × {height} pixels, and {} holds at most {most} on a side; ask for \
         fewer, or for PNG",
        output.name()
    )))
}

/// The failure of a job that is not begun.
fn refused(message: String) -> OperationError {
    OperationError::permanent(FailureCode::TooExpensive, message)
}
