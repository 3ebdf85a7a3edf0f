//! What Assetmill does to assets, and how it reaches the world for them: the catalogue, the vendor
//! HTTP client and the guarded fetcher. Built-in transforms are in `assetmill_images`.

pub mod catalogue;
mod chain;
pub mod fetch;
pub mod vendor;
pub mod wire;
