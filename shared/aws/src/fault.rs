//! What an AWS call failed of, in one line.

use std::error::Error;

/// The messages of an error and of all that it came from. What the SDK shows itself is either too
/// little, "service error", or the whole response with its headers.
pub(crate) fn described(error: &(dyn Error + 'static)) -> String {
    let mut messages: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let message = error.to_string();
        if !messages.iter().any(|earlier| earlier.contains(&message)) {
            messages.push(message);
        }
        next = error.source();
    }
    messages.join(": ")
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("service error")]
    struct Outer(#[source] io::Error);

    #[test]
    fn every_cause_is_told_once() {
        let error = Outer(io::Error::other("refused"));
        assert_eq!(described(&error), "service error: refused");
    }
}
