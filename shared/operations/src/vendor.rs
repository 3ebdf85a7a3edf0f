//! Operations that somebody's HTTP API does, declared in the catalogue.
//!
//! One run makes one call, which may be charged. What can be known about it decides what comes next:
//! a call that was never sent, or that the vendor refused, may be made again; one whose end was never
//! learnt is [`Setback::Unconfirmed`].

mod answer;
mod destination;
mod pointer;
mod profile;
mod request;
mod result;
mod secrets;
mod template;

use std::fmt;
use std::time::{Duration, SystemTime};

use assetmill_core::{
    Asset, Availability, Cost, Failure, FailureCode, MediaType, Operation, OperationDescription,
    OperationName, Params, ParamsSchema, Product, RetryPolicy, Setback,
};
use async_trait::async_trait;

use crate::fetch::{GuardedClient, read_body};
use crate::sniff;
use answer::Answer;
use template::Filling;

pub(crate) use pointer::JsonPointer;
pub(crate) use profile::{
    DEFAULT_MAX_RESPONSE_BYTES, DEFAULT_TIMEOUT_SECONDS, ErrorPlace, Field, FieldValue, Intake,
    Payload, Profile, ResultPlace,
};
pub(crate) use secrets::Secrets;
pub(crate) use template::{Piece, Template};

/// The most bytes of an answer other than success that are read for the vendor's own message.
const MAX_REFUSAL_BYTES: u64 = 64 * 1024;

/// An operation that a vendor does. `Debug` shows no secret.
pub struct VendorOperation {
    description: OperationDescription,
    fingerprint: String,
    retry: RetryPolicy,
    profile: Profile,
    secrets: Secrets,
    client: GuardedClient,
}

/// What the catalogue says of an operation besides its [`Profile`].
pub(crate) struct Settings {
    pub(crate) name: OperationName,
    pub(crate) summary: String,
    pub(crate) params: ParamsSchema,
    pub(crate) retry: RetryPolicy,
    pub(crate) cost: Cost,
}

impl VendorOperation {
    /// An operation that calls the vendor through `client`; unavailable when secrets are missing.
    pub(crate) fn new(
        settings: Settings,
        profile: Profile,
        secrets: Secrets,
        client: GuardedClient,
    ) -> Self {
        let availability = secrets.remedy().map_or(Availability::Available, |reason| {
            Availability::Unavailable { reason }
        });
        Self {
            fingerprint: profile.fingerprint(),
            description: OperationDescription {
                name: settings.name,
                summary: settings.summary,
                params: settings.params,
                accepts: profile.intake.accepts.clone(),
                produces: profile.produces.clone(),
                availability,
                cost: settings.cost,
            },
            retry: settings.retry,
            profile,
            secrets,
            client,
        }
    }

    fn check_available(&self) -> Result<(), Setback> {
        match &self.description.availability {
            Availability::Available => Ok(()),
            Availability::Unavailable { reason } => Err(Setback::lasting(
                FailureCode::OperationUnavailable,
                reason.clone(),
            )),
        }
    }

    fn check_intake(&self, asset: &Asset, media_type: &MediaType) -> Result<(), Setback> {
        let Intake { accepts, max_bytes } = &self.profile.intake;
        let name = &self.description.name;
        if !accepts.is_empty() && !accepts.contains(media_type) {
            return Err(Setback::lasting(
                FailureCode::UnsupportedMediaType,
                format!(
                    "the content is {media_type}; {name} takes {}",
                    listed(accepts)
                ),
            ));
        }
        let bytes = asset.content.len() as u64;
        match max_bytes {
            Some(max) if bytes > *max => Err(Setback::lasting(
                FailureCode::AssetTooLarge,
                format!("the asset has {bytes} bytes; {name} takes at most {max}"),
            )),
            _ => Ok(()),
        }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Result<Product, Setback> {
        let response = request
            .send()
            .await
            .map_err(|error| answer::not_sent_or_unconfirmed(&self.secrets, &(&error).into()))?;
        let status = response.status();
        let headers = response.headers().clone();
        let limit = if status.is_success() {
            self.profile.max_response_bytes
        } else {
            MAX_REFUSAL_BYTES
        };
        let body = read_body(response, limit).await;
        let answer = |body| Answer {
            status,
            headers: &headers,
            body,
            now: SystemTime::now(),
        };
        if !status.is_success() {
            // What can't be read of a refusal takes its message away, not its meaning.
            let body = body.unwrap_or_default();
            return Err(answer(body).setback(&self.profile.error, &self.secrets));
        }
        let body = body.map_err(|failure| answer::unreadable(&self.secrets, failure))?;
        result::product(&self.client, &self.profile, &self.secrets, answer(body)).await
    }
}

#[async_trait]
impl Operation for VendorOperation {
    fn description(&self) -> &OperationDescription {
        &self.description
    }

    fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn retry(&self) -> RetryPolicy {
        self.retry
    }

    /// Calls the vendor once. Before that, the asset is held against what the vendor takes, by its
    /// content and not by what its source called it.
    async fn run(&self, asset: Asset, params: &Params) -> Result<Product, Setback> {
        self.check_available()?;
        let media_type = sniff::media_type(&asset.content);
        self.check_intake(&asset, &media_type)?;
        let filling = Filling {
            params,
            secrets: &self.secrets,
            asset_url: asset.url.as_url().as_str(),
        };
        let request = request::build(&self.client, &self.profile, filling, &asset, &media_type)?;
        let limit = self.profile.timeout;
        match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(too_slow(limit)),
        }
    }
}

impl fmt::Debug for VendorOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorOperation")
            .field("description", &self.description)
            .field("profile", &self.profile)
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

fn too_slow(limit: Duration) -> Setback {
    Setback::Unconfirmed(Failure::passing(
        FailureCode::VendorTimeout,
        format!("the vendor did not answer within {} s", limit.as_secs()),
    ))
}

fn listed(media_types: &[MediaType]) -> String {
    let names: Vec<_> = media_types.iter().map(MediaType::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::AllowList;

    #[test]
    fn debug_output_tells_no_secret() {
        let client = GuardedClient::new(AllowList::default()).unwrap();
        let template = Template::parse("https://v.test/{env:KEY}").unwrap();
        let profile = Profile {
            method: http::Method::POST,
            headers: vec![(http::header::AUTHORIZATION, template.clone())],
            url: template,
            payload: Payload::Raw,
            intake: Intake {
                accepts: Vec::new(),
                max_bytes: None,
            },
            result: ResultPlace::Body,
            produces: Vec::new(),
            error: ErrorPlace::default(),
            timeout: Duration::from_secs(1),
            max_response_bytes: 1,
        };
        let secrets = Secrets::look_up(profile.secret_names(), &|_| Some("hunter2".to_owned()));
        let settings = Settings {
            name: "v".parse().unwrap(),
            summary: String::new(),
            params: ParamsSchema::default(),
            retry: RetryPolicy::default(),
            cost: Cost::Paid,
        };
        let operation = VendorOperation::new(settings, profile, secrets, client);
        let shown = format!("{operation:?}");
        assert!(shown.contains("KEY"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
