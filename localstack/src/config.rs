//! The configuration of the program: flags, or environment variables of the same names.

mod callers;
mod commands;
mod pictures;
mod resources;
mod values;

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use assetmill_api::{Callers, InFlight, Operators};
use assetmill_core::NotAName;
use assetmill_fetch::{AllowList, FetchLimits, OriginLimits};
use bytesize::ByteSize;
use clap::Parser;
use url::Url;

use self::values::{at_least, public_url};

pub use self::commands::{Command, OperationCommand, Polled, TryOperation};
pub use self::pictures::Pictures;
pub use self::resources::Resources;

/// Half of it is a tenant's, and has to hold the largest body and a batch of the largest size.
const LEAST_HTTP_MEMORY: ByteSize = ByteSize::mib(32);
const LEAST_MEMORY: ByteSize = ByteSize::mib(16);
/// Flows in the works at the same time where nothing is said: what waits costs little.
const WORKERS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(511);

/// Where everything is where nothing is said.
pub(crate) const DATA: &str = ".assetmill";

/// URLs in, processed assets out: on one machine, with everything in one folder.
#[derive(Debug, Clone, Parser)]
#[command(name = "assetmill", version)]
pub struct Config {
    /// Address and port to listen on.
    #[arg(long, env = "ASSETMILL_LISTEN", default_value = "127.0.0.1:8000")]
    pub listen: SocketAddr,

    /// The folder that holds everything; without it, `.assetmill`, and with `run` that below the folder of its outputs.
    #[arg(long, env = "ASSETMILL_DATA", global = true)]
    pub data: Option<PathBuf>,

    /// Keeps rows in DynamoDB, messages in SQS and outputs in S3, and not in a folder. Where they are, and
    /// with which keys, the variables of the AWS SDKs say. Needs a program that was built with the feature `aws`.
    #[arg(long, env = "ASSETMILL_AWS", conflicts_with = "data")]
    pub aws: bool,

    /// With --aws: what its resources are called.
    #[command(flatten)]
    pub resources: Resources,

    /// How many days batches can be asked for, from their acceptance on. In a folder, those that are complete are
    /// then deleted with their flows, and outputs with the last that names them; without it, all is kept for ever.
    /// With --aws, rows expire whatever their state, after 30 days unless this says otherwise.
    #[arg(
        long,
        env = "ASSETMILL_RETENTION_DAYS",
        value_parser = clap::value_parser!(u64).range(1..=3_650)
    )]
    pub retention_days: Option<u64>,

    /// What to do; without it, to serve.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// The catalogue; without it, the one that is compiled in.
    #[arg(long, env = "ASSETMILL_OPERATIONS", value_name = "FILE", global = true)]
    pub operations: Option<PathBuf>,

    /// Hosts, addresses or CIDR ranges, separated by commas, with or without a port, that assets
    /// may come from although they are private.
    #[arg(
        long,
        env = "ASSETMILL_FETCH_ALLOW",
        default_value = "",
        hide_default_value = true
    )]
    pub fetch_allow: AllowList,

    /// The same for vendors: where they may be called at, and their results come from.
    #[arg(
        long,
        env = "ASSETMILL_VENDOR_ALLOW",
        default_value = "",
        hide_default_value = true
    )]
    pub vendor_allow: AllowList,

    /// The most requests that one host of assets is asked at the same time; never more than three
    /// quarters of the workers of one tenant, so that a slow host leaves some to the others.
    #[arg(
        long,
        env = "ASSETMILL_ORIGIN_CONNECTIONS",
        default_value_t = OriginLimits::DEFAULT_CONNECTIONS
    )]
    pub origin_connections: NonZeroUsize,

    /// The most requests that one host of assets is asked in a second.
    #[arg(
        long,
        env = "ASSETMILL_ORIGIN_RATE",
        default_value_t = OriginLimits::DEFAULT_RATE
    )]
    pub origin_rate: NonZeroU32,

    /// Flows in the works at the same time, and as many again for callers who wait. Most of them wait for
    /// others: pictures have their cores and bodies their memory, however many flows there are.
    #[arg(long, env = "ASSETMILL_WORKERS", default_value_t = WORKERS)]
    pub workers: NonZeroUsize,

    /// The most bytes of assets, of what is sent of them and of what comes back, at the same time; a tenant has no
    /// more than three quarters. An asset weighs three times its size, an answer what it has more than its asset; one
    /// answer at a time may go beyond.
    #[arg(long, env = "ASSETMILL_MEMORY", default_value = "1 GiB", value_parser = at_least(LEAST_MEMORY))]
    pub memory: ByteSize,

    /// The largest asset, in bytes or with a unit.
    #[arg(long, env = "ASSETMILL_MAX_ASSET_BYTES", default_value = "50 MiB")]
    pub max_asset_bytes: ByteSize,

    /// What pictures may take.
    #[command(flatten)]
    pub pictures: Pictures,

    /// What result URLs begin with; without it, the address that the program listens on.
    #[arg(long, env = "ASSETMILL_PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<Url>,

    /// Who may call: `tenant:key` pairs, separated by commas, or `tenant:sha256=digest`, of which nobody can take
    /// a key. Without it, and without --callers, everybody may.
    // Parsed by `callers`: what clap refuses it shows, and these are secrets.
    #[arg(long, env = "ASSETMILL_API_KEYS", hide_env_values = true)]
    pub api_keys: Option<String>,

    /// The file that says who may call and how much each tenant may have, as `assetmill key` writes it. It is read
    /// again when it changes. Without it, callers.toml in the folder of --data, if there is one.
    #[arg(long, env = "ASSETMILL_CALLERS", value_name = "FILE", global = true)]
    pub callers: Option<PathBuf>,

    /// With keys: the tenants, separated by commas, that may stop operations and let them go on. Without keys, everybody
    /// may.
    #[arg(long, env = "ASSETMILL_OPERATORS")]
    pub operators: Option<String>,

    /// Without keys, listens on an address that other machines reach: everybody who does may call.
    #[arg(long, env = "ASSETMILL_OPEN")]
    pub open: bool,

    /// The most bytes of request bodies and answers that are on their way at the same time, of which no
    /// tenant has more than half; at least 32 MiB.
    #[arg(long, env = "ASSETMILL_HTTP_MEMORY", default_value = "256 MiB", value_parser = at_least(LEAST_HTTP_MEMORY))]
    pub http_memory: ByteSize,

    /// The most connections at the same time, of which no address has more than half, and no tenant more than three
    /// quarters. An idle one makes room for another.
    #[arg(
        long,
        env = "ASSETMILL_CONNECTIONS",
        default_value_t = 512,
        value_parser = clap::value_parser!(u32).range(2..=1_000_000)
    )]
    pub connections: u32,

    /// How many seconds callers of v1 are kept waiting before what is unfinished goes to the queue.
    #[arg(
        long,
        env = "ASSETMILL_ANSWER_WITHIN",
        default_value_t = 25,
        value_parser = clap::value_parser!(u64).range(1..=50)
    )]
    pub answer_within: u64,

    /// Keeps what v1 answered in time and costs nothing, too: its rows and outputs are written once the caller is
    /// answered. What costs money is kept in any case.
    #[arg(long, env = "ASSETMILL_KEEP_V1")]
    pub keep_v1: bool,

    /// What is logged: a `tracing` filter. Without it, `info` where it serves, and elsewhere errors, and why a server is asked again.
    #[arg(long, env = "ASSETMILL_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

