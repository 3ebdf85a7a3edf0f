//! A client of the HTTP API: what it takes and answers as types, one retry policy, and a transport beneath, so that the
//! same calls go over the network or to a router in the same process.

mod attempts;
mod call;
mod client;
mod error;
mod model;
mod rows;
mod transport;

pub use client::Client;
pub use error::{ClientError, Problem, Unreachable};
pub use model::{
    Announcement, Counts, FlowError, FlowResult, FlowRow, FlowState, Operation, Operations,
    Results, Started, Submission, Upload, Waiting,
};
pub use rows::{BatchRow, Event, FailureGroup, FlowStory, History};
pub use transport::{Answer, Network, Transport};
