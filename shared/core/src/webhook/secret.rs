//! What endpoints know their sender by.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::digest::Key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::DeliveryId;

/// What is told beside the payload, as Standard Webhooks names it: headers of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// `webhook-id`: the same, however often it is sent.
    pub id: DeliveryId,
    /// `webhook-timestamp`: when this attempt was made, in seconds since 1970.
    pub timestamp: i64,
    /// `webhook-signature`: one for each secret, separated by spaces.
    pub signature: String,
    /// What is signed with it, to the letter.
    pub payload: String,
}

/// What payloads are signed with: 32 random bytes. It is never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookSecret([u8; 32]);

/// A secret in whose place another came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredSecret {
    /// The secret.
    pub secret: WebhookSecret,
    /// Until when it still signs.
    pub until: Timestamp,
}

/// The text is no secret of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret of an endpoint is whsec_ and 32 bytes in base64")]
pub struct NotAWebhookSecret;

impl Signed {
    /// Adds the signature by another secret.
    pub(super) fn also_by(&mut self, secret: &WebhookSecret) {
        let another = secret.signature(self);
        self.signature = format!("{} {another}", self.signature);
    }
}

const PREFIX: &str = "whsec_";

impl WebhookSecret {
    /// A new one, from the random numbers of the operating system.
    pub fn generate() -> Self {
        Self(rand::random())
    }

    /// As it is shown to whoever made the endpoint, once.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64_STANDARD.encode(self.0))
    }

    /// Signs `{id}.{timestamp}.{payload}` with HMAC-SHA256.
    pub fn sign(&self, id: DeliveryId, now: Timestamp, payload: String) -> Signed {
        let mut signed = Signed {
            id,
            timestamp: now.as_second(),
            signature: String::new(),
            payload,
        };
        signed.signature = self.signature(&signed);
        signed
    }

    fn signature(&self, of: &Signed) -> String {
        let content = format!("{}.{}.{}", of.id, of.timestamp, of.payload);
        format!("v1,{}", self.mac(content.as_bytes()))
    }

    fn mac(&self, content: &[u8]) -> String {
        // HMAC fills a short key up with zeros (RFC 2104, section 2).
        let mut key = Key::<Hmac<Sha256>>::default();
        key[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&key);
        mac.update(content);
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl TryFrom<String> for WebhookSecret {
    type Error = NotAWebhookSecret;

    fn try_from(text: String) -> Result<Self, NotAWebhookSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(NotAWebhookSecret)?;
        let bytes = BASE64_STANDARD.decode(encoded);
        let bytes = bytes.map_err(|_| NotAWebhookSecret)?.try_into();
        bytes.map(Self).map_err(|_| NotAWebhookSecret)
    }
}

impl From<WebhookSecret> for String {
    fn from(secret: WebhookSecret) -> Self {
        secret.reveal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by the official library, `standardwebhooks` 1.0.0 for Python.
    #[test]
    fn a_signature_is_what_the_official_library_makes() {
        let secret = WebhookSecret::try_from(
            "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
        );
        let id = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let now = Timestamp::from_second(1_674_087_231).unwrap();
        let signed = secret
            .unwrap()
            .sign(id, now, "{\"type\":\"batch.completed\"}".to_owned());
        assert_eq!(signed.timestamp, 1_674_087_231);
        assert_eq!(
            signed.signature,
            "v1,wbIb4pRgpVtYziqQg2Vu/VXJ6X9twtzl7zsm4JThNFs="
        );
    }

    #[test]
    fn a_secret_reads_back_and_is_not_told_by_debug() {
        let secret = WebhookSecret::generate();
        let text = secret.reveal();
        assert_eq!(text.len(), "whsec_".len() + 44);
        assert_eq!(WebhookSecret::try_from(text.clone()), Ok(secret.clone()));
        assert!(!format!("{secret:?}").contains(&text[6..20]));
        for wrong in ["", "whsec_", "whsec_AAAA", &text[6..]] {
            assert!(
                WebhookSecret::try_from(wrong.to_owned()).is_err(),
                "{wrong}"
            );
        }
    }
}
