//! Who calls, and what they may have.

mod digest;
pub mod edit;
mod file;
mod kept;
mod list;
pub(crate) mod quota;
mod rate;
mod room;
mod table;

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::{FlowReads, LimitsOfTenants, Unavailable};
use assetmill_core::{TenantId, TenantLimits};
use async_trait::async_trait;
use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jiff::Timestamp;

pub use digest::{KeyDigest, NotADigest};
pub use file::BadCallers;
pub use kept::CallersSource;
pub use list::BadKeys;
pub use table::{CallerTable, Key};

pub(crate) use room::Room;

use crate::{ErrorCode, Problem, UnderWay};
use kept::Kept;
use quota::{Quota, Told};
use rate::{Admission, Rates};
use room::Accepting;

/// Who may call, and what each tenant may have. Clones are the same callers, and count together what they ask for.
#[derive(Debug, Clone)]
pub struct Callers {
    who: Who,
    rates: Arc<Rates>,
    accepting: Accepting,
}

#[derive(Debug, Clone)]
enum Who {
    /// Anybody, as this tenant.
    Open(TenantId),
    /// Whoever has a key, as the tenant that it names.
    Known(Arc<CallerTable>),
    /// The same, as it stands somewhere else.
    Kept(Arc<Kept>),
}

/// The tenant on whose behalf a request is made. One request of the rate of its tenant is spent on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(pub TenantId);

/// The same, with a key that is for more than reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer(pub TenantId);

/// A caller whose key is known.
struct Identified {
    tenant: TenantId,
    key: Option<String>,
    read_only: bool,
    limits: TenantLimits,
}

impl CallerTable {
    /// Reads `callers.toml`:
    ///
    /// ```toml
    /// [defaults.limits]           # of tenants for which nothing else is said
    /// requests_per_second = 50
    /// burst = 100
    ///
    /// [tenants.shop]
    /// limits = { open_flows = 200_000, batch_size = 1_000, asset_bytes = "20 MiB" }
    ///
    /// [[tenants.shop.keys]]
    /// name = "ci"                 # what logs call it
    /// sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    /// expires = 2027-01-01T00:00:00Z
    /// read_only = true            # its holder starts and stops nothing
    /// revoked = true
    /// ```
    ///
    /// # Errors
    /// [`BadCallers`] for the first thing that is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, BadCallers> {
        file::parse(text)
    }
}

impl Callers {
    /// Everybody may call, as this tenant, within the limits of whom nothing is said.
    pub fn open(tenant: TenantId) -> Self {
        Self::of(Who::Open(tenant))
    }

    /// Reads a list of keys: `tenant:key,tenant:key`. A tenant may have several. In the place of a key,
    /// `sha256=` and its digest may stand.
    ///
    /// # Errors
    /// [`BadKeys`] for the first entry that can't be used; an empty list has an empty entry.
    pub fn from_keys(text: &str) -> Result<Self, BadKeys> {
        Ok(list::parse(text)?.into())
    }

    /// Callers that are kept somewhere in the form that [`CallerTable::parse`] reads: looked at by whoever calls first,
    /// and then at most once in `every`. A version that is broken is logged, and the one before stays.
    pub fn kept(source: Box<dyn CallersSource>, every: Duration) -> Self {
        Self::of(Who::Kept(Arc::new(Kept::new(source, every))))
    }

    /// The same, where it was read already: it is known from the start on.
    ///
    /// # Errors
    /// [`BadCallers`] for the first thing that is wrong with it.
    pub fn kept_and_read(
        source: Box<dyn CallersSource>,
        every: Duration,
        text: String,
    ) -> Result<Self, BadCallers> {
        let kept = Kept::new(source, every).knowing(text)?;
        Ok(Self::of(Who::Kept(Arc::new(kept))))
    }

    /// Whether everybody may call.
    pub fn is_open(&self) -> bool {
        matches!(self.who, Who::Open(_))
    }

    fn of(who: Who) -> Self {
        Self {
            who,
            rates: Arc::default(),
            accepting: Accepting::default(),
        }
    }

