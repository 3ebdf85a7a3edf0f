//! The files of the page, as they stand in `static`.

/// What a browser begins with.
pub(crate) const INDEX: &str = include_str!("../static/index.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file that the page consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// Its path below `/console/`.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// All that is in it.
    pub bytes: &'static [u8],
}

/// Every file of the page, and nothing else: no path leads out of this list.
pub fn files() -> impl Iterator<Item = File> {
    FILES.iter().copied()
}

macro_rules! files {
    ($($media_type:expr => [$($name:literal),* $(,)?]),* $(,)?) => {
        &[$($(File {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../static/", $name)),
        }),*),*]
    };
}

const FILES: &[File] = files! {
    "text/html; charset=utf-8" => ["index.html"],
    "text/css; charset=utf-8" => ["style.css"],
    "image/svg+xml" => ["icon.svg"],
    SCRIPT => [
        "api.js",
        "app.js",
        "download.js",
        "flows.js",
        "format.js",
        "key.js",
        "poll.js",
        "route.js",
        "sources.js",
        "parts/actions.js",
        "parts/bits.js",
        "parts/chosen.js",
        "parts/compare.js",
        "parts/deliveries.js",
        "parts/dialog.js",
        "parts/endpoint.js",
        "parts/failures.js",
        "parts/form.js",
        "parts/keys.js",
        "parts/naming.js",
        "parts/plots.js",
        "parts/replay.js",
        "parts/search.js",
        "parts/sheet.js",
        "parts/sources.js",
        "parts/state.js",
        "parts/table.js",
        "parts/text.js",
        "parts/waiting.js",
        "parts/waterfall.js",
        "parts/windowed.js",
        "vendor/htm-preact.js",
        "views/batch.js",
        "views/batches.js",
        "views/flow.js",
        "views/operations.js",
        "views/overview.js",
        "views/run.js",
        "views/webhook.js",
        "views/webhooks.js",
    ],
};
