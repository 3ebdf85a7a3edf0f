//! The guarded client: HTTP requests that never reach an address which callers should not.
//!
//! # The guard
//! An address is reached only when it is [public](is_public), or when the operator's [`AllowList`]
//! lets it through. Whatever a name resolves to is filtered by the resolver of the connection itself,
//! so there is no second look-up that could answer differently (DNS rebinding). The HTTP client asks
//! no resolver for URLs whose host is an address, so those are checked before each request;
//! redirects are never followed by the client, so that every hop is a request of its own.
//!
//! # Manners
//! The [`Fetcher`], which goes wherever callers say, asks no host for more than [`OriginLimits`], and
//! leaves those alone that ask for patience.
//!
//! # Ports
//! A resolver is told a name, not a port, and an entry of the allow list may hold for one port
//! alone. The ports that an allow list names are few and known from the start, so a
//! [`GuardedClient`] keeps one connection pool with its own resolver for each of them, and one
//! for all other ports. A request goes through the pool of its port; what that pool's resolver lets
//! through is exactly what the allow list says for this port.

mod address;
mod allow;
mod body;
mod client;
mod failure;
mod memory;
mod origins;
mod resolver;
mod retry_after;
mod source;
mod tls;
mod webhooks;

pub use address::is_public;
pub use allow::{AllowList, AllowListError};
pub use body::{BodyFailure, read_answer, read_body};
pub use client::{ClientError, GuardedClient, Refused};
pub use failure::TransportFailure;
pub use memory::{AnswerRoom, Memory, Waited};
pub use origins::OriginLimits;
pub use resolver::{NameLookup, SystemLookup};
pub use retry_after::retry_after;
pub use source::{FetchLimits, Fetcher};
pub use webhooks::WebhookClient;
