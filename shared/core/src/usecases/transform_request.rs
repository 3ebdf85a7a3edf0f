//! What a caller asks for, once it can be accepted.

use std::sync::Arc;

use crate::{
    AssetUrl, BatchName, BatchWebhook, Failure, FailureCode, Labels, MAX_BATCH, NotAUrl, Operation,
    Params, RefusedUrl, Source, TenantId, UrlRefusal,
};

/// What a caller asks for.
#[derive(Clone)]
pub struct TransformRequest {
    /// Who asks.
    pub tenant: TenantId,
    /// The assets.
    pub sources: SourceList,
    /// What to do with each.
    pub operation: Arc<dyn Operation>,
    /// With which parameters; the operation's schema accepted them.
    pub params: Params,
    /// What its batch is to be called.
    pub name: Option<BatchName>,
    /// What its batch is to be labelled with.
    pub labels: Labels,
    /// Who is to be told of its batch, and of no other.
    pub webhook: Option<BatchWebhook>,
}

/// One to [`MAX_BATCH`] sources, of which at least one can be fetched.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceList(Vec<RequestedSource>);

/// One source of an order.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestedSource {
    /// An asset to process.
    Asset(AssetUrl),
    /// A URL whose flow fails from the start.
    Refused(RefusedUrl, UrlRefusal),
}

/// Why a list of URLs can't be an order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceListError {
    /// There is none.
    #[error("the list is empty; name at least one asset")]
    Empty,
    /// There are more than [`MAX_BATCH`].
    #[error("{given} URLs are too many for one batch; send at most {MAX_BATCH}")]
    TooMany {
        /// How many there are.
        given: usize,
    },
    /// One is no URL at all.
    #[error("{error}")]
    NotAUrl {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        error: NotAUrl,
    },
    /// None can be fetched.
    #[error("{refusal}")]
    NoneUsable {
        /// What is wrong with the first.
        refusal: UrlRefusal,
    },
}

impl SourceList {
    /// Sorts the URLs that a caller sent.
    ///
    /// # Errors
    /// [`SourceListError`] when nothing may be started.
    pub fn parse<S: AsRef<str>>(urls: &[S]) -> Result<Self, SourceListError> {
        match urls.len() {
            0 => return Err(SourceListError::Empty),
            given if given > MAX_BATCH => return Err(SourceListError::TooMany { given }),
            _ => {}
        }
        let sources = urls
            .iter()
            .enumerate()
            .map(|(index, text)| match Source::parse(text.as_ref()) {
                Ok(Ok(url)) => Ok(RequestedSource::Asset(url)),
                Ok(Err((shown, refusal))) => Ok(RequestedSource::Refused(shown, refusal)),
                Err(error) => Err(SourceListError::NotAUrl { index, error }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        match &sources[0] {
            RequestedSource::Refused(_, refusal)
                if !sources
                    .iter()
                    .any(|source| matches!(source, RequestedSource::Asset(_))) =>
            {
                Err(SourceListError::NoneUsable { refusal: *refusal })
            }
            _ => Ok(Self(sources)),
        }
    }

    /// A list of assets; `None` when there is none, or more than [`MAX_BATCH`].
    pub fn of_assets(urls: Vec<AssetUrl>) -> Option<Self> {
        (1..=MAX_BATCH)
            .contains(&urls.len())
            .then(|| Self(urls.into_iter().map(RequestedSource::Asset).collect()))
    }

    /// The sources, in the order of the request.
    pub fn as_slice(&self) -> &[RequestedSource] {
        &self.0
    }
}

impl From<UrlRefusal> for Failure {
    fn from(refusal: UrlRefusal) -> Self {
        let code = match refusal {
            UrlRefusal::UnsupportedScheme => FailureCode::UnsupportedScheme,
            UrlRefusal::CredentialsInUrl => FailureCode::CredentialsInUrl,
            UrlRefusal::NotAnUpload => FailureCode::SourceNotFound,
            UrlRefusal::UrlTooLong => FailureCode::UrlTooLong,
        };
        Self::permanent(code, refusal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_url_among_good_ones_is_kept_for_its_row() {
        let list = SourceList::parse(&["ftp://a/b", "https://a/b"]).unwrap();
        assert!(matches!(
            list.as_slice(),
            [RequestedSource::Refused(..), RequestedSource::Asset(_)]
        ));
    }

    #[test]
    fn what_is_no_url_refuses_the_order_and_says_where() {
        let error = SourceList::parse(&["https://a/b", "b.jpg"]).unwrap_err();
        assert!(matches!(error, SourceListError::NotAUrl { index: 1, .. }));
    }

    #[test]
    fn an_order_needs_one_asset_at_least() {
        assert_eq!(SourceList::parse::<&str>(&[]), Err(SourceListError::Empty));
        let refusal = UrlRefusal::UnsupportedScheme;
        assert_eq!(
            SourceList::parse(&["ftp://a/b", "https://u:p@a/b"]),
            Err(SourceListError::NoneUsable { refusal })
        );
    }

    #[test]
    fn an_order_has_an_upper_bound() {
        let urls = vec!["https://example.com/a"; MAX_BATCH + 1];
        let given = urls.len();
        assert!(SourceList::parse(&urls[..MAX_BATCH]).is_ok());
        assert_eq!(
            SourceList::parse(&urls),
            Err(SourceListError::TooMany { given })
        );
    }
}
