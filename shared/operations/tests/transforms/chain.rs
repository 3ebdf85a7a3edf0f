//! Operations one after the other.

use assetmill_core::{Availability, Cost, FailureCode};
use serde_json::json;

use crate::support::{COFFEE, decoded, of_catalogue, run_of, shipped};

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

#[tokio::test]
async fn each_takes_what_the_one_before_made() {
    let operation = of_catalogue(CATALOGUE, "card");
    assert_eq!(operation.description().cost, Cost::Free);
    let product = run_of(&operation, COFFEE, json!({})).await.unwrap();
    assert_eq!(product.media_type.as_str(), "image/webp");
    let picture = decoded(&product);
    assert_eq!((picture.width(), picture.height()), (100, 100));
}

#[tokio::test]
async fn a_failure_names_the_operation() {
    let reversed = CATALOGUE.replace("\"written\", params = { format = \"webp\" }", "\"only\"");
    let only = "[operations.only]\ntransform = \"optimize\"\nsummary = \"x\"\n";
    let first = reversed.replace("format = \"png\"", "format = \"avif\"") + only;
    let operation = of_catalogue(&first, "card");
    let setback = run_of(&operation, COFFEE, json!({})).await.unwrap_err();
    let failure = setback.failure();
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
    let shot = shipped("product-shot");
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
    assert_ne!(
        of_catalogue(CATALOGUE, "card").fingerprint(),
        of_catalogue(&other, "card").fingerprint()
    );
}
