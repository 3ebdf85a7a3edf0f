//! The catalogue in JSON.

use assetmill_core::ports::{GateReads, Unavailable};
use assetmill_core::{
    Availability, Catalogue, Cost, MediaType, Operation, OperationDescription, OperationName,
};
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::breaker::{BreakerView, LimitsView};

/// An operation of the catalogue.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Operation)]
pub struct OperationView {
    /// Its name.
    #[schema(example = "thumbnail")]
    pub name: String,
    /// Whether it runs when a request names none.
    pub default: bool,
    /// What it does.
    #[schema(example = "Fits an image into a box")]
    pub summary: String,
    /// Its parameters, as a JSON Schema (draft 2020-12) of the object `params`.
    #[schema(value_type = Object)]
    pub params: Value,
    /// The media types that it takes; empty means any.
    #[schema(example = json!(["image/jpeg", "image/png", "image/webp"]))]
    pub accepts: Vec<String>,
    /// The media types that it may make; empty means any.
    #[schema(example = json!(["image/jpeg", "image/png", "image/webp"]))]
    pub produces: Vec<String>,
    /// Whether it can run here.
    pub available: bool,
    /// What is missing, if it can't.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable_reason: Option<String>,
    /// Whether running it costs the operator money.
    pub paid: bool,
    /// What it may be asked for; nothing if there are no limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsView>,
    /// How it admits flows; of a chain, its steps do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerView>,
}

impl OperationView {
    /// Every operation of a catalogue, by name, with its gate.
    ///
    /// # Errors
    /// [`Unavailable`] when the gates can't be read.
    pub async fn all(
        catalogue: &Catalogue,
        gates: &dyn GateReads,
        now: Timestamp,
    ) -> Result<Vec<Self>, Unavailable> {
        let default = &catalogue.default_operation().description().name;
        let views = catalogue
            .iter()
            .map(|operation| Self::with_gate(&**operation, default, gates, now));
        try_join_all(views).await
    }

    async fn with_gate(
        operation: &dyn Operation,
        default: &OperationName,
        gates: &dyn GateReads,
        now: Timestamp,
    ) -> Result<Self, Unavailable> {
        let description = operation.description();
        let mut view = Self::new(description, description.name == *default);
        view.limits = LimitsView::of(&operation.limits());
        if operation.steps().is_empty() {
            let gate = gates.gate(&description.name).await?;
            view.breaker = Some(BreakerView::of(&gate, now));
        }
        Ok(view)
    }

    fn new(description: &OperationDescription, default: bool) -> Self {
        let texts = |types: &[MediaType]| types.iter().map(MediaType::to_string).collect();
        let unavailable_reason = match &description.availability {
            Availability::Available => None,
            Availability::Unavailable { reason } => Some(reason.clone()),
        };
        Self {
            name: description.name.to_string(),
            default,
            summary: description.summary.clone(),
            params: description.params.to_json_schema(),
            accepts: texts(&description.accepts),
            produces: texts(&description.produces),
            available: unavailable_reason.is_none(),
            unavailable_reason,
            paid: description.cost == Cost::Paid,
            limits: None,
            breaker: None,
        }
    }
}
