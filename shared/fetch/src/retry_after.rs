//! `Retry-After`.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// Longer waits are cut to this: nobody waits a year, and sums of times stay within their range.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// How long the server asked to be left alone: seconds, or the time until a date (RFC 9110, section
/// 10.2.3). A date that is past is no wait at all; a wait above a year is a year. `None` when the
/// header is missing or can't be read.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit()) {
        // More digits than a number holds are a long wait all the same.
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn wait(text: &str) -> Option<Duration> {
        // The time of the example in RFC 9110, section 10.2.3, less two minutes.
        let now = UNIX_EPOCH + Duration::from_secs(946_684_799 - 120);
        let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
        retry_after(&headers, now)
    }

    #[test]
    fn seconds_and_dates_are_understood() {
        assert_eq!(wait("120"), Some(Duration::from_mins(2)));
        assert_eq!(wait(" 0 "), Some(Duration::ZERO));
        let date = "Fri, 31 Dec 1999 23:59:59 GMT";
        assert_eq!(wait(date), Some(Duration::from_mins(2)));
        assert_eq!(wait("Thu, 31 Dec 1998 23:59:59 GMT"), Some(Duration::ZERO));
    }

    #[test]
    fn long_waits_are_cut() {
        for text in [
            "99999999999",
            &"9".repeat(60),
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            assert_eq!(wait(text), Some(LONGEST), "{text}");
        }
    }

    #[test]
    fn what_is_neither_says_nothing() {
        for text in ["", "-1", "1.5", "soon"] {
            assert_eq!(wait(text), None, "{text}");
        }
    }
}
