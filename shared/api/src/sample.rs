//! A photograph for those who have no URL at hand.

use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;

/// Where the sample is, relative to where the API is. The examples of the document name it.
pub const SAMPLE_PATH: &str = "samples/coffee.jpg";
/// A cup of coffee, a JPEG of 600 by 400. `localstack/samples/README.md` names its source.
pub const SAMPLE: &[u8] = include_bytes!("../../../localstack/samples/coffee.jpg");

/// Serves the sample.
pub fn router() -> Router {
    let sample = async || ([(CONTENT_TYPE, "image/jpeg")], SAMPLE);
    Router::new().route(&format!("/{SAMPLE_PATH}"), get(sample))
}
