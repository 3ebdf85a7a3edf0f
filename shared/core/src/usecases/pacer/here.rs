//! Places for calls, where one process makes all of them: who waits for one is given it as it becomes free, in fair shares.
//!
//! A few flows of each tenant wait for a place here, and all others in the queue: those look so often that there is always
//! one here, and no more often than that needs.

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::known::InCall;
use super::{Asker, Found, Line, Pacer, lock};
use crate::pacing::LineId;
use crate::{Shares, TenantId};

/// How many flows of a tenant wait here at an operation, at the most.
const EACH: usize = 16;
/// How many wait here in all where nobody says otherwise.
const IN_ALL: usize = 128;
/// Which part of the workers they are, as a divisor: each takes the place of one.
const OF_WORKERS: usize = 4;
/// How many of those in the queue look in the time in which one place becomes free.
const LOOKS_FOR_EACH: f64 = 4.0;
/// How many look in a second at the least, at an operation and of a tenant.
const LOOKS: f64 = 100.0;
/// The same in each of several processes.
const LOOKS_BESIDE_OTHERS: f64 = 25.0;
/// How long who waits in the queue rests between two looks, at the least and at the most; half as much again is added by
/// chance.
const REST: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));
/// Over how long it is counted how many calls end.
const COUNTED_FOR: Duration = Duration::from_secs(5);

/// Who waits for places in this process, and how quickly those become free.
#[derive(Default)]
pub(super) struct Here {
    places: Option<Shares>,
    /// How many of a tenant wait here.
    waiting: HashMap<TenantId, usize>,
    /// When those look again that wait in the queue.
    resting: HashMap<TenantId, BTreeSet<Instant>>,
    ended: Ended,
}

/// How many calls ended lately: in two times, of which one is over.
#[derive(Default)]
struct Ended {
    since: Option<Instant>,
    now: u32,
    before: u32,
}

/// How many flows wait in this process, at all operations.
#[derive(Debug)]
pub(super) struct WaitingHere {
    most: usize,
    now: Mutex<usize>,
}

impl Default for WaitingHere {
    fn default() -> Self {
        Self {
            most: IN_ALL,
            now: Mutex::default(),
        }
    }
}

impl WaitingHere {
    /// So many as may be, beside so many workers.
    pub(super) fn beside(workers: usize) -> Self {
        Self {
            most: workers / OF_WORKERS,
            now: Mutex::default(),
        }
    }

    /// Whether another flow of a tenant may, of which so many wait at an operation. Of each that has none, one more may.
    fn has_room(&self, own: usize, in_all: usize) -> bool {
        let each = (self.most / OF_WORKERS).clamp(1, EACH);
        if own == 0 {
            in_all < 2 * self.most
        } else {
            own < each && in_all < self.most
        }
    }
}

/// A flow that waits here, until it is dropped.
struct Waits<'a> {
    pacer: &'a Pacer,
    line: &'a Line,
    asker: Asker<'a>,
}

impl Pacer {
    /// A place for a call, waited for as long as the asker does.
    pub(super) async fn place_here(
        &self,
        line: &Arc<Line>,
        of: LineId,
        asker: Asker<'_>,
        most: NonZeroU32,
    ) -> Found {
        let places = line.here().places(most);
        if let Some(place) = places.try_take(asker.tenant, 1) {
            return Found::At(InCall::at(line, of, place));
        }
        let Some(_waits) = Waits::begin(self, line, asker) else {
            return Found::None(line.here().rest(asker.tenant));
        };
        match timeout(asker.waits_for, places.take(asker.tenant, 1)).await {
            Ok(place) => Found::After(InCall::at(line, of, place)),
            Err(_) => Found::None(line.here().rest(asker.tenant)),
        }
    }
}

impl<'a> Waits<'a> {
    /// Nobody waits here where enough do, unless somebody waits for them.
    fn begin(pacer: &'a Pacer, line: &'a Line, asker: Asker<'a>) -> Option<Self> {
        // Who is awaited takes no worker's place, and is not counted.
        if !asker.is_awaited {
            let mut here = line.here();
            let mut in_all = lock(&pacer.waiting_here.now);
            let own = here.waiting.get(asker.tenant).copied().unwrap_or_default();
            if !pacer.waiting_here.has_room(own, *in_all) {
                return None;
            }
            here.waiting.insert(asker.tenant.clone(), own + 1);
            *in_all += 1;
        }
        Some(Self { pacer, line, asker })
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if self.asker.is_awaited {
            return;
        }
        let mut here = self.line.here();
        if let Some(own) = here.waiting.get_mut(self.asker.tenant) {
            *own -= 1;
            if *own == 0 {
                here.waiting.remove(self.asker.tenant);
            }
        }
        *lock(&self.pacer.waiting_here.now) -= 1;
    }
}

impl Here {
    fn places(&mut self, most: NonZeroU32) -> Shares {
        let most = u64::from(most.get());
        let new = || Shares::new(most, most);
        self.places.get_or_insert_with(new).clone()
    }

    /// How long a flow rests that found no place, where so many others of its tenant rest, and other processes call the same
    /// vendor.
    pub(super) fn rest_beside(&mut self, resting: u32) -> Duration {
        rest_beside(
            &mut self.ended,
            resting,
            LOOKS_BESIDE_OTHERS,
            Instant::now(),
        )
    }

    /// A call ended.
    pub(super) fn ended(&mut self) {
        self.ended.count(Instant::now());
    }

    /// How long a flow of a tenant rests that found no place, nor one to wait here.
    pub(super) fn rest(&mut self, tenant: &TenantId) -> Duration {
        let now = Instant::now();
        if !self.resting.contains_key(tenant) {
            // Tenants come seldom.
            self.resting
                .retain(|_, resting| resting.last().is_some_and(|last| *last > now));
        }
        let resting = self.resting.entry(tenant.clone()).or_default();
        while resting.first().is_some_and(|first| *first <= now) {
            resting.pop_first();
        }
        let resting_now = u32::try_from(resting.len()).unwrap_or(u32::MAX);
        let rest = rest_beside(&mut self.ended, resting_now, LOOKS, now);
        resting.insert(now + rest);
        rest
    }
}

/// How long a flow rests beside so many of its tenant, of which so many look in a second at the least.
fn rest_beside(ended: &mut Ended, resting: u32, at_least: f64, now: Instant) -> Duration {
    let looks = (LOOKS_FOR_EACH * ended.a_second(now)).max(at_least);
    let rest = Duration::from_secs_f64((f64::from(resting) + 1.0) / looks).clamp(REST.0, REST.1);
    rest + rest.mul_f64(rand::random::<f64>() / 2.0)
}

impl Ended {
    fn count(&mut self, now: Instant) {
        self.turn(now);
        self.now += 1;
    }

    fn turn(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        if passed < COUNTED_FOR {
            return;
        }
        self.before = if passed < 2 * COUNTED_FOR {
            self.now
        } else {
            0
        };
        self.now = 0;
        self.since = Some(now);
    }

    fn a_second(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let since = self.since.unwrap_or(now);
        let lasts = COUNTED_FOR + now.saturating_duration_since(since);
        f64::from(self.before + self.now) / lasts.as_secs_f64()
    }
}
