//! The memory that bodies take: of assets, and of what is answered to calls.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use assetmill_core::{Share, Shares, TenantId};
use bytes::Bytes;
use tokio::time::{Instant, timeout};

/// How long an answer waits for room in all: with it, the longest call of a vendor (120 s) still ends within the time
/// that an operation is given (130 s).
const LONGEST: Duration = Duration::from_secs(8);
/// What every answer may have unreserved: to wait for room for a vendor's "not yet" would be dearer than the room.
const UNRESERVED: u64 = 16 * 1024;

/// The bytes of bodies that are held at the same time, in fair shares. Clones are the same memory: a process SHOULD
/// have one, which its fetcher and the client of its vendors share.
///
/// # Why it can't come to a halt
/// A call holds its asset while its answer comes, and an answer that is larger than what was reserved for it has to
/// have more. If all waited for each other, nobody would ever give anything back. So one answer at a time may go
/// beyond the bound, until nobody needs it any more: it waits for nothing, ends, and leaves its place to the next, and
/// each that ends gives back what its asset took. What was answered may be paid, and is never dropped for want of
/// room: one that had none for eight seconds is read all the same. So it is where the steps of a chain follow each
/// other: the input of the next may itself be what goes beyond.
#[derive(Debug, Clone)]
pub struct Memory {
    room: Shares,
    /// To go beyond it.
    beyond: Shares,
}

impl Memory {
    /// So many bytes, of which one tenant has three quarters. What goes beyond is one answer.
    pub fn of(bytes: u64) -> Self {
        Self {
            room: Shares::new(bytes, bytes / 4 * 3),
            beyond: Shares::new(1, 1),
        }
    }

    /// No bound.
    pub(crate) fn unbounded() -> Self {
        Self {
            room: Shares::new(u64::MAX, u64::MAX),
            beyond: Shares::new(1, 1),
        }
    }

    /// How many bytes were held at the same time at the most, so far.
    pub fn most_held(&self) -> u64 {
        self.room.most_held()
    }

    pub(crate) fn room(&self) -> &Shares {
        &self.room
    }
}

/// How long a call has waited for room: time that is no fault of who is called. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Waited(Arc<Mutex<Waits>>);

#[derive(Debug, Default)]
struct Waits {
    over: Duration,
    since: Option<Instant>,
}

impl Waited {
    /// How long so far, with what it waits now.
    pub fn so_far(&self) -> Duration {
        let waits = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waits.over + waits.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    fn change(&self, since: Option<Instant>) {
        let over = self.so_far();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Waits { over, since };
    }
}

/// Room for the answer to one request, which grows as it comes.
#[derive(Debug)]
pub struct AnswerRoom {
    memory: Memory,
    tenant: TenantId,
    share: Share,
    beyond: Option<Share>,
    reserved: u64,
    weight: u64,
    waited: Waited,
}

impl AnswerRoom {
    /// Nothing yet. `reserved` bytes of the answer have room already, and each takes `weight` bytes until its meaning
    /// is known. `waited` is told how long it waits.
    pub(crate) fn new(
        memory: &Memory,
        tenant: &TenantId,
        reserved: u64,
        weight: u64,
        waited: &Waited,
    ) -> Self {
        Self {
            memory: memory.clone(),
            tenant: tenant.clone(),
            share: memory.room.nothing(tenant),
            beyond: None,
            reserved: reserved.max(UNRESERVED),
            weight,
            waited: waited.clone(),
        }
    }

    /// Waits until there is room for `length` bytes in all; takes it for `hoped` where that is to be had at once, so
    /// as to come seldom.
    pub(crate) async fn grow(&mut self, length: u64, hoped: u64) {
        let missing = |length: u64| {
            let needed = length.saturating_mul(self.weight);
            let needed = needed.saturating_sub(self.reserved);
            needed.saturating_sub(self.share.amount())
        };
        let (more, hoped) = (missing(length), missing(hoped));
        if more == 0 {
            return;
        }
        if self.beyond.is_some() {
            return self.share.grow_beyond(more);
        }
        if self.share.try_grow(hoped) || self.share.try_grow(more) {
            return;
        }
        self.waited.change(Some(Instant::now()));
        let left = LONGEST.saturating_sub(self.waited.so_far());
        let beyond = timeout(left, async {
            tokio::select! {
                biased;
                () = self.share.grow(more) => None,
                beyond = self.memory.beyond.take(&self.tenant, 1) => Some(beyond),
            }
        });
        let beyond = beyond.await;
        self.waited.change(None);
        match beyond {
            Ok(None) => {}
            Ok(beyond) => {
                self.beyond = beyond;
                self.share.grow_beyond(more);
            }
            Err(_) => {
                tracing::warn!(
                    bytes = more,
                    "an answer had no room for long and is read all the same"
                );
                self.share.grow_beyond(more);
            }
        }
    }

    /// What came of the answer, for which its room is held until the last clone is dropped; what it does not take is
    /// given back.
    #[must_use]
    pub fn hold(mut self, content: Bytes) -> Bytes {
        let length = content.len() as u64;
        self.share.shrink_to(length.saturating_sub(self.reserved));
        match self.beyond {
            Some(beyond) => beyond.hold(self.share.hold(content)),
            None if self.share.amount() > 0 => self.share.hold(content),
            None => content,
        }
    }
}