    /// The tenant of whoever sent a request with these headers. Spends nothing.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<TenantId, Problem> {
        let identified = self.look_up(headers).await?;
        Ok(identified.tenant)
    }

    async fn look_up(&self, headers: &HeaderMap) -> Result<Identified, Problem> {
        if let Who::Open(tenant) = &self.who {
            return Ok(Identified {
                tenant: tenant.clone(),
                key: None,
                read_only: false,
                limits: TenantLimits::default(),
            });
        }
        let key = presented(headers).ok_or_else(|| {
            Problem::new(
                ErrorCode::Unauthorized,
                "the request has no key; send Authorization: Bearer KEY, or X-Api-Key: KEY",
            )
        })?;
        let callers = self.table().await?;
        let key = callers.find(key, Timestamp::now())?;
        Ok(Identified {
            tenant: key.tenant.clone(),
            key: Some(key.name.clone()),
            read_only: key.read_only,
            limits: callers.limits(&key.tenant),
        })
    }

    /// Who may call now; of an open service, nobody in particular.
    async fn table(&self) -> Result<Arc<CallerTable>, Unavailable> {
        match &self.who {
            Who::Open(_) => Ok(Arc::default()),
            Who::Known(callers) => Ok(callers.clone()),
            Who::Kept(kept) => kept.table().await,
        }
    }

    /// Room for so many more open flows of a tenant, while they are accepted.
    ///
    /// # Errors
    /// The problem `too_many_open_flows`.
    pub(crate) async fn room(
        &self,
        rows: &dyn FlowReads,
        tenant: &TenantId,
        flows: usize,
    ) -> Result<Room, Problem> {
        let limits = self.limits(tenant).await;
        self.accepting.room(rows, tenant, limits, flows).await
    }

    /// Spends a request of the tenant's rate.
    fn admit(&self, caller: &Identified, told: Option<&Told>) -> Result<(), Problem> {
        let Some(rate) = caller.limits.requests else {
            return Ok(());
        };
        let Admission {
            remaining,
            full_in,
            wait,
        } = self.rates.admit(&caller.tenant, rate);
        if let Some(told) = told {
            told.tell(Quota {
                name: "requests",
                size: rate.burst.into(),
                unit: None,
                window: Some(Duration::from_secs_f64(
                    f64::from(rate.burst) / rate.per_second,
                )),
                left: remaining.into(),
                whole_in: Some(full_in),
            });
        }
        let Some(wait) = wait else {
            return Ok(());
        };
        let detail = format!(
            "you may send {} requests a second, and {} at once; send this again in {} s",
            rate.per_second,
            rate.burst,
            quota::seconds(wait)
        );
        Err(Problem::new(ErrorCode::RateLimited, detail).after(wait))
    }
}

impl From<CallerTable> for Callers {
    fn from(callers: CallerTable) -> Self {
        Self::of(Who::Known(Arc::new(callers)))
    }
}

#[async_trait]
impl LimitsOfTenants for Callers {
    async fn limits(&self, tenant: &TenantId) -> TenantLimits {
        match self.table().await {
            Ok(callers) => callers.limits(tenant),
            // It was logged.
            Err(_) => TenantLimits::default(),
        }
    }
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    let bearer = || {
        let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    };
    let api_key = || headers.get("x-api-key")?.to_str().ok();
    bearer().or_else(api_key)
}

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Callers: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(admitted(parts, state).await?.tenant))
    }
}

impl<S> FromRequestParts<S> for Writer
where
    S: Send + Sync,
    Callers: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = admitted(parts, state).await?;
        if caller.read_only {
            return Err(Problem::new(
                ErrorCode::ReadOnlyKey,
                "this key is for reading alone; ask the operator for one that may start and stop flows",
            ));
        }
        Ok(Self(caller.tenant))
    }
}

/// Who sent a request, once it is counted among those under way, and one of the tenant's rate is spent on it.
async fn admitted<S>(parts: &mut Parts, state: &S) -> Result<Identified, Problem>
where
    Callers: FromRef<S>,
{
    let callers = Callers::from_ref(state);
    let caller = callers.look_up(&parts.headers).await?;
    let span = tracing::Span::current();
    span.record("tenant", caller.tenant.as_str());
    if let Some(key) = &caller.key {
        span.record("key", key);
    }
    UnderWay::count(&parts.extensions, &caller.tenant)?;
    callers.admit(&caller, parts.extensions.get::<Told>())?;
    Ok(caller)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "acme:0123456789abcdef, globex:fedcba9876543210,acme:another-key-of-acme,\
                        initech:sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    async fn tenant(header: &str, value: &str) -> Result<String, ErrorCode> {
        let mut headers = HeaderMap::new();
        headers.insert(
            http::HeaderName::try_from(header).unwrap(),
            value.parse().unwrap(),
        );
        let callers = Callers::from_keys(KEYS).unwrap();
        let tenant = callers.identify(&headers).await;
        tenant
            .map(|tenant| tenant.to_string())
            .map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn a_key_names_its_tenant() {
        for (header, value, name) in [
            ("authorization", "Bearer 0123456789abcdef", "acme"),
            ("authorization", "bearer another-key-of-acme", "acme"),
            ("x-api-key", "fedcba9876543210", "globex"),
            ("x-api-key", "test", "initech"),
        ] {
            assert_eq!(tenant(header, value).await.as_deref(), Ok(name), "{value}");
        }
    }

    #[tokio::test]
    async fn without_a_known_key_nobody_is_let_in() {
        for (header, value) in [
            ("x-other", "0123456789abcdef"),
            ("x-api-key", ""),
            ("x-api-key", "0123456789abcdeX"),
            ("x-api-key", "acme:0123456789abcdef"),
            (
                "x-api-key",
                "sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            ),
            ("authorization", "0123456789abcdef"),
            ("authorization", "Basic 0123456789abcdef"),
        ] {
            assert_eq!(
                tenant(header, value).await,
                Err(ErrorCode::Unauthorized),
                "{value}"
            );
        }
    }
}
