//! What is kept of a job between two requests: the parts of the answer before that the next one takes.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::pointer::JsonPointer;
use crate::profile::{Profile, ResultPlace};
use crate::response::Response;
use crate::template::{Source, Template};

/// What is kept of a job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// Which request of `then` is next; after the last, the fetch of the result.
    pub(super) next: usize,
    /// What the answer before says, by JSON pointer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, Value>,
    /// What its headers say.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    /// How many requests in a row got no answer.
    #[serde(default)]
    pub(super) misses: u32,
    /// Whether the next request, which can't be sent twice, may be on its way.
    #[serde(default)]
    pub(super) sending: bool,
}

impl State {
    /// What request number `next` takes of the answer before it.
    pub(super) fn before(profile: &Profile, next: usize, answer: &Response) -> Self {
        let mut state = Self {
            next,
            ..Self::default()
        };
        match profile.then.get(next) {
            Some(step) => {
                for source in step.templates().flat_map(Template::sources) {
                    state.keep(source, answer);
                }
            }
            None => {
                if let ResultPlace::Url(at) = &profile.result {
                    state.keep_value(at, answer);
                }
            }
        }
        state
    }

    fn keep(&mut self, source: &Source, answer: &Response) {
        match source {
            Source::Answer(at) => self.keep_value(at, answer),
            Source::Header(name) => {
                if let Some(text) = answer.header(name) {
                    self.headers.insert(name.to_string(), text.to_owned());
                }
            }
            _ => {}
        }
    }

    fn keep_value(&mut self, at: &JsonPointer, answer: &Response) {
        let value = answer.document().and_then(|document| at.value_in(document));
        if let Some(value) = value {
            self.values.insert(at.as_str().to_owned(), value.clone());
        }
    }

    /// What is known of the answer before.
    pub(super) fn answer(&self) -> Response {
        let mut headers = HeaderMap::new();
        for (name, text) in &self.headers {
            let name: Result<HeaderName, _> = name.parse();
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(text)) {
                headers.insert(name, value);
            }
        }
        let mut document = Value::Object(Map::new());
        // In the order of the alphabet, what holds others comes before them.
        for (pointer, value) in &self.values {
            put(&mut document, pointer, value);
        }
        Response::remembered(headers, document)
    }

    /// As text.
    pub(super) fn write(&self) -> String {
        // Maps of texts have no way to fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From text.
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Puts a value where the pointer finds it again: a key of an object is found as an index of a list is.
fn put(document: &mut Value, pointer: &str, value: &Value) {
    if document.pointer(pointer).is_some() {
        return;
    }
    let mut place = document;
    for key in pointer.split('/').skip(1) {
        let key = key.replace("~1", "/").replace("~0", "~");
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(fields) = place else {
            return;
        };
        place = fields.entry(key).or_insert(Value::Null);
    }
    *place = value.clone();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_is_found_where_it_was() {
        let document = json!({ "id": 7, "urls": [{ "get": "u" }], "a/b": { "c~d": true } });
        let answer = Response::remembered(HeaderMap::new(), document);
        let mut state = State::default();
        let pointers = ["/id", "/urls/0/get", "/urls", "/a~1b/c~0d", "/none"];
        for pointer in pointers {
            state.keep_value(&pointer.parse().unwrap(), &answer);
        }
        let again = State::read(&state.write()).unwrap();
        assert_eq!(again, state);
        let kept = again.answer();
        for pointer in pointers {
            let at: JsonPointer = pointer.parse().unwrap();
            assert_eq!(
                at.value_in(kept.document().unwrap()),
                at.value_in(answer.document().unwrap()),
                "{pointer}"
            );
        }
    }
}
