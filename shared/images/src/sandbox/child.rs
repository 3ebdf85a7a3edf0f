//! The life of a codec process: job after job, until its parent is gone.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use assetmill_core::{Failure, FailureCode, MediaType};
use rustix::io::ioctl_fionbio;
use serde::{Deserialize, Serialize};

use super::gauge::Gauge;
use super::{Allowance, Hello, Usage, confine, frame};
use crate::work::{Job, Overlays};

/// What a process is asked to do. Two contents follow: the asset, and a second picture or nothing.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) job: Job,
    pub(super) allowance: Allowance,
}

/// The byte that says that a job was taken: whatever happens from here on, the picture did it.
pub(super) const TAKEN: u8 = 1;

/// How it went. After a product, its content follows.
#[derive(Serialize, Deserialize)]
pub(super) struct Response {
    pub(super) outcome: Result<MediaType, Failure>,
    pub(super) used: Usage,
}

pub(super) fn run() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve() -> io::Result<()> {
    // Nobody reads what is said here before the process is dead: a full pipe must not hold it up.
    ioctl_fionbio(io::stderr(), true)?;
    let mut requests = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut responses = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let gauge = Gauge::open();
    let confined = confine::confine();
    frame::write_head(&mut responses, &Hello { confined })?;
    let mut overlays = Overlays::default();
    while let Some(Request { job, allowance }) = frame::read_head(&mut requests)? {
        let start = gauge.start(allowance)?;
        let asset = frame::read_content(&mut requests, allowance.memory)?;
        let second = frame::read_content(&mut requests, allowance.memory)?;
        responses.write_all(&[TAKEN])?;
        let work = AssertUnwindSafe(|| job.run(&asset, &second, &mut overlays));
        let product = catch_unwind(work).unwrap_or_else(|_| Err(brought_down()));
        let (outcome, content) = match product {
            Ok(product) => (Ok(product.media_type), Some(product.content)),
            Err(failure) => (Err(failure), None),
        };
        let used = gauge.used_since(&start);
        frame::write_head(&mut responses, &Response { outcome, used })?;
        if let Some(content) = content {
            frame::write_content(&mut responses, &content)?;
        }
    }
    Ok(())
}

/// A panic: the library gave up in a way that it should not.
pub(crate) fn brought_down() -> Failure {
    Failure::permanent(
        FailureCode::OperationCrashed,
        "the operation did not finish: this asset brought it down; use another copy of it, or another format",
    )
}
