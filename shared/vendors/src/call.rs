//! What the requests of a call share: what they are filled with, how they are sent, and what not knowing comes to.

use assetmill_core::{Backpressure, OperationError, Params, TenantId};
use assetmill_fetch::{AnswerRoom, GuardedClient, Waited, read_answer, read_body};
use bytes::Bytes;
use reqwest::RequestBuilder;
use tokio::time::{Instant, timeout_at};

use super::answer;
use super::cut_out::CutOut;
use super::profile::{Profile, Resend, ResultPlace};
use super::response::Response;
use super::secrets::Secrets;
use super::template::RenderContext;
use crate::transcript;

/// The most bytes of an answer other than success that are read for the vendor's own message.
const MAX_REFUSAL_BYTES: u64 = 64 * 1024;
/// What an answer with base64 weighs: its text, the document that it is, and what it is decoded to.
const WEIGHT_OF_BASE64: u64 = 3;

/// What a call is made with.
pub(super) struct Call<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) client: &'a GuardedClient,
    pub(super) masks: &'a dyn CutOut,
    pub(super) profile: &'a Profile,
    pub(super) secrets: &'a Secrets,
    pub(super) params: &'a Params,
    pub(super) asset_url: &'a str,
    /// The asset, where it is in hand.
    pub(super) asset: Option<&'a Bytes>,
    /// What the call is known by, where it is made or looked up.
    pub(super) reference: Option<&'a str>,
    /// Where it is noted that nothing remains of what the vendor allows.
    pub(super) backpressure: Option<&'a Backpressure>,
    /// How many bytes of an answer have room since its asset was fetched.
    pub(super) reserved: u64,
    /// How long its answers have waited for room.
    pub(super) waited: Waited,
}

impl Call<'_> {
    /// Sends a request and reads its answer.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, OperationError> {
        let failed =
            |error: &reqwest::Error| answer::not_sent_or_unconfirmed(self.secrets, &error.into());
        let (client, request) = request.build_split();
        let request = request.map_err(|error| failed(&error))?;
        transcript::sent(&request, |text, chars| self.secrets.mask(text, chars));
        let response = client
            .execute(request)
            .await
            .map_err(|error| failed(&error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let limit = if status.is_success() {
            self.profile.max_response_bytes
        } else {
            MAX_REFUSAL_BYTES
        };
        let mut room = self.room();
        let body = if status.is_success() {
            let body = read_answer(response, limit, &mut room).await;
            body.map_err(|failure| answer::unreadable(self.secrets, failure))?
        } else {
            // What can't be read of a refusal takes its message away, not its meaning.
            read_body(response, limit).await.unwrap_or_default()
        };
        transcript::answered(status, &headers, &body, |text, chars| {
            self.secrets.mask(text, chars)
        });
        Ok(Response::new(status, headers, body, room))
    }

    /// Room for an answer.
    pub(super) fn room(&self) -> AnswerRoom {
        let weight = match self.profile.result {
            ResultPlace::Base64(_) => WEIGHT_OF_BASE64,
            ResultPlace::Body | ResultPlace::Url(_) => 1,
        };
        let Self {
            tenant, reserved, ..
        } = *self;
        self.client
            .room_for_answer(tenant, reserved, weight, &self.waited)
    }

    /// What a future comes to, if it is done within the time that the profile gives a request. Waiting for room is no
    /// fault of the vendor's and does not count.
    pub(super) async fn in_time<F: Future>(&self, future: F) -> Option<F::Output> {
        let limit = Instant::now() + self.profile.timeout;
        let mut future = std::pin::pin!(future);
        loop {
            let until = limit + self.waited.so_far();
            match timeout_at(until, &mut future).await {
                Ok(output) => return Some(output),
                Err(_) if limit + self.waited.so_far() > until => {}
                Err(_) => return None,
            }
        }
    }

    /// What templates are filled with.
    pub(super) fn render<'f>(&'f self, answer: Option<&'f Response>) -> RenderContext<'f> {
        RenderContext {
            params: self.params,
            secrets: self.secrets,
            asset_url: self.asset_url,
            reference: self.reference,
            answer,
        }
    }

    /// What the vendor reports of cost and limits, for the log and for whoever watches.
    pub(super) fn report(&self, answer: &Response) {
        let Profile { meter, rate, .. } = self.profile;
        let reported: Vec<_> = [
            ("cost", &meter.cost),
            ("remaining", &meter.remaining),
            ("rate limit", &rate.limit),
            ("rate remaining", &rate.remaining),
            ("rate reset", &rate.reset),
        ]
        .into_iter()
        .filter_map(|(name, place)| Some((name, place.as_ref()?.text_in(answer)?)))
        .map(|(name, text)| (name, answer::presentable(&text, self.secrets)))
        .collect();
        let remaining = rate.remaining.as_ref().and_then(|it| it.text_in(answer));
        let used_up =
            remaining.is_some_and(|left| left.trim().parse().is_ok_and(|left: f64| left <= 0.0));
        if let (true, Some(backpressure)) = (used_up, self.backpressure)
            && let Some(wait) = answer.retry_after(self.profile)
        {
            backpressure.ask(wait);
        }
        let of = |wanted: &str| {
            let found = reported.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, text)| text.as_str())
        };
        if of("cost").is_some() || of("remaining").is_some() {
            tracing::debug!(
                cost = of("cost"),
                remaining = of("remaining"),
                "vendor reported its price"
            );
        }
        transcript::reported(&reported);
    }

    /// What a refusal comes to, by what the profile says of sending again.
    pub(super) fn after_answer(&self, error: OperationError) -> OperationError {
        match (self.profile.resend, error) {
            (
                Resend::Never,
                OperationError::Transient(failure) | OperationError::Throttled { failure, .. },
            ) => OperationError::Permanent(failure),
            (_, error) => self.after_silence(error),
        }
    }

    /// What not knowing comes to, by what the profile says of sending again.
    pub(super) fn after_silence(&self, error: OperationError) -> OperationError {
        match (self.profile.resend, error) {
            (Resend::Never | Resend::RejectedOnly, OperationError::Unconfirmed(failure)) => {
                OperationError::Abandoned(answer::maybe_charged(failure))
            }
            (_, error) => error,
        }
    }
}
