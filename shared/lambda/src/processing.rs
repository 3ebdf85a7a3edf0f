//! Processing on Lambda: the same as elsewhere, with the ports on AWS.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::Catalogue;
use assetmill_core::ports::FlowWrites;
use assetmill_core::usecases::{Process, TimeLimits};
use assetmill_images::sandbox::{Confinement, SandboxError};
use assetmill_images::{Bounds, Codecs};
use assetmill_operations::catalogue::{self, CatalogueError};
use assetmill_operations::fetch::{AllowList, ClientError, FetchLimits, Fetcher, GuardedClient};

use crate::capacity::Capacity;
use crate::environment::{Environment, EnvironmentError};
use crate::stores::Stores;

/// Compiled in: a function has what was deployed with it, and nothing else to go wrong at its start.
const CATALOGUE: &str = include_str!("../../../operations.toml");

/// Why nothing can be processed.
#[derive(Debug, thiserror::Error)]
pub enum ProcessingError {
    /// The environment says too little, or something wrong.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The catalogue is broken.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
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
    client: GuardedClient,
    limits: FetchLimits,
    /// What can be made.
    pub catalogue: Catalogue,
}

impl Processing {
    /// The processing that the environment describes.
    ///
    /// # Errors
    /// [`ProcessingError`] when the environment or the catalogue is wrong.
    pub fn new(environment: &Environment) -> Result<Self, ProcessingError> {
        let allow: Option<AllowList> = environment.read("ASSETMILL_FETCH_ALLOW")?;
        let client = GuardedClient::new(allow.unwrap_or_default())?;
        let mut limits = FetchLimits::default();
        if let Some(max_bytes) = environment.read("ASSETMILL_MAX_ASSET_BYTES")? {
            limits.max_bytes = max_bytes;
        }
        let secrets = |name: &str| environment.get(name).map(ToOwned::to_owned);
        let codecs = Codecs::sandboxed(
            bounds(environment)?,
            environment
                .read::<Confinement>("ASSETMILL_SANDBOX")?
                .unwrap_or_default(),
        )?;
        let file = "operations.toml";
        let catalogue = catalogue::load(CATALOGUE, file, &client, &codecs, &secrets)?;
        Ok(Self {
            client,
            limits,
            catalogue,
        })
    }

    /// The largest asset, in bytes.
    pub fn max_asset_bytes(&self) -> u64 {
        self.limits.max_bytes
    }

    /// Processes flows with the ports of `stores`.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the environment does not name them.
    pub fn process(
        &self,
        stores: &Stores,
        limits: TimeLimits,
    ) -> Result<Process, EnvironmentError> {
        let table = stores.table()?;
        let flows: Arc<dyn FlowWrites> = Arc::new(table.flows());
        Ok(Process {
            flows,
            sources: Arc::new(Fetcher::new(self.client.clone(), self.limits)),
            works: Arc::new(table.works()),
            outputs: Arc::new(stores.bucket()?),
            catalogue: self.catalogue.clone(),
            clock: stores.clock(),
            limits,
        })
    }
}

/// What pictures may take in a function of this memory.
fn bounds(environment: &Environment) -> Result<Bounds, EnvironmentError> {
    let seconds: Option<u64> = environment.read("ASSETMILL_PICTURE_SECONDS")?;
    let usual = Bounds::default();
    Ok(Bounds {
        memory: Capacity::of(environment.memory_mib()?).pictures,
        cpu: seconds.map_or(usual.cpu, Duration::from_secs),
        output_pixels: environment
            .read("ASSETMILL_MAX_OUTPUT_PIXELS")?
            .unwrap_or(usual.output_pixels),
    })
}
