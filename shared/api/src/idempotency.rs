//! The names that callers give to their requests, in the header `Idempotency-Key`
//! (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>).

use assetmill_core::{IdempotencyKey, NotAKey};
use axum::extract::FromRequestParts;
use http::HeaderName;
use http::request::Parts;
use utoipa::IntoParams;

use crate::{ErrorCode, Problem};

/// The header that names a request.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that says that an answer is that of an earlier request, as Stripe has it
/// (<https://docs.stripe.com/api/idempotent_requests>).
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The key of a request, if it has one.
///
/// It is a string of structured fields (RFC 9651, section 3.3.3), or bare: visible characters without quotes,
/// backslashes, commas and semicolons. `"a"` and `a` are the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency(pub Option<IdempotencyKey>);

/// The header in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the header in the document")]
pub(crate) struct IdempotencyHeader {
    /// A name for the request, such as a UUID, in quotes or without. A request that is sent again under the same name
    /// starts nothing again within 24 hours, whatever became of the first: it has the same answer, and waits for it where
    /// the first still runs. Another request under the same name is refused.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        pattern = r#"^([!#-+\--:<-\[\]-~]+|"[ !#-\[\]-~]+")$"#,
        example = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    )]
    idempotency_key: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        if values.next().is_some() {
            return Err(invalid("the request has several of them; send one"));
        }
        let text = value.to_str().map_err(|_| invalid(&NotAKey.to_string()))?;
        let key = content(text.trim_matches([' ', '\t'])).ok_or_else(|| {
            invalid("send it in double quotes, or without any of \" \\ , ; and spaces")
        })?;
        let key = key
            .parse()
            .map_err(|error: NotAKey| invalid(&error.to_string()))?;
        Ok(Self(Some(key)))
    }
}

fn invalid(fault: &str) -> Problem {
    let detail = format!("the Idempotency-Key can't be read: {fault}");
    Problem::new(ErrorCode::InvalidIdempotencyKey, detail)
}

/// What the text of the header says; `None` if it is neither a string of structured fields nor bare.
fn content(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else {
        let bare = text
            .bytes()
            .all(|c| c.is_ascii_graphic() && !b"\"\\,;".contains(&c));
        return bare.then(|| text.to_owned());
    };
    let mut content = String::new();
    let mut rest = quoted.chars();
    loop {
        match rest.next()? {
            '"' => return rest.as_str().is_empty().then_some(content),
            '\\' => match rest.next()? {
                escaped @ ('"' | '\\') => content.push(escaped),
                _ => return None,
            },
            other => content.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    async fn key_of(values: &[&str]) -> Result<Option<String>, ErrorCode> {
        let mut request = Request::get("/");
        for value in values {
            request = request.header("Idempotency-Key", value.as_bytes());
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let read = Idempotency::from_request_parts(&mut parts, &()).await;
        read.map(|Idempotency(key)| key.map(|key| key.to_string()))
            .map_err(|problem| problem.code())
    }

    #[tokio::test]
    async fn a_key_is_quoted_or_bare() {
        assert_eq!(key_of(&[]).await, Ok(None));
        let longest = "k".repeat(255);
        for (header, key) in [
            ("8e03978e-40d5", "8e03978e-40d5"),
            ("\"8e03978e-40d5\"", "8e03978e-40d5"),
            ("  \"a b, c\" ", "a b, c"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            ("order/1:2=+_~", "order/1:2=+_~"),
            (&longest, &longest),
            (&format!("\"{longest}\""), &longest),
        ] {
            assert_eq!(
                key_of(&[header]).await,
                Ok(Some(key.to_owned())),
                "{header}"
            );
        }
    }

    #[tokio::test]
    async fn what_is_no_key_is_refused() {
        let too_long = "k".repeat(256);
        for headers in [
            &[""][..],
            &["\"\""],
            &["\"a"],
            &["a\""],
            &["\"a\"b"],
            &["\"a\";b=1"],
            &[r#""\a""#],
            &["a b"],
            &["a,b"],
            &["ä"],
            &["\"ä\""],
            &["\"a\tb\""],
            &[&too_long],
            &["a", "a"],
        ] {
            let refused = Err(ErrorCode::InvalidIdempotencyKey);
            assert_eq!(key_of(headers).await, refused, "{headers:?}");
        }
    }
}
