//! What is on this machine: the catalogue, who may call, and where everything is kept.

use std::path::Path;

use assetmill_core::Availability;
use assetmill_sqlite::OpenError;

use super::api;
use super::report::Report;
use super::server;
use crate::cli::local_files::LocalFiles;
use crate::cli::{CliError, Remote};
use crate::config::{Config, Resources};
use crate::materials::Materials;
use crate::serve::ServeError;

pub(super) async fn look(
    report: &mut Report,
    config: &Config,
    remote: &Remote,
) -> Result<(), CliError> {
    if !operations(report, config)? || !callers(report, config)? {
        return Ok(());
    }
    let folder = config.data();
    if !config.aws && !folder.try_exists().unwrap_or(true) {
        return Ok(no_folder(report, folder)?);
    }
    let (check, place) = place(config, folder);
    let connected = remote.open(config, folder, LocalFiles::default()).await;
    let connection = match connected {
        Ok(connection) => connection,
        Err(CliError::Here(ServeError::Open(OpenError::Held { .. }))) => {
            let said = format!("{place} is held by a command that works on it");
            return Ok(report.note(check, &said, "nothing; look again once it has ended")?);
        }
        Err(error) => {
            let todo = if config.aws {
                "set the variables of the AWS SDKs; `assetmill --aws init` makes what is not there"
            } else {
                "mend that, or name another folder with --data"
            };
            return Ok(report.wrong(check, &error.to_string(), todo)?);
        }
    };
    if connection.here.is_none() {
        let url = connection.client.server();
        report.ok(check, &format!("{place} is held by the program at {url}"))?;
        return server::look(report, url, remote.key.as_deref()).await;
    }
    let client = connection.client.impatient();
    let well = format!("{place} can be used");
    let todo = if config.aws {
        "check the names and what may be done with them (docs/permissions.md); `assetmill --aws init` makes what is not \
         there"
    } else {
        "look whether the disk is full or can be written; --log warn before the command says more"
    };
    if api::is_ready(report, &client, check, &well, todo).await? {
        api::endpoints(report, &client).await?;
    }
    Ok(())
}

/// Where everything is, and what it is called in the report.
fn place(config: &Config, folder: &Path) -> (&'static str, String) {
    if !config.aws {
        return ("data", folder.display().to_string());
    }
    let Resources {
        table,
        bucket,
        queue,
    } = &config.resources;
    let place = format!("what is there (table {table}, bucket {bucket}, queue {queue})");
    ("aws", place)
}

/// Whether there is a catalogue.
fn operations(report: &mut Report, config: &Config) -> Result<bool, CliError> {
    let catalogue = match Materials::gather(config) {
        Ok(materials) => materials.catalogue,
        Err(error) => {
            let check = match error {
                ServeError::Sandbox(_) => "codecs",
                _ => "catalogue",
            };
            report.wrong(
                check,
                &error.to_string(),
                "mend that; nothing runs without it",
            )?;
            return Ok(false);
        }
    };
    let count = catalogue.iter().count();
    let file = config.operations.as_deref();
    let which = file.map_or("is compiled in".into(), |file| file.display().to_string());
    let said = format!("{which}, with {count} operations");
    report.ok("catalogue", &said)?;
    let mut lacking = Vec::new();
    for operation in catalogue.iter() {
        let description = operation.description();
        let Availability::Unavailable { reason } = &description.availability else {
            continue;
        };
        if file.is_none() {
            lacking.push(description.name.to_string());
            continue;
        }
        // Whoever has a catalogue means what is in it.
        let said = format!("{} can't run: {reason}", description.name);
        let todo = "do so where assetmill is started, or take it out of the catalogue";
        report.wrong("operation", &said, todo)?;
    }
    if !lacking.is_empty() {
        api::lacking(report, "catalogue", &lacking)?;
    }
    Ok(true)
}

/// Whether it can be told who may call.
fn callers(report: &mut Report, config: &Config) -> Result<bool, CliError> {
    match config.callers() {
        Ok(callers) if callers.is_open() => {
            report.ok("callers", "need no key")?;
            Ok(true)
        }
        Ok(_) => {
            report.ok("callers", "need a key")?;
            Ok(true)
        }
        Err(error) => {
            let todo = "mend that; `assetmill key list` shows which keys there are";
            report.wrong("callers", &error.to_string(), todo)?;
            Ok(false)
        }
    }
}

/// Nothing is made here: a file without a name tells whether it could be.
fn no_folder(report: &mut Report, folder: &Path) -> std::io::Result<()> {
    let shown = folder.display();
    let absolute = std::path::absolute(folder)?;
    let above = absolute.ancestors().skip(1).find(|above| above.exists());
    match tempfile::tempfile_in(above.unwrap_or(Path::new("/"))) {
        Ok(_) => report.ok(
            "data",
            &format!("{shown} is not there yet, and can be made"),
        ),
        Err(error) => {
            let said = format!("{shown} is not there, and can't be made: {error}");
            report.wrong("data", &said, "name another folder with --data")
        }
    }
}
