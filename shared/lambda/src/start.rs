//! The start of a function.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::environment::{Environment, invalid};

/// What keeps a function from starting.
pub type StartError = Box<dyn std::error::Error + Send + Sync>;

/// Runs a function until its process ends: telemetry, then `main` with the environment. What it can't
/// start without is told in one line.
pub fn start<Running>(main: impl FnOnce(Environment) -> Running) -> ExitCode
where
    Running: Future<Output = Result<(), StartError>>,
{
    let environment = Environment::of_process();
    let started = log(&environment)
        .and_then(|()| tokio::runtime::Runtime::new()?.block_on(main(environment)));
    match started {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("assetmill: {error}");
            ExitCode::FAILURE
        }
    }
}

/// One JSON object for each event, which the log service reads as fields.
fn log(environment: &Environment) -> Result<(), StartError> {
    const LOG: &str = "ASSETMILL_LOG";
    let filter = EnvFilter::builder()
        .parse(environment.get(LOG).unwrap_or("info"))
        .map_err(|error| invalid(LOG, &format!("{error}; try info")))?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        // CloudWatch has the time of every line.
        .without_time()
        .with_env_filter(filter)
        .init();
    Ok(())
}
