//! Pictures of a bounded number of bytes.

use assetmill_core::FailureCode;
use serde_json::json;

use crate::support::{COFFEE, decoded, failure, made};

#[tokio::test]
async fn a_budget_is_kept_and_used() {
    for format in ["jpeg", "webp"] {
        for most in [8_000, 20_000] {
            let params = json!({ "format": format, "max_bytes": most, "quality": 95 });
            let product = made("convert", COFFEE, params).await;
            let bytes = product.content.len();
            assert!(bytes <= most, "{format}: {bytes} of {most}");
            assert!(bytes * 10 > most * 8, "{format}: {bytes} of {most}");
            assert_eq!(decoded(&product).width(), 600);
        }
    }
}

#[tokio::test]
async fn a_budget_that_can_not_be_met_is_a_failure_that_says_what_could_be() {
    for format in ["jpeg", "png"] {
        let params = json!({ "format": format, "max_bytes": 300 });
        let failure = failure("convert", COFFEE, params).await;
        assert_eq!(failure.code, FailureCode::BudgetNotMet);
        assert!(
            failure.message.contains("more than max_bytes 300"),
            "{failure:?}"
        );
    }
}
