//! `GET /api/v2/operations`

use serde_json::json;

use super::world::{ACME, World};

const PATH: &str = "/api/v2/operations";

#[tokio::test]
async fn the_catalogue_says_what_can_be_asked_for() {
    let answer = World::new().get(PATH).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "operations": [
                {
                    "name": "copy",
                    "default": true,
                    "summary": "Copies",
                    "params": {
                        "type": "object",
                        "properties": {
                            "times": {
                                "type": "integer", "minimum": 1, "maximum": 3, "default": 1,
                                "description": "How often",
                            },
                        },
                        "additionalProperties": false,
                    },
                    "accepts": [],
                    "produces": ["image/png"],
                    "available": true,
                    "paid": false,
                    "breaker": { "state": "closed" },
                },
                {
                    "name": "vendor",
                    "default": false,
                    "summary": "Asks a vendor",
                    "params": { "type": "object", "properties": {}, "additionalProperties": false },
                    "accepts": ["image/jpeg"],
                    "produces": [],
                    "available": false,
                    "unavailable_reason": "the operator has to set VENDOR_KEY",
                    "paid": true,
                    "breaker": { "state": "closed" },
                },
            ],
        })
    );
}

#[tokio::test]
async fn where_keys_are_asked_for_the_catalogue_needs_one() {
    let world = World::with_keys();
    assert_eq!(world.get(PATH).await.problem().0, 401);
    assert_eq!(world.get_as(ACME, PATH).await.status, 200);
}
