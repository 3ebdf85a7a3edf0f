//! Calls of the API.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use assetmill_fetch::retry_after;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::attempts::until_answered;
use crate::call::{Call, JSON};
use crate::{
    Announcement, Answer, ClientError, Operations, Problem, Results, Started, Submission,
    Transport, Upload,
};

/// More bytes than this are announced: a Lambda function takes 6 MB, of which base64 is a third
/// (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const MOST_AT_ONCE: usize = 4 * 1024 * 1024;

/// A client of one Assetmill, as one caller. Cloning it is cheap.
#[derive(Clone)]
pub struct Client {
    server: Url,
    key: Option<HeaderValue>,
    transport: Arc<dyn Transport>,
    patient: bool,
    /// Whether the server ever answered. One that did not is rather misspelt than away.
    was_reached: Arc<AtomicBool>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.server.as_str();
        f.debug_struct("Client")
            .field("server", &server)
            .finish_non_exhaustive()
    }
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
            let mut value =
                HeaderValue::try_from(format!("Bearer {key}")).map_err(ClientError::no_request)?;
            value.set_sensitive(true);
            Ok::<_, ClientError>(value)
        };
        Ok(Self {
            server,
            key: key.map(bearer).transpose()?,
            transport,
            patient: true,
            was_reached: Arc::default(),
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

    /// Keeps bytes, to be named as an asset. Where there are more of them than a Lambda function takes, they are announced,
    /// and sent to where that is answered, if they are not there already.
    ///
    /// # Errors
    /// As above.
    pub async fn upload(
        &self,
        content: Bytes,
        announced: &Announcement<'_>,
    ) -> Result<Upload, ClientError> {
        if content.len() <= MOST_AT_ONCE {
            let call = self.call(Method::POST, "api/v2/assets", &[])?;
            let bytes = HeaderValue::from_static("application/octet-stream");
            return self.json(&call.with(CONTENT_TYPE, bytes).of(content)).await;
        }
        let upload: Upload = self.post("api/v2/assets", &[], announced, None).await?;
        if let Some(asked) = &upload.missing {
            let mut call = Call::elsewhere(Method::PUT, &asked.url)?.of(content);
            for (name, value) in &asked.headers {
                call = call.with_text(name, value)?;
            }
            self.until_answered(&call, None).await?;
        }
        Ok(upload)
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

    /// The bytes behind the URL of a result, which are so many. The key is not sent along: it may lead elsewhere.
    ///
    /// # Errors
    /// As above.
    pub async fn download(&self, url: &str, bytes: u64) -> Result<Bytes, ClientError> {
        let bytes = usize::try_from(bytes).map_err(ClientError::no_request)?;
        let call = Call::elsewhere(Method::GET, url)?.answered_with(bytes);
        let answer = self.until_answered(&call, None).await?;
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
        let body = serde_json::to_vec(body).map_err(ClientError::no_request)?;
        let call = self.call(Method::POST, path, query)?;
        let call = call.with(CONTENT_TYPE, JSON).of(body.into());
        self.json(&call.under(key)?).await
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
        self.json(&self.call(method, path, query)?.under(key)?)
            .await
    }

    fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<Call, ClientError> {
        let mut url = self.server.join(path).map_err(ClientError::no_request)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(Call::new(method, url))
    }

    async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ClientError> {
        let key = self.key.as_ref();
        let answer = if self.patient {
            self.until_answered(call, key).await?
        } else {
            self.send(call, key).await?
        };
        // Where nothing is answered, nothing is expected.
        let body: &[u8] = match &answer.body[..] {
            [] => b"null",
            body => body,
        };
        serde_json::from_slice(body)
            .map_err(|error| self.not_understood(call, answer.status, &error.to_string()))
    }

    async fn until_answered(
        &self,
        call: &Call,
        key: Option<&HeaderValue>,
    ) -> Result<Answer, ClientError> {
        let again = |error: &ClientError| {
            let unreachable = matches!(error, ClientError::Unreachable { .. });
            !unreachable || self.was_reached.load(Ordering::Relaxed)
        };
        until_answered(|| self.send(call, key), again).await
    }

    async fn send(&self, call: &Call, key: Option<&HeaderValue>) -> Result<Answer, ClientError> {
        let answer = self.transport.send(call.request(key)?, call.most()).await;
        let answer = answer.map_err(|source| ClientError::Unreachable {
            server: self.place(call),
            source,
        })?;
        self.was_reached.store(true, Ordering::Relaxed);
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(match serde_json::from_slice::<Problem>(&answer.body) {
            Ok(problem) if !problem.code.is_empty() => ClientError::Refused {
                problem,
                retry_after: retry_after(&answer.headers, SystemTime::now()),
            },
            _ => self.not_understood(call, answer.status, "a problem in JSON was expected"),
        })
    }

    fn not_understood(&self, call: &Call, status: StatusCode, reason: &str) -> ClientError {
        ClientError::NotUnderstood {
            server: self.place(call),
            status,
            reason: reason.to_owned(),
        }
    }

    /// Where a call goes, as errors name it: results and uploads may be elsewhere, and what else their URLs say is secret.
    fn place(&self, call: &Call) -> Url {
        if call.url().as_str().starts_with(self.server.as_str()) {
            return self.server.clone();
        }
        let mut place = call.url().clone();
        place.set_query(None);
        place
    }
}
