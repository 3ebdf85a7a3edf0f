//! Batches and flows as the API shows them, for whoever explains them; what it says beyond is passed over.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Counts, FlowError, FlowResult, FlowState, Waiting};

/// A batch.
#[derive(Debug, Clone, Deserialize)]
pub struct BatchRow {
    /// Its id.
    pub batch_id: String,
    /// What it is called.
    pub name: Option<String>,
    /// What it is labelled with.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How its flows are doing as a whole: `RUNNING` until all are settled.
    pub status: String,
    /// What is done to each asset.
    pub operation: String,
    /// How many flows it has.
    pub digital_asset_count: u32,
    /// How many flows are in each state.
    pub counts: Counts,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was found complete.
    pub completed_at: Option<Timestamp>,
}

impl BatchRow {
    /// How many of its flows are settled.
    pub fn settled(&self) -> u32 {
        self.counts.completed + self.counts.failed + self.counts.cancelled
    }

    /// Whether all of them are.
    pub fn is_settled(&self) -> bool {
        self.settled() >= self.digital_asset_count
    }

    /// Whether each has its result.
    pub fn is_completed(&self) -> bool {
        self.counts.completed >= self.digital_asset_count
    }
}

/// A flow with what happened to it.
#[derive(Debug, Clone, Deserialize)]
pub struct FlowStory {
    /// Its id.
    pub flow_id: String,
    /// The batch it belongs to.
    pub batch_id: String,
    /// Its place in the batch, from 0.
    pub index: u32,
    /// Where it stands.
    pub state: FlowState,
    /// The asset.
    pub digital_asset_url: String,
    /// What is done to it.
    pub operation: String,
    /// With which parameters.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// Its output.
    pub result: Option<FlowResult>,
    /// What went wrong last.
    pub error: Option<FlowError>,
    /// Attempts so far.
    #[serde(default)]
    pub attempts: u32,
    /// Calls of which it is not known whether they were charged.
    #[serde(default)]
    pub unconfirmed_calls: u32,
    /// What it waits for.
    pub waiting: Option<Waiting>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it reached its final state.
    pub settled_at: Option<Timestamp>,
    /// What happened to it.
    #[serde(default)]
    pub history: History,
}

/// What happened to a flow, in order.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct History {
    /// The events: of many, the first and the last.
    pub events: Vec<Event>,
    /// How many are left out after the first few.
    pub left_out: u32,
}

/// Something that happened to a flow.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: String,
    /// At which step, from 0.
    #[serde(default)]
    pub step: u32,
    /// In which attempt at that step, from 1.
    pub attempt: Option<u32>,
    /// `paid` where it may be charged.
    pub cost: Option<String>,
    /// What it waits for.
    #[serde(rename = "for")]
    pub reason: Option<String>,
    /// Until when it waits.
    pub until: Option<Timestamp>,
    /// The code of what went wrong.
    pub code: Option<String>,
}

/// Failures that have much in common.
#[derive(Debug, Clone, Deserialize)]
pub struct FailureGroup {
    /// The code of all.
    pub code: String,
    /// How many there are.
    pub count: u32,
}
