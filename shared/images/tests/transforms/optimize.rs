//! Fewer bytes for the same picture.

use image::DynamicImage;
use serde_json::json;

use crate::support::{COFFEE_400, decoded, made, similarity};

const PALETTE: &[u8] = include_bytes!("../fixtures/palette.png");
const PNG: &[u8] = include_bytes!("../fixtures/upright.png");
const WEBP: &[u8] = include_bytes!("../fixtures/reference/watermark.webp");

#[tokio::test]
async fn pictures_get_smaller_and_stay_alike() {
    for content in [COFFEE_400, WEBP] {
        let product = made("optimize", content, json!({})).await;
        let given = image::load_from_memory(content).unwrap();
        assert!(product.content.len() < content.len() * 7 / 10);
        let likeness = similarity(&decoded(&product), &given.to_rgb8());
        assert!(likeness > 0.85, "{likeness}");
    }
}

#[tokio::test]
async fn a_png_loses_nothing() {
    for content in [PNG, PALETTE] {
        let product = made("optimize", content, json!({})).await;
        assert!(product.content.len() < content.len());
        let same = |content: &[u8]| image::load_from_memory(content).map(DynamicImage::into_rgba8);
        assert_eq!(same(&product.content).unwrap(), same(content).unwrap());
    }
}

#[tokio::test]
async fn what_can_not_be_smaller_comes_back_as_it_is() {
    let once = made("optimize", COFFEE_400, json!({ "quality": 50 })).await;
    let again = made("optimize", &once.content, json!({ "quality": 100 })).await;
    assert_eq!(again.content, once.content);
}
