//! Which tenants ask a host.

use std::collections::HashMap;
use std::time::Duration;

use assetmill_core::TenantId;
use tokio::time::Instant;

/// How long after it asked last a tenant has a share of the host.
const PRESENT: Duration = Duration::from_secs(2);

/// The tenants that ask a host.
#[derive(Debug, Default)]
pub(super) struct Callers(HashMap<TenantId, Caller>);

#[derive(Debug)]
struct Caller {
    asked: Instant,
    /// The last turn that was promised to a flow of this tenant which was sent away.
    promised: Instant,
    /// About how long its requests are out.
    held: Duration,
}

impl Callers {
    /// Notes that a tenant asks. How many do, itself included: those with requests `out`, and those that asked
    /// lately.
    pub(super) fn asked_by(
        &mut self,
        tenant: &TenantId,
        now: Instant,
        out: impl Fn(&TenantId) -> bool,
    ) -> u32 {
        let caller = self.0.entry(tenant.clone()).or_insert(Caller {
            asked: now,
            promised: now,
            held: Duration::ZERO,
        });
        caller.asked = now;
        let mut present = 0;
        self.0.retain(|tenant, it| {
            let asks = it.asked + PRESENT > now || out(tenant);
            present += u32::from(asks);
            asks || it.promised > now
        });
        present
    }

    /// The last turn that the tenant was promised.
    pub(super) fn promised(&self, tenant: &TenantId) -> Option<Instant> {
        Some(self.0.get(tenant)?.promised)
    }

    pub(super) fn promise(&mut self, tenant: &TenantId, turn: Instant) {
        if let Some(caller) = self.0.get_mut(tenant) {
            caller.promised = turn;
        }
    }

    /// About how long a request of the tenant is out; nothing where that is not known.
    pub(super) fn held(&self, tenant: &TenantId) -> Duration {
        self.0.get(tenant).map_or(Duration::ZERO, |it| it.held)
    }

    pub(super) fn note_held(&mut self, tenant: &TenantId, held: Duration) {
        if let Some(caller) = self.0.get_mut(tenant) {
            caller.held = (caller.held * 3 + held) / 4;
        }
    }

    /// The last turn that any of them was promised.
    pub(super) fn last_promised(&self) -> Option<Instant> {
        self.0.values().map(|caller| caller.promised).max()
    }
}
