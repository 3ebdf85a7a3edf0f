//! Who may call the functions.

use std::time::Duration;

use assetmill_api::{Callers, CallersSource};
use assetmill_core::ports::Unavailable;
use assetmill_vendors::{Extension, SecretName};
use async_trait::async_trait;

use crate::environment::{Environment, EnvironmentError, invalid};

const CALLERS: &str = "ASSETMILL_CALLERS";
const API_KEYS: &str = "ASSETMILL_API_KEYS";
/// How long a change of the secret may go unnoticed, besides the time for which the extension keeps it
/// (`SECRETS_MANAGER_TTL`).
const READ_EVERY: Duration = Duration::from_secs(15);

/// Who may call: what stands in the secret that the environment names, which is read by whoever calls first; or, away
/// from AWS, a list of keys. There is no default: a deployment that names nobody answers nobody.
///
/// # Errors
/// [`EnvironmentError`] when neither is given, or both, or one of them is wrong.
pub fn callers(environment: &Environment) -> Result<Callers, EnvironmentError> {
    match (environment.get(CALLERS), environment.get(API_KEYS)) {
        (Some(_), Some(_)) => Err(invalid(API_KEYS, &format!("leave it out beside {CALLERS}"))),
        (Some(name), None) => {
            let name = name.parse().map_err(|error| invalid(CALLERS, &error))?;
            let secret = Secret {
                extension: extension(environment)?,
                name,
            };
            Ok(Callers::kept(Box::new(secret), READ_EVERY))
        }
        (None, Some(keys)) => Callers::from_keys(keys).map_err(|error| invalid(API_KEYS, &error)),
        (None, None) => Err(EnvironmentError::Missing { name: CALLERS }),
    }
}

/// The same for a function that nobody calls, but whose work is bounded by what tenants may have; `None` where nothing
/// says so.
///
/// # Errors
/// [`EnvironmentError`] when what is given is wrong.
pub fn limits(environment: &Environment) -> Result<Option<Callers>, EnvironmentError> {
    let given = environment.get(CALLERS).is_some();
    given.then(|| callers(environment)).transpose()
}

fn extension(environment: &Environment) -> Result<Extension, EnvironmentError> {
    let get = |name: &str| environment.get(name).map(ToOwned::to_owned);
    let extension = Extension::of(&get).map_err(|error| invalid(CALLERS, &error))?;
    let absent = "it is read through the AWS Parameters and Secrets extension, which only Lambda functions have";
    extension.ok_or_else(|| invalid(CALLERS, &absent))
}

/// A secret of AWS.
struct Secret {
    extension: Extension,
    name: SecretName,
}

#[async_trait]
impl CallersSource for Secret {
    async fn read(&self) -> Result<String, Unavailable> {
        let read = self.extension.get(&self.name).await;
        read.map_err(|error| Unavailable::new("callers", error.failure().message.clone()))
    }
}

#[cfg(test)]
mod tests {
    use assetmill_core::ports::LimitsOfTenants as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:Callers-a1B2c3";

    /// An extension that answers one question; what it was asked.
    async fn extension(callers: &str) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let body = serde_json::json!({ "SecretString": callers }).to_string();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut question = vec![0; 4096];
            let read = stream.read(&mut question).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length:";
            let answer = format!("{head} {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&question[..read]).into_owned()
        });
        (port, asked)
    }

    fn environment(port: u16) -> Environment {
        [
            ("AWS_LAMBDA_FUNCTION_NAME", "api".to_owned()),
            ("AWS_SESSION_TOKEN", "token-of-the-function".to_owned()),
            ("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT", port.to_string()),
            (CALLERS, format!("secretsmanager:{ARN}")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    #[tokio::test]
    async fn callers_are_read_from_their_secret_when_the_first_calls() {
        let (port, asked) = extension("[tenants.shop.limits]\nasset_bytes = 5").await;
        // A function that starts may not ask yet: only the first call does.
        let callers = limits(&environment(port)).unwrap().unwrap();
        assert!(!callers.is_open());
        assert!(!asked.is_finished());
        let shop = callers.limits(&"shop".parse().unwrap()).await;
        assert_eq!(shop.asset_bytes, Some(5));
        let asked = asked.await.unwrap();
        let id = ARN.replace(':', "%3A");
        assert!(asked.contains(&format!("secretId={id}")), "{asked}");
        assert!(asked.contains("token-of-the-function"), "{asked}");
    }

    #[test]
    fn nobody_is_let_in_by_default() {
        let error = callers(&Environment::default()).unwrap_err();
        assert!(error.to_string().contains(CALLERS), "{error}");
        assert!(limits(&Environment::default()).unwrap().is_none());
    }
}
