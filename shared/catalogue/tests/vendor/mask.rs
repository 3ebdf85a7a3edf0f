//! A result that is a mask of the asset.

use std::io::Cursor;

use assetmill_core::FailureCode;
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};
use serde_json::json;

use crate::stub::{Received, Stub, run_with};

const VENDOR: &str = r#"
    [operations.v.vendor]
    method = "POST"
    url = "BASE/mask"
    encoding = "raw"
    asset = { as = "file" }
    result = { kind = "body", mask = true }
"#;

fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
    let mut content = Cursor::new(Vec::new());
    let image: DynamicImage = image.into();
    image.write_to(&mut content, ImageFormat::Png).unwrap();
    content.into_inner()
}

#[tokio::test]
async fn the_asset_is_as_opaque_as_the_mask_is_bright() {
    // Half as large as the asset: black on the left, white on the right.
    let mask = png(GrayImage::from_fn(16, 16, |x, _| {
        [if x < 8 { 0 } else { 255 }].into()
    }));
    let stub = Stub::start(move |_: &Received| mask.clone()).await;
    let asset: &'static [u8] = png(RgbImage::from_pixel(32, 32, Rgb([200, 10, 30]))).leak();
    let product = run_with(&stub.vendor(VENDOR), asset, json!({}))
        .await
        .unwrap();
    assert_eq!(product.media_type.as_str(), "image/png");
    let cut = image::load_from_memory(&product.content)
        .unwrap()
        .into_rgba8();
    assert_eq!(cut.dimensions(), (32, 32));
    assert_eq!(cut.get_pixel(2, 16).0[3], 0);
    assert_eq!(cut.get_pixel(29, 16).0, [200, 10, 30, 255]);
}

#[tokio::test]
async fn a_mask_that_is_none_is_the_vendors_fault() {
    let stub = Stub::start(|_: &Received| "not a picture").await;
    let asset: &'static [u8] = png(GrayImage::new(4, 4)).leak();
    let error = run_with(&stub.vendor(VENDOR), asset, json!({})).await;
    let failure = error.unwrap_err().failure().clone();
    assert_eq!(failure.code, FailureCode::VendorResponseInvalid);
    assert!(
        failure.message.starts_with("the vendor's mask"),
        "{failure:?}"
    );
}
