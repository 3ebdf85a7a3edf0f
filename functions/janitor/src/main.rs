//! The Lambda function `janitor`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::usecases::{AnnounceAgain, DeliverWebhooks, FailDeadLetter, Submit, Sweep};
use assetmill_fetch::WebhookClient;
use assetmill_janitor_function::{Event, Janitor};
use assetmill_lambda::environment::Environment;
use assetmill_lambda::processing::callers_client;
use assetmill_lambda::start::{StartError, start};
use assetmill_lambda::stores::Stores;
use lambda_runtime::{LambdaEvent, service_fn};

/// How old a batch must be before it counts as left behind: callers of v1 wait for less.
const GRACE: Duration = Duration::from_mins(1);

fn main() -> ExitCode {
    start(run)
}

async fn run(environment: Environment) -> Result<(), StartError> {
    let stores = Stores::new(&environment).await;
    let meter = stores.meter()?;
    let table = stores.table()?;
    let flows = stores.flows(&meter)?;
    let webhooks = Arc::new(table.webhooks());
    let again = |announcer| AnnounceAgain {
        webhooks: webhooks.clone(),
        announcer,
        clock: stores.clock(),
    };
    let janitor = Janitor {
        sweep: Sweep {
            submit: Submit {
                flows: flows.clone(),
                queue: Arc::new(stores.queue()?),
                clock: stores.clock(),
            },
            grace: GRACE,
        },
        deliver_webhooks: DeliverWebhooks {
            webhooks: webhooks.clone(),
            sender: Arc::new(WebhookClient::new(callers_client(&environment)?)),
            clock: stores.clock(),
        },
        announce_again: stores.announcer().map(again),
        fail_dead_letter: FailDeadLetter {
            flows,
            clock: stores.clock(),
        },
        meter,
    };
    let handle = service_fn(async |event: LambdaEvent<Event>| {
        let done = janitor.handle(event.payload).await;
        done.map_err(StartError::from)
    });
    lambda_runtime::run(handle).await
}
