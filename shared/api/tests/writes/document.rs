//! The OpenAPI document is complete, and its examples are accepted by the routes that they show.

use serde_json::{Value, json};

use super::world::World;

fn operations() -> Vec<(String, String, Value)> {
    let document = serde_json::to_value(assetmill_api::writes::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            operations.push((method.clone(), path.clone(), operation.clone()));
        }
    }
    operations
}

#[test]
fn every_route_is_described() {
    let operations = operations();
    assert_eq!(operations.len(), 20);
    for (method, path, operation) in operations {
        for field in ["summary", "description", "tags", "responses"] {
            assert!(!operation[field].is_null(), "{method} {path}: {field}");
        }
        let needs_key = path.starts_with("/api");
        let names_401 = !operation["responses"]["401"].is_null();
        assert_eq!(needs_key, names_401, "{method} {path}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(assetmill_api::writes::openapi()).unwrap();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1);
    for reference in references.map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}

#[test]
fn a_key_is_optional() {
    let document = serde_json::to_value(assetmill_api::writes::openapi()).unwrap();
    assert_eq!(
        document["security"],
        json!([{}, { "bearer": [] }, { "api_key": [] }])
    );
}

#[tokio::test]
async fn every_example_can_be_sent() {
    let mut sent = 0;
    for (_, path, operation) in operations() {
        let examples = &operation["requestBody"]["content"]["application/json"]["examples"];
        for example in examples.as_object().into_iter().flatten().map(|(_, it)| it) {
            let mut body = example["value"].clone();
            // The catalogue of these tests has neither `thumbnail` nor its parameters.
            let fields = body.as_object_mut().unwrap();
            fields.retain(|name, _| name.starts_with("digital_asset"));
            let answer = World::new().post(&path, body.to_string()).await;
            assert!(answer.status.is_success(), "{path} {body}");
            sent += 1;
        }
    }
    assert_eq!(sent, 6);
}
