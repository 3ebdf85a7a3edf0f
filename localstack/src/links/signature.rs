use std::sync::Arc;
use std::time::Duration;

use assetmill_core::OutputKey;
use assetmill_core::ports::{Clock, OutputLinks, SignedUrl, Unavailable, link_times};
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

    /// Whether a URL with this key and this query was made here, to the letter, and is still alive. For
    /// how long it still is.
    ///
    /// # Errors
    /// [`LinkRefusal`] says why it is not.
    pub fn check(&self, key: &OutputKey, query: &str) -> Result<Duration, LinkRefusal> {
        let (expires, signature) = parts_of(query).ok_or(LinkRefusal::Forged)?;
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

    /// The signature of a text, which says by itself what it allows.
    pub(super) fn signature(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac_of(text).finalize().into_bytes())
    }

    /// Whether it is the signature of this text.
    pub(super) fn is_signature(&self, text: &str, signature: &str) -> bool {
        let signature = URL_SAFE_NO_PAD.decode(signature);
        // In constant time.
        signature.is_ok_and(|signature| self.mac_of(text).verify_slice(&signature).is_ok())
    }

    /// The URL of a path below the base.
    pub(super) fn url(&self, path: &str) -> Result<Url, url::ParseError> {
        self.base.join(path)
    }

    /// The time.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn mac(&self, key: &OutputKey, expires: i64) -> Hmac<Sha256> {
        // Neither part can hold a line feed, so no two pairs give the same text.
        self.mac_of(&format!("{key}\n{expires}"))
    }

    fn mac_of(&self, text: &str) -> Hmac<Sha256> {
        let mut mac = self.key.clone();
        mac.update(text.as_bytes());
        mac
    }
}

#[async_trait]
impl OutputLinks for SignedLinks {
    async fn link(&self, key: &OutputKey, lifetime: Duration) -> Result<SignedUrl, Unavailable> {
        let failed = |error| Unavailable::new("links", error);
        let (start, lifetime) = link_times(self.clock.now(), lifetime);
        let expires = (start + lifetime).as_second();
        let signature = self.mac(key, expires).finalize().into_bytes();
        let mut url = self
            .base
            .join(&format!("outputs/{key}"))
            .map_err(|error| failed(error.to_string()))?;
        url.set_query(Some(&query_of(expires, &signature)));
        let expires_at =
            Timestamp::from_second(expires).map_err(|error| failed(error.to_string()))?;
        Ok(SignedUrl { url, expires_at })
    }
}

/// The query of a link. Nothing in it needs escaping.
fn query_of(expires: i64, signature: &[u8]) -> String {
    let signature = URL_SAFE_NO_PAD.encode(signature);
    format!("expires={expires}&signature={signature}")
}

/// What [`query_of`] made it of; `None` for any other spelling, however much it means the same.
fn parts_of(query: &str) -> Option<(i64, Vec<u8>)> {
    let (expires, signature) = query.strip_prefix("expires=")?.split_once("&signature=")?;
    let expires = expires.parse().ok()?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    (query_of(expires, &signature) == query).then_some((expires, signature))
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
        query: String,
    }

    /// A link made at the Unix epoch, for a minute and the five that links are the same.
    async fn made() -> Made {
        let clock = Arc::new(At(Mutex::new(Timestamp::UNIX_EPOCH)));
        let base = "https://example.com/mill/".parse().unwrap();
        let links = SignedLinks::new(b"key", base, clock.clone()).unwrap();
        let tenant = "acme".parse().unwrap();
        let key = OutputKey::new(&tenant, &Sha256Digest::of(b"made"), &MediaType::png());
        let link = links.link(&key, Duration::from_mins(1)).await.unwrap();
        assert_eq!(link.url.path(), format!("/mill/outputs/{key}"));
        Made {
            query: link.url.query().unwrap().to_owned(),
            clock,
            links,
            key,
        }
    }

    #[tokio::test]
    async fn a_link_works_until_it_expires() {
        let made = made().await;
        let check = || made.links.check(&made.key, &made.query);
        assert_eq!(check(), Ok(Duration::from_mins(6)));
        let later = |seconds| {
            *made.clock.0.lock().unwrap() = Timestamp::from_second(seconds).unwrap();
        };
        later(359);
        assert_eq!(check(), Ok(Duration::from_secs(1)));
        later(360);
        assert_eq!(check(), Err(LinkRefusal::Expired));
    }

    #[tokio::test]
    async fn a_link_that_is_made_again_soon_is_the_same() {
        let made = made().await;
        for (second, same) in [(1, true), (299, true), (300, false)] {
            *made.clock.0.lock().unwrap() = Timestamp::from_second(second).unwrap();
            let again = made.links.link(&made.key, Duration::from_mins(1)).await;
            let again = again.unwrap();
            assert_eq!(again.url.query() == Some(&*made.query), same, "{second}");
        }
    }

    #[tokio::test]
    async fn every_part_is_signed() {
        let made = made().await;
        let other = OutputKey::new(
            &"other".parse().unwrap(),
            &Sha256Digest::of(b"made"),
            &MediaType::png(),
        );
        let refused = made.links.check(&other, &made.query);
        assert_eq!(refused, Err(LinkRefusal::Forged));
        let base = "https://example.com/".parse().unwrap();
        let stranger = SignedLinks::new(b"another key", base, made.clock.clone()).unwrap();
        let refused = stranger.check(&made.key, &made.query);
        assert_eq!(refused, Err(LinkRefusal::Forged));
    }

    #[tokio::test]
    async fn a_link_has_one_spelling() {
        let made = made().await;
        let (expires, signature) = made.query.split_once('&').unwrap();
        for query in [
            String::new(),
            expires.to_owned(),
            signature.to_owned(),
            format!("{signature}&{expires}"),
            format!("{}&again=1", made.query),
            format!("{}&", made.query),
            format!("again=1&{}", made.query),
            format!("{expires}&{expires}&{signature}"),
            format!("{}&{signature}", made.query),
            format!("{}=", made.query),
            made.query.replace("expires=", "expires=+"),
            made.query.replace("expires=", "expires=0"),
            made.query.replace("expires=3", "expires=4"),
            made.query.replace("expires=3", "expires=%33"),
            made.query.replace("expires", "Expires"),
            made.query.replace("signature=", "signature=not base64!"),
            made.query[..made.query.len() - 1].to_owned(),
        ] {
            let refused = made.links.check(&made.key, &query);
            assert_eq!(refused, Err(LinkRefusal::Forged), "{query}");
        }
    }
}
