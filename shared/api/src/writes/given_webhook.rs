//! Endpoints as callers give them.

use std::collections::BTreeSet;

use assetmill_core::{BatchWebhook, Sha256Digest, WebhookEvent, WebhookSecret, WebhookUrl};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::BoundedList;
use crate::views::batch_webhook_events;
use crate::{ErrorCode, Pointer, Problem};

/// As many names of events as a body may have; more say nothing new.
pub(crate) const MOST_EVENTS: usize = 16;

/// Who to tell of one batch alone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a JSON object such as {\"url\": \"https://example.com/hook\", \"events\": [\"batch.completed\"]}"
)]
#[schema(as = BatchWebhook)]
pub(crate) struct GivenWebhook {
    /// Where to post to: an http or https URL without credentials.
    #[schema(
        format = "uri",
        min_length = 1,
        max_length = 2048,
        example = "https://example.com/hooks/assetmill"
    )]
    url: String,
    /// What to tell it of.
    #[schema(schema_with = batch_webhook_events)]
    events: BoundedList<WebhookEvent, MOST_EVENTS>,
    /// What to sign with: `whsec_` and 32 bytes in base64. Without it a new one is made, and answered.
    #[schema(
        value_type = Option<String>,
        pattern = "^whsec_[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$",
        example = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    )]
    secret: Option<WebhookSecret>,
}

impl GivenWebhook {
    /// Of what is asked for.
    pub(crate) fn fingerprint(&self) -> Sha256Digest {
        let secret = self.secret.as_ref().map(WebhookSecret::reveal);
        let secret = secret.unwrap_or_default();
        let events: BTreeSet<_> = self.events.items.iter().map(|it| it.as_str()).collect();
        Sha256Digest::of_parts([self.url.as_str(), &secret].into_iter().chain(events))
    }

    /// What is asked for, if there can be such an endpoint. It stands at `place` in the body.
    pub(crate) fn asked(self, place: &Pointer) -> Result<BatchWebhook, Problem> {
        let events = events(self.events, place)?;
        let of_batches = WebhookEvent::OF_BATCHES;
        if let Some(other) = events.iter().find(|event| !of_batches.contains(event)) {
            let detail = format!(
                "{} is no event of a batch; make an endpoint of yours for it, at /api/v2/webhooks",
                other.as_str()
            );
            let problem = Problem::new(ErrorCode::InvalidBody, detail);
            return Err(problem.at(place.clone().field("events")));
        }
        Ok(BatchWebhook {
            url: url(&self.url, place)?,
            events,
            secret: self.secret,
        })
    }
}

/// The URL of an endpoint, which stands at `url` of `place`.
pub(crate) fn url(text: &str, place: &Pointer) -> Result<WebhookUrl, Problem> {
    text.parse().map_err(|error| {
        let problem = Problem::new(ErrorCode::InvalidUrl, format!("{error}"));
        problem.at(place.clone().field("url"))
    })
}

/// What it is told of, which stands at `events` of `place`.
pub(crate) fn events(
    given: BoundedList<WebhookEvent, MOST_EVENTS>,
    place: &Pointer,
) -> Result<BTreeSet<WebhookEvent>, Problem> {
    let events: BTreeSet<_> = given.items.into_iter().collect();
    if events.is_empty() {
        let detail = "the list of events is empty; name at least one";
        let problem = Problem::new(ErrorCode::EmptyList, detail);
        return Err(problem.at(place.clone().field("events")));
    }
    Ok(events)
}
