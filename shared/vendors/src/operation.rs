//! Operations that somebody's HTTP API does, declared in the catalogue.
//!
//! One run makes one call, which may be charged, and asks for its result where that takes further
//! requests. What can be known about it decides what comes next: a call that was never sent, or that
//! the vendor refused, may be made again; of one whose end was never learnt, the profile says whether
//! it is ([`OperationError::Unconfirmed`]) or not ([`OperationError::Abandoned`]).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::pacing::Limits;
use assetmill_core::{
    Asset, Availability, Backpressure, Call as CoreCall, CallReference, Cost, Failure, FailureCode,
    FlowId, JobCall, LookUp, MediaType, Operation, OperationDescription, OperationError,
    OperationName, Params, ParamsSchema, Product, RetryPolicy, Run, TenantId,
};
use assetmill_fetch::{GuardedClient, Waited};
use async_trait::async_trait;
use tokio::time::Instant;

use crate::call::Call;
use crate::cut_out::CutOut;
use crate::profile::{InputConstraints, Profile, Resend, ResultRole, listed};
use crate::secrets::{Extension, Secrets};
use crate::template::RenderContext;
use crate::{answer, begin, job};

/// An operation that a vendor does. `Debug` shows no secret.
pub struct VendorOperation {
    description: OperationDescription,
    fingerprint: String,
    retry: RetryPolicy,
    limits: Limits,
    profile: Profile,
    secrets: Secrets,
    extension: Option<Extension>,
    client: GuardedClient,
    masks: Arc<dyn CutOut>,
}

/// What the catalogue says of an operation besides its [`Profile`].
pub struct Settings {
    /// Its name in the catalogue.
    pub name: OperationName,
    /// What it does, in a sentence.
    pub summary: String,
    /// The parameters that it takes.
    pub params: ParamsSchema,
    /// How often it is tried.
    pub retry: RetryPolicy,
    /// What it may be asked for.
    pub limits: Limits,
    /// Whether a call is charged.
    pub cost: Cost,
}

impl VendorOperation {
    /// An operation that calls the vendor through `client`; unavailable when secrets are missing. Those
    /// of AWS are asked for of `extension`, at each run. Masks are left to `masks`.
    pub fn new(
        settings: Settings,
        profile: Profile,
        secrets: Secrets,
        extension: Option<Extension>,
        client: GuardedClient,
        masks: Arc<dyn CutOut>,
    ) -> Self {
        let availability = match secrets.remedy(extension.as_ref()) {
            None => Availability::Available,
            Some(reason) => Availability::Unavailable { reason },
        };
        Self {
            fingerprint: profile.fingerprint(),
            description: OperationDescription {
                name: settings.name,
                summary: settings.summary,
                params: settings.params,
                accepts: profile.input_constraints.accepts.clone(),
                produces: profile.produces.clone(),
                availability,
                cost: settings.cost,
            },
            retry: settings.retry,
            limits: settings.limits,
            profile,
            secrets,
            extension,
            client,
            masks,
        }
    }

    fn check_available(&self) -> Result<(), OperationError> {
        match &self.description.availability {
            Availability::Available => Ok(()),
            Availability::Unavailable { reason } => Err(OperationError::permanent(
                FailureCode::OperationUnavailable,
                reason.clone(),
            )),
        }
    }

