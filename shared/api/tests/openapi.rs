//! The OpenAPI document in the repository is the one that the code makes.
#![allow(clippy::unwrap_used)]

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

#[test]
fn the_document_says_what_is_so() {
    let made = assetmill_api::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("ASSETMILL_WRITE_OPENAPI").is_some() {
        std::fs::write(GOLDEN, &made).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    assert!(
        made == golden,
        "docs/openapi.json is not what the code makes; run `just openapi` and look at the difference"
    );
}
