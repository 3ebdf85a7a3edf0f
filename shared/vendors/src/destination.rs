//! Where a request goes.

use assetmill_core::{FailureCode, OperationError};
use url::Url;

use super::profile::Profile;
use super::template::{RenderContext, Template};

/// The URL of a request.
///
/// # Errors
/// A permanent error when what is filled in would make it another URL than the catalogue declares: a
/// path segment `.` or `..`, which URLs resolve even when percent-encoded
/// (<https://url.spec.whatwg.org/#double-dot-path-segment>).
pub(super) fn destination(
    template: &Template,
    render: RenderContext<'_>,
) -> Result<Url, OperationError> {
    let unfit = || {
        OperationError::permanent(
            FailureCode::VendorRejected,
            "the parameters do not fit into the vendor's URL; use values without dots alone",
        )
    };
    let text = template.url_text(render).ok_or_else(unfit)?;
    let url = Url::parse(&text).map_err(|_| unfit())?;
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let climbs = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if climbs { Err(unfit()) } else { Ok(url) }
}

/// The URL of a request that follows an answer.
///
/// # Errors
/// A permanent error when the answer names none, or one on another host than that of the profile: the
/// keys that go along are for that one.
pub(super) fn next_destination(
    profile: &Profile,
    template: &Template,
    render: RenderContext<'_>,
) -> Result<Url, OperationError> {
    let invalid =
        |message: &str| OperationError::permanent(FailureCode::VendorResponseInvalid, message);
    let first = destination(&profile.url, render)?;
    let next = if template.is_answer() {
        template
            .text(render)
            .and_then(|text| first.join(&text).ok())
            .ok_or_else(|| invalid("the vendor's answer does not say where it goes on"))?
    } else if template.url_text(render).is_none() {
        return Err(invalid("the vendor's answer lacks what its next URL needs"));
    } else {
        destination(template, render)?
    };
    if next.origin() == first.origin() {
        return Ok(next);
    }
    Err(invalid(
        "the vendor's answer leads to another host than that of the catalogue, which the key is for",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secrets;

    fn fill(name: &str) -> Result<Url, OperationError> {
        let params = serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
        let template =
            Template::parse("https://v.test/api/{param:name}/go?n={param:name}").unwrap();
        destination(
            &template,
            RenderContext {
                params: &params,
                secrets: &Secrets::default(),
                asset_url: "",
                reference: None,
                answer: None,
            },
        )
    }

    #[test]
    fn a_parameter_stays_where_it_was_put() {
        assert_eq!(
            fill("../x?y#z&w").unwrap().as_str(),
            "https://v.test/api/..%2Fx%3Fy%23z%26w/go?n=..%2Fx%3Fy%23z%26w"
        );
        for climbing in [".", ".."] {
            let error = fill(climbing).unwrap_err();
            assert_eq!(error.failure().code, FailureCode::VendorRejected);
        }
    }
}
