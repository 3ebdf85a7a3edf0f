//! The AWS Parameters and Secrets Lambda extension, which keeps secrets beside the function:
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-integration-lambda-extensions.html>
//! and <https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieving-secrets_lambda.html>.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use assetmill_core::{FailureCode, OperationError};
use assetmill_fetch::{AllowList, ClientError, GuardedClient, read_body};
use http::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use super::{BUNDLE, BUNDLED, SecretName};

/// Where it listens unless `PARAMETERS_SECRETS_EXTENSION_HTTP_PORT` says otherwise.
const DEFAULT_PORT: u16 = 2773;
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest secret of Secrets Manager has 65,536 bytes; JSON may escape each.
const MAX_ANSWER_BYTES: u64 = 1024 * 1024;

pub(super) const ABSENT: &str = "ssm: and secretsmanager: need the AWS Parameters and Secrets \
                                 extension of a Lambda function; add its layer, or use env:";

/// A client of the extension. `Debug` does not show its token.
#[derive(Clone)]
pub struct Extension {
    client: GuardedClient,
    address: SocketAddr,
    token: String,
    /// Where the secrets are that are called by the names of environment variables.
    bundle: Option<SecretName>,
}

impl Extension {
    /// The extension of this Lambda function, by its environment; `None` elsewhere.
    ///
    /// # Errors
    /// [`ClientError`] when no HTTP client can be made.
    pub fn of(env: &dyn Fn(&str) -> Option<String>) -> Result<Option<Self>, ClientError> {
        let (Some(_), Some(token)) = (env("AWS_LAMBDA_FUNCTION_NAME"), env("AWS_SESSION_TOKEN"))
        else {
            return Ok(None);
        };
        let port = env("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT")
            .and_then(|port| port.parse().ok())
            .unwrap_or(DEFAULT_PORT);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let client = GuardedClient::new(AllowList::default().with(address))?;
        Ok(Some(Self {
            client,
            address,
            token,
            bundle: env(BUNDLE).and_then(|name| name.parse().ok()),
        }))
    }

    /// The value of a secret. A function MUST NOT ask before it is invoked: until then the extension answers nobody.
    ///
    /// # Errors
    /// A permanent error, where it is refused; a transient one, where the extension can't be asked.
    pub async fn get(&self, name: &SecretName) -> Result<String, OperationError> {
        let SecretName::Env(variable) = name else {
            return self.ask(name).await;
        };
        let lacks = |what: &str| {
            OperationError::permanent(
                FailureCode::OperationUnavailable,
                format!("{what}; {BUNDLE} names the secret, and {BUNDLED} what stands in it"),
            )
        };
        let bundle = self.bundle.as_ref();
        let bundle = bundle.ok_or_else(|| lacks("there is no secret for vendors' keys"))?;
        // Its values stand in no message, whatever is wrong with it.
        let values: BTreeMap<String, Value> = serde_json::from_str(&self.ask(bundle).await?)
            .map_err(|_| lacks(&format!("the secret {} is no JSON object", bundle.as_str())))?;
        let value = values.get(variable).and_then(Value::as_str).map(str::trim);
        value
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .ok_or_else(|| lacks(&format!("the secret {} has no {variable}", bundle.as_str())))
    }

    async fn ask(&self, name: &SecretName) -> Result<String, OperationError> {
        let shown = name.as_str();
        let unreachable = |reason: &dyn fmt::Display| {
            OperationError::transient(
                FailureCode::OperationUnavailable,
                format!("the secret {shown} can't be had from the extension of AWS: {reason}"),
            )
        };
        let (path, query, at) = match name {
            SecretName::SecretsManager(name) => {
                ("secretsmanager/get", ("secretId", name), "/SecretString")
            }
            SecretName::Ssm(name) | SecretName::Env(name) => (
                "systemsmanager/parameters/get",
                ("name", name),
                "/Parameter/Value",
            ),
        };
        let url = format!("http://{}/{path}", self.address);
        let url = Url::parse_with_params(&url, [query, ("withDecryption", &"true".to_owned())])
            .map_err(|error| unreachable(&error))?;
        let response = self
            .client
            .request(Method::GET, &url)
            .map_err(|error| unreachable(&error))?
            .header("x-aws-parameters-secrets-token", &self.token)
            .timeout(TIMEOUT)
            .send()
            .await
            .map_err(|error| unreachable(&error.without_url()))?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(shown, status));
        }
        let body = read_body(response, MAX_ANSWER_BYTES).await.ok();
        let document: Option<Value> = body.and_then(|body| serde_json::from_slice(&body).ok());
        document
            .as_ref()
            .and_then(|document| document.pointer(at)?.as_str())
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .ok_or_else(|| refused(shown, status))
    }
}

fn refused(name: &str, status: StatusCode) -> OperationError {
    let message = format!(
        "the extension of AWS answered {} and no text for the secret {name}; check its name, and that \
         the worker may read it",
        status.as_u16()
    );
    if status.is_server_error() {
        OperationError::transient(FailureCode::OperationUnavailable, message)
    } else {
        OperationError::permanent(FailureCode::OperationUnavailable, message)
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
