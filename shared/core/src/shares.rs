//! What tenants share, in fair shares: memory, processes, places to work.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::TenantId;

/// So many units of something for all tenants together, of which one tenant has no more than its most:
/// what lies between is for the others, however much that one asks for. Clones are the same units.
///
/// Who has to wait is served in the order in which they asked among those of the same tenant; among
/// tenants, the one that holds least is next, and of those that hold as much, the one that was served longest
/// ago. Until there is enough for that one, those that hold more get nothing: nobody who wants much is passed
/// for ever by those who want little.
#[derive(Debug, Clone)]
pub struct Shares {
    most: u64,
    state: Arc<Mutex<State>>,
}

/// Some units, held for a tenant and given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    of: Shares,
    tenant: TenantId,
    amount: u64,
}

#[derive(Debug)]
struct State {
    all: u64,
    held: u64,
    most_held: u64,
    /// Those that hold or wait: as many as have keys, and never a caller's invention.
    tenants: HashMap<TenantId, Tenant>,
    last_number: u64,
    /// How often somebody was served.
    served: u64,
}

#[derive(Debug, Default)]
struct Tenant {
    held: u64,
    /// When it was served last, in the order of that.
    served: u64,
    waiting: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    amount: u64,
    served: oneshot::Sender<()>,
}

/// A place in line. Dropped, it is given up, with what came of it.
struct InLine<'a> {
    of: &'a Shares,
    tenant: &'a TenantId,
    amount: u64,
    number: u64,
    served: oneshot::Receiver<()>,
    taken: bool,
}

/// Content, and the share that is held for it.
struct Held {
    content: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.content
    }
}

impl Shares {
    /// `all` units, of which one tenant holds `most` at the same time.
    pub fn new(all: u64, most: u64) -> Self {
        Self {
            most: most.min(all),
            state: Arc::new(Mutex::new(State {
                all,
                held: 0,
                most_held: 0,
                tenants: HashMap::new(),
                last_number: 0,
                served: 0,
            })),
        }
    }

    /// How much one tenant holds at the most.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// How much was held at the same time at the most, in all: more than there is where a share grew beyond it.
    pub fn most_held(&self) -> u64 {
        self.state().most_held
    }

    /// Waits for so much. Whoever asks for more than one may have gets that much, once it holds nothing
    /// else. Dropping the future gives up the place in line.
    pub async fn take(&self, tenant: &TenantId, amount: u64) -> Share {
        if amount == 0 {
            return self.nothing(tenant);
        }
        let mut place = self.line_up(tenant, amount.min(self.most));
        // The other end is dropped once it has served, and never before.
        let _ = (&mut place.served).await;
        place.share()
    }

    /// So much, if it could be had without waiting.
    pub fn try_take(&self, tenant: &TenantId, amount: u64) -> Option<Share> {
        if amount == 0 {
            return Some(self.nothing(tenant));
        }
        if amount > self.most {
            return None;
        }
        let mut place = self.line_up(tenant, amount);
        place.served.try_recv().is_ok().then(|| place.share())
    }

    /// A share of nothing, which may grow: who wants nothing waits for nobody.
    pub fn nothing(&self, tenant: &TenantId) -> Share {
        Share {
            of: self.clone(),
            tenant: tenant.clone(),
            amount: 0,
        }
    }

    fn line_up<'a>(&'a self, tenant: &'a TenantId, amount: u64) -> InLine<'a> {
        let (served, place) = oneshot::channel();
        let mut state = self.state();
        state.last_number += 1;
        let number = state.last_number;
        // Who comes anew is before the one that was served last, and not before those that were served long ago.
        let new = Tenant {
            served: state.served.saturating_sub(1),
            ..Tenant::default()
        };
        let own = state.tenants.entry(tenant.clone()).or_insert(new);
        own.waiting.push_back(Waiter {
            number,
            amount,
            served,
        });
        state.serve(self.most);
        drop(state);
        InLine {
            of: self,
            tenant,
            amount,
            number,
            served: place,
            taken: false,
        }
    }

