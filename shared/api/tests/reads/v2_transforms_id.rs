//! `GET /api/v2/transforms/{flow_id}`

use std::sync::Arc;

use assetmill_contract::samples::at;
use assetmill_core::pacing::Place;
use assetmill_core::ports::{FlowChanges as _, FlowWrites as _};
use assetmill_core::{CallEnd, Claim, Deferral, Flow, Happened, NextTry, Sha256Digest, Wait};
use serde_json::json;

use super::world::{
    ACME, GLOBEX, World, cancelled, completed, failed, pending, running, waiting_for_another_try,
};

fn path(flow_id: impl std::fmt::Display) -> String {
    format!("/api/v2/transforms/{flow_id}")
}

#[tokio::test]
async fn a_flow_shows_what_belongs_to_its_state_and_no_more() {
    let world = World::new();
    let states = [
        pending(),
        waiting_for_another_try(),
        running(),
        completed(),
        failed(),
        cancelled(),
    ];
    let (_, flows) = world.batch(&states).await;
    for (flow, (state, fields)) in flows.iter().zip([
        ("PENDING", &[][..]),
        ("PENDING", &["error", "not_before"]),
        ("RUNNING", &[]),
        ("COMPLETED", &["result", "settled_at"]),
        ("FAILED", &["error", "settled_at"]),
        ("CANCELLED", &["settled_at"]),
    ]) {
        let body = world.get(&path(flow.id)).await.json();
        assert_eq!(body["state"], state);
        let shown: Vec<_> = ["error", "not_before", "result", "settled_at"]
            .into_iter()
            .filter(|field| body.get(field).is_some())
            .collect();
        assert_eq!(shown, fields, "{state}");
    }
}

#[tokio::test]
async fn a_completed_flow_shows_its_result() {
    let world = World::new();
    let (batch, flows) = world.batch(&[completed()]).await;
    let answer = world.get(&path(flows[0].id)).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(
        body,
        json!({
            "flow_id": flows[0].id,
            "batch_id": batch.id,
            "index": 0,
            "state": "COMPLETED",
            "digital_asset_url": "https://example.com/0",
            "operation": "copy",
            "params": {},
            "result": {
                "url": body["result"]["url"],
                "expires_at": body["result"]["expires_at"],
                "media_type": "image/png",
                "bytes": 4,
                "sha256": Sha256Digest::of(b"made"),
            },
            "attempts": 0,
            "unconfirmed_calls": 0,
            "created_at": format!("{:.3}", at(0)),
            "settled_at": format!("{:.3}", at(5)),
            "history": {
                "events": [{ "at": format!("{:.3}", at(0)), "event": "accepted", "step": 0 }],
                "left_out": 0,
            },
        })
    );
    assert!(body["result"]["url"].as_str().unwrap().contains("://"));
}

#[tokio::test]
async fn a_flow_that_waits_shows_what_went_wrong_and_until_when() {
    let world = World::new();
    let (_, flows) = world.batch(&[waiting_for_another_try()]).await;
    let body = world.get(&path(flows[0].id)).await.json();
    assert_eq!(body["not_before"], format!("{:.3}", at(60)));
    assert_eq!(
        body["error"],
        json!({
            "code": "vendor_throttled",
            "message": "the vendor asked for patience",
            "retryable": true,
        })
    );
}

#[tokio::test]
async fn a_flow_shows_what_happened_to_it_and_what_it_waits_for() {
    let world = World::new();
    let (_, flows) = world.batch(&[pending()]).await;
    let id = flows[0].id;
    let claim = world.flows.claim(id, at(1), at(100)).await.unwrap();
    let Claim::Claimed(flow) = claim else {
        panic!("not claimed: {claim:?}");
    };
    let sent = [(2, Happened::Fetched), (3, Happened::Sent)];
    let sent = sent.map(|(second, what)| flow.event(at(second), what));
    world
        .flows
        .begin_call(id, flow.fence, sent.to_vec())
        .await
        .unwrap();
    let deferral = Deferral {
        not_before: at(64),
        next_try: NextTry::Same,
        reason: Wait::VendorThrottled,
        last_failure: None,
    };
    world
        .flows
        .defer(id, flow.fence, deferral, CallEnd::Confirmed, at(4))
        .await
        .unwrap();
    let body = world.get(&path(id)).await.json();
    let time = |second| format!("{:.3}", at(second));
    assert_eq!(
        body["waiting"],
        json!({ "for": "vendor_throttled", "until": time(64) })
    );
    assert_eq!(
        body["history"]["events"],
        json!([
            { "at": time(0), "event": "accepted", "step": 0 },
            { "at": time(1), "event": "claimed", "step": 0, "attempt": 1 },
            { "at": time(2), "event": "fetched", "step": 0, "attempt": 1 },
            { "at": time(3), "event": "sent_to_vendor", "step": 0, "attempt": 1, "cost": "paid" },
            {
                "at": time(4),
                "event": "waits",
                "step": 0,
                "attempt": 1,
                "for": "vendor_throttled",
                "until": time(64),
            },
        ])
    );
}

#[tokio::test]
async fn what_is_no_flow_is_not_found() {
    for (id, status, code) in [
        ("nonsense", 400, "invalid_flow_id"),
        (
            "01890a5d-ac96-774b-bcce-b302099a8057",
            404,
            "flow_not_found",
        ),
    ] {
        let answer = World::new().get(&path(id)).await;
        assert_eq!(answer.problem(), (status, code.to_owned(), None));
    }
}

#[tokio::test]
async fn others_flows_do_not_exist() {
    let world = World::with_keys();
    let (_, flows) = world.batch(&[completed()]).await;
    let path = path(flows[0].id);
    assert_eq!(world.get_as(ACME, &path).await.status, 200);
    let answer = world.get_as(GLOBEX, &path).await;
    assert_eq!(answer.problem(), (404, "flow_not_found".to_owned(), None));
    assert_eq!(world.get(&path).await.problem().0, 401);
}

#[tokio::test]
async fn a_flow_says_until_when_it_waits_where_anybody_knows() {
    let world = World::new();
    let (_, flows) = world.batch(&[pending(), pending(), pending()]).await;
    for (flow, (reason, says)) in flows.iter().zip([
        (Wait::Rate, true),
        (Wait::Concurrency, false),
        (Wait::Paused, false),
    ]) {
        let place = Place {
            reason,
            until: at(64),
            slot: None,
        };
        let stands = move |row: &mut Flow| {
            row.stand_in_line(None, &place, at(1));
        };
        let changed = world.flows.change(flow.into(), Arc::new(stands)).await;
        changed.unwrap();
        let body = world.get(&path(flow.id)).await.json();
        assert_eq!(body["waiting"]["for"], reason.as_str());
        assert_eq!(body["waiting"].get("until").is_some(), says, "{body}");
    }
}
