//! The Lambda function `worker`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::usecases::{MessageHandler, TimeLimits};
use assetmill_lambda::environment::{Environment, invalid};
use assetmill_lambda::processing::Processing;
use assetmill_lambda::records::{MAX_HOPS, time_left};
use assetmill_lambda::start::{StartError, start};
use assetmill_lambda::stores::Stores;
use assetmill_worker_function::Worker;
use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{LambdaEvent, service_fn};

/// How long a flow is held. It has to outlive the function's timeout, so that whoever holds a flow is
/// gone before its lease is; template.yaml keeps the two together.
const LEASE: &str = "ASSETMILL_LEASE_SECONDS";

/// SQS hands over ten messages, unless the event source mapping waits for more. What they take of memory
/// is bounded by itself ([`Capacity`](assetmill_lambda::capacity::Capacity)).
const MOST_AT_ONCE: usize = 10;

fn main() -> ExitCode {
    if let Some(ended) = assetmill_images::sandbox::run_if_child() {
        return ended;
    }
    start(run)
}

async fn run(environment: Environment) -> Result<(), StartError> {
    let stores = Stores::new(&environment).await;
    let processing = Processing::new(&environment)?;
    let limits = TimeLimits {
        lease: Duration::from_secs(environment.read_required(LEASE)?),
        hops: Some(MAX_HOPS),
        early: TimeLimits::EARLY_BY_SECONDS,
        ..TimeLimits::default()
    };
    let meter = stores.meter()?;
    let worker = Worker {
        work: MessageHandler {
            process: processing.process(&stores, limits, &meter)?,
            queue: Arc::new(stores.queue()?),
        },
        parallel: MOST_AT_ONCE,
        meter,
    };
    let handle = service_fn(async |event: LambdaEvent<SqsEvent>| {
        let time_left = time_left(event.context.deadline);
        if time_left > limits.lease {
            // Two would work on the same flow at the same time.
            let fault = invalid(LEASE, &"shorter than the function's timeout");
            return Err(StartError::from(fault));
        }
        Ok(worker.handle(event.payload, time_left).await)
    });
    lambda_runtime::run(handle).await
}
