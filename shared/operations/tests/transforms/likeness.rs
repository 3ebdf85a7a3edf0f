//! Sizes, shapes and marks, held against sharp's.

use serde_json::json;

use crate::support::{COFFEE, COFFEE_400, decoded, difference, made, reference, similarity};

async fn looks_like(name: &str, content: &[u8], params: serde_json::Value, like: &str) {
    let expected = reference(like);
    // The grain of the table is what lossy formats lose first.
    for (format, least) in [("png", 0.96), ("jpeg", 0.95), ("webp", 0.93)] {
        let mut params = params.clone();
        params["format"] = json!(format);
        params["quality"] = json!(95);
        let picture = decoded(&made(name, content, params).await);
        let size = (picture.width(), picture.height());
        assert_eq!(size, expected.dimensions(), "{like} as {format}");
        let similarity = similarity(&picture, &expected);
        assert!(similarity > least, "{like} as {format}: {similarity}");
        let difference = difference(&picture, &expected);
        assert!(difference < 4.0, "{like} as {format}: {difference}");
    }
}

#[tokio::test]
async fn a_fitted_picture_is_that_of_sharp() {
    let params = json!({ "width": 200, "height": 200 });
    looks_like("resize", COFFEE, params.clone(), "fit.webp").await;
    looks_like("thumbnail", COFFEE, params, "fit.webp").await;
}

/// The sample is stored lying on its side: what is west of it upright is not what is stored there.
#[tokio::test]
async fn a_cropped_picture_is_that_of_sharp() {
    let params = json!({ "width": 150, "height": 150, "fit": "crop", "gravity": "west" });
    looks_like("resize", COFFEE, params, "crop-west.webp").await;
}

#[tokio::test]
async fn a_stretched_picture_is_that_of_sharp() {
    let params = json!({ "width": 120, "height": 200, "fit": "fill" });
    looks_like("resize", COFFEE, params, "fill.webp").await;
}

#[tokio::test]
async fn a_marked_picture_is_that_of_sharp() {
    let params = json!({ "margin": 0.03, "size": 0.25 });
    looks_like("watermark", COFFEE_400, params, "watermark.webp").await;
}

#[tokio::test]
async fn one_side_is_enough() {
    let picture = decoded(&made("resize", COFFEE, json!({ "width": 300 })).await);
    assert_eq!((picture.width(), picture.height()), (300, 200));
    let picture = decoded(&made("resize", COFFEE, json!({ "height": 100 })).await);
    assert_eq!((picture.width(), picture.height()), (150, 100));
    let picture = decoded(&made("resize", COFFEE, json!({})).await);
    assert_eq!((picture.width(), picture.height()), (600, 400));
}

#[tokio::test]
async fn only_who_asks_gets_a_larger_picture() {
    for (enlarge, expected) in [(false, (600, 400)), (true, (900, 600))] {
        let params = json!({ "width": 900, "height": 900, "enlarge": enlarge });
        let picture = decoded(&made("resize", COFFEE, params).await);
        assert_eq!((picture.width(), picture.height()), expected);
    }
}
