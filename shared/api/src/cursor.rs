//! Where a list goes on.

use std::fmt::Display;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Serialize, Serializer};

use crate::Problem;
use crate::query::QueryParams;

/// The last thing of a page, in a form that callers hand back and need not understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor<T>(pub(crate) T);

impl<T: FromStr> Cursor<T> {
    /// Takes the parameter `cursor`: what the page before ended with.
    ///
    /// # Errors
    /// `invalid_query` when it is no cursor of this list.
    pub(crate) fn take(params: &mut QueryParams) -> Result<Option<T>, Problem> {
        let expectation = "the next_cursor of the page before, as it was";
        Ok(params.take("cursor", expectation)?.map(|Self(last)| last))
    }
}

/// The text is no cursor of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotACursor;

impl<T: Display> Serialize for Cursor<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0.to_string()))
    }
}

impl<T: FromStr> FromStr for Cursor<T> {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| NotACursor)?;
        let text = String::from_utf8(bytes).map_err(|_| NotACursor)?;
        text.parse().map(Self).map_err(|_| NotACursor)
    }
}

#[cfg(test)]
mod tests {
    use assetmill_core::BatchId;

    use super::*;

    #[test]
    fn a_cursor_reads_back_as_it_was_written() {
        let cursor = Cursor(499_u32);
        let text = serde_json::to_value(cursor).unwrap();
        assert_eq!(text.as_str().unwrap().parse(), Ok(cursor));
        assert_eq!(
            text.as_str().unwrap().parse::<Cursor<BatchId>>(),
            Err(NotACursor)
        );
    }
}
