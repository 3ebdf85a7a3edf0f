//! What is told of pictures, and what is not.

use serde_json::{Value, json};

use crate::support::{COFFEE, made};

const EXIF: &[u8] = include_bytes!("../fixtures/exif.jpg");

async fn report(content: &[u8]) -> Value {
    let product = made("inspect", content, json!({})).await;
    assert_eq!(product.media_type.as_str(), "application/json");
    serde_json::from_slice(&product.content).unwrap()
}

#[tokio::test]
async fn a_picture_is_described_as_it_stands_upright() {
    let report = report(COFFEE).await;
    assert_eq!(report["media_type"], "image/jpeg");
    assert_eq!(
        (&report["width"], &report["height"]),
        (&json!(600), &json!(400))
    );
    assert_eq!(report["orientation"], 6);
    assert_eq!(report["bytes"], COFFEE.len());
    assert_eq!(report["has_alpha"], false);
    assert_eq!(report["bits_per_channel"], 8);
    let colours = report["dominant_colors"].as_array().unwrap();
    assert!((1..=5).contains(&colours.len()));
    let shares: Vec<f64> = colours
        .iter()
        .map(|it| it["share"].as_f64().unwrap())
        .collect();
    assert!(shares.is_sorted_by(|a, b| a >= b), "{shares:?}");
    assert!(shares.iter().sum::<f64>() <= 1.0);
    // As the reference implementation of ThumbHash makes it, a hash of an opaque landscape has 21 bytes
    // or so; 28 characters of base64.
    let hash = report["thumb_hash"].as_str().unwrap();
    assert!((24..=36).contains(&hash.len()), "{hash}");
}

#[tokio::test]
async fn what_is_private_is_not_told() {
    let report = report(EXIF).await;
    assert_eq!(report["exif"]["make"], "Example");
    assert_eq!(report["exif"]["model"], "One");
    let text = report.to_string();
    for private in ["Private", "PRIVATE", "51", "GPS", "gps"] {
        assert!(
            !report["exif"].to_string().contains(private),
            "{private}: {text}"
        );
    }
}
