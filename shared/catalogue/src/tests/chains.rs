//! Operations one after the other.

use std::sync::Arc;

use assetmill_core::{Asset, Availability, Cost, FailureCode, Operation, OperationError, Product};

use super::{SHIPPED, loaded};

const COFFEE: &[u8] = include_bytes!("../../../../localstack/samples/coffee.jpg");

const CATALOGUE: &str = r#"
default = "card"
[operations.small]
transform = "resize"
summary = "Small"
[operations.card]
summary = "A small square WebP"
chain = [
    { operation = "small", params = { width = 100, height = 100, fit = "crop", format = "png" } },
    { operation = "written", params = { format = "webp" } },
]
[operations.written]
transform = "convert"
summary = "Written"
"#;

fn card(catalogue: &str) -> Arc<dyn Operation> {
    loaded(catalogue).get("card").unwrap().clone()
}

async fn run(operation: &dyn Operation) -> Result<Product, OperationError> {
    let asset = Asset {
        url: "https://example.com/a".parse().unwrap(),
        content: COFFEE.into(),
    };
    let params = operation
        .description()
        .params
        .accept(&serde_json::Map::new());
    operation
        .run(&"acme".parse().unwrap(), asset, &params.unwrap())
        .await
}

#[tokio::test]
async fn each_takes_what_the_one_before_made() {
    let operation = card(CATALOGUE);
    assert_eq!(operation.description().cost, Cost::Free);
    let product = run(&*operation).await.unwrap();
    assert_eq!(product.media_type.as_str(), "image/webp");
    let picture = image::load_from_memory(&product.content).unwrap();
    assert_eq!((picture.width(), picture.height()), (100, 100));
}

#[tokio::test]
async fn a_failure_names_the_operation() {
    let reversed = CATALOGUE.replace("\"written\", params = { format = \"webp\" }", "\"only\"");
    let only = "[operations.only]\ntransform = \"optimize\"\nsummary = \"x\"\n";
    let first = reversed.replace("format = \"png\"", "format = \"avif\"") + only;
    let operation = card(&first);
    let error = run(&*operation).await.unwrap_err();
    let failure = error.failure();
    assert_eq!(failure.code, FailureCode::UnsupportedMediaType);
    assert!(
        failure
            .message
            .starts_with("only: the content is image/avif"),
        "{failure:?}"
    );
}

#[test]
fn a_chain_can_run_if_all_of_it_can() {
    let catalogue = loaded(SHIPPED);
    let shot = catalogue.get("product-shot").unwrap();
    assert_eq!(shot.description().cost, Cost::Paid);
    let Availability::Unavailable { reason } = &shot.description().availability else {
        panic!("it has no key");
    };
    assert_eq!(
        reason,
        "remove-background: set the environment variable REMOVE_BG_API_KEY"
    );
}

#[test]
fn another_parameter_is_another_work() {
    let other = CATALOGUE.replace("width = 100", "width = 99");
    assert_ne!(card(CATALOGUE).fingerprint(), card(&other).fingerprint());
}
