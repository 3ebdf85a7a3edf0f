//! The JSON bodies of answers.

mod activity;
mod affected;
mod batch;
mod breaker;
mod failures;
mod flow;
mod history;
mod links;
mod operation;
mod results;
mod state;
mod time;
mod upload;
mod webhooks;

pub use activity::{ActivityPointView, ActivityView};
pub use affected::{CancelledFlowsView, RetriedFlowsView};
pub use batch::{BatchView, CancelledView, RetryPreviewView, StartedView};
pub use breaker::{BreakerView, LimitsView};
pub use failures::{FailedFlowView, FailureGroupView, FailuresView};
pub(crate) use flow::FailureCodeView;
pub use flow::{ErrorView, FlowRow, FlowView, ResultView, UnknownFlowView};
pub use history::{EventView, HistoryView, WaitingView};
pub use links::Links;
pub use operation::OperationView;
pub use results::{Counted, ResultsBeginning, ResultsEnding, ResultsView};
pub use state::{BatchCountsView, FlowStateView, OverallStatus, ResultCountsView};
pub use upload::{UploadAnswer, UploadView, UploadsView};
pub use webhooks::{DeliveriesPage, DeliveryView, NewWebhookView, ReplayedView, WebhooksView};
pub(crate) use webhooks::{
    DeliveryStateView, events as webhook_events, events_of_batches as batch_webhook_events,
};
