//! Assets from their URLs.

mod answer;
mod room;
mod upload;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{LimitsOfTenants, Sources};
use assetmill_core::{Asset, AssetUrl, FailureCode, OperationError, Share, TenantId};
use async_trait::async_trait;
use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use tokio::time::{Instant, timeout_at};

use self::answer::{Answer, Place};
use self::room::Room;
use self::upload::Uploads;
use super::body::Reading;
use super::origins::Origins;
use super::{GuardedClient, Memory, OriginLimits};

const MIB: u64 = 1024 * 1024;
/// The bytes of assets that are held at the same time where nobody says otherwise.
const DEFAULT_MEMORY: u64 = 1024 * MIB;

/// How much one fetch may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FetchLimits {
    /// The most bytes of an asset.
    pub max_bytes: u64,
    /// The longest time from the first look-up to the last byte, redirects included.
    pub time: Duration,
    /// The most redirects that are followed.
    pub redirects: usize,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            max_bytes: 50 * MIB,
            time: Duration::from_secs(30),
            redirects: 5,
        }
    }
}

/// Fetches assets over HTTP, within [`FetchLimits`], from permitted addresses only, and asks no host for
/// more than [`OriginLimits`]. Cloning it is cheap; the clones count together what they ask of a host,
/// so a process SHOULD have one fetcher and its clones.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: GuardedClient,
    limits: FetchLimits,
    origins: Origins,
    room: Room,
    of_tenants: Option<OfTenants>,
    uploads: Option<Uploads>,
}

/// What each tenant may have.
#[derive(Clone)]
struct OfTenants(Arc<dyn LimitsOfTenants>);

impl fmt::Debug for OfTenants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfTenants").finish_non_exhaustive()
    }
}

impl Fetcher {
    /// A fetcher that connects through `client`.
    pub fn new(client: GuardedClient, limits: FetchLimits, origins: OriginLimits) -> Self {
        Self {
            client,
            limits,
            origins: Origins::new(origins),
            room: Room::new(&Memory::of(DEFAULT_MEMORY), limits.max_bytes),
            of_tenants: None,
            uploads: None,
        }
    }

    /// Fetches no asset of a tenant that is larger than that tenant may have, nor than all may.
    #[must_use]
    pub fn with_tenant_limits(self, limits: Arc<dyn LimitsOfTenants>) -> Self {
        Self {
            of_tenants: Some(OfTenants(limits)),
            ..self
        }
    }

    /// The fetcher of one tenant.
    async fn of(&self, tenant: &TenantId) -> Self {
        let mut own = self.clone();
        if let Some(OfTenants(tenants)) = &self.of_tenants
            && let Some(bytes) = tenants.limits(tenant).await.asset_bytes
        {
            own.limits.max_bytes = own.limits.max_bytes.min(bytes);
        }
        own
    }

    /// Holds no more bytes at the same time than this memory has: of assets, from their arrival until nobody needs them
    /// any more, of what is sent of them, and of as much that comes back.
    #[must_use]
    pub fn within(self, memory: &Memory) -> Self {
        Self {
            room: Room::new(memory, self.limits.max_bytes),
            ..self
        }
    }

    /// Follows redirects by hand: each hop is a URL that has to be accepted and guarded anew.
    async fn follow(&self, tenant: &TenantId, url: &AssetUrl) -> Result<Bytes, OperationError> {
        let deadline = Instant::now() + self.limits.time;
        let mut at = url.clone();
        let mut redirects = 0;
        let mut reserved = None;
        while redirects <= self.limits.redirects {
            match self
                .ask_in_turn(tenant, &at, reserved.take(), deadline)
                .await?
            {
                Answer::Asset(content) => return Ok(content),
                Answer::Elsewhere(next) => {
                    at = next;
                    redirects += 1;
                }
                Answer::Grew => {
                    // Holding nothing, lest those that grow wait for each other.
                    let most = self.room.for_largest(tenant).await;
                    reserved = Some(most.ok_or_else(|| Place::of(url).no_room())?);
                }
            }
        }
        Err(OperationError::permanent(
            FailureCode::SourceBadRedirect,
            format!(
                "{} redirects more than {} times; use the URL that it leads to",
                Place::of(url),
                self.limits.redirects
            ),
        ))
    }

    /// Each hop is a turn at its own host. One that does not answer in time is told apart from one that nobody
    /// waits for any more.
    async fn ask_in_turn(
        &self,
        tenant: &TenantId,
        url: &AssetUrl,
        reserved: Option<Share>,
        deadline: Instant,
    ) -> Result<Answer, OperationError> {
        let turn = self.origins.turn(tenant, url.as_url()).await;
        let turn = turn.map_err(|bounce| Place::of(url).bounced(bounce))?;
        let answer = timeout_at(deadline, self.ask(tenant, url, reserved)).await;
        let answer = answer.unwrap_or_else(|_| Err(self.late(url)));
        match answer {
            Err(OperationError::Throttled {
                failure,
                retry_after,
            }) => Err(OperationError::Throttled {
                failure,
                retry_after: Some(turn.throttled(retry_after)),
            }),
            Err(error @ (OperationError::Transient(_) | OperationError::Persistent(_))) => {
                turn.failed();
                Err(error)
            }
            // A refusal that is final is an answer too.
            answer => {
                turn.answered();
                answer
            }
        }
    }

    fn late(&self, url: &AssetUrl) -> OperationError {
        OperationError::transient(
            FailureCode::SourceTimeout,
            format!(
                "{} did not send the whole asset within {} s; try again later",
                Place::of(url),
                self.limits.time.as_secs_f64()
            ),
        )
    }

    async fn ask(
        &self,
        tenant: &TenantId,
        url: &AssetUrl,
        reserved: Option<Share>,
    ) -> Result<Answer, OperationError> {
        let place = Place::of(url);
        let request = self
            .client
            .request(Method::GET, url.as_url())
            .map_err(|refused| place.transport(refused.into()))?;
        let response = request
            // Content is what the source stores; decoding it would need bounds of its own.
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .send()
            .await
            .map_err(|error| place.transport((&error).into()))?;
        if let Some(answer) = place.judge(url, &response)? {
            return Ok(answer);
        }
        let mut reserved = if let Some(reserved) = reserved {
            reserved
        } else {
            let room = self.room.for_one(tenant, response.content_length()).await;
            room.ok_or_else(|| place.no_room())?
        };
        let failed = |failure| place.body(failure);
        let mut reading = Reading::of(response, self.limits.max_bytes).map_err(failed)?;
        while let Some(chunk) = reading.next().await.map_err(failed)? {
            if !self.room.grow(&mut reserved, reading.length_with(&chunk)) {
                return Ok(Answer::Grew);
            }
            reading.add(&chunk);
        }
        let content = reading.whole();
        if content.is_empty() {
            return Err(place.empty());
        }
        self.room.fit(&mut reserved, content.len() as u64);
        Ok(Answer::Asset(reserved.hold(content)))
    }
}

#[async_trait]
impl Sources for Fetcher {
    async fn fetch(&self, tenant: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        let fetcher = self.of(tenant).await;
        if let Some(key) = url.upload_of(tenant) {
            return fetcher.upload(tenant, url, &key).await;
        }
        Ok(Asset {
            url: url.clone(),
            content: fetcher.follow(tenant, url).await?,
        })
    }
}
