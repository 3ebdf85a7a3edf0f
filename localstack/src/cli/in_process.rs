//! Assetmill in the process of a command: everything but a server, so that nobody else reaches it.

use std::path::Path;
use std::sync::Arc;

use assetmill_client::{Answer, Client, ClientError, Transport, Unreachable};
use assetmill_sqlite::Store;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::Request;
use tokio::time::sleep;
use tower::ServiceExt as _;
use url::Url;

use super::CliError;
use super::local_files::{LocalFiles, WithLocalFiles};
use crate::adapters::in_folder;
use crate::app::App;
use crate::config::Config;
use crate::materials::{Materials, send_what_was_left_behind};
use crate::serve::ServeError;
use crate::working::{GRACEFUL, Working};
use crate::{aws, descriptors};

/// Where it seems to be: a name that is this machine's, and that nobody listens to.
const HERE: &str = "http://assetmill.localhost/";

/// An Assetmill that answers its own process, and works on flows once it is told to.
pub(crate) struct InProcess {
    app: App,
    store: Option<Store>,
    parallel: usize,
}

/// The work of it.
pub(crate) struct AtWork(Working);

impl InProcess {
    /// Opens the store in `folder`, or on AWS where the settings say so. Uploads that `files` know are read where they are.
    ///
    /// # Errors
    /// [`ServeError`] as for a program that serves.
    pub(crate) async fn open(
        config: &Config,
        folder: &Path,
        files: LocalFiles,
    ) -> Result<Self, ServeError> {
        let materials = Materials::gather(config)?;
        descriptors::raise();
        let here = Url::parse(HERE)?;
        let clock = materials.clock.clone();
        let (store, mut adapters) = if config.aws {
            (None, aws::adapters(config, clock).await?)
        } else {
            let store = materials.store(config, folder).await?;
            let (of_one, in_flight) = (config.workers_of_one(), config.in_flight());
            let adapters = in_folder(&store, &here, of_one, clock, in_flight)?;
            (Some(store), adapters)
        };
        adapters.uploads = Arc::new(WithLocalFiles {
            files,
            others: adapters.uploads,
        });
        Ok(Self {
            app: materials.app(config, &here, adapters)?,
            store,
            parallel: config.workers.get(),
        })
    }

    /// A client of it.
    ///
    /// # Errors
    /// [`CliError`] for a key that no header can have.
    pub(crate) fn client(&self, key: Option<&str>) -> Result<Client, CliError> {
        let here = Url::parse(HERE).map_err(ServeError::from)?;
        let transport = Arc::new(Routed(self.app.router.clone()));
        Client::new(here, key, transport).map_err(|source: ClientError| source.into())
    }

    /// Whether it holds its folder, in which nobody else can work.
    pub(crate) fn is_of_a_folder(&self) -> bool {
        self.store.is_some()
    }

    /// Begins to work on what there is, and on what comes.
    ///
    /// # Errors
    /// [`ServeError`] where what the last process left behind can't be sent.
    pub(crate) async fn work(self) -> Result<AtWork, ServeError> {
        if self.store.is_some() {
            send_what_was_left_behind(&self.app).await?;
        }
        Ok(AtWork(Working::begin(self.app, self.store, self.parallel)))
    }
}

impl AtWork {
    /// Begins nothing more; what is in work may end for a while, or until another signal to stop.
    ///
    /// # Errors
    /// [`ServeError`] where what is in flight can't be put back.
    pub(crate) async fn end(self) -> Result<(), ServeError> {
        self.0.end(sleep(GRACEFUL)).await?;
        Ok(())
    }
}

/// A router as a transport.
struct Routed(Router);

#[async_trait]
impl Transport for Routed {
    async fn send(&self, request: Request<Bytes>, most: usize) -> Result<Answer, Unreachable> {
        let Ok(answer) = self.0.clone().oneshot(request.map(Body::from)).await;
        let (head, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, most).await;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.map_err(Unreachable::new)?,
        })
    }
}
