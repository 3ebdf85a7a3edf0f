//! How much of a limit is left, in the headers of an answer: `RateLimit-Policy` and `RateLimit`, as
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/> (version 10) has them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

/// The limits of a tenant, each with its name, its size, and what of it counts.
pub(crate) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// How much is left of each.
pub(crate) const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// A limit, and how much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    pub(crate) name: &'static str,
    pub(crate) size: u64,
    /// What is counted, where that is not requests.
    pub(crate) unit: Option<&'static str>,
    /// In which time so much may be used.
    pub(crate) window: Option<Duration>,
    pub(crate) left: u64,
    /// How long until all of it is left.
    pub(crate) whole_in: Option<Duration>,
}

/// What an answer is to tell. Made before a request reaches its route, which knows its caller.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<Mutex<Vec<Quota>>>);

impl Told {
    pub(super) fn tell(&self, quota: Quota) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(quota);
    }
}

/// Puts what the route found out of its caller's limits into the headers of its answer.
pub(crate) async fn tell(mut request: Request, next: Next) -> Response {
    let told = Told::default();
    request.extensions_mut().insert(told.clone());
    let mut answer = next.run(request).await;
    let mut quotas = told
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    quotas.extend(answer.extensions_mut().remove::<Quota>());
    if quotas.is_empty() {
        return answer;
    }
    let list = |item: fn(&Quota) -> String| {
        let items: Vec<_> = quotas.iter().map(item).collect();
        HeaderValue::try_from(items.join(", ")).ok()
    };
    for (name, value) in [(POLICY, list(Quota::policy)), (LEFT, list(Quota::left))] {
        if let Some(value) = value {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

impl Quota {
    fn policy(&self) -> String {
        let Self { name, size, .. } = self;
        let unit = self.unit.map(|unit| format!(";qu=\"{unit}\""));
        let window = self.window.map(|time| format!(";w={}", seconds(time)));
        let (unit, window) = (unit.unwrap_or_default(), window.unwrap_or_default());
        format!("\"{name}\";q={size}{unit}{window}")
    }

    fn left(&self) -> String {
        let Self { name, left, .. } = self;
        let whole_in = self.whole_in.map(|time| format!(";t={}", seconds(time)));
        format!("\"{name}\";r={left}{}", whole_in.unwrap_or_default())
    }
}

/// Whole seconds, never too few.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}
