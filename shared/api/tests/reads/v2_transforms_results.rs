//! `POST /api/v2/transforms/results`

use assetmill_core::FlowId;
use serde_json::{Value, json};

use super::world::{ACME, GLOBEX, World, completed, failed, pending, running};

const PATH: &str = "/api/v2/transforms/results";

#[tokio::test]
async fn both_forms_of_the_question_have_the_same_answer() {
    let world = World::new();
    let (_, flows) = world.batch(&[pending(), failed(), running()]).await;
    let ids = json!([flows[2].id, flows[0].id, flows[1].id]);
    let bare = world.post(PATH, ids.to_string()).await;
    let wrapped = json!({ "flow_ids": ids }).to_string();
    assert_eq!(world.post(PATH, wrapped).await.json(), bare.json());
    assert_eq!(bare.status, 200);
    let body = bare.json();
    assert_eq!(body["status"], "RUNNING");
    assert!(body.get("batch_id").is_none());
    let rows = body["flows"].as_array().unwrap();
    let answered: Vec<_> = rows.iter().map(|row| row["flow_id"].clone()).collect();
    assert_eq!(json!(answered), ids);
}

#[tokio::test]
async fn an_unknown_id_is_a_row_and_the_others_are_answered() {
    let world = World::new();
    let (_, flows) = world.batch(&[completed()]).await;
    let unknown = FlowId::generate();
    let body = json!([unknown, flows[0].id]).to_string();
    let body = world.post(PATH, body).await.json();
    assert_eq!(body["status"], "PARTIAL");
    assert_eq!(
        body["counts"],
        json!({
            "total": 2, "pending": 0, "running": 0, "completed": 1, "failed": 0, "cancelled": 0,
            "not_found": 1,
        })
    );
    assert_eq!(
        body["flows"][0],
        json!({ "flow_id": unknown, "state": "NOT_FOUND" })
    );
    assert_eq!(body["flows"][1]["state"], "COMPLETED");
}

#[tokio::test]
async fn others_flows_are_not_found() {
    let world = World::with_keys();
    let (_, flows) = world.batch(&[completed(), failed()]).await;
    let body = json!([flows[0].id, flows[1].id]).to_string();
    let theirs = world.post_as(GLOBEX, PATH, body.clone()).await.json();
    assert_eq!(theirs["status"], "NOT_FOUND");
    assert_eq!(theirs["counts"]["not_found"], 2);
    let own = world.post_as(ACME, PATH, body.clone()).await.json();
    assert_eq!(own["status"], "PARTIAL");
    assert_eq!(world.post(PATH, body).await.problem().0, 401);
}

#[tokio::test]
async fn an_id_is_answered_once_however_often_it_is_asked_for() {
    let world = World::new();
    let (_, flows) = world.batch(&[completed(), failed()]).await;
    let mut ids = vec![flows[1].id; 9_999];
    ids.insert(5_000, flows[0].id);
    let body = world.post(PATH, json!(ids).to_string()).await.json();
    assert_eq!(body["flows"].as_array().unwrap().len(), 2);
    assert_eq!(body["flows"][0]["flow_id"], json!(flows[1].id));
    assert_eq!(body["counts"]["total"], 2);
    assert_eq!(body["status"], "PARTIAL");
}

#[tokio::test]
async fn ten_thousand_can_be_asked_for_at_once() {
    let ids: Vec<_> = (0..10_000).map(|_| FlowId::generate()).collect();
    let answer = World::new().post(PATH, json!(ids).to_string()).await;
    assert_eq!(answer.json()["counts"]["not_found"], 10_000);
}

#[tokio::test]
async fn a_question_that_can_not_be_answered_says_why_and_where() {
    let id = json!(FlowId::generate());
    let many: Vec<_> = (0..10_001).map(|_| id.clone()).collect();
    for (ids, code, place) in [
        (json!([]), "empty_list", ""),
        (json!(many), "too_many_flow_ids", ""),
        (json!([id, "nonsense"]), "invalid_flow_id", "/1"),
        (json!([id, id, 5]), "invalid_body", "/2"),
        (json!([null]), "invalid_body", "/0"),
    ] {
        for (body, prefix) in [
            (ids.clone(), ""),
            (json!({ "flow_ids": ids.clone() }), "/flow_ids"),
        ] {
            let answer = World::new().post(PATH, body.to_string()).await;
            let pointer = Some(format!("{prefix}{place}"));
            assert_eq!(answer.problem(), (422, code.to_owned(), pointer));
        }
    }
}

#[tokio::test]
async fn other_bodies_are_refused() {
    for (body, pointer, hint) in [
        (json!("x"), "", "a JSON array of flow ids"),
        (Value::Null, "", "a JSON array of flow ids"),
        (json!({}), "/flow_ids", "missing"),
        (
            json!({ "flow_ids": "x" }),
            "/flow_ids",
            "expected a JSON array",
        ),
        (json!({ "flow_id": "x" }), "/flow_id", "flow_ids, a list"),
        (
            json!({ "flow_ids": [], "x": 1 }),
            "/x",
            "expected `flow_ids`",
        ),
    ] {
        let answer = World::new().post(PATH, body.to_string()).await;
        let expected = (422, "invalid_body".to_owned(), Some(pointer.to_owned()));
        assert_eq!(answer.problem(), expected, "{body}");
        assert!(answer.detail().contains(hint), "{}", answer.detail());
    }
    let answer = World::new().post(PATH, "[\"".to_owned()).await;
    assert_eq!(answer.problem(), (400, "malformed_json".to_owned(), None));
    let answer = World::new().get(PATH).await;
    assert_eq!(answer.problem().0, 405);
    assert_eq!(answer.headers["allow"], "POST");
}
