//! Signed URLs of imgproxy: <https://docs.imgproxy.net/usage/signing_url>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::secrets::{SecretName, Secrets};

/// The signature of a path, which begins with a slash: HMAC-SHA256 over salt and path, in base64url.
/// `None` when key or salt is absent or not hexadecimal.
pub(super) fn signature(
    secrets: &Secrets,
    key: &SecretName,
    salt: &SecretName,
    path: &str,
) -> Option<String> {
    let key = hex::decode(secrets.get(key)?).ok()?;
    let salt = hex::decode(secrets.get(salt)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(&salt);
    mac.update(path.as_bytes());
    Some(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key, salt and URL of imgproxy's own examples:
    /// <https://github.com/imgproxy/imgproxy/blob/v2.2.1/examples/signature.java>
    #[test]
    fn the_published_example_is_signed_as_published() {
        let [key, salt] = ["KEY", "SALT"].map(|name| SecretName::Env(name.to_owned()));
        let secrets = Secrets::look_up([key.clone(), salt.clone()], &|name| {
            let value = match name {
                "KEY" => "943b421c9eb07c830af81030552c86009268de4e532ba2ee2eab8247c6da0881",
                _ => "520f986b998545b4785e0defbc4f3c1203f22de2374a3d53cb7a7fe9fea309c5",
            };
            Some(value.to_owned())
        });
        let path = "/fill/300/300/no/1/aHR0cDovL2ltZy5leGFtcGxlLmNvbS9wcmV0dHkvaW1hZ2UuanBn.png";
        assert_eq!(
            signature(&secrets, &key, &salt, path).as_deref(),
            Some("_PQ4ytCQMMp-1w1m_vP6g8Qb-Q7yF9mwghf6PddqxLw")
        );
    }
}
