//! What can be asked of Assetmill. Each use case is a struct of the ports it takes.

mod answer;
mod bury;
mod cancel;
mod completion;
mod order;
mod pages;
mod process;
mod retry;
mod submit;
mod sweep;
mod work;

pub use answer::Answer;
pub use bury::Bury;
pub use cancel::{Cancel, Cancelled};
pub use order::{Order, OrderedSource, SourceList, SourceListError};
pub use process::{Outcome, Process, TimeLimits, Waiting};
pub use retry::{Retry, RetryError};
pub use submit::{Accepted, Submit};
pub use sweep::{Sweep, Swept};
pub use work::Work;
