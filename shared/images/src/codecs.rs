//! Where pictures are worked on, and how much they may take.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::{Failure, MediaType, OperationError, Product, Shares, TenantId};
use bytes::Bytes;
use tokio::task::spawn_blocking;

use crate::bounds::{Bounds, DEFAULT_MAX_PIXELS};
use crate::format::Format;
use crate::header::Header;
use crate::price::Price;
use crate::sandbox::{Allowance, Assignment, Confinement, Pool, SandboxError, brought_down};
use crate::transforms::cut_out;
use crate::transforms::watermark::Overlay;
use crate::work::{Job, Overlays, Work};

/// What a picture took that was worked on to its end, whatever came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// The bytes that were set aside for it.
    pub reserved: u64,
    /// The most that it took at the same time.
    pub memory: u64,
    /// The time of a core that it was estimated to take.
    pub estimated: Duration,
    /// The time that it took.
    pub cpu: Duration,
}

type InProcess = fn(Job, &[u8], &[u8]) -> Result<Product, Failure>;
type Observer = Arc<dyn Fn(Spent) + Send + Sync>;

/// Where pictures are worked on. Clones share it.
#[derive(Clone)]
pub struct Codecs {
    bounds: Bounds,
    memory: Shares,
    place: Place,
    observer: Option<Observer>,
}

#[derive(Clone)]
enum Place {
    /// By this function: a program that never works in its own process does not contain what it calls.
    Here(InProcess),
    Sandbox(Arc<Pool>),
    Nowhere,
}

/// Its bounds alone.
impl std::fmt::Debug for Codecs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codecs")
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

impl Codecs {
    /// Works in this process, where no wall protects it: for pictures of one's own, as in benches. Bounds
    /// are estimates there, and nothing holds a picture to them.
    pub fn in_process(bounds: Bounds) -> Self {
        let work = |job: Job, asset: &[u8], second: &[u8]| {
            job.run(asset, second, &mut Overlays::default())
        };
        Self::at(Place::Here(work), bounds)
    }

    /// Works on no picture, and brings no encoder along: for who only says what could be made. Every picture fails.
    pub fn none() -> Self {
        Self::at(Place::Nowhere, Bounds::default())
    }

    /// Works in child processes of this binary, whose `main` MUST begin with
    /// [`run_if_child`](crate::sandbox::run_if_child).
    ///
    /// # Errors
    /// [`SandboxError`] when there can be none, or their confinement is required and not to be had.
    pub fn sandboxed(bounds: Bounds, confinement: Confinement) -> Result<Self, SandboxError> {
        let pool = Pool::start(confinement)?;
        Ok(Self::at(Place::Sandbox(Arc::new(pool)), bounds))
    }

    fn at(place: Place, bounds: Bounds) -> Self {
        Self {
            memory: Shares::new(
                bounds.memory.saturating_add(bounds.memory_of_others),
                bounds.memory,
            ),
            bounds,
            place,
            observer: None,
        }
    }

    /// Tells what each picture took that was worked on in a process of its own.
    #[must_use]
    pub fn observed(self, observer: impl Fn(Spent) + Send + Sync + 'static) -> Self {
        Self {
            observer: Some(Arc::new(observer)),
            ..self
        }
    }

    /// Does a job, once there is memory and a process for it. Its price is found, and refused, before
    /// anything is set aside.
    pub(crate) async fn run(
        &self,
        tenant: &TenantId,
        job: Job,
        asset: Bytes,
        overlay: Option<&Overlay>,
        max_pixels: u64,
    ) -> Result<Product, OperationError> {
        let second = overlay.map(|overlay| overlay.content().clone());
        let beside = overlay.map_or(0, Overlay::pixels);
        let price = self.price(job, asset.clone(), beside, max_pixels).await?;
        self.pay(tenant, job, price, asset, second.unwrap_or_default())
            .await
    }

    /// The asset as a PNG, as opaque as the mask is bright at each place.
    ///
    /// # Errors
    /// As of the transforms; a mask that can't be read is the vendor's fault.
    pub async fn cut_out(
        &self,
        tenant: &TenantId,
        asset: Bytes,
        mask: Bytes,
    ) -> Result<Product, OperationError> {
        let accepted: Vec<MediaType> = Format::ALL.iter().map(|it| it.media_type()).collect();
        let format = Format::of(&asset, &accepted)?;
        let mask_header = Format::of(&mask, &accepted)
            .and_then(|format| Ok((format, Header::read(&mask, format, DEFAULT_MAX_PIXELS)?)));
        let (mask_format, header) = mask_header.map_err(|error| cut_out::unfit(error.failure()))?;
        let job = Job {
            work: Work::CutOut { mask: mask_format },
            format,
        };
        let price = self
            .price(job, asset.clone(), header.pixels(), DEFAULT_MAX_PIXELS)
            .await?;
        self.pay(tenant, job, price, asset, mask).await
    }

    /// What a job would take; an error where that is too much.
    async fn price(
        &self,
        job: Job,
        asset: Bytes,
        beside: u64,
        max_pixels: u64,
    ) -> Result<Price, OperationError> {
        let bounds = self.bounds;
        let price = move || {
            let header = Header::read(&asset, job.format, max_pixels)?;
            Price::of(&job, &header, asset.len() as u64, beside, &bounds)
        };
        spawn_blocking(price)
            .await
            .unwrap_or_else(|_| Err(OperationError::Permanent(brought_down())))
    }

    async fn pay(
        &self,
        tenant: &TenantId,
        job: Job,
        price: Price,
        asset: Bytes,
        second: Bytes,
    ) -> Result<Product, OperationError> {
        let _reserved = self.memory.take(tenant, price.memory).await;
        match &self.place {
            Place::Sandbox(pool) => {
                let assignment = Assignment {
                    job,
                    allowance: Allowance {
                        memory: price.memory,
                        cpu: self.bounds.cpu,
                    },
                    asset,
                    second,
                };
                let (product, used) = pool.run(tenant, assignment).await?;
                if let Some(observer) = &self.observer {
                    observer(Spent {
                        reserved: price.memory,
                        memory: used.memory,
                        estimated: price.cpu,
                        cpu: used.cpu,
                    });
                }
                product.map_err(OperationError::Permanent)
            }
            Place::Nowhere => Err(OperationError::Permanent(brought_down())),
            Place::Here(work) => {
                let work = *work;
                let done = spawn_blocking(move || work(job, &asset, &second)).await;
                done.unwrap_or_else(|_| Err(brought_down()))
                    .map_err(OperationError::Permanent)
            }
        }
    }
}
