//! Processing on Lambda: the same as elsewhere, with the ports on AWS.

use std::sync::Arc;
use std::time::Duration;

use assetmill_catalogue::{CatalogueError, UnknownLimits};
use assetmill_core::Catalogue;
use assetmill_core::usecases::{Alike, Meter, Pacer, Process, TimeLimits};
use assetmill_fetch::{
    AllowList, ClientError, FetchLimits, Fetcher, GuardedClient, Memory, OriginLimits,
};
use assetmill_images::sandbox::{Confinement, SandboxError};
use assetmill_images::{Bounds, Codecs};
use assetmill_vendors::{BUNDLE, SecretName};

use bytesize::ByteSize;

use crate::callers;
use crate::capacity::Capacity;
use crate::environment::{Environment, EnvironmentError};
use crate::stores::Stores;

/// Compiled in: a function has what was deployed with it, and nothing else to go wrong at its start.
const CATALOGUE: &str = include_str!(env!("ASSETMILL_CATALOGUE"));

/// Why nothing can be processed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessingError {
    /// The environment says too little, or something wrong.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The catalogue is broken.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The environment limits an operation that is not there.
    #[error(transparent)]
    Limits(#[from] UnknownLimits),
    /// There are no processes for codecs.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The HTTP client can't be made.
    #[error("the HTTP client can't be made: {0}")]
    Client(#[from] ClientError),
}

/// What assets are fetched and vendors are called with, and what can be made.
#[derive(Clone)]
pub struct Processing {
    fetcher: Fetcher,
    /// What can be made.
    pub catalogue: Catalogue,
    /// The most bytes of an asset; a tenant may have less.
    pub max_asset_bytes: u64,
}

impl Processing {
    /// The processing that the environment describes.
    ///
    /// # Errors
    /// [`ProcessingError`] when the environment or the catalogue is wrong.
    pub fn new(environment: &Environment) -> Result<Self, ProcessingError> {
        let sources = callers_client(environment)?;
        let mut limits = FetchLimits::default();
        if let Some(max_bytes) = environment.read::<ByteSize>("ASSETMILL_MAX_ASSET_BYTES")? {
            limits.max_bytes = max_bytes.as_u64();
        }
        let mut origins = OriginLimits::default();
        if let Some(connections) = environment.read("ASSETMILL_ORIGIN_CONNECTIONS")? {
            origins.connections = connections;
        }
        if let Some(rate) = environment.read("ASSETMILL_ORIGIN_RATE")? {
            origins.rate = rate;
        }
        let capacity = Capacity::of(environment.memory_mib()?);
        let codecs = Codecs::sandboxed(
            bounds(environment, capacity)?,
            environment
                .read::<Confinement>("ASSETMILL_SANDBOX")?
                .unwrap_or_default(),
        )?;
        let memory = Memory::of(capacity.assets);
        let catalogue = catalogue_with(environment, &memory, &codecs)?;
        let fetcher = Fetcher::new(sources, limits, origins).within(&memory);
        let fetcher = match callers::limits(environment)? {
            Some(tenants) => fetcher.with_tenant_limits(Arc::new(tenants)),
            None => fetcher,
        };
        Ok(Self {
            fetcher,
            catalogue,
            max_asset_bytes: limits.max_bytes,
        })
    }

    /// Processes flows with the ports of `stores`, as `meter` counts.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the environment does not name them.
    pub fn process(
        &self,
        stores: &Stores,
        limits: TimeLimits,
        meter: &Meter,
    ) -> Result<Process, EnvironmentError> {
        let table = stores.table()?;
        let flows = stores.flows(meter)?;
        let pacer = Pacer::beside_others(Arc::new(table.gates()), stores.clock());
        let bucket = Arc::new(stores.bucket()?);
        let fetcher = self
            .fetcher
            .clone()
            .with_uploads(bucket.clone(), bucket.clone());
        Ok(Process {
            flows,
            sources: Arc::new(fetcher),
            result_cache: Arc::new(table.result_cache()),
            outputs: bucket,
            catalogue: self.catalogue.clone(),
            alike: Alike::default(),
            pacer,
            clock: stores.clock(),
            limits,
        })
    }
}

/// What can be made, for a function that makes nothing of it: no codec process is started.
///
/// # Errors
/// [`ProcessingError`] when the environment or the catalogue is wrong.
pub fn catalogue(environment: &Environment) -> Result<Catalogue, ProcessingError> {
    catalogue_with(environment, &Memory::of(0), &Codecs::none())
}

fn catalogue_with(
    environment: &Environment,
    memory: &Memory,
    codecs: &Codecs,
) -> Result<Catalogue, ProcessingError> {
    let vendors = client(environment, "ASSETMILL_VENDOR_ALLOW")?.answered_within(memory);
    // Whether it names a secret; the catalogue takes it as it is.
    environment.read::<SecretName>(BUNDLE)?;
    let secrets = |name: &str| environment.get(name).map(ToOwned::to_owned);
    let file = env!("ASSETMILL_CATALOGUE_NAME");
    let catalogue = assetmill_catalogue::load(CATALOGUE, file, &vendors, codecs, &secrets)?;
    assetmill_catalogue::check_variables(&catalogue, environment.names())?;
    Ok(catalogue)
}

/// A client that reaches what callers may have reached.
///
/// # Errors
/// [`ProcessingError`] when the environment allows what is no address, or the client can't be made.
pub fn callers_client(environment: &Environment) -> Result<GuardedClient, ProcessingError> {
    client(environment, "ASSETMILL_FETCH_ALLOW")
}

fn client(
    environment: &Environment,
    allow: &'static str,
) -> Result<GuardedClient, ProcessingError> {
    let allow: Option<AllowList> = environment.read(allow)?;
    Ok(GuardedClient::new(allow.unwrap_or_default())?)
}

/// What pictures may take in a function of this memory.
fn bounds(environment: &Environment, capacity: Capacity) -> Result<Bounds, EnvironmentError> {
    let seconds: Option<u64> = environment.read("ASSETMILL_PICTURE_SECONDS")?;
    let usual = Bounds::default();
    Ok(Bounds {
        memory: capacity.pictures,
        memory_of_others: 0,
        cpu: seconds.map_or(usual.cpu, Duration::from_secs),
        output_pixels: environment
            .read("ASSETMILL_MAX_OUTPUT_PIXELS")?
            .unwrap_or(usual.output_pixels),
    })
}
