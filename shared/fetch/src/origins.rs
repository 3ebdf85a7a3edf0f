//! Manners towards the hosts that assets come from: they are somebody's machines.
//!
//! Each host, by its name and port, is asked by at most so many requests at the same time and in a
//! second, whatever tenants and flows want of it; while several tenants do, each has its share. A fetch whose turn comes within a moment waits for
//! it; one whose turn comes later is sent away with a time to come back at, and these times are
//! spaced as the host can take the requests, so that those who were sent away don't come back at
//! once.
//!
//! A host that asks for fewer requests rests: for as long as it asked, and for at least a time that
//! doubles with each refusal in a row. Nobody asks it anything meanwhile. When the rest is over, one
//! request probes it, and the others go once that one was answered.

mod callers;
mod host;
mod limits;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use assetmill_core::TenantId;
use tokio::time::Instant;
use url::Url;

use host::{Host, Verdict};
pub(super) use host::{Outcome, Why};
pub use limits::OriginLimits;

/// The most hosts that are remembered. Beyond it, those are forgotten that are idle, or will be first.
const MAX_HOSTS: usize = 10_000;
/// How many are left then, so that room need not be made for each host that is new.
const HOSTS_LEFT: usize = 9_000;
/// The longest name of a host that can be resolved has 253 characters (RFC 1035, section 2.3.4, less what
/// its wire format adds); those that agree in as many are one.
const MAX_HOST_CHARS: usize = 253;

/// What is known of the hosts that assets come from. Cloning it is cheap, and the clones share it.
#[derive(Debug, Clone)]
pub(super) struct Origins {
    limits: OriginLimits,
    hosts: Arc<Mutex<HashMap<Origin, Host>>>,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Origin {
    host: String,
    port: u16,
}

/// The host is not asked now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounce {
    pub(super) why: Why,
    /// When to come back.
    pub(super) retry_after: Duration,
}

/// The right to send one request to one host, and to hold a connection to it until this is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    origins: Origins,
    origin: Origin,
    number: u64,
    outcome: Outcome,
}

impl Origins {
    pub(super) fn new(limits: OriginLimits) -> Self {
        Self {
            limits,
            hosts: Arc::default(),
        }
    }

    /// The turn to send a request to this URL's host for a tenant, once it has come.
    ///
    /// # Errors
    /// [`Bounce`] when it does not come within a moment.
    pub(super) async fn turn(&self, tenant: &TenantId, url: &Url) -> Result<Turn, Bounce> {
        let origin = Origin::of(url);
        let verdict = self.ask(tenant, &origin, Instant::now());
        match verdict {
            Verdict::Later { why, retry_after } => Err(Bounce { why, retry_after }),
            Verdict::Go { number, at } => {
                // Made before the wait: whoever gives up waiting gives the turn back.
                let turn = Turn {
                    origins: self.clone(),
                    origin,
                    number,
                    outcome: Outcome::Unknown,
                };
                tokio::time::sleep_until(at).await;
                Ok(turn)
            }
        }
    }

    fn ask(&self, tenant: &TenantId, origin: &Origin, now: Instant) -> Verdict {
        let mut hosts = self.hosts();
        if !hosts.contains_key(origin) {
            make_room(&mut hosts);
        }
        hosts
            .entry(origin.clone())
            .or_insert_with(|| Host::new(now))
            .ask(tenant, &self.limits, now, rand::random())
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<Origin, Host>> {
        // Nothing panics while it is held; if it did, a host's numbers would be a little off.
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets hosts when there are too many. Those with requests out stay, of which there are no more than
/// fetches.
fn make_room(hosts: &mut HashMap<Origin, Host>) {
    if hosts.len() < MAX_HOSTS {
        return;
    }
    let mut idle: Vec<_> = hosts
        .iter()
        .filter_map(|(origin, host)| Some((host.idle_from()?, origin.clone())))
        .collect();
    idle.sort_unstable_by_key(|(from, _)| *from);
    let too_many = hosts.len() - HOSTS_LEFT;
    for (_, origin) in idle.into_iter().take(too_many) {
        hosts.remove(&origin);
    }
}

impl Origin {
    fn of(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        // The same host with and without a dot at its end (RFC 1034, section 3.1); URLs are in lower
        // case already.
        let host = host.strip_suffix('.').unwrap_or(host);
        Self {
            host: host.chars().take(MAX_HOST_CHARS).collect(),
            port: url.port_or_known_default().unwrap_or_default(),
        }
    }
}

impl Turn {
    /// The host answered, and asked for no patience.
    pub(super) fn answered(mut self) {
        self.outcome = Outcome::Answered;
    }

    /// The host did not answer, or said that it is out of order.
    pub(super) fn failed(mut self) {
        self.outcome = Outcome::Failed;
    }

    /// The host asked for patience, for so long if it said how long. How long it is left alone by the
    /// flow that asked.
    pub(super) fn throttled(mut self, asked: Option<Duration>) -> Duration {
        self.outcome = Outcome::Throttled(asked.unwrap_or_default());
        let wait = self.finish();
        wait.max(asked.unwrap_or_default())
    }

    /// Tells the host's record how it went, and gives the connection back. How long the host rests from
    /// now on.
    fn finish(&mut self) -> Duration {
        let now = Instant::now();
        let mut hosts = self.origins.hosts();
        // A host that was forgotten meanwhile has nothing to learn.
        let Some(host) = hosts.get_mut(&self.origin) else {
            return Duration::ZERO;
        };
        host.finish(self.number, self.outcome, now, rand::random());
        host.rests_until()
            .map(|until| until.saturating_duration_since(now))
            .unwrap_or_default()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.finish();
    }
}

#[cfg(test)]
mod tests;
