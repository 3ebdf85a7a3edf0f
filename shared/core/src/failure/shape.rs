//! What messages of the same kind have in common.

/// The longest shape, in characters.
const LONGEST: usize = 160;

/// A message without what differs between failures of one kind: URLs, what stands in quotes, and words with digits in
/// them, such as numbers and ids.
pub(super) fn of_message(message: &str) -> String {
    let mut shape = String::new();
    let mut quote = None;
    for (number, word) in message.split_whitespace().enumerate() {
        if number > 0 && quote.is_none() {
            shape.push(' ');
        }
        if let Some(end) = quote {
            if let Some((_, rest)) = word.split_once(end) {
                shape.push_str(rest);
                quote = None;
            }
            continue;
        }
        let begins = word.find(['"', '`', '“']);
        match begins.and_then(|at| Some((at, word[at..].chars().next()?))) {
            Some((at, begin)) => {
                let end = if begin == '“' { '”' } else { begin };
                shape.push_str(&word[..at]);
                shape.push('…');
                match word[at + begin.len_utf8()..].split_once(end) {
                    Some((_, rest)) => shape.push_str(rest),
                    None => quote = Some(end),
                }
            }
            None => shape.push_str(&common(word)),
        }
    }
    shape.chars().take(LONGEST).collect()
}

/// A word, or what stands for others like it.
fn common(word: &str) -> String {
    if word.contains("://") {
        return "…".to_owned();
    }
    if !word.chars().any(|c| c.is_ascii_digit()) {
        return word.to_owned();
    }
    let inner = word.trim_matches(|c: char| !c.is_alphanumeric());
    // The status of an answer says more than any word.
    if inner.len() == 3 && inner.starts_with(['4', '5']) && inner.parse::<u16>().is_ok() {
        return word.to_owned();
    }
    word.replacen(inner, "#", 1)
}

#[cfg(test)]
mod tests {
    use super::of_message;

    #[test]
    fn messages_of_one_kind_have_one_shape() {
        for (messages, shape) in [
            (
                &["the source has no such asset (404); check the URL"][..],
                "the source has no such asset (404); check the URL",
            ),
            (
                &[
                    "the asset has 5,120 bytes; at most 4096 are taken",
                    "the asset has 7 bytes; at most 4096 are taken",
                ],
                "the asset has # bytes; at most # are taken",
            ),
            (
                &[
                    "the vendor said \"no face in 01a2.jpg\" (422)",
                    "the vendor said \"blurred\" (422)",
                ],
                "the vendor said … (422)",
            ),
            (
                &[
                    "can't reach https://a.example/x?y=1, try again",
                    "can't reach http://b.example, try again",
                ],
                "can't reach … try again",
            ),
            (&["took longer than 30 s"], "took longer than # s"),
            (&["", "  "], ""),
            (&["an open \"quote that never ends"], "an open …"),
        ] {
            for message in messages {
                assert_eq!(of_message(message), shape, "{message}");
            }
        }
        assert_eq!(of_message(&"é ".repeat(1_000)).chars().count(), 160);
    }
}
