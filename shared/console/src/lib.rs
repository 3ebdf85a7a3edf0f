//! The console: a page that shows what the JSON API says, and asks it for what its buttons say.
//!
//! Its files are embedded as they stand in `static`; nothing is built. All its links are relative, so that it works
//! below any prefix, and it loads nothing from another host but the pictures that it is asked to show.

mod files;
mod headers;

pub use files::{File, files};

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode};

use crate::headers::Kept;

/// Where it is served, as in the table of routes of the API.
pub const PATHS: [&str; 3] = ["/console", "/console/", "/console/{*file}"];

/// Serves the console at [`PATHS`]. It needs no key: the page asks for one where the API does.
///
/// Answers MUST be checked anew before they are taken from a cache, so that a new version is seen at once.
pub fn router() -> Router {
    let [bare, folder, file] = PATHS;
    // Below a path without a slash at its end, links are relative to the folder above.
    let from_above = files::INDEX.replace("\"./", "\"console/");
    let from_above = Kept::new("text/html; charset=utf-8", from_above.into_bytes());
    let kept: Arc<[(&str, Kept)]> = files()
        .map(|file| (file.name, Kept::new(file.media_type, file.bytes.to_vec())))
        .collect();
    let at_folder = kept.clone();
    Router::new()
        .route(
            bare,
            get(async move |headers: HeaderMap| from_above.answer(&headers)),
        )
        .route(
            folder,
            get(async move |headers: HeaderMap| answer(&at_folder, "index.html", &headers)),
        )
        .route(
            file,
            get(async move |Path(name): Path<String>, headers: HeaderMap| {
                answer(&kept, &name, &headers)
            }),
        )
}

fn answer(kept: &[(&str, Kept)], name: &str, headers: &HeaderMap) -> Response {
    kept.iter().find(|(known, _)| *known == name).map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |(_, file)| file.answer(headers),
    )
}
