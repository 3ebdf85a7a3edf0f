//! What a program is made of, before anybody knows where it is.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::Catalogue;
use assetmill_core::ports::{Clock, SystemClock, Unavailable};
use assetmill_core::usecases::Sweep;
use assetmill_fetch::{GuardedClient, Memory};
use assetmill_images::Codecs;
use assetmill_sqlite::{OpenError, Store};
use url::Url;

use crate::adapters::Adapters;
use crate::app::{App, AppError};
use crate::config::Config;
use crate::serve::ServeError;

const BUILT_IN_CATALOGUE: &str = include_str!("../../operations.toml");

/// What a program is made of.
pub(crate) struct Materials {
    pub(crate) clock: Arc<dyn Clock>,
    /// What reaches assets.
    pub(crate) client: GuardedClient,
    memory: Memory,
    pub(crate) catalogue: Catalogue,
}

impl Materials {
    /// What the settings say.
    ///
    /// # Errors
    /// [`ServeError`] for a broken catalogue, or where there is no HTTP client or no place for codecs.
    pub(crate) fn gather(config: &Config) -> Result<Self, ServeError> {
        let client = GuardedClient::new(config.fetch_allow.clone())?;
        let memory = Memory::of(config.memory.as_u64());
        // What vendors may be called at opens nothing to callers.
        let vendors = GuardedClient::new(config.vendor_allow.clone())?.answered_within(&memory);
        let codecs = Codecs::sandboxed(config.pictures.bounds(), config.pictures.sandbox)?;
        let catalogue = load_catalogue(config.operations.as_deref(), &vendors, &codecs)?;
        let variables = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        assetmill_catalogue::check_variables(&catalogue, variables)?;
        Ok(Self {
            clock: Arc::new(SystemClock),
            client,
            memory,
            catalogue,
        })
    }

    /// The store in a folder.
    ///
    /// # Errors
    /// [`OpenError`] where it can't be used, or another process does.
    pub(crate) async fn store(&self, config: &Config, folder: &Path) -> Result<Store, OpenError> {
        let store = Store::open(folder, self.clock.clone()).await?;
        Ok(match config.retention() {
            Some(retention) => store.keeping_for(retention),
            None => store,
        })
    }

    /// The program.
    ///
    /// # Errors
    /// [`AppError`].
    pub(crate) fn app(
        self,
        config: &Config,
        public_url: &Url,
        adapters: Adapters,
    ) -> Result<App, AppError> {
        App::new(
            config,
            public_url,
            adapters,
            self.clock,
            self.client,
            &self.memory,
            self.catalogue,
        )
    }
}

/// The last process on the folder is gone for certain, so whatever it left behind may be sent at once.
pub(crate) async fn send_what_was_left_behind(app: &App) -> Result<(), Unavailable> {
    let left_behind = Sweep {
        grace: Duration::ZERO,
        ..app.sweep.clone()
    };
    left_behind.run().await?;
    Ok(())
}

fn load_catalogue(
    path: Option<&Path>,
    client: &GuardedClient,
    codecs: &Codecs,
) -> Result<Catalogue, ServeError> {
    let secrets = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(path) = path else {
        let file = "operations.toml";
        return Ok(assetmill_catalogue::load(
            BUILT_IN_CATALOGUE,
            file,
            client,
            codecs,
            &secrets,
        )?);
    };
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| ServeError::CatalogueFile {
        path: file.clone(),
        source,
    })?;
    Ok(assetmill_catalogue::load(
        &text, &file, client, codecs, &secrets,
    )?)
}
