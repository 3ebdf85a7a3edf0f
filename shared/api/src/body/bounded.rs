//! Parts of bodies that take no more memory than they may, whatever is sent: two bytes of JSON can
//! become a hundred in memory.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// A list, of which the first `MOST` things are kept and the others only counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundedList<T, const MOST: usize> {
    /// The first of them.
    pub items: Vec<T>,
    /// How many there are.
    pub given: usize,
}

/// The most parameters that any operation is given.
const MOST_PARAMS: usize = 1_000;

/// Parameters as a caller sent them. They are scalars: of a list or an object it is kept that it is one,
/// and not what is in it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GivenParams(pub Map<String, Value>);

/// One of them.
struct Scalar(Value);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for BoundedList<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const MOST: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for Items<T, MOST> {
            type Value = BoundedList<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while items.len() < MOST
                    && let Some(item) = list.next_element()?
                {
                    items.push(item);
                }
                let mut given = items.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    given += 1;
                }
                Ok(BoundedList { items, given })
            }
        }

        deserializer.deserialize_seq(Items(PhantomData))
    }
}

impl<'de> Deserialize<'de> for GivenParams {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Params;

        impl<'de> Visitor<'de> for Params {
            type Value = GivenParams;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<GivenParams, A::Error> {
                let mut params = Map::new();
                while let Some((name, Scalar(value))) = object.next_entry::<String, Scalar>()? {
                    if params.len() == MOST_PARAMS {
                        let message = format!("more than {MOST_PARAMS} parameters");
                        return Err(A::Error::custom(message));
                    }
                    params.insert(name, value);
                }
                Ok(GivenParams(params))
            }
        }

        deserializer.deserialize_map(Params)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;

        impl<'de> Visitor<'de> for AnyScalar {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
                Ok(Value::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
                Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
            }

            fn visit_str<E>(self, value: &str) -> Result<Value, E> {
                Ok(value.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
                let mut any: Vec<Value> = Vec::new();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    any = vec!["…".into()];
                }
                Ok(any.into())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
                let mut any = Map::new();
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    any.insert("…".to_owned(), "…".into());
                }
                Ok(any.into())
            }
        }

        deserializer.deserialize_any(AnyScalar).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_str, json};

    use super::*;

    #[test]
    fn what_is_too_many_is_counted_and_not_kept() {
        let list: BoundedList<String, 2> = from_str(r#"["a", "b", "c", 5]"#).unwrap();
        assert_eq!((list.items.len(), list.given), (2, 4));
        let list: BoundedList<String, 2> = from_str(r#"["a"]"#).unwrap();
        assert_eq!((list.items.len(), list.given), (1, 1));
        assert!(from_str::<BoundedList<String, 2>>(r#"["a", 5]"#).is_err());
    }

    #[test]
    fn parameters_are_scalars() {
        let text = r#"{"a": 1, "b": -2.5, "c": true, "d": null, "e": "f", "g": [[1], 2], "h": {"i": 1}, "j": []}"#;
        let params: GivenParams = from_str(text).unwrap();
        let expected = json!({
            "a": 1, "b": -2.5, "c": true, "d": null, "e": "f", "g": ["…"], "h": {"…": "…"}, "j": [],
        });
        assert_eq!(Value::Object(params.0), expected);
    }

    #[test]
    fn parameters_are_not_without_number() {
        let of = |count| {
            let params: Map<String, Value> = (0..count)
                .map(|n: usize| (n.to_string(), n.into()))
                .collect();
            from_str::<GivenParams>(&Value::Object(params).to_string())
        };
        assert!(of(MOST_PARAMS).is_ok());
        assert!(of(MOST_PARAMS + 1).is_err());
    }
}
