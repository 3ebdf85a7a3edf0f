//! The OpenAPI document is complete, and its examples are accepted by the routes that they show.

use super::world::World;

#[test]
fn every_route_is_described() {
    let document = serde_json::to_value(assetmill_api::reads::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 8);
    for (path, methods) in paths {
        for operation in methods.as_object().unwrap().values() {
            for field in ["summary", "description", "tags", "responses"] {
                assert!(!operation[field].is_null(), "{path}: {field}");
            }
            assert!(!operation["responses"]["401"].is_null(), "{path}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(assetmill_api::reads::openapi()).unwrap();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1);
    for reference in references.map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn every_example_can_be_sent() {
    let document = serde_json::to_value(assetmill_api::reads::openapi()).unwrap();
    let path = "/api/v2/transforms/results";
    let content = &document["paths"][path]["post"]["requestBody"]["content"];
    let examples = content["application/json"]["examples"].as_object().unwrap();
    assert_eq!(examples.len(), 2);
    for example in examples.values() {
        let answer = World::new().post(path, example["value"].to_string()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["status"], "NOT_FOUND");
    }
}
