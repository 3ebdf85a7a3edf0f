//! How often, and how far apart, what a call left undone is asked for again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);
const ROUNDS: u32 = 8;

/// The rounds of a call that may take a part of what it is given.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    rounds: u32,
}

/// A service took a part again and again, and never the rest.
#[derive(Debug, thiserror::Error)]
#[error("{left} entries were not taken after {ROUNDS} rounds")]
pub(crate) struct OutOfPatience {
    left: usize,
}

impl Backoff {
    /// Waits before the next round: twice as long each time, and at random, lest all who were
    /// throttled come back at once
    /// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>).
    ///
    /// # Errors
    /// [`OutOfPatience`] when there were rounds enough.
    pub(crate) async fn pause(&mut self, left: usize) -> Result<(), OutOfPatience> {
        self.rounds += 1;
        if self.rounds >= ROUNDS {
            return Err(OutOfPatience { left });
        }
        let longest = (FIRST * 2_u32.pow(self.rounds)).min(LONGEST);
        tokio::time::sleep(longest.mul_f64(rand::random())).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let mut backoff = Backoff::default();
        for _ in 1..ROUNDS {
            backoff.pause(3).await.unwrap();
        }
        let error = backoff.pause(3).await.unwrap_err().to_string();
        assert!(error.contains('3'), "{error}");
    }
}
