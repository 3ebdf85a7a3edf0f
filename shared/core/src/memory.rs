//! Memory that many share: so many bytes, and no more, held at the same time.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted in one: a semaphore hands out at most 2^32 permits at once, and a KiB each makes
/// them 4 TiB.
const UNIT: u64 = 1024;

/// So many bytes for all who share it, in the order in which they ask. Clones are the same memory.
#[derive(Debug, Clone)]
pub struct Memory {
    free: Arc<Semaphore>,
    units: u32,
}

/// A part of a [`Memory`], given back when it is dropped.
#[derive(Debug)]
pub struct Reservation(OwnedSemaphorePermit);

/// Content, and the memory that is reserved for it.
struct Held {
    content: Bytes,
    _memory: Reservation,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Memory {
    /// A memory of so many bytes, rounded up to a KiB; at most 4 TiB.
    pub fn new(bytes: u64) -> Self {
        let units = units(bytes);
        Self {
            free: Arc::new(Semaphore::new(units as usize)),
            units,
        }
    }

    /// How many bytes it has, free or not.
    pub fn bytes(&self) -> u64 {
        u64::from(self.units) * UNIT
    }

    /// Waits until so many bytes are free. Whoever asks for more than there are gets all of them: alone.
    pub async fn reserve(&self, bytes: u64) -> Reservation {
        let wanted = units(bytes).min(self.units);
        match self.free.clone().acquire_many_owned(wanted).await {
            Ok(permit) => Reservation(permit),
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    /// So many bytes, if they are free now.
    pub fn try_reserve(&self, bytes: u64) -> Option<Reservation> {
        let permit = self.free.clone().try_acquire_many_owned(units(bytes));
        permit.ok().map(Reservation)
    }
}

impl Reservation {
    /// Adds another part of the same memory.
    pub fn add(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> u64 {
        self.0.num_permits() as u64 * UNIT
    }

    /// Gives back all but so many bytes.
    pub fn shrink_to(&mut self, bytes: u64) {
        let too_many = self.0.num_permits().saturating_sub(units(bytes) as usize);
        drop(self.0.split(too_many));
    }

    /// The content, which keeps the memory reserved until the last of its clones is dropped.
    pub fn hold(self, content: Bytes) -> Bytes {
        Bytes::from_owner(Held {
            content,
            _memory: self,
        })
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn no_more_is_given_than_there_is() {
        let memory = Memory::new(10 * 1024);
        let most = memory.try_reserve(8 * 1024).unwrap();
        assert!(memory.try_reserve(3 * 1024).is_none());
        let rest = memory.try_reserve(2 * 1024).unwrap();
        drop(most);
        assert!(memory.try_reserve(9 * 1024).is_none());
        drop(rest);
        assert!(memory.try_reserve(10 * 1024).is_some());
    }

    #[test]
    fn a_part_that_shrinks_gives_the_rest_back() {
        let memory = Memory::new(10 * 1024);
        let mut part = memory.try_reserve(10 * 1024).unwrap();
        part.shrink_to(1);
        assert_eq!(part.bytes(), 1024);
        let _rest = memory.try_reserve(9 * 1024).unwrap();
        part.shrink_to(9 * 1024);
        assert_eq!(part.bytes(), 1024);
    }

    #[test]
    fn who_wants_more_than_there_is_waits_to_be_alone() {
        let memory = Memory::new(10 * 1024);
        let other = memory.try_reserve(1).unwrap();
        assert!(memory.reserve(u64::MAX).now_or_never().is_none());
        drop(other);
        assert!(memory.reserve(u64::MAX).now_or_never().is_some());
    }

    #[test]
    fn content_holds_its_memory_until_its_last_clone_is_gone() {
        let memory = Memory::new(1024);
        let content = memory.try_reserve(1024).unwrap().hold(Bytes::from("abc"));
        let clone = content.slice(1..);
        drop(content);
        assert!(memory.try_reserve(1).is_none());
        assert_eq!(clone, "bc");
        drop(clone);
        assert!(memory.try_reserve(1).is_some());
    }
}
