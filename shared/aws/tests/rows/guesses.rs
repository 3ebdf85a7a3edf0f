//! What guesses of a row spare.

use assetmill_contract::samples::{at, batch, output};
use assetmill_core::ports::FlowChanges as _;
use assetmill_core::{CallEnd, Claim, Fenced, FlowMessage, Settlement};

use crate::world::{World, claimed, number, product};

/// As a worker does with what a message carries.
pub(crate) async fn right_guesses_read_nothing(on: World) {
    let flows = on.table.flows();
    let body = serde_json::to_string(&on.flow().await.message()).unwrap();
    let message: FlowMessage = serde_json::from_str(&body).unwrap();
    let claim = flows.claim(message.flow_ref(), at(10), at(100)).await;
    let Claim::Claimed(mut flow) = claim.unwrap() else {
        panic!("not claimed");
    };
    let fence = flow.fence;
    let begun = flows
        .change_held(&mut flow, move |flow| flow.begin_call(fence, &[]))
        .await;
    assert_eq!(begun.unwrap(), Some(Fenced::Done));
    let finished = flows.change_held(&mut flow, move |flow| {
        flow.finish_step(fence, 0, product(), CallEnd::Confirmed.into())
    });
    assert_eq!(finished.await.unwrap(), Some(Fenced::Done));
    let completed = Settlement::Completed(output(b"made"));
    let settled = flows
        .settle(&flow, fence, completed, CallEnd::NoCall, at(20))
        .await;
    assert_eq!(settled.unwrap(), Fenced::Done);
    assert_eq!(on.called(), ["UpdateItem"; 4]);
}

/// The refusal brings the row.
pub(crate) async fn wrong_guesses_read_nothing(on: World) {
    let flows = on.table.flows();
    let stale = on.flow().await;
    claimed(&on, &stale, 10).await;
    on.called();
    let leased = flows.claim(&stale, at(20), at(200)).await.unwrap();
    assert_eq!(leased, Claim::Leased { until: at(100) });
    assert_eq!(on.called(), ["UpdateItem"]);
    claimed(&on, &stale, 100).await;
    assert_eq!(on.called(), ["UpdateItem"; 2]);
    let (_, gone) = batch(1);
    let gone = flows.claim(&gone[0], at(10), at(100)).await.unwrap();
    assert_eq!(gone, Claim::Unknown);
    assert_eq!(on.called(), ["UpdateItem"]);
}

pub(crate) async fn what_changes_nothing_is_read(on: World) {
    let flows = on.table.flows();
    let flow = on.flow().await;
    let running = claimed(&on, &flow, 10).await;
    on.called();
    let leased = flows.claim(&running, at(20), at(200)).await.unwrap();
    assert_eq!(leased, Claim::Leased { until: at(100) });
    assert_eq!(on.called(), ["GetItem"]);
}

pub(crate) async fn a_guess_of_a_row_that_expired_is_none(on: World) {
    let flow = on.flow().await;
    on.update(
        World::key(flow.id),
        "SET expires_at = :past",
        &[(":past", number("1"))],
    )
    .await;
    let claim = on.table.flows().claim(&flow, at(10), at(100)).await;
    assert_eq!(claim.unwrap(), Claim::Unknown);
}
