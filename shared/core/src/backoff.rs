//! When to try again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often an operation is tried, and how long to wait in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts in all, the first one included; at least 1.
    pub max_attempts: u32,
    /// The ceiling of the first wait.
    pub base: Duration,
    /// The ceiling of every wait.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base: Duration::from_secs(1),
            cap: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// How long to wait after attempt number `attempt` (1 is the first) failed: a random share of
    /// a ceiling that doubles with each attempt and stops at `cap` ("full jitter",
    /// <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>).
    ///
    /// `share` is the random number, from 0 to 1.
    pub fn wait_after(&self, attempt: u32, share: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let ceiling = self.base.saturating_mul(1 << doublings).min(self.cap);
        ceiling.mul_f64(share.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_cap() {
        let policy = RetryPolicy {
            max_attempts: 9,
            base: Duration::from_secs(1),
            cap: Duration::from_secs(10),
        };
        let ceilings: Vec<_> = (1..=6)
            .map(|attempt| policy.wait_after(attempt, 1.0).as_secs())
            .collect();
        assert_eq!(ceilings, [1, 2, 4, 8, 10, 10]);
    }

    #[test]
    fn the_jitter_is_full() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait_after(3, 0.0), Duration::ZERO);
        assert_eq!(policy.wait_after(3, 0.5), Duration::from_secs(2));
    }

    proptest::proptest! {
        #[test]
        fn no_wait_exceeds_the_cap(attempt in 0_u32..u32::MAX, share in 0.0_f64..=1.0) {
            let policy = RetryPolicy::default();
            proptest::prop_assert!(policy.wait_after(attempt, share) <= policy.cap);
        }
    }
}
