//! The program on AWS: its ports there, and its commands that only make sense there.
//!
//! It is left out of the program unless the feature `aws` is on: the SDK takes as long to compile as half of the
//! rest. `without_aws.rs` stands in for it then.

mod adapters;
pub mod poll;

use std::io::{self, Write as _};
use std::sync::Arc;

use assetmill_aws::resources::{self, Names, RedriveSettings, ResourceError};
use assetmill_aws::{Clients, NotConfigured, Queue};
use assetmill_core::ports::Clock;
use tokio_util::sync::CancellationToken;

use self::poll::{Functions, PollError};
use crate::adapters::Adapters;
use crate::config::{Config, Polled, Resources};
use crate::signals;

/// Why the program does not run on AWS.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The machine does not say how AWS is called.
    #[error(transparent)]
    NotConfigured(#[from] NotConfigured),
    /// The functions can't be invoked.
    #[error(transparent)]
    Poll(#[from] PollError),
    /// The resources on AWS can't be made or found.
    #[error("{0}; `assetmill init` makes what is not there")]
    Resource(#[from] ResourceError),
    /// Nothing can be printed any more, or no signal be heard.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Everything on AWS, or on what the SDK's variables name in its place.
///
/// # Errors
/// [`AwsError`] when it is not known who calls and where, or the queues are not found.
pub(crate) async fn adapters(config: &Config, clock: Arc<dyn Clock>) -> Result<Adapters, AwsError> {
    let clients = clients().await?;
    Ok(adapters::on_aws(&clients, config, clock).await?)
}

/// Invokes functions until a signal to stop.
pub(crate) async fn poll(config: &Config, polled: &Polled) -> Result<(), AwsError> {
    let functions = Functions::of(polled)?;
    let clients = clients().await?;
    let urls = resources::find_queues(&clients, &names(&config.resources)).await?;
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
    signals::stop()?.await;
    stop.cancel();
    // What is being handled comes again if it is not waited for.
    let again = signals::stop()?;
    tokio::select! {
        _ = polling => {}
        () = again => {}
    }
    Ok(())
}

/// Makes what `--aws` needs and says what it is called.
pub(crate) async fn init(config: &Config) -> Result<(), AwsError> {
    let names = names(&config.resources);
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

/// The clients of AWS, if it is known who calls, and where.
async fn clients() -> Result<Clients, NotConfigured> {
    let clients = Clients::from_env().await;
    clients.check().await?;
    Ok(clients)
}

/// What the resources are called.
fn names(resources: &Resources) -> Names {
    Names {
        table: resources.table.clone(),
        bucket: resources.bucket.clone(),
        queue: resources.queue.clone(),
    }
}
