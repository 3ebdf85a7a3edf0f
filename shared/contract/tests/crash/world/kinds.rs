//! What is done with which assets, and in which ways.

use assetmill_core::FlowState;

/// The flows of the batch under test, and how each has to end.
const ASSETS: &[(&str, FlowState)] = &[
    ("https://example.com/a", FlowState::Completed),
    ("https://example.com/b", FlowState::Completed),
    ("https://example.com/a", FlowState::Completed),
    ("https://example.com/missing", FlowState::Failed),
    ("https://example.com/flaky", FlowState::Completed),
    ("https://example.com/throttled", FlowState::Completed),
    ("https://example.com/unwell", FlowState::Completed),
    ("ftp://example.com/refused", FlowState::Failed),
];
/// Those of a chain: each makes more calls, and pairs of points are many.
const ASSETS_OF_CHAINS: &[(&str, FlowState)] = &[ASSETS[0], ASSETS[2], ASSETS[5], ASSETS[6]];
/// Those of jobs: one that is made twice, and one that is throttled first.
const ASSETS_OF_JOBS: &[(&str, FlowState)] = &[ASSETS[0], ASSETS[2], ASSETS[5]];

/// How a batch is submitted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// Through the queue.
    Queued,
    /// While the caller waits.
    Answered,
    /// Through the queue, and cancelled once its first flows have run.
    Cancelled,
    /// Through the queue, and what failed is run again.
    Retried,
}

/// What is done with the assets.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A transform.
    Free,
    /// A vendor does it.
    Paid,
    /// A vendor does it that may be asked once a second, so that most stand in line first.
    Paced,
    /// Two vendors do it, one after the other.
    Chain,
    /// Two vendors do it, of which the second takes it on and is asked until it is done.
    Job,
}

impl Kind {
    pub(super) fn assets(self) -> &'static [(&'static str, FlowState)] {
        match self {
            Self::Free | Self::Paid | Self::Paced => ASSETS,
            Self::Chain => ASSETS_OF_CHAINS,
            Self::Job => ASSETS_OF_JOBS,
        }
    }
}
