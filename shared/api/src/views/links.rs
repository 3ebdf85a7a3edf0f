//! URLs of results.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::Output;
use assetmill_core::ports::{OutputLinks, Unavailable};

use super::ResultView;

/// Makes the URLs that results are fetched from, at the time they are read.
#[derive(Clone)]
pub struct Links {
    /// Who makes them.
    pub port: Arc<dyn OutputLinks>,
    /// How long they live.
    pub lifetime: Duration,
}

impl Links {
    /// What is shown of an output.
    ///
    /// # Errors
    /// [`Unavailable`] when no URL can be made.
    pub async fn result(&self, output: &Output) -> Result<ResultView, Unavailable> {
        let signed = self.port.link(&output.key, self.lifetime).await?;
        Ok(ResultView {
            url: signed.url.into(),
            expires_at: signed.expires_at.into(),
            media_type: output.media_type.to_string(),
            bytes: output.bytes,
            sha256: output.sha256.to_string(),
        })
    }
}
