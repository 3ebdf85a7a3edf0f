//! What the program does on AWS besides serving.

use std::io::{self, Write as _};
use std::sync::Arc;

use assetmill_aws::resources::{self, RedriveSettings};
use assetmill_aws::{Clients, NotConfigured, Queue};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Polled};
use crate::poll::{self, Functions};
use crate::serve::ServeError;
use crate::signals;

/// The clients of AWS, if it is known who calls, and where.
pub(crate) async fn clients() -> Result<Clients, NotConfigured> {
    let clients = Clients::from_env().await;
    clients.check().await?;
    Ok(clients)
}

/// Invokes functions until a signal to stop.
pub(crate) async fn poll(config: &Config, polled: &Polled) -> Result<(), ServeError> {
    let functions = Functions::of(polled)?;
    let clients = clients().await?;
    let urls = resources::find_queues(&clients, &config.resources.names()).await?;
    let stop = CancellationToken::new();
    writeln!(
        io::stdout(),
        "Messages of {} go to the functions at {} until Ctrl-C.",
        urls.queue,
        polled.invoke
    )?;
    let polling = tokio::spawn(poll::run(
        functions,
        Arc::new(Queue::new(&clients, urls.queue)),
        Arc::new(Queue::new(&clients, urls.dead_letters)),
        stop.clone(),
    ));
    signals::stop().await?;
    stop.cancel();
    // What is being handled comes again if it is not waited for.
    tokio::select! {
        _ = polling => Ok(()),
        again = signals::stop() => Ok(again?),
    }
}

/// Makes what `--aws` needs and says what it is called.
pub(crate) async fn init(config: &Config) -> Result<(), ServeError> {
    let names = config.resources.names();
    let clients = clients().await?;
    let urls = resources::create(&clients, &names, RedriveSettings::default()).await?;
    writeln!(
        io::stdout(),
        "Table              {}\nBucket             {}\nQueue              {}\nDead-letter queue  {}",
        names.table,
        names.bucket,
        urls.queue,
        urls.dead_letters
    )?;
    Ok(())
}
