//! A life of the program: start, serve, stop.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use assetmill_api::sample::SAMPLE_PATH;
use assetmill_catalogue::{CatalogueError, UnknownLimits};
use assetmill_core::ports::Unavailable;
use assetmill_fetch::{ClientError, Fetcher};
use assetmill_images::sandbox::SandboxError;
use assetmill_sqlite::{OpenError, Store};
use tokio::net::TcpListener;
use url::Url;

use crate::adapters::{EmbeddedError, in_folder};
use crate::app::{App, AppError};
use crate::aws::{self, AwsError};
use crate::cli::remote::say_where;
use crate::config::{Command, Config, OperationCommand};
use crate::descriptors;
use crate::keys::{self, KeyError};
use crate::materials::{Materials, send_what_was_left_behind};
use crate::samples::WithSample;
use crate::server::Connections;
use crate::stopping::say;
use crate::try_operation::{self, TryError};
use crate::working::{EndError, GRACEFUL, Working};
use crate::{server, signals};

/// On AWS nothing can be put back, and a flow that two processes left behind is given up: as long as an attempt
/// may take.
const GRACEFUL_ON_AWS: Duration = Duration::from_mins(3);

/// Why the program did not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A folder would be gone with the function.
    #[error(
        "this is a Lambda function, where nothing can be kept in a folder: deploy template.yaml, \
         whose functions keep everything on AWS"
    )]
    InLambda,
    /// The folder can't be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Nothing can be kept in the folder.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// What is asked for is on AWS, and can't be had.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// The catalogue is broken.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The catalogue can't be read.
    #[error("the catalogue {path} can't be read: {source}; name another with --operations")]
    CatalogueFile {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The environment limits an operation that is not there.
    #[error(transparent)]
    Limits(#[from] UnknownLimits),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Whoever reaches the address could call.
    #[error(
        "other machines can reach {address}, and without keys everybody who does may call: say who may \
         with --callers (`assetmill key create TENANT` makes the file) or --api-keys (ASSETMILL_API_KEYS), or --open (ASSETMILL_OPEN=true) if everybody is meant to"
    )]
    Strangers {
        /// Which address.
        address: SocketAddr,
    },
    /// The HTTP client can't be made.
    #[error("the HTTP client can't be made: {0}")]
    Client(#[from] ClientError),
    /// The address makes no URL.
    #[error("results would have no URL: {0}; give one with --public-url")]
    PublicUrl(#[from] url::ParseError),
    /// There are no processes for codecs.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A part of the program can't be made.
    #[error(transparent)]
    App(#[from] AppError),
    /// The operation that was tried failed.
    #[error(transparent)]
    TryOperation(#[from] TryError),
    /// Nothing was done to the keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nothing can be served or printed any more.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It did not end as it should.
    #[error(transparent)]
    End(#[from] EndError),
    /// What a process left behind can't be sent.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl ServeError {
    /// Whether whoever read what a command printed has gone, with enough of it.
    pub fn is_unread(&self) -> bool {
        match self {
            Self::Key(KeyError::Print(error)) | Self::TryOperation(TryError::Io(error)) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }
}

/// Serves until a signal to stop.
///
/// # Errors
/// [`ServeError`] says why it did not start.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    if std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_some() {
        return Err(ServeError::InLambda);
    }
    match &config.command {
        Some(Command::Init) => return Ok(aws::init(&config).await?),
        Some(Command::Poll(polled)) => return Ok(aws::poll(&config, polled).await?),
        Some(Command::Key(command)) => return Ok(keys::run(config.callers_file(), command)?),
        Some(Command::Operation(_) | Command::Client(_)) | None => {}
    }
    let materials = Materials::gather(&config)?;
    if let Some(Command::Operation(OperationCommand::Try(trial))) = &config.command {
        let Materials {
            client, catalogue, ..
        } = materials;
        let sources = Fetcher::new(client, config.fetch_limits(), config.origin_limits());
        let sources = WithSample::new(&public_url(&config, config.listen)?, sources);
        return Ok(try_operation::run(trial, &catalogue, &sources, config.data()).await?);
    }
    refuse_strangers(&config)?;
    descriptors::raise();
    let store = if config.aws {
        None
    } else {
        Some(materials.store(&config, config.data()).await?)
    };
    let listener = listen(config.listen).await?;
    let address = listener.local_addr()?;
    let public_url = public_url(&config, address)?;
    let clock = materials.clock.clone();
    let adapters = match &store {
        Some(store) => {
            let in_flight = config.in_flight();
            in_folder(
                store,
                &public_url,
                config.workers_of_one(),
                clock,
                in_flight,
            )?
        }
        None => aws::adapters(&config, clock).await?,
    };
    let app = materials.app(&config, &public_url, adapters)?;
    if store.is_some() {
        send_what_was_left_behind(&app).await?;
    }
    if let Some(store) = &store {
        say_where(store.folder().path(), &own_url(address)?)?;
    }
    greet(&config, address, &public_url, store.as_ref())?;
    let mut connections = Connections::new(config.connections as usize);
    if config.needs_keys() {
        connections = connections.shared_by_tenants();
    }
    run(app, listener, connections, store, config.workers.get()).await
}

/// Without keys, only callers on this machine are let in by default.
fn refuse_strangers(config: &Config) -> Result<(), ServeError> {
    let address = config.listen;
    if config.needs_keys() || config.open || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(ServeError::Strangers { address })
}

async fn run(
    app: App,
    listener: TcpListener,
    connections: Connections,
    store: Option<Store>,
    parallel: usize,
) -> Result<(), ServeError> {
    let router = app.router.clone();
    let grace = match store {
        Some(_) => GRACEFUL,
        None => GRACEFUL_ON_AWS,
    };
    let working = Working::begin(app, store, parallel);
    working.also(|stop| server::serve(listener, connections, router, stop));
    signals::stop()?.await;
    let counted = working.in_work();
    let put_back = working.end(counted.count_down(grace)).await?;
    say(format_args!(
        "Stopped; {put_back} flows in flight were put back."
    ));
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| ServeError::Listen { address, source })
}

fn public_url(config: &Config, address: SocketAddr) -> Result<Url, url::ParseError> {
    match &config.public_url {
        Some(url) => Ok(url.clone()),
        None => own_url(address),
    }
}

/// The URL of an address of this machine. One for every interface is none to go to; the machine's own is.
pub(crate) fn own_url(mut address: SocketAddr) -> Result<Url, url::ParseError> {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    Url::parse(&format!("http://{address}/"))
}

fn greet(
    config: &Config,
    address: SocketAddr,
    public_url: &Url,
    store: Option<&Store>,
) -> io::Result<()> {
    let data = store.map_or_else(
        || format!("table {}", config.resources.table),
        |store| store.folder().path().display().to_string(),
    );
    writeln!(
        io::stdout(),
        "Assetmill {version} is listening on {address}

  API      {public_url}
  Console  {public_url}console
  Docs     {public_url}docs
  Data     {data}

Try it:

  curl {public_url}api/v1/transform --output thumbnail.webp{key} \\
    -H 'content-type: application/json' \\
    -d '{{\"digital_asset_url\": \"{public_url}{SAMPLE_PATH}\", \"params\": {{\"format\": \"webp\"}}}}'
",
        key = if config.needs_keys() {
            " -H 'authorization: Bearer YOUR_KEY'"
        } else {
            ""
        },
        version = env!("CARGO_PKG_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn strangers_are_let_in_by_keys_or_a_word_alone() {
        let refused = |options: &[&str]| {
            let config = Config::parse_from(["assetmill"].iter().chain(options));
            refuse_strangers(&config).is_err()
        };
        for address in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "[2001:db8::1]:80"] {
            assert!(refused(&["--listen", address]), "{address}");
            assert!(!refused(&["--listen", address, "--open"]), "{address}");
            let keys = "alice:alice-alice-alice-alice";
            assert!(!refused(&["--listen", address, "--api-keys", keys]));
        }
        for address in [
            "127.0.0.1:80",
            "127.8.8.8:80",
            "[::1]:80",
            "[::ffff:127.0.0.1]:80",
        ] {
            assert!(!refused(&["--listen", address]), "{address}");
        }
    }
}
