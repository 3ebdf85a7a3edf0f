//! Requests that are being answered.

use std::sync::{Arc, Mutex, PoisonError};

use assetmill_core::{Share, Shares, TenantId};
use http::Extensions;

use crate::{ErrorCode, Problem};

/// A request that is being answered. Whoever has only so many connections puts one into the extensions of each request,
/// and drops it when the answer was sent: until then the request counts on its tenant, once that is known. A
/// request without one counts on nobody. Clones are the same request.
#[derive(Debug, Clone)]
pub struct UnderWay {
    requests: Shares,
    counted: Arc<Mutex<Option<Share>>>,
}

impl UnderWay {
    /// One of these, of which each tenant may have its share.
    pub fn of(requests: Shares) -> Self {
        Self {
            requests,
            counted: Arc::default(),
        }
    }

    /// Counts the request that has these extensions on this tenant; on one alone, however often it is said.
    ///
    /// # Errors
    /// The problem `busy`, where as many of its requests are being answered as one tenant may have.
    pub fn count(extensions: &Extensions, tenant: &TenantId) -> Result<(), Problem> {
        let request = extensions.get::<Self>();
        request.map_or(Ok(()), |request| request.count_on(tenant))
    }

    fn count_on(&self, tenant: &TenantId) -> Result<(), Problem> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.is_none() {
            *counted = self.requests.try_take(tenant, 1);
        }
        if counted.is_some() {
            return Ok(());
        }
        let detail = format!(
            "{} of your requests are being answered, and no tenant may have more at the same time; wait for some of \
             them, and send this again",
            self.requests.most()
        );
        Err(Problem::new(ErrorCode::Busy, detail))
    }
}
