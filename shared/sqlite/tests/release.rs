//! What a program holds when it stops is put back, and whoever is still at it can't go on.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use assetmill_contract::samples::{at, batch};
use assetmill_core::ports::{
    FlowDeliveries as _, FlowQueue as _, FlowReads as _, FlowWrites as _, Outgoing, SystemClock,
};
use assetmill_core::{Batch, Flow};
use assetmill_sqlite::{QueueSettings, Store};
use rusqlite::Connection;

async fn put(store: &Store) -> (Batch, Flow) {
    let (batch, mut rows) = batch(1);
    store.flows().put_flows(&rows).await.unwrap();
    store.flows().put_batch(&batch).await.unwrap();
    (batch, rows.remove(0))
}

/// A flow may be worked on before it is claimed. Its claim is under a fence, so that a higher one keeps it from being
/// written late.
#[tokio::test]
async fn what_is_taken_up_and_not_claimed_can_be_claimed_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), Arc::new(SystemClock)).await;
    let store = store.unwrap();
    let queue = store.queue(QueueSettings::flows(Duration::from_hours(1), 5));
    let (_, of_a_caller) = put(&store).await;
    let mut queued = Vec::new();
    for _ in 0..2 {
        let (batch, flow) = put(&store).await;
        store
            .flows()
            .mark_dispatched(batch.id, at(1))
            .await
            .unwrap();
        queue.send(&[Outgoing::now(flow.message())]).await.unwrap();
        queued.push(flow);
    }
    let taken_up = queue.receive(1, Duration::ZERO).await.unwrap().remove(0);
    assert_eq!(taken_up.message.flow_id, queued[0].id);
    // One that can't be read is held as well, and keeps no other from being put back.
    let database = Connection::open(folder.path().join("assetmill.db")).unwrap();
    database
        .execute(
            "INSERT INTO messages (queue, received, tenant, visible_at, message_id, body, receives)
             VALUES ('flows', 1, 'local', 9000000000000, 9999, '?', 1)",
            [],
        )
        .unwrap();
    assert_eq!(store.release().await.unwrap(), 1);
    let fences = async |flow: &Flow| {
        let rows = store.flows().flows(&flow.tenant, &[flow.id]).await;
        rows.unwrap()[0].as_ref().unwrap().fence
    };
    assert_eq!(fences(&queued[0]).await, 1);
    assert_eq!(fences(&queued[1]).await, 0, "it only waits");
    assert_eq!(fences(&of_a_caller).await, 1, "its caller waits");
    let again = queue.receive(3, Duration::ZERO).await.unwrap();
    let again: Vec<_> = again.iter().map(|it| it.receive_count).collect();
    assert_eq!(again, [1, 1], "as if it had not been taken up");
}
