//! Query parameters. Unknown ones are refused: a misspelt limit must not go unnoticed.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{ErrorCode, Problem};

/// Query parameters that were not taken yet.
#[derive(Debug, Default)]
pub struct QueryParams {
    given: BTreeMap<String, String>,
}

/// What the query of a request is read into.
pub trait FromQuery: Sized {
    /// Takes every parameter that the route knows.
    ///
    /// # Errors
    /// The [`Problem`] with the first that is not what it may be.
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem>;
}

/// The query of a request, or the problem with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Query<T>(pub T);

impl QueryParams {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut given = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if given.contains_key(&*name) {
                return Err(wrong(&name, "is given twice; give it once"));
            }
            given.insert(name.into_owned(), value.into_owned());
        }
        Ok(Self { given })
    }

    /// Takes a parameter; `None` when it is not given.
    ///
    /// # Errors
    /// `invalid_query` when it does not parse; `expectation` ends the sentence "it must be …".
    pub fn take<T: FromStr>(
        &mut self,
        name: &str,
        expectation: &str,
    ) -> Result<Option<T>, Problem> {
        self.given
            .remove(name)
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| wrong(name, &format!("must be {expectation}")))
    }

    /// Takes every parameter that is left, by name.
    pub(crate) fn take_rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.given).into_iter().collect()
    }

    /// Takes the parameter `limit`.
    ///
    /// # Errors
    /// `invalid_query` unless it is a number from 1 to `max`.
    pub fn take_limit(&mut self, default: usize, max: usize) -> Result<usize, Problem> {
        let expectation = format!("a whole number from 1 to {max}");
        match self.take::<NonZeroUsize>("limit", &expectation)? {
            None => Ok(default),
            Some(limit) if limit.get() <= max => Ok(limit.get()),
            Some(_) => Err(wrong("limit", &format!("must be {expectation}"))),
        }
    }
}

impl<T: FromQuery, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut params = QueryParams::parse(parts.uri.query().unwrap_or_default())?;
        let query = T::from_query(&mut params)?;
        match params.given.into_keys().next() {
            None => Ok(Self(query)),
            Some(unknown) => Err(wrong(&unknown, "is unknown here; leave it out")),
        }
    }
}

/// The problem with a parameter; `what` goes on after its name.
pub(crate) fn wrong(name: &str, what: &str) -> Problem {
    let detail = format!("the query parameter {name} {what}");
    Problem::new(ErrorCode::InvalidQuery, detail)
}
