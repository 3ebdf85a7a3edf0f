use std::sync::Arc;
use std::time::Duration;

use assetmill_core::OutputKey;
use assetmill_core::ports::{Clock, OutputLinks, SignedUrl, Unavailable};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use url::Url;

/// Signs URLs of outputs with HMAC-SHA256 (RFC 2104), and checks them.
#[derive(Clone)]
pub struct SignedLinks {
    key: Hmac<Sha256>,
    base: Url,
    clock: Arc<dyn Clock>,
}

/// Why a URL of an output is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefusal {
    /// It was altered, or not made here.
    #[error("the signature does not fit this URL; use it exactly as it was given")]
    Forged,
    /// Its time is over.
    #[error("this URL has expired; ask for the results again to get a new one")]
    Expired,
}

impl SignedLinks {
    /// Links that begin with `base`, which ends in a slash.
    ///
    /// # Errors
    /// When the key has no length that HMAC takes; it takes any.
    pub fn new(
        key: &[u8],
        base: Url,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, hmac::digest::InvalidLength> {
        let key = Hmac::new_from_slice(key)?;
        Ok(Self { key, base, clock })
    }

    /// Whether a URL with these parts was made here and is still alive. For how long it still is.
    ///
    /// # Errors
    /// [`LinkRefusal`] says why it is not.
    pub fn check(
        &self,
        key: &OutputKey,
        expires: i64,
        signature: &str,
    ) -> Result<Duration, LinkRefusal> {
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| LinkRefusal::Forged)?;
        // In constant time.
        self.mac(key, expires)
            .verify_slice(&signature)
            .map_err(|_| LinkRefusal::Forged)?;
        let left = expires.saturating_sub(self.clock.now().as_second());
        match u64::try_from(left) {
            Ok(left) if left > 0 => Ok(Duration::from_secs(left)),
            _ => Err(LinkRefusal::Expired),
        }
    }

    fn mac(&self, key: &OutputKey, expires: i64) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        // Neither part can hold a line feed, so no two pairs give the same text.
        mac.update(format!("{key}\n{expires}").as_bytes());
        mac
    }
}

#[async_trait]
impl OutputLinks for SignedLinks {
    async fn link(&self, key: &OutputKey, lifetime: Duration) -> Result<SignedUrl, Unavailable> {
        let failed = |error| Unavailable::new("links", error);
        let expires = (self.clock.now() + lifetime).as_second();
        let signature = self.mac(key, expires).finalize().into_bytes();
        let mut url = self
            .base
            .join(&format!("outputs/{key}"))
            .map_err(|error| failed(error.to_string()))?;
        url.query_pairs_mut()
            .append_pair("expires", &expires.to_string())
            .append_pair("signature", &URL_SAFE_NO_PAD.encode(signature));
        let expires_at =
            Timestamp::from_second(expires).map_err(|error| failed(error.to_string()))?;
        Ok(SignedUrl { url, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use assetmill_core::{MediaType, Sha256Digest};

    use super::*;

    struct At(Mutex<Timestamp>);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            *self.0.lock().unwrap()
        }
    }

    struct Made {
        clock: Arc<At>,
        links: SignedLinks,
        key: OutputKey,
        expires: i64,
        signature: String,
    }

    /// A link made at the Unix epoch, for a minute.
    async fn made() -> Made {
        let clock = Arc::new(At(Mutex::new(Timestamp::UNIX_EPOCH)));
        let base = "https://example.com/mill/".parse().unwrap();
        let links = SignedLinks::new(b"key", base, clock.clone()).unwrap();
        let tenant = "acme".parse().unwrap();
        let key = OutputKey::new(&tenant, &Sha256Digest::of(b"made"), &MediaType::png());
        let link = links.link(&key, Duration::from_mins(1)).await.unwrap();
        let query: Vec<_> = link.url.query_pairs().collect();
        assert_eq!(link.url.path(), format!("/mill/outputs/{key}"));
        Made {
            expires: query[0].1.parse().unwrap(),
            signature: query[1].1.clone().into_owned(),
            clock,
            links,
            key,
        }
    }

    #[tokio::test]
    async fn a_link_works_until_it_expires() {
        let made = made().await;
        let check = || made.links.check(&made.key, made.expires, &made.signature);
        assert_eq!(check(), Ok(Duration::from_mins(1)));
        let later = |seconds| {
            *made.clock.0.lock().unwrap() = Timestamp::from_second(seconds).unwrap();
        };
        later(59);
        assert_eq!(check(), Ok(Duration::from_secs(1)));
        later(60);
        assert_eq!(check(), Err(LinkRefusal::Expired));
    }

    #[tokio::test]
    async fn every_part_is_signed() {
        let made = made().await;
        let other = OutputKey::new(
            &"other".parse().unwrap(),
            &Sha256Digest::of(b"made"),
            &MediaType::png(),
        );
        for (key, expires, signature) in [
            (&other, made.expires, made.signature.as_str()),
            (&made.key, made.expires + 1, &made.signature),
            (&made.key, made.expires, &made.signature[1..]),
            (&made.key, made.expires, ""),
            (&made.key, made.expires, "not base64!"),
        ] {
            let refused = made.links.check(key, expires, signature);
            assert_eq!(refused, Err(LinkRefusal::Forged));
        }
        let base = "https://example.com/".parse().unwrap();
        let stranger = SignedLinks::new(b"another key", base, made.clock.clone()).unwrap();
        let refused = stranger.check(&made.key, made.expires, &made.signature);
        assert_eq!(refused, Err(LinkRefusal::Forged));
    }
}
