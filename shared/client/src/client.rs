//! Calls of the API.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use assetmill_fetch::retry_after;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::attempts::until_answered;
use crate::{
    Answer, ClientError, Operations, Problem, Results, Started, Submission, Transport, Upload,
};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A client of one Assetmill, as one caller. Cloning it is cheap.
#[derive(Clone)]
pub struct Client {
    server: Url,
    key: Option<HeaderValue>,
    transport: Arc<dyn Transport>,
    patient: bool,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.server.as_str();
        f.debug_struct("Client")
            .field("server", &server)
            .finish_non_exhaustive()
    }
}

/// A request, to be sent any number of times.
struct Call<'a> {
    method: Method,
    url: Url,
    content_type: Option<HeaderValue>,
    body: Bytes,
    once: Option<&'a str>,
}

impl Client {
    /// A client of the Assetmill at this URL, whose paths stand below it. `key` is the caller's, where callers need one.
    ///
    /// # Errors
    /// [`ClientError::Request`] for a key that no header can have.
    pub fn new(
        mut server: Url,
        key: Option<&str>,
        transport: Arc<dyn Transport>,
    ) -> Result<Self, ClientError> {
        if !server.path().ends_with('/') {
            server.set_path(&format!("{}/", server.path()));
        }
        let bearer = |key: &str| {
            let mut value = HeaderValue::try_from(format!("Bearer {key}"))?;
            value.set_sensitive(true);
            Ok::<_, http::Error>(value)
        };
        Ok(Self {
            server,
            key: key.map(bearer).transpose()?,
            transport,
            patient: true,
        })
    }

    /// The same, which makes each call once: for what must not be done twice, and for whoever wants to know how it is now.
    #[must_use]
    pub fn impatient(&self) -> Self {
        Self {
            patient: false,
            ..self.clone()
        }
    }

    /// Where it is.
    pub fn server(&self) -> &Url {
        &self.server
    }

    /// The catalogue.
    ///
    /// # Errors
    /// [`ClientError`] where there is no answer, or a refusal.
    pub async fn operations(&self) -> Result<Operations, ClientError> {
        self.get("api/v2/operations", &[]).await
    }

    /// Keeps bytes, to be named as an asset.
    ///
    /// # Errors
    /// As above.
    pub async fn upload(&self, content: Bytes) -> Result<Upload, ClientError> {
        let call = Call {
            content_type: Some(HeaderValue::from_static("application/octet-stream")),
            body: content,
            ..self.call(Method::POST, "api/v2/assets", &[])?
        };
        self.json(&call).await
    }

    /// Starts a batch. However often it is asked for under one `key` (an `Idempotency-Key`), it is started once.
    ///
    /// # Errors
    /// As above.
    pub async fn submit(&self, asked: &Submission, key: &str) -> Result<Started, ClientError> {
        self.post("api/v2/transforms", &[], asked, Some(key)).await
    }

    /// How flows are doing, in the order of their ids.
    ///
    /// # Errors
    /// As above.
    pub async fn results(&self, flow_ids: &[&str]) -> Result<Results, ClientError> {
        self.post("api/v2/transforms/results", &[], flow_ids, None)
            .await
    }

    /// The bytes behind the URL of a result. The key is not sent along: it may lead elsewhere.
    ///
    /// # Errors
    /// As above.
    pub async fn download(&self, url: &str) -> Result<Bytes, ClientError> {
        let url = url.parse().map_err(|error: url::ParseError| {
            self.not_understood(http::StatusCode::OK, &format!("{url} is no URL: {error}"))
        })?;
        let call = Call {
            method: Method::GET,
            url,
            content_type: None,
            body: Bytes::new(),
            once: None,
        };
        let answer = until_answered(|| self.send(&call, None)).await?;
        Ok(answer.body)
    }

    /// Asks for anything that is read.
    ///
    /// # Errors
    /// As above.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ClientError> {
        self.json(&self.call(Method::GET, path, query)?).await
    }

    /// Sends JSON. It may be sent again: what starts something needs an `Idempotency-Key`.
    ///
    /// # Errors
    /// As above.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &(impl Serialize + ?Sized),
        key: Option<&str>,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body);
        let body = body.map_err(|error| {
            self.not_understood(http::StatusCode::OK, &format!("no JSON: {error}"))
        })?;
        let call = Call {
            content_type: Some(JSON),
            body: body.into(),
            once: key,
            ..self.call(Method::POST, path, query)?
        };
        self.json(&call).await
    }

    /// Sends a POST without a body, or deletes.
    ///
    /// # Errors
    /// As above.
    pub async fn act<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        key: Option<&str>,
    ) -> Result<T, ClientError> {
        let call = Call {
            once: key,
            ..self.call(method, path, query)?
        };
        self.json(&call).await
    }

    fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Call<'static>, ClientError> {
        let url = self.server.join(path);
        let mut url = url.map_err(|error| {
            self.not_understood(http::StatusCode::OK, &format!("{path}: {error}"))
        })?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Call {
            method,
            url,
            content_type: None,
            body: Bytes::new(),
            once: None,
        })
    }

    async fn json<T: DeserializeOwned>(&self, call: &Call<'_>) -> Result<T, ClientError> {
        let send = || self.send(call, self.key.as_ref());
        let answer = if self.patient {
            until_answered(send).await?
        } else {
            send().await?
        };
        // Where nothing is answered, nothing is expected.
        let body: &[u8] = match &answer.body[..] {
            [] => b"null",
            body => body,
        };
        serde_json::from_slice(body)
            .map_err(|error| self.not_understood(answer.status, &error.to_string()))
    }

    async fn send(
        &self,
        call: &Call<'_>,
        key: Option<&HeaderValue>,
    ) -> Result<Answer, ClientError> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(call.url.as_str())
            .header(ACCEPT, JSON);
        // A transport in process has nobody who would add it (RFC 9112, section 3.2).
        if let Some(host) = call.url.host_str() {
            let port = call.url.port().map(|port| format!(":{port}"));
            request = request.header(HOST, format!("{host}{}", port.unwrap_or_default()));
        }
        let content_type = call.content_type.clone().map(|it| (CONTENT_TYPE, it));
        let key = key.cloned().map(|key| (AUTHORIZATION, key));
        for (name, value) in content_type.into_iter().chain(key) {
            request = request.header(name, value);
        }
        if let Some(once) = call.once {
            request = request.header("idempotency-key", once);
        }
        let request = request.body(call.body.clone())?;
        let answer = self.transport.send(request).await;
        let answer = answer.map_err(|source| ClientError::Unreachable {
            server: self.server.clone(),
            source,
        })?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(match serde_json::from_slice::<Problem>(&answer.body) {
            Ok(problem) if !problem.code.is_empty() => ClientError::Refused {
                problem,
                retry_after: retry_after(&answer.headers, SystemTime::now()),
            },
            _ => self.not_understood(answer.status, "a problem in JSON was expected"),
        })
    }

    fn not_understood(&self, status: http::StatusCode, reason: &str) -> ClientError {
        ClientError::NotUnderstood {
            server: self.server.clone(),
            status,
            reason: reason.to_owned(),
        }
    }
}