    fn give_back(&self, tenant: &TenantId, amount: u64) {
        let mut state = self.state();
        state.held -= amount;
        if let Some(tenant) = state.tenants.get_mut(tenant) {
            tenant.held -= amount;
        }
        state.tidy(tenant);
        state.serve(self.most);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Serves those whose turn it is.
    fn serve(&mut self, most: u64) {
        loop {
            let heads = self.tenants.values_mut().filter_map(|tenant| {
                let head = tenant.waiting.front()?;
                let within = tenant.held.saturating_add(head.amount) <= most;
                within.then_some((tenant.held, tenant.served, head.number, tenant))
            });
            let next = heads.min_by_key(|(held, served, number, _)| (*held, *served, *number));
            let Some((.., tenant)) = next else {
                return;
            };
            match tenant.waiting.pop_front() {
                Some(head) if self.held.saturating_add(head.amount) <= self.all => {
                    self.held += head.amount;
                    self.most_held = self.most_held.max(self.held);
                    tenant.held += head.amount;
                    self.served += 1;
                    tenant.served = self.served;
                    // One that is gone gives back what it was served.
                    let _ = head.served.send(());
                }
                Some(head) => return tenant.waiting.push_front(head),
                None => return,
            }
        }
    }

    /// Forgets a tenant that neither holds nor waits.
    fn tidy(&mut self, tenant: &TenantId) {
        let idle = |tenant: &Tenant| tenant.held == 0 && tenant.waiting.is_empty();
        if self.tenants.get(tenant).is_some_and(idle) {
            self.tenants.remove(tenant);
        }
    }
}

impl InLine<'_> {
    fn share(mut self) -> Share {
        self.taken = true;
        Share {
            of: self.of.clone(),
            tenant: self.tenant.clone(),
            amount: self.amount,
        }
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut state = self.of.state();
        let tenant = state.tenants.get_mut(self.tenant);
        let waiting = tenant.map(|tenant| &mut tenant.waiting);
        let place = waiting.and_then(|waiting| {
            let place = waiting.iter().position(|it| it.number == self.number)?;
            waiting.remove(place)
        });
        if place.is_some() {
            state.tidy(self.tenant);
            // Others may have waited for this one to be served first.
            state.serve(self.of.most);
        } else {
            drop(state);
            self.of.give_back(self.tenant, self.amount);
        }
    }
}

impl Share {
    /// How much it is.
    pub fn amount(&self) -> u64 {
        self.amount
    }

    /// So much more for the same tenant, if it could be had without waiting. Whether it could.
    pub fn try_grow(&mut self, by: u64) -> bool {
        let Some(mut more) = self.of.try_take(&self.tenant, by) else {
            return false;
        };
        self.amount += std::mem::take(&mut more.amount);
        true
    }

    /// So much more for the same tenant, as soon as it can be had. Whoever waits so keeps what it holds: somebody MUST
    /// see to it that not all do. More than one may have is never to be had.
    pub async fn grow(&mut self, by: u64) {
        if by > self.of.most {
            return std::future::pending().await;
        }
        let mut more = self.of.take(&self.tenant, by).await;
        self.amount += std::mem::take(&mut more.amount);
    }

    /// So much more at once, whether there is so much or not. Where there is not, nobody else is served until what is
    /// owed was given back.
    pub fn grow_beyond(&mut self, by: u64) {
        let mut state = self.of.state();
        state.held = state.held.saturating_add(by);
        state.most_held = state.most_held.max(state.held);
        state.tenants.entry(self.tenant.clone()).or_default().held += by;
        drop(state);
        self.amount += by;
    }

    /// Gives back all but so much.
    pub fn shrink_to(&mut self, amount: u64) {
        let too_much = self.amount.saturating_sub(amount);
        self.amount -= too_much;
        self.of.give_back(&self.tenant, too_much);
    }

    /// The content, for which the share is held until the last of its clones is dropped.
    #[must_use]
    pub fn hold(self, content: Bytes) -> Bytes {
        Bytes::from_owner(Held {
            content,
            _share: self,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.give_back(&self.tenant, self.amount);
    }
}

#[cfg(test)]
mod tests;
