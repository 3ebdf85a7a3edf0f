//! Where a request goes.

use assetmill_core::{FailureCode, Setback};
use url::Url;

use super::profile::Profile;
use super::template::{Filling, Template};

/// The URL of a request.
///
/// # Errors
/// A final setback when what is filled in would make it another URL than the catalogue declares: a
/// path segment `.` or `..`, which URLs resolve even when percent-encoded
/// (<https://url.spec.whatwg.org/#double-dot-path-segment>).
pub(super) fn destination(template: &Template, filling: Filling<'_>) -> Result<Url, Setback> {
    let unfit = || {
        Setback::lasting(
            FailureCode::VendorRejected,
            "the parameters do not fit into the vendor's URL; use values without dots alone",
        )
    };
    let text = template.url_text(filling).ok_or_else(unfit)?;
    let url = Url::parse(&text).map_err(|_| unfit())?;
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let climbs = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if climbs { Err(unfit()) } else { Ok(url) }
}

/// The URL of a request that follows an answer.
///
/// # Errors
/// A final setback when the answer names none, or one on another host than that of the profile: the
/// keys that go along are for that one.
pub(super) fn next_destination(
    profile: &Profile,
    template: &Template,
    filling: Filling<'_>,
) -> Result<Url, Setback> {
    let invalid = |message: &str| Setback::lasting(FailureCode::VendorResponseInvalid, message);
    let first = destination(&profile.url, filling)?;
    let next = if template.is_answer() {
        template
            .text(filling)
            .and_then(|text| first.join(&text).ok())
            .ok_or_else(|| invalid("the vendor's answer does not say where it goes on"))?
    } else if template.url_text(filling).is_none() {
        return Err(invalid("the vendor's answer lacks what its next URL needs"));
    } else {
        destination(template, filling)?
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

    fn fill(name: &str) -> Result<Url, Setback> {
        let params = serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
        let template =
            Template::parse("https://v.test/api/{param:name}/go?n={param:name}").unwrap();
        destination(
            &template,
            Filling {
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
            let setback = fill(climbing).unwrap_err();
            assert_eq!(setback.failure().code, FailureCode::VendorRejected);
        }
    }
}
