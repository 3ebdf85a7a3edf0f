//! The short text of a history: an event for each word, such as `c1f` (claimed, 51 ms later) or
//! `w5.1*2>2s:rt` (waits for another try, at step 1 in attempt 2). Numbers are in base 36; times are in milliseconds
//! since the event before, the first since 1970.

use jiff::Timestamp;

use super::{Event, Happened, History, Wait};
use crate::FailureCode;

/// The text is no history.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a history: {word:?} is no event")]
pub struct NotAHistory {
    word: String,
}

const RADIX: u32 = 36;

impl From<History> for String {
    fn from(history: History) -> Self {
        let mut words = Vec::new();
        let mut before = 0;
        for (place, event) in history.events.iter().enumerate() {
            if place == super::FIRST && history.dropped > 0 {
                words.push(format!("~{}", in_base_36(history.dropped.into())));
            }
            let at = event.at.as_millisecond();
            words.push(word(event, at - before));
            before = at;
        }
        words.join(" ")
    }
}

fn word(event: &Event, since: i64) -> String {
    let step = match event.step {
        0 => String::new(),
        step => format!(".{}", in_base_36(step.into())),
    };
    let attempt = match event.attempt {
        0 => String::new(),
        attempt => format!("*{}", in_base_36(attempt.into())),
    };
    let more = match event.what {
        Happened::Waits { reason, until } => {
            let wait = until.as_millisecond() - event.at.as_millisecond();
            format!(">{}:{}", in_base_36(wait), wait_text(reason))
        }
        Happened::Failed(code) => format!(":{}", code.as_str()),
        _ => String::new(),
    };
    let (letter, since) = (letter(event.what), in_base_36(since));
    format!("{letter}{since}{step}{attempt}{more}")
}

impl TryFrom<String> for History {
    type Error = NotAHistory;

    fn try_from(text: String) -> Result<Self, NotAHistory> {
        let mut history = Self::default();
        let mut before = 0;
        for word in text.split_whitespace() {
            let wrong = || NotAHistory {
                word: word.to_owned(),
            };
            if let Some(dropped) = word.strip_prefix('~') {
                let dropped = from_base_36(dropped).ok_or_else(wrong)?;
                history.dropped = dropped.try_into().map_err(|_| wrong())?;
                continue;
            }
            let event = event(word, before).ok_or_else(wrong)?;
            before = event.at.as_millisecond();
            history.events.push(event);
        }
        Ok(history)
    }
}

fn event(word: &str, before: i64) -> Option<Event> {
    let (head, code) = match word.split_once(':') {
        Some((head, code)) => (head, Some(code)),
        None => (word, None),
    };
    let mut letters = head.chars();
    let letter = letters.next()?;
    let (head, wait) = split(letters.as_str(), '>');
    let (head, attempt) = split(head, '*');
    let (since, step) = split(head, '.');
    let at = before.checked_add(from_base_36(since)?)?;
    let time = |millisecond| Timestamp::from_millisecond(millisecond).ok();
    let what = match letter {
        'c' => Happened::Claimed,
        'f' => Happened::Fetched,
        's' => Happened::Sent,
        't' => Happened::Taken,
        'k' => Happened::Stored,
        'w' => Happened::Waits {
            reason: wait_of(code?)?,
            until: time(at.checked_add(from_base_36(wait?)?)?)?,
        },
        'o' => Happened::Completed,
        'x' => Happened::Failed(code_of(code?)?),
        'q' => Happened::Cancelled,
        _ => return None,
    };
    Some(Event {
        at: time(at)?,
        what,
        step: number(step)?,
        attempt: number(attempt)?,
    })
}

