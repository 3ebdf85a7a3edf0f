//! What readers of entries are given, and what they give back.

use std::sync::Arc;

use assetmill_core::Operation;
use assetmill_fetch::GuardedClient;
use assetmill_images::Codecs;
use assetmill_vendors::Extension;

/// What operations are made with.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) client: &'a GuardedClient,
    pub(super) codecs: &'a Codecs,
    pub(super) secrets: &'a dyn Fn(&str) -> Option<String>,
    pub(super) extension: Option<&'a Extension>,
}

/// An operation, and what a chain has to know of it.
pub(super) struct BuiltOperation {
    pub(super) operation: Arc<dyn Operation>,
    /// Whether a vendor is given the URL of the asset, and not its content.
    pub(super) takes_url: bool,
}