    fn check_intake(&self, asset: &Asset, media_type: &MediaType) -> Result<(), OperationError> {
        let InputConstraints { accepts, max_bytes } = &self.profile.input_constraints;
        let name = &self.description.name;
        if !accepts.is_empty() && !accepts.contains(media_type) {
            return Err(OperationError::permanent(
                FailureCode::UnsupportedMediaType,
                format!(
                    "the content is {media_type}; {name} takes {}",
                    listed(accepts)
                ),
            ));
        }
        let bytes = asset.content.len() as u64;
        match max_bytes {
            Some(max) if bytes > *max => Err(OperationError::permanent(
                FailureCode::AssetTooLarge,
                format!("the asset has {bytes} bytes; {name} takes at most {max}"),
            )),
            _ => Ok(()),
        }
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

    fn limits(&self) -> Limits {
        self.limits
    }

    fn longest_run(&self) -> Option<Duration> {
        Some(self.profile.timeout)
    }

    fn resends_unconfirmed(&self) -> bool {
        self.profile.resend == Resend::Always
    }

    fn longest_job(&self) -> Duration {
        if self.profile.takes_jobs() {
            self.profile.job_timeout
        } else {
            Duration::ZERO
        }
    }

    fn keeps_asset(&self) -> bool {
        self.profile.role == ResultRole::Mask && self.profile.takes_jobs()
    }

    fn looks_up(&self) -> bool {
        self.profile.look_up.is_some()
    }

    /// Makes a call and asks for its result until it is there.
    async fn run(
        &self,
        tenant: &TenantId,
        asset: Asset,
        params: &Params,
    ) -> Result<Product, OperationError> {
        let url = asset.url.clone();
        let content = asset.content.clone();
        let mut run = self
            .begin(CoreCall {
                tenant: tenant.clone(),
                asset,
                params: params.clone(),
                reference: CallReference::new(FlowId::generate(), 0),
                backpressure: Backpressure::default(),
            })
            .await?;
        let deadline = Instant::now() + self.profile.job_timeout;
        loop {
            let job = match run {
                Run::Done(product) => return Ok(product),
                Run::Taken(job) => job,
            };
            if Instant::now() + job.ask_after >= deadline {
                let last = job
                    .trouble
                    .map_or_else(String::new, |it| format!(": {}", it.message));
                let limit = self.profile.job_timeout.as_secs();
                return Err(OperationError::Abandoned(Failure::transient(
                    FailureCode::VendorTimeout,
                    format!("the vendor took the request, and was not done within {limit} s{last}"),
                )));
            }
            tokio::time::sleep(job.ask_after).await;
            run = self
                .ask(JobCall {
                    tenant: tenant.clone(),
                    asset_url: url.clone(),
                    asset: Some(content.clone()),
                    params: params.clone(),
                    state: job.state,
                    fresh: true,
                })
                .await?;
        }
    }

    /// Calls the vendor once. Before that, the asset is held against what the vendor takes, by its
    /// content and not by what its source called it.
    async fn begin(&self, call: CoreCall) -> Result<Run, OperationError> {
        self.check_available()?;
        let media_type = MediaType::of_content(&call.asset.content);
        self.check_intake(&call.asset, &media_type)?;
        let secrets = self
            .secrets_for(
                &call.params,
                call.asset.url.as_url().as_str(),
                Some(&call.reference),
            )
            .await?;
        begin::begin(&self.call_of(&call, &secrets), &call.asset, &media_type).await
    }

    async fn ask(&self, job: JobCall) -> Result<Run, OperationError> {
        let url = job.asset_url.as_url().as_str();
        let secrets = match self.secrets_for(&job.params, url, None).await {
            Ok(secrets) => secrets,
            // The job goes on without them.
            Err(error) => return Ok(job::not_now(job.state, error.failure().clone())),
        };
        let call = Call {
            tenant: &job.tenant,
            client: &self.client,
            masks: self.masks.as_ref(),
            profile: &self.profile,
            secrets: &secrets,
            params: &job.params,
            asset_url: url,
            asset: job.asset.as_ref(),
            reference: None,
            backpressure: None,
            reserved: 0,
            waited: Waited::default(),
        };
        job::ask(&call, &job.state, job.fresh).await
    }

    async fn look_up(&self, call: CoreCall) -> Result<LookUp, OperationError> {
        let Some(by) = &self.profile.look_up else {
            return Ok(LookUp::Unknown(answer::not_looked_up(&Failure::transient(
                FailureCode::VendorUnconfirmed,
                "the catalogue no longer says how",
            ))));
        };
        let url = call.asset.url.as_url().as_str();
        let secrets = self
            .secrets_for(&call.params, url, Some(&call.reference))
            .await?;
        begin::look_up(&self.call_of(&call, &secrets), by).await
    }
}

impl VendorOperation {
    /// The secrets, with what the requests make of them.
    async fn secrets_for(
        &self,
        params: &Params,
        asset_url: &str,
        reference: Option<&CallReference>,
    ) -> Result<Secrets, OperationError> {
        let secrets = self.secrets.resolved(self.extension.as_ref()).await?;
        let sent = self.profile.made_of_secrets(RenderContext {
            params,
            secrets: &secrets,
            asset_url,
            reference: reference.map(CallReference::as_str),
            answer: None,
        });
        Ok(secrets.into_owned().with_sent(sent))
    }

    fn call_of<'a>(&'a self, call: &'a CoreCall, secrets: &'a Secrets) -> Call<'a> {
        Call {
            tenant: &call.tenant,
            client: &self.client,
            masks: self.masks.as_ref(),
            profile: &self.profile,
            secrets,
            params: &call.params,
            asset_url: call.asset.url.as_url().as_str(),
            asset: Some(&call.asset.content),
            reference: Some(call.reference.as_str()),
            backpressure: Some(&call.backpressure),
            reserved: call.asset.content.len() as u64,
            waited: Waited::default(),
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

#[cfg(test)]
mod tests {
    use assetmill_fetch::AllowList;
    use bytes::Bytes;

    use super::*;
    use crate::classify::Classification;
    use crate::profile::{ErrorPlace, Meter, Payload, Rate, ResultPlace};
    use crate::template::Template;

    struct NoMasks;

    #[async_trait]
    impl CutOut for NoMasks {
        async fn cut_out(
            &self,
            _: &TenantId,
            _: Bytes,
            _: Bytes,
        ) -> Result<Product, OperationError> {
            unreachable!()
        }
    }

    #[test]
    fn debug_output_tells_no_secret() {
        let client = GuardedClient::new(AllowList::default()).unwrap();
        let template = Template::parse("https://v.test/{env:KEY}").unwrap();
        let profile = Profile {
            method: http::Method::POST,
            headers: vec![(http::header::AUTHORIZATION, template.clone())],
            url: template,
            payload: Payload::Raw,
            input_constraints: InputConstraints {
                accepts: Vec::new(),
                max_bytes: None,
            },
            ok_if: Vec::new(),
            then: Vec::new(),
            result: ResultPlace::Body,
            role: ResultRole::Product,
            produces: Vec::new(),
            error: ErrorPlace::default(),
            classify: Classification::default(),
            resend: Resend::Always,
            look_up: None,
            meter: Meter::default(),
            rate: Rate::default(),
            timeout: Duration::from_secs(1),
            job_timeout: Duration::from_secs(1),
            max_response_bytes: 1,
        };
        let secrets = Secrets::look_up(profile.secret_names(), &|_| Some("hunter2".to_owned()));
        let settings = Settings {
            name: "v".parse().unwrap(),
            summary: String::new(),
            params: ParamsSchema::default(),
            retry: RetryPolicy::default(),
            limits: Limits::default(),
            cost: Cost::Paid,
        };
        let operation =
            VendorOperation::new(settings, profile, secrets, None, client, Arc::new(NoMasks));
        let shown = format!("{operation:?}");
        assert!(shown.contains("KEY"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