fn split(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn number<Number: TryFrom<i64>>(text: Option<&str>) -> Option<Number> {
    let number = text.map_or(Some(0), from_base_36)?;
    number.try_into().ok()
}

const fn letter(what: Happened) -> char {
    match what {
        Happened::Claimed => 'c',
        Happened::Fetched => 'f',
        Happened::Sent => 's',
        Happened::Taken => 't',
        Happened::Stored => 'k',
        Happened::Waits { .. } => 'w',
        Happened::Completed => 'o',
        Happened::Failed(_) => 'x',
        Happened::Cancelled => 'q',
    }
}

fn wait_text(wait: Wait) -> String {
    match wait {
        Wait::Retry(code) => format!("r{}", code.as_str()),
        Wait::VendorThrottled => "vt".to_owned(),
        Wait::SourceThrottled => "st".to_owned(),
        Wait::SourcePaced => "sp".to_owned(),
        Wait::VendorJob => "vj".to_owned(),
        Wait::SameWork => "sw".to_owned(),
        Wait::Worker => "w".to_owned(),
        Wait::Rate => "pr".to_owned(),
        Wait::Concurrency => "pc".to_owned(),
        Wait::VendorDown => "pd".to_owned(),
        Wait::Paused => "pp".to_owned(),
    }
}

fn wait_of(text: &str) -> Option<Wait> {
    Some(match text {
        "vt" => Wait::VendorThrottled,
        "st" => Wait::SourceThrottled,
        "sp" => Wait::SourcePaced,
        "vj" => Wait::VendorJob,
        "sw" => Wait::SameWork,
        "w" => Wait::Worker,
        "pr" => Wait::Rate,
        "pc" => Wait::Concurrency,
        "pd" => Wait::VendorDown,
        "pp" => Wait::Paused,
        retry => Wait::Retry(code_of(retry.strip_prefix('r')?)?),
    })
}

fn code_of(text: &str) -> Option<FailureCode> {
    let named = |code: &&FailureCode| code.as_str() == text;
    FailureCode::ALL.iter().find(named).copied()
}

fn in_base_36(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(rest % u64::from(RADIX)).unwrap_or_default();
        digits.extend(char::from_digit(digit, RADIX));
        rest /= u64::from(RADIX);
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        digits.push('-');
    }
    digits.iter().rev().collect()
}

fn from_base_36(text: &str) -> Option<i64> {
    i64::from_str_radix(text, RADIX).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wait() -> impl Strategy<Value = Wait> {
        let code = (0..FailureCode::ALL.len()).prop_map(|place| FailureCode::ALL[place]);
        prop_oneof![
            Just(Wait::VendorThrottled),
            Just(Wait::SourceThrottled),
            Just(Wait::SourcePaced),
            Just(Wait::VendorJob),
            Just(Wait::SameWork),
            Just(Wait::Worker),
            Just(Wait::Rate),
            Just(Wait::Concurrency),
            Just(Wait::VendorDown),
            Just(Wait::Paused),
            code.prop_map(Wait::Retry),
        ]
    }

    fn time() -> impl Strategy<Value = Timestamp> {
        (0..4_102_444_800_000_i64).prop_map(|at| Timestamp::from_millisecond(at).unwrap())
    }

    fn what() -> impl Strategy<Value = Happened> {
        let code = (0..FailureCode::ALL.len()).prop_map(|place| FailureCode::ALL[place]);
        prop_oneof![
            Just(Happened::Claimed),
            Just(Happened::Fetched),
            Just(Happened::Sent),
            Just(Happened::Taken),
            Just(Happened::Stored),
            (wait(), time()).prop_map(|(reason, until)| Happened::Waits { reason, until }),
            Just(Happened::Completed),
            code.prop_map(Happened::Failed),
            Just(Happened::Cancelled),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            events in prop::collection::vec((time(), what(), any::<u8>(), any::<u16>()), 0..80)
        ) {
            let mut history = History::default();
            for (at, what, step, attempt) in events {
                history.add(Event { at, what, step, attempt });
            }
            let text = String::from(history.clone());
            prop_assert_eq!(History::try_from(text), Ok(history));
        }

        #[test]
        fn any_text_is_a_history_or_none(text in ".*") {
            let _ = History::try_from(text);
        }
    }
}
