//! What Assetmill does to assets, and how it reaches the world for them: the catalogue, the vendor
//! HTTP client, the built-in transforms and the guarded fetcher.

pub mod catalogue;
mod chain;
pub mod fetch;
pub mod sniff;
pub mod transform;
pub mod vendor;
pub mod wire;
