//! What is counted is added to the log once, as soon as it can be, and never without bound.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use assetmill_contract::faults::{Fault, Faults};
use assetmill_contract::memory::{MemoryActivityLog, MemoryFlows};
use assetmill_contract::samples::{self, at, tenant};
use assetmill_core::ports::{
    ActivityLog, ActivityReads as _, FlowChanges as _, FlowWrites, SystemClock,
};
use assetmill_core::usecases::Meter;
use assetmill_core::{Activity, ActivityInterval, Flow, Status, TenantId};

struct World {
    log: Arc<MemoryActivityLog>,
    meter: Meter,
    flows: Arc<dyn FlowWrites>,
}

impl World {
    fn new(faults: &Arc<Faults>) -> Self {
        let log = Arc::new(MemoryActivityLog::default());
        let port: Arc<dyn ActivityLog> = log.clone();
        let meter = Meter::new(faults.around(port), Arc::new(SystemClock));
        let flows = meter.around(Arc::new(MemoryFlows::default()));
        Self { log, meter, flows }
    }

    /// A flow of a tenant that is cancelled.
    async fn cancelled(&self, tenant: &TenantId) -> Flow {
        let (_, mut flows) = samples::batch(1);
        flows[0].tenant = tenant.clone();
        self.flows.put_flows(&flows).await.unwrap();
        self.cancel(&flows[0]).await;
        flows.remove(0)
    }

    async fn cancel(&self, flow: &Flow) {
        let cancelled = self.flows.cancel(&flow.tenant, flow.id, at(1)).await;
        cancelled.unwrap();
    }

    async fn counted(&self, tenant: &TenantId) -> Activity {
        let since = ActivityInterval::numbered(0);
        let counted = self.log.activity(tenant, since).await.unwrap();
        let activities = counted.into_iter().map(|(_, activity)| activity);
        activities.fold(Activity::default(), Activity::and)
    }
}

#[tokio::test]
async fn what_can_not_be_added_is_added_the_next_time() {
    let world = World::new(&Faults::at(1, Fault::FailBefore));
    world.cancelled(&tenant()).await;
    world.meter.flush().await;
    assert_eq!(world.counted(&tenant()).await.cancelled, 0);
    world.cancelled(&tenant()).await;
    for _ in 0..2 {
        world.meter.flush().await;
        assert_eq!(world.counted(&tenant()).await.cancelled, 2);
    }
    // Where there is nothing to add nothing is asked.
    let writes = world.log.writes();
    world.meter.flush().await;
    assert_eq!(world.log.writes(), writes);
}

#[tokio::test]
async fn what_is_settled_is_counted_once() {
    let world = World::new(&Faults::none());
    let flow = world.cancelled(&tenant()).await;
    world.cancel(&flow).await;
    let (_, mut refused) = samples::batch(2);
    let failure = assetmill_core::Failure::worker_crashed();
    refused[0].status = Status::Failed {
        failure,
        settled_at: at(0),
    };
    world.flows.put_flows(&refused).await.unwrap();
    world.meter.flush().await;
    let expected = Activity {
        failed: 1,
        cancelled: 1,
        ..Activity::default()
    };
    assert_eq!(world.counted(&tenant()).await, expected);
}

/// However many tenants there are while nothing can be added.
#[tokio::test]
async fn what_waits_to_be_added_is_bounded() {
    let world = World::new(&Faults::none());
    let tenants = (0..10_100).map(|number| format!("t{number}").parse().unwrap());
    let tenants: Vec<TenantId> = tenants.collect();
    for tenant in &tenants {
        world.cancelled(tenant).await;
    }
    // Who is among them is counted on.
    world.cancelled(&tenants[0]).await;
    world.meter.flush().await;
    assert_eq!(world.counted(&tenants[0]).await.cancelled, 2);
    let mut counted = 0;
    for tenant in &tenants {
        counted += u32::from(world.counted(tenant).await.cancelled > 0);
    }
    assert!((5_000..=10_000).contains(&counted), "{counted}");
}
