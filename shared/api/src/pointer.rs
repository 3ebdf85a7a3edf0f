//! JSON pointers (RFC 6901) to what is wrong in a body.

use std::fmt;

use serde::Serialize;
use serde_path_to_error::Segment;

/// Pointers stop growing here: a caller that invents long names gets the pointer of the parent.
const MAX_BYTES: usize = 256;

/// Points at a place in a JSON document (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// A field of what this points at.
    #[must_use]
    pub fn field(mut self, name: &str) -> Self {
        let token = name.replace('~', "~0").replace('/', "~1");
        if self.0.len() + token.len() < MAX_BYTES {
            self.0.push('/');
            self.0.push_str(&token);
        }
        self
    }

    /// An element of what this points at.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.field(&index.to_string())
    }

    /// The place where deserialisation stopped.
    pub fn from_path(path: &serde_path_to_error::Path) -> Self {
        path.iter()
            .fold(Self::root(), |pointer, segment| match segment {
                Segment::Seq { index } => pointer.index(*index),
                Segment::Map { key } => pointer.field(key),
                Segment::Enum { .. } | Segment::Unknown => pointer,
            })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped() {
        let pointer = Pointer::root().field("a/b").field("~").index(3);
        assert_eq!(pointer.to_string(), "/a~1b/~0/3");
    }

    #[test]
    fn a_name_that_is_too_long_leaves_its_parent() {
        let pointer = Pointer::root().field("params").field(&"x".repeat(1_000));
        assert_eq!(pointer.to_string(), "/params");
    }
}
