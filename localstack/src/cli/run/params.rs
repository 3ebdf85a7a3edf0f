//! Parameters of a command line, read as the operation's JSON Schema says.

use serde_json::{Map, Value};

/// A text that is no parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no parameter; write -p name=value")]
pub struct NotAParameter(String);

/// Reads `name=value` texts. What a number, a boolean or something larger is wanted for is read as JSON; everything else is
/// text. What is no parameter of the operation is left to whoever runs it to refuse.
pub(crate) fn read(given: &[String], schema: &Value) -> Result<Map<String, Value>, NotAParameter> {
    let mut params = Map::new();
    for pair in given {
        let (name, text) = pair
            .split_once('=')
            .ok_or_else(|| NotAParameter(pair.clone()))?;
        let wanted = &schema["properties"][name];
        let is_text = wanted["type"] == "string";
        let read = serde_json::from_str(text).ok();
        let value = read.filter(|_| !is_text).unwrap_or_else(|| text.into());
        params.insert(name.to_owned(), value);
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_of_the_kind_that_is_wanted() {
        let schema =
            json!({"properties": {"width": {"type": "integer"}, "format": {"type": "string"}}});
        let given = ["width=300", "format=300", "colour=red=1"].map(str::to_owned);
        let params = read(&given, &schema).unwrap();
        let expected = json!({"width": 300, "format": "300", "colour": "red=1"});
        assert_eq!(Value::Object(params), expected);
        assert!(read(&["width".to_owned()], &schema).is_err());
    }
}
