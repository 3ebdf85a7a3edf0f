//! `assetmill operation try`: one operation on one asset, with what goes over the wire shown.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use assetmill_core::ports::Sources;
use assetmill_core::{
    Asset, AssetUrl, Availability, Catalogue, OperationError, Params, ParamsSchema, TenantId,
};
use assetmill_sqlite::private;
use assetmill_vendors::transcript;
use serde_json::{Map, Value};

use crate::config::TryOperation;

/// Where vendors are told that a local file is: nowhere.
const NO_URL: &str = "https://example.com/local-file";
/// Where results go, below the folder of the data.
const TRIED: &str = "tried";

/// Why a trial has no result.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    /// The catalogue has no such operation.
    #[error("there is no operation {name}; there are {known}")]
    NoOperation {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It lacks a secret.
    #[error("{name} can't run: {reason}")]
    Unavailable {
        /// The operation.
        name: String,
        /// What would help.
        reason: String,
    },
    /// A parameter is wrong.
    #[error("--param: {0}")]
    Param(String),
    /// A file can't be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The URL is none that assets have.
    #[error("{0}")]
    Url(String),
    /// The operation, or the fetch of its asset, failed.
    #[error("{code}: {message} ({advice})")]
    Failed {
        /// The code of the failure.
        code: &'static str,
        /// Its message.
        message: String,
        /// Whether another try could help.
        advice: &'static str,
    },
    /// Nothing can be printed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the operation, prints what went over the wire, and writes the result to a file: below `data`, unless
/// another is named.
///
/// # Errors
/// [`TryError`] says why there is no result; what went over the wire is printed all the same.
pub async fn run(
    trial: &TryOperation,
    catalogue: &Catalogue,
    sources: &dyn Sources,
    data: &Path,
) -> Result<(), TryError> {
    let operation = catalogue.get(&trial.name).ok_or_else(|| {
        let names: Vec<_> = catalogue
            .iter()
            .map(|operation| operation.description().name.to_string())
            .collect();
        TryError::NoOperation {
            name: trial.name.clone(),
            known: names.join(", "),
        }
    })?;
    let description = operation.description();
    if let Availability::Unavailable { reason } = &description.availability {
        return Err(TryError::Unavailable {
            name: trial.name.clone(),
            reason: reason.clone(),
        });
    }
    let params = params(&trial.params, &description.params)?;
    let tenant = TenantId::local();
    let asset = asset(&tenant, &trial.asset, sources).await?;
    let began = Instant::now();
    let (result, lines) = transcript::watch(operation.run(&tenant, asset, &params)).await;
    let took = began.elapsed();
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    let product = result.map_err(|error| failed(&error))?;
    let output = if let Some(output) = &trial.output {
        output.clone()
    } else {
        let folder = data.join(TRIED);
        let extension = product.media_type.extension();
        at(&folder, private::create_dir_all(&folder))?;
        folder.join(format!("{}.{extension}", trial.name))
    };
    at(&output, std::fs::write(&output, &product.content))?;
    writeln!(
        out,
        "{}: {}, {} bytes, in {} ms",
        output.display(),
        product.media_type,
        product.content.len(),
        took.as_millis()
    )?;
    Ok(())
}

/// Parameters of a command line are texts; JSON where that is what the operation takes.
fn params(given: &[String], schema: &ParamsSchema) -> Result<Params, TryError> {
    let mut object = Map::new();
    for pair in given {
        let (name, text) = pair
            .split_once('=')
            .ok_or_else(|| TryError::Param(format!("{pair} is no parameter; write name=value")))?;
        let as_json = serde_json::from_str(text).ok();
        let fits = |value: &Value| {
            let spec = schema.0.get(name);
            spec.is_some_and(|spec| spec.kind.accept(value).is_some())
        };
        let value = as_json.filter(fits).unwrap_or_else(|| text.into());
        object.insert(name.to_owned(), value);
    }
    schema
        .accept(&object)
        .map_err(|error| TryError::Param(error.to_string()))
}

async fn asset(tenant: &TenantId, place: &str, sources: &dyn Sources) -> Result<Asset, TryError> {
    if place.starts_with("http://") || place.starts_with("https://") {
        let url: AssetUrl = place.parse().map_err(TryError::Url)?;
        return sources
            .fetch(tenant, &url)
            .await
            .map_err(|error| failed(&error));
    }
    let path = Path::new(place);
    let content = at(path, std::fs::read(path))?;
    Ok(Asset {
        url: NO_URL.parse().map_err(TryError::Url)?,
        content: content.into(),
    })
}

/// What was done to a file, which the error names.
fn at<T>(path: &Path, done: io::Result<T>) -> Result<T, TryError> {
    done.map_err(|source| TryError::File {
        path: path.to_owned(),
        source,
    })
}

fn failed(error: &OperationError) -> TryError {
    let failure = error.failure();
    TryError::Failed {
        code: failure.code.as_str(),
        message: failure.message.clone(),
        advice: if failure.retryable {
            "another try may help"
        } else {
            "another try would not help"
        },
    }
}
