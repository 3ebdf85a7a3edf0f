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
