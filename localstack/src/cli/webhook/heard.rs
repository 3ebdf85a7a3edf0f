//! What came to an endpoint on this machine, and whether Assetmill sent it.

use assetmill_core::{DeliveryId, WebhookSecret};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};

/// How far its time may be from now, as the libraries of Standard Webhooks have it.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// Whether something is signed as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With one of the secrets, lately.
    Verified,
    /// Nobody has said with which secret.
    Unknown,
    /// It is not, for this reason.
    Refused(&'static str),
}

impl Verdict {
    /// Of what came with these headers. Several secrets are those of a rotation.
    pub(super) fn of(
        secrets: &[WebhookSecret],
        headers: &HeaderMap,
        body: &str,
        now: Timestamp,
    ) -> Self {
        if secrets.is_empty() {
            return Self::Unknown;
        }
        match check(secrets, headers, body, now) {
            Ok(()) => Self::Verified,
            Err(reason) => Self::Refused(reason),
        }
    }

    /// In a word or a few.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Verified => "verified".to_owned(),
            Self::Unknown => "unverified (no --secret)".to_owned(),
            Self::Refused(reason) => format!("REFUSED ({reason})"),
        }
    }
}

fn check(
    secrets: &[WebhookSecret],
    headers: &HeaderMap,
    body: &str,
    now: Timestamp,
) -> Result<(), &'static str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let id = text("webhook-id").ok_or("it has no webhook-id")?;
    let id: DeliveryId = id
        .parse()
        .map_err(|_| "its webhook-id is not Assetmill's")?;
    let at = text("webhook-timestamp").and_then(|at| at.parse().ok());
    let at = at.and_then(|at| Timestamp::from_second(at).ok());
    let at = at.ok_or("it has no webhook-timestamp")?;
    let given = text("webhook-signature").ok_or("it has no webhook-signature")?;
    if now.duration_since(at).abs() > TOLERANCE {
        return Err("its webhook-timestamp is more than five minutes from now");
    }
    let is_by = |secret: &WebhookSecret| {
        let expected = secret.sign(id, at, body.to_owned()).signature;
        given.split(' ').any(|given| given == expected)
    };
    if secrets.iter().any(is_by) {
        Ok(())
    } else {
        Err("its signature is of another secret, or of another body")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_lately_with_a_secret_is_taken() {
        let (secret, old) = (WebhookSecret::generate(), WebhookSecret::generate());
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let id = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let signed = secret.sign(id, now, "{}".to_owned());
        let mut headers = HeaderMap::new();
        let signature = format!("v1,AAAA {}", signed.signature);
        for (name, value) in [
            ("webhook-id", id.to_string()),
            ("webhook-timestamp", signed.timestamp.to_string()),
            ("webhook-signature", signature),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let both = [old.clone(), secret];
        let of = |secrets: &[WebhookSecret], body: &str, late| {
            let now = now + SignedDuration::from_secs(late);
            Verdict::of(secrets, &headers, body, now)
        };
        assert_eq!(of(&both, "{}", 299), Verdict::Verified);
        assert_eq!(of(&[], "{}", 0), Verdict::Unknown);
        for refused in [
            of(&both, "{ }", 0),
            of(&[old], "{}", 0),
            of(&both, "{}", 301),
        ] {
            assert!(matches!(refused, Verdict::Refused(_)), "{refused:?}");
        }
        let without = Verdict::of(&both, &HeaderMap::new(), "{}", now);
        assert_eq!(without, Verdict::Refused("it has no webhook-id"));
    }
}