/// A setting that is not what it may be.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The operators are no tenants.
    #[error("--operators: {0}")]
    Operators(#[source] NotAName),
    /// A name that is compiled in is none.
    #[error(transparent)]
    Name(#[from] NotAName),
}

impl Config {
    /// Who may stop operations.
    ///
    /// # Errors
    /// [`ConfigError`] for a name that is no tenant's.
    pub fn operators(&self, callers: &Callers) -> Result<Operators, ConfigError> {
        Operators::of(callers, self.operators.as_deref()).map_err(ConfigError::Operators)
    }

    /// The folder that holds everything.
    pub fn data(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(DATA))
    }

    /// What is logged.
    pub fn log(&self) -> &str {
        let usual = match &self.command {
            None | Some(Command::Init | Command::Poll(_) | Command::Operation(_)) => "info",
            Some(_) => "error,assetmill_client=warn",
        };
        self.log.as_deref().unwrap_or(usual)
    }

    /// How much one fetch of an asset may take.
    pub fn fetch_limits(&self) -> FetchLimits {
        FetchLimits {
            max_bytes: self.max_asset_bytes.as_u64(),
            ..FetchLimits::default()
        }
    }

    /// How long batches can be asked for; `None` where nothing is said of it.
    pub fn retention(&self) -> Option<Duration> {
        self.retention_days
            .map(|days| Duration::from_hours(24 * days))
    }

    /// The memory of what is on its way over HTTP.
    pub fn in_flight(&self) -> InFlight {
        InFlight::new(self.http_memory.as_u64())
    }

    /// How long callers of v1 are kept waiting.
    pub fn answer_within(&self) -> Duration {
        Duration::from_secs(self.answer_within)
    }

    /// What one host of assets is asked for at the most.
    pub fn origin_limits(&self) -> OriginLimits {
        let of_one = self.workers_of_one().get();
        let most = NonZeroUsize::new(of_one - of_one.div_ceil(4)).unwrap_or(NonZeroUsize::MIN);
        OriginLimits {
            connections: self.origin_connections.min(most),
            rate: self.origin_rate,
        }
    }

    /// Flows of one tenant in the works at the same time: whoever else comes finds a place.
    pub fn workers_of_one(&self) -> NonZeroUsize {
        let workers = self.workers.get();
        NonZeroUsize::new(workers - workers / 4).unwrap_or(NonZeroUsize::MIN)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Config::command().debug_assert();
    }

    #[test]
    fn one_host_never_takes_every_worker() {
        let connections = |arguments: &[&str]| {
            let arguments = ["assetmill"].iter().chain(arguments);
            let config = Config::parse_from(arguments);
            config.origin_limits().connections.get()
        };
        assert_eq!(connections(&["--workers", "8"]), 4);
        assert_eq!(connections(&["--workers", "4"]), 2);
        assert_eq!(connections(&["--workers", "2"]), 1);
        assert_eq!(connections(&["--workers", "1"]), 1);
        assert_eq!(connections(&["--workers", "64"]), 16);
        let few = ["--workers", "8", "--origin-connections", "3"];
        assert_eq!(connections(&few), 3);
    }
}
