//! Values of settings, as they are written.

use bytesize::ByteSize;
use url::Url;

/// Reads a number of bytes, of at least so many.
pub(super) fn at_least(least: ByteSize) -> impl Fn(&str) -> Result<ByteSize, String> + Clone {
    move |text| {
        let given: ByteSize = text.parse()?;
        if given < least {
            return Err(format!("give at least {least}"));
        }
        Ok(given)
    }
}

/// Reads what URLs of results begin with.
pub(super) fn public_url(text: &str) -> Result<Url, String> {
    let mut url: Url = text
        .parse()
        .map_err(|error| format!("not a URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
        return Err("give an http or https URL without a query".to_owned());
    }
    // Joining a relative path replaces all after the last slash.
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_may_have_a_path() {
        let url = public_url("https://example.com/mill").unwrap();
        let joined = url.join("outputs/a").unwrap();
        assert_eq!(joined.as_str(), "https://example.com/mill/outputs/a");
        assert!(public_url("ftp://example.com").is_err());
        assert!(public_url("example.com").is_err());
    }
}
