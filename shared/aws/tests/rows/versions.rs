//! Rows that an older or a newer version wrote.

use std::collections::HashMap;

use assetmill_contract::samples::{at, output, tenant};
use assetmill_core::ports::{FlowChanges as _, FlowReads as _, ResultCache as _, WorkHolder};
use assetmill_core::{
    CallEnd, Claim, Deferral, Fenced, Flow, FlowId, NextTry, Params, Settlement, Sha256Digest,
    Wait, WorkKey,
};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::world::{World, claimed, number, product};

fn deferral() -> Deferral {
    Deferral {
        not_before: at(50),
        next_try: NextTry::Another,
        reason: Wait::Worker,
        last_failure: None,
    }
}

pub(crate) async fn what_a_newer_version_knows_is_kept(on: World) {
    let flows = on.table.flows();
    for guesses in [true, false] {
        let flow = on.flow().await;
        let shade = AttributeValue::M(HashMap::from([("shade".to_owned(), number("3"))]));
        on.update(
            World::key(flow.id),
            "SET #version = :version, colour = :colour, progress.price = :price"
                .replace("#version", "version")
                .as_str(),
            &[
                (":version", number("2")),
                (":colour", shade.clone()),
                (":price", number("7")),
            ],
        )
        .await;
        // As the worker knows it, or as whoever has its id alone.
        let known = |flow: &Flow| {
            if guesses {
                flow.into()
            } else {
                assetmill_core::FlowRef::from(flow.id)
            }
        };
        let unchanged = async |what: &str| {
            let row = on.raw(World::key(flow.id)).await;
            assert_eq!(row["version"], number("2"), "{what}");
            assert_eq!(row["colour"], shade, "{what}");
            let AttributeValue::M(progress) = &row["progress"] else {
                panic!("progress is a map: {row:?}");
            };
            assert_eq!(progress["price"], number("7"), "{what}");
            (row.clone(), progress.clone())
        };
        let read = async || {
            let rows = flows.flows(&tenant(), &[flow.id]).await.unwrap();
            rows.into_iter().flatten().next().unwrap()
        };
        let claim = flows.claim(known(&flow), at(10), at(100)).await.unwrap();
        assert!(matches!(claim, Claim::Claimed(_)), "{claim:?}");
        unchanged("claimed").await;
        let begun = flows
            .begin_call(known(&read().await), 1, Vec::new())
            .await
            .unwrap();
        assert_eq!(begun, Fenced::Done);
        unchanged("begun").await;
        let held = read().await;
        let finished = flows
            .finish_step(known(&held), 1, 0, product(), CallEnd::Confirmed)
            .await;
        assert_eq!(finished.unwrap(), Fenced::Done);
        let (_, progress) = unchanged("a step finished").await;
        assert!(progress.contains_key("products"), "{progress:?}");
        let deferred = flows
            .defer(known(&read().await), 1, deferral(), CallEnd::NoCall, at(30))
            .await;
        assert_eq!(deferred.unwrap(), Fenced::Done);
        let (row, _) = unchanged("deferred").await;
        assert!(!row.contains_key("lease_until"), "{row:?}");
        assert!(flows.rest(known(&read().await), at(60)).await.unwrap());
        unchanged("resting").await;
        let claim = flows.claim(known(&read().await), at(70), at(100)).await;
        assert!(matches!(claim.unwrap(), Claim::Claimed(_)));
        let (row, _) = unchanged("claimed again").await;
        assert!(!row.contains_key("unsent_in"), "{row:?}");
        let completed = Settlement::Completed(output(b"made"));
        let settled = flows
            .settle(known(&read().await), 2, completed, CallEnd::NoCall, at(80))
            .await;
        assert_eq!(settled.unwrap(), Fenced::Done);
        let (_, progress) = unchanged("settled").await;
        assert_eq!(progress.len(), 1, "{progress:?}");
        let flow = read().await;
        assert!(flow.progress.is_none() && flow.state().is_settled());
    }
}

/// As versions wrote it that knew neither revisions nor versions, and no progress where there was none.
pub(crate) async fn an_older_row_is_changed(on: World) {
    let flows = on.table.flows();
    let flow = on.flow().await;
    on.update(
        World::key(flow.id),
        "REMOVE revision, version, progress",
        &[],
    )
    .await;
    let running = claimed(&on, &flow, 10).await;
    // The guess was wrong, and then the row was at hand.
    assert_eq!(on.called(), ["UpdateItem"; 2]);
    assert_eq!(running.revision, 0);
    let begun = flows
        .begin_call(&running, running.fence, Vec::new())
        .await
        .unwrap();
    assert_eq!(begun, Fenced::Done);
    assert_eq!(on.called(), ["GetItem", "UpdateItem"]);
    let finished = flows
        .finish_step(&running, 1, 0, product(), CallEnd::Confirmed)
        .await;
    assert_eq!(finished.unwrap(), Fenced::Done);
    let row = on.raw(World::key(flow.id)).await;
    assert_eq!(row["version"], number("1"));
    assert!(!row.contains_key("revision"), "{row:?}");
    let read = flows.flows(&tenant(), &[flow.id]).await.unwrap();
    let read = read[0].as_ref().unwrap();
    assert_eq!(read.progress.products, [product()]);
}

/// An older version, to which it was unknown, left it there.
pub(crate) async fn what_has_no_business_is_removed(on: World) {
    let flow = on.flow().await;
    on.update(
        World::key(flow.id),
        "SET settled_at = :text, unsent_in = :text, unsent_since = :text, progress.open_call = :open",
        &[
            (":text", AttributeValue::S("0".to_owned())),
            (":open", AttributeValue::Bool(false)),
        ],
    )
    .await;
    claimed(&on, &flow, 10).await;
    let row = on.raw(World::key(flow.id)).await;
    for name in ["settled_at", "unsent_in", "unsent_since"] {
        assert!(!row.contains_key(name), "{name}: {row:?}");
    }
}

pub(crate) async fn completed_work_keeps_what_is_not_known(on: World) {
    let result_cache = on.table.result_cache();
    let key = WorkKey::new(
        &tenant(),
        &"copy".parse().unwrap(),
        "1",
        &Sha256Digest::of(b"source"),
        &Params::default(),
    );
    let holder = WorkHolder {
        flow_id: FlowId::generate(),
        fence: 1,
    };
    result_cache
        .claim(&key, holder, at(0), at(10))
        .await
        .unwrap();
    let pk = AttributeValue::S(format!("work#{}", key.as_str()));
    on.update(pk.clone(), "SET price = :price", &[(":price", number("7"))])
        .await;
    result_cache.complete(&key, &output(b"made")).await.unwrap();
    let row = on.raw(pk).await;
    assert_eq!(row["price"], number("7"));
    assert!(!row.contains_key("held_until"), "{row:?}");
    assert_eq!(
        result_cache.find(&key).await.unwrap(),
        Some(output(b"made"))
    );
}
