//! The Lambda function `results`.

use std::process::ExitCode;
use std::sync::Arc;

use assetmill_api::reads::{self, ReadState};
use assetmill_api::{InFlight, layers};
use assetmill_core::ports::{FlowReads, OutputLinks};
use assetmill_lambda::callers::callers;
use assetmill_lambda::environment::Environment;
use assetmill_lambda::http::{MAX_ANSWER_BYTES, MAX_ROWS};
use assetmill_lambda::processing::catalogue;
use assetmill_lambda::start::{StartError, start};
use assetmill_lambda::stores::{LINK_LIFETIME, Stores};

fn main() -> ExitCode {
    start(run)
}

async fn run(environment: Environment) -> Result<(), StartError> {
    let stores = Stores::new(&environment).await;
    let table = stores.table()?;
    let flows: Arc<dyn FlowReads> = Arc::new(table.flows());
    let links: Arc<dyn OutputLinks> = Arc::new(stores.bucket()?);
    let router = reads::router(ReadState {
        flows,
        links,
        catalogue: catalogue(&environment)?,
        callers: callers(&environment)?,
        gates: Arc::new(table.gates()),
        activity: Arc::new(table.activity_log()),
        clock: stores.clock(),
        link_lifetime: LINK_LIFETIME,
        in_flight: InFlight::unbounded(),
        max_rows: MAX_ROWS,
        rows_at_once: MAX_ROWS,
    });
    let router = layers::around(layers::bounded(router, MAX_ANSWER_BYTES));
    lambda_http::run(router).await
}
