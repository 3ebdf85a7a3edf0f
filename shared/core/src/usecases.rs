//! What can be asked of Assetmill. Each use case is a struct of the ports it takes.

mod announce;
mod cancel;
mod completion;
mod dead_letters;
mod deliver_webhooks;
mod failures;
mod message_handler;
mod meter;
mod once;
mod pacer;
mod pages;
mod process;
mod retry;
mod run_synchronously;
mod selection;
mod submit;
mod sweep;
mod transform_request;
mod webhooks;

pub use announce::{AnnounceAgain, Announcer};
pub use cancel::{Cancel, Cancelled};
pub use dead_letters::FailDeadLetter;
pub use deliver_webhooks::DeliverWebhooks;
pub use failures::{FailureGroup, Failures, MOST_BATCHES};
pub use message_handler::MessageHandler;
pub use meter::Meter;
pub use once::{Begun, KeyedRequest, Once, OnceError, Started};
pub use pacer::Pacer;
pub use process::{Alike, Outcome, Process, Products, TimeLimits, Waiting};
pub use retry::{Retry, RetryError};
pub use run_synchronously::{Answered, Made, RunSynchronously};
pub use selection::{Affected, AffectedBatch, Selection, SelectionError};
pub use submit::{Accepted, Submit};
pub use sweep::{Sweep, Swept};
pub use transform_request::{RequestedSource, SourceList, SourceListError, TransformRequest};
pub use webhooks::{DeliveryLog, ManageWebhooks, RegisterError, Replayed};
