//! Requests a second, counted in this process: a bucket of tokens for each tenant.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use assetmill_core::{RequestRate, TenantId};
use tokio::time::Instant;

/// The buckets. For each tenant the time at which its bucket will be full again says how many tokens are out of
/// it (the generic cell rate algorithm: <https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm>).
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<HashMap<TenantId, Instant>>);

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admission {
    /// How many more would be admitted at this moment.
    pub(super) remaining: u32,
    /// How long until the bucket is full.
    pub(super) full_in: Duration,
    /// Where it is not admitted, how long until one is.
    pub(super) wait: Option<Duration>,
}

impl Rates {
    /// Takes a token of the tenant's bucket, if there is one.
    pub(super) fn admit(&self, tenant: &TenantId, rate: RequestRate) -> Admission {
        let now = Instant::now();
        let each = Duration::from_secs_f64(1.0 / rate.per_second);
        let whole = each * rate.burst;
        let mut full_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One entry for each tenant that has a key, and never a caller's invention.
        let full_at = full_at.entry(tenant.clone()).or_insert(now);
        let taken = (*full_at).max(now) + each;
        let wait = (taken - now).checked_sub(whole);
        let wait = wait.filter(|wait| !wait.is_zero());
        if wait.is_none() {
            *full_at = taken;
        }
        let full_in = full_at.saturating_duration_since(now);
        let left = whole.saturating_sub(full_in).as_secs_f64() * rate.per_second;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most the burst"
        )]
        // A hair above, lest the rounding of nanoseconds hides one.
        let remaining = (left + 1e-6).floor() as u32;
        Admission {
            remaining,
            full_in,
            wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: RequestRate = RequestRate {
        per_second: 2.0,
        burst: 3,
    };

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_admitted_and_then_the_rate() {
        let rates = Rates::default();
        let admit = |tenant: &str| rates.admit(&tenant.parse().unwrap(), RATE);
        let remaining: Vec<_> = (0..3).map(|_| admit("a").remaining).collect();
        assert_eq!(remaining, [2, 1, 0]);
        let refused = admit("a");
        assert_eq!(refused.wait, Some(Duration::from_millis(500)));
        assert_eq!(refused.full_in, Duration::from_millis(1_500));
        assert_eq!(admit("b").remaining, 2);
        tokio::time::advance(Duration::from_millis(499)).await;
        assert!(admit("a").wait.is_some());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(admit("a").wait, None);
        assert!(admit("a").wait.is_some());
        // However long nobody asks, the bucket holds no more than the burst.
        tokio::time::advance(Duration::from_hours(24)).await;
        assert_eq!((0..9).filter(|_| admit("a").wait.is_none()).count(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_costs_nothing() {
        let rates = Rates::default();
        let tenant = "a".parse().unwrap();
        for _ in 0..1_000 {
            rates.admit(&tenant, RATE);
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        let admitted = (0..9).filter(|_| rates.admit(&tenant, RATE).wait.is_none());
        assert_eq!(admitted.count(), 2);
    }
}
