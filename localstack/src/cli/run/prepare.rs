//! What becomes of a source: nothing, where it is done already, or an item for a batch.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use assetmill_client::{Announcement, FlowError};
use assetmill_core::{MediaType, Sha256Digest, Source as AssetSource};
use bytes::Bytes;
use jiff::Timestamp;

use super::journal::{Entry, Item, Stamped, Written};
use super::running::{Running, UPLOADED_MIB};
use super::source::{Origin, Source};
use crate::cli::CliError;
use crate::cli::local_files::{Stamp, asset_url};

/// More than any Assetmill takes; so much is held while it is sent.
const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// What tells a media type by the content.
const BEGINNING_BYTES: usize = 64 * 1024;
const MIB: u64 = 1024 * 1024;

/// What becomes of a source.
pub(super) enum Prepared {
    /// It goes into a batch.
    Item(Item),
    /// It is in a batch of an earlier run that is not done yet.
    Followed,
    /// Its output is there.
    Unchanged(Written),
    /// There will be none. `unconfirmed` is whether somebody may have been paid for it.
    Failed { error: FlowError, unconfirmed: bool },
}

/// Looks at a source, and gives it away if it has to be done.
pub(super) async fn prepare(
    run: &Arc<Running>,
    source: &Source,
    name: &str,
) -> Result<Prepared, CliError> {
    let refused = |code: &str, message: String| {
        Ok(Prepared::Failed {
            error: FlowError {
                code: code.to_owned(),
                message,
                retryable: false,
            },
            unconfirmed: false,
        })
    };
    let identity = source.identity();
    let file = match &source.origin {
        Origin::Url(url) => {
            match AssetSource::parse(url) {
                Err(error) => return refused("invalid_url", error.to_string()),
                Ok(Err((_, refusal))) => return refused("invalid_url", refusal.to_string()),
                Ok(Ok(_)) => {}
            }
            None
        }
        Origin::File(path) => {
            let (run, path, identity) = (run.clone(), path.clone(), identity.clone());
            let looked = tokio::task::spawn_blocking(move || look(&run, &path, &identity)).await;
            match looked {
                Ok(Ok(file)) => Some(file),
                Ok(Err(error)) => return refused("unreadable_file", error.to_string()),
                Err(error) => return refused("unreadable_file", error.to_string()),
            }
        }
    };
    let what = file.as_ref().map_or(&identity, |file| &file.sha256);
    let work = run.work(what);
    run.is_latest(name, &work);
    if run.open.contains(&(work.clone(), name.to_owned())) {
        return Ok(Prepared::Followed);
    }
    if let Some(written) = run.history.written(&work, name)
        && run.outputs.has(written)
    {
        return Ok(Prepared::Unchanged(written.clone()));
    }
    if let Some((error, true)) = run.history.failed(&work, name)
        && !run.retry_unconfirmed
    {
        return Ok(Prepared::Failed {
            error: error.clone(),
            unconfirmed: true,
        });
    }
    let may_replace = |output: &str| run.history.wrote_of(output, &identity);
    if let Some(reason) = run.outputs.refuses(name, &run.endings, may_replace) {
        return refused("output_exists", reason);
    }
    let asset = match (&file, source.file()) {
        (Some(file), Some(path)) => match given(run, path, file).await? {
            Ok(asset) => asset,
            Err((code, message)) => return refused(&code, message),
        },
        _ => identity.clone(),
    };
    Ok(Prepared::Item(Item {
        source: identity,
        asset,
        file,
        name: name.to_owned(),
        work,
    }))
}

/// What is in a file.
fn look(run: &Running, path: &Path, identity: &str) -> io::Result<Stamped> {
    let metadata = std::fs::metadata(path)?;
    // Of others there may be no end, or none before somebody writes.
    if !metadata.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let stamp = Stamp::new(&metadata)?;
    if let Some(known) = run.history.hash(identity)
        && known.stamp() == stamp
    {
        return Ok(known.clone());
    }
    if stamp.bytes > MOST_BYTES {
        return Err(io::Error::other("it is larger than any asset may be"));
    }
    let digest = Sha256Digest::of_reader(File::open(path)?.take(MOST_BYTES))?;
    Ok(Stamped::new(digest.to_string(), stamp))
}

/// Has a file where its asset is taken from; its URL, or why it can't be had.
async fn given(
    run: &Running,
    path: &Path,
    file: &Stamped,
) -> Result<Result<String, (String, String)>, CliError> {
    let unreadable = |error: io::Error| ("unreadable_file".to_owned(), error.to_string());
    if let Some(files) = &run.files {
        return Ok(match (beginning(path), file.sha256.parse()) {
            (Ok(beginning), Ok(sha256)) => {
                let url = asset_url(&sha256, &beginning);
                files.know(&url, path.to_owned(), file.stamp());
                Ok(url)
            }
            (Err(error), _) => Err(unreadable(error)),
            (_, Err(error)) => Err(unreadable(io::Error::other(error))),
        });
    }
    let server = &run.job.server;
    if let Some((asset, expires_at)) = run.history.upload(server, &file.sha256)
        && expires_at
            .parse()
            .is_ok_and(|end: Timestamp| end > Timestamp::now())
    {
        return Ok(Ok(asset.clone()));
    }
    let mib = u32::try_from(file.stamp().bytes / MIB + 1).unwrap_or(UPLOADED_MIB);
    let _room = run.uploads.acquire_many(mib.min(UPLOADED_MIB)).await;
    let content: Bytes = match tokio::fs::read(path).await {
        // It may have changed since it was looked at; what is sent is what is named.
        Ok(content) if Sha256Digest::of(&content).as_str() == file.sha256 => content.into(),
        Ok(_) => return Ok(Err(unreadable(io::Error::other("it is being written to")))),
        Err(error) => return Ok(Err(unreadable(error))),
    };
    let media_type = MediaType::of_content(&content);
    let announced = Announcement {
        sha256: &file.sha256,
        bytes: content.len() as u64,
        media_type: media_type.as_str(),
    };
    match run.client.upload(content, &announced).await {
        Ok(upload) => {
            run.journal.note(&Entry::Uploaded {
                server: server.clone(),
                sha256: file.sha256.clone(),
                asset: upload.digital_asset_url.clone(),
                expires_at: upload.expires_at,
            })?;
            Ok(Ok(upload.digital_asset_url))
        }
        Err(error) => match error.problem() {
            // It is about this file, and not about all.
            Some(problem) if matches!(problem.status, 413 | 415 | 422) => {
                Ok(Err((problem.code.clone(), problem.detail.clone())))
            }
            _ => Err(error.into()),
        },
    }
}

fn beginning(path: &Path) -> io::Result<Vec<u8>> {
    let mut beginning = Vec::new();
    let file = File::open(path)?;
    file.take(BEGINNING_BYTES as u64)
        .read_to_end(&mut beginning)?;
    Ok(beginning)
}
