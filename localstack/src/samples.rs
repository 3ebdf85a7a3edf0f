//! The sample as a source: taken without a request.

use assetmill_api::sample::{SAMPLE, SAMPLE_PATH};
use assetmill_core::ports::Sources;
use assetmill_core::{Asset, AssetUrl, OperationError, TenantId};
use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

/// Names by which a machine calls itself.
const OWN_NAMES: &[&str] = &["127.0.0.1", "localhost", "[::1]", "0.0.0.0"];

/// Sources, of which the program's own sample is one: it is taken from memory, so that the guard
/// need not let through the program's own address.
pub struct WithSample<Others> {
    sample: Option<Url>,
    others: Others,
}

impl<Others: Sources> WithSample<Others> {
    /// Adds the sample of a program with this public URL to other sources.
    pub fn new(public_url: &Url, others: Others) -> Self {
        let sample = public_url.join(SAMPLE_PATH).ok();
        Self { sample, others }
    }

    /// With any query, it is the same photograph: whoever wants to can try many.
    fn is_sample(&self, asked: &Url) -> bool {
        self.sample.as_ref().is_some_and(|sample| {
            let own_name = |host| OWN_NAMES.contains(&host);
            let same_host = asked.host_str() == sample.host_str()
                || (asked.host_str().is_some_and(own_name)
                    && sample.host_str().is_some_and(own_name));
            same_host
                && asked.scheme() == sample.scheme()
                && asked.port_or_known_default() == sample.port_or_known_default()
                && asked.path() == sample.path()
        })
    }
}

#[async_trait]
impl<Others: Sources> Sources for WithSample<Others> {
    async fn fetch(&self, tenant: &TenantId, url: &AssetUrl) -> Result<Asset, OperationError> {
        if self.is_sample(url.as_url()) {
            return Ok(Asset {
                url: url.clone(),
                content: Bytes::from_static(SAMPLE),
            });
        }
        self.others.fetch(tenant, url).await
    }
}
