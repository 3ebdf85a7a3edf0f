//! Room for more open flows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use assetmill_core::ports::FlowReads;
use assetmill_core::{TenantId, TenantLimits};
use axum::response::Response;

use super::quota::Quota;
use crate::{ErrorCode, Problem};

/// The flows of batches that are being accepted in this process: they are not counted among the rows yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Accepting(Arc<Mutex<HashMap<TenantId, u64>>>);

/// Room for the flows of a batch, held while it is accepted.
#[derive(Debug)]
pub(crate) struct Room {
    of: Accepting,
    tenant: TenantId,
    flows: u64,
    quota: Quota,
}

impl Accepting {
    /// Room for so many flows, if the tenant has it. Two who ask at the same time are never both given the same.
    /// Rows may lag, and other processes accept too: then it may be a little more than the limit.
    ///
    /// # Errors
    /// The problem `too_many_open_flows`, or that of rows which can't be read.
    pub(super) async fn room(
        &self,
        rows: &dyn FlowReads,
        tenant: &TenantId,
        limits: TenantLimits,
        flows: usize,
    ) -> Result<Room, Problem> {
        let flows = flows as u64;
        let limit = limits.open_flows;
        // Before the rows are read: whoever is not counted here any more is counted there.
        let before = self.add(tenant, flows);
        let mut room = Room {
            of: self.clone(),
            tenant: tenant.clone(),
            flows,
            quota: quota(limit, 0),
        };
        let open = rows.open_flows(tenant, limit).await?;
        let open = open.saturating_add(before);
        room.quota.left = limit.saturating_sub(open.saturating_add(flows));
        if open.saturating_add(flows) <= limit {
            return Ok(room);
        }
        Err(refused(flows, open, limit))
    }

    fn add(&self, tenant: &TenantId, flows: u64) -> u64 {
        let mut accepting = self.lock();
        let accepting = accepting.entry(tenant.clone()).or_default();
        let before = *accepting;
        *accepting += flows;
        before
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// The answer, which tells how much room is left.
    pub(crate) fn told(&self, mut answer: Response) -> Response {
        answer.extensions_mut().insert(self.quota);
        answer
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut accepting = self.of.lock();
        if let Some(held) = accepting.get_mut(&self.tenant) {
            *held -= self.flows;
            if *held == 0 {
                accepting.remove(&self.tenant);
            }
        }
    }
}

fn refused(flows: u64, open: u64, limit: u64) -> Problem {
    let detail = format!(
        "{open} of your flows are in batches that are not complete, and with these {flows} they would be more than \
         the {limit} that you may have; wait until batches complete, or cancel some"
    );
    let left = limit.saturating_sub(open);
    Problem::new(ErrorCode::TooManyOpenFlows, detail).over(quota(limit, left))
}

fn quota(limit: u64, left: u64) -> Quota {
    Quota {
        name: "open-flows",
        size: limit,
        unit: Some("flows"),
        window: None,
        left,
        whole_in: None,
    }
}

#[cfg(test)]
mod tests {
    use assetmill_contract::memory::MemoryFlows;

    use super::*;

    #[tokio::test]
    async fn what_is_being_accepted_takes_room_until_it_is_counted_among_the_rows() {
        let (rows, accepting) = (MemoryFlows::default(), Accepting::default());
        let limits = TenantLimits {
            open_flows: 10,
            ..TenantLimits::default()
        };
        let tenants: [TenantId; 2] = ["a", "b"].map(|name| name.parse().unwrap());
        let room = async |tenant: usize, flows| {
            let room = accepting.room(&rows, &tenants[tenant], limits, flows);
            room.await.map_err(|problem| problem.code())
        };
        let first = room(0, 6).await.unwrap();
        assert_eq!(room(0, 5).await.unwrap_err(), ErrorCode::TooManyOpenFlows);
        let _rest = room(0, 4).await.unwrap();
        let _others = room(1, 10).await.unwrap();
        assert!(room(0, 1).await.is_err());
        drop(first);
        assert!(room(0, 6).await.is_ok());
    }
}
