//! `assetmill doctor`: whether all is as it should be, and what to do where it is not.

mod api;
mod here;
mod report;
mod server;

use clap::Args;

use self::report::Report;
use super::{CliError, Ended, Remote};
use crate::config::Config;

/// Looks whether all is as it should be.
#[derive(Debug, Clone, Args)]
pub struct DoctorCommand {
    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(config: &Config, command: &DoctorCommand) -> Result<Ended, CliError> {
    let mut report = Report::begin(command.remote.json);
    match command.remote.named()? {
        Some((url, key)) => server::look(&mut report, &url, key.as_deref()).await?,
        None => here::look(&mut report, config, &command.remote).await?,
    }
    Ok(if report.is_well() {
        Ended::Well
    } else {
        Ended::SomeFailed
    })
}
