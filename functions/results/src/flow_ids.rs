//! The flow ids that a caller asks about.

use std::fmt;

use assetmill_core::FlowId;
use assetmill_http::{ErrorCode, Pointer, Problem, RequestBody};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use utoipa::ToSchema;

/// The flows to ask about: a list of their ids, or an object that holds one.
#[derive(Debug, ToSchema)]
#[schema(as = FlowIds)]
#[allow(dead_code, reason = "describes both forms of the body in the document")]
#[serde(untagged)]
pub(crate) enum FlowIdsSchema {
    /// A bare list.
    Bare(Vec<String>),
    /// A list in an object.
    Wrapped(Wrapped),
}

/// A list of flow ids in an object.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowIdsObject)]
pub(crate) struct Wrapped {
    /// The ids of 1 to 10,000 flows; of 1 to 1,000 where the service runs on Lambda.
    flow_ids: Vec<String>,
}

/// What a caller sent, in either form.
#[derive(Debug)]
pub(crate) struct FlowIds {
    texts: Vec<String>,
    list: Pointer,
}

impl RequestBody for FlowIds {
    const TAKES_ARRAY: bool = true;
    const MISTAKEN_FIELDS: &'static [(&'static str, &'static str)] = &[
        ("flow_id", "here it is flow_ids, a list"),
        (
            "batch_id",
            "for the flows of a batch, GET /api/v2/batches/{batch_id}",
        ),
    ];
}

impl FlowIds {
    /// The ids, if they can be answered: 1 to `max`.
    pub(crate) fn parse(self, max: usize) -> Result<Vec<FlowId>, Problem> {
        let given = self.texts.len();
        if given == 0 {
            let detail = "the list is empty; name at least one flow id";
            return Err(Problem::new(ErrorCode::EmptyList, detail).at(self.list));
        }
        if given > max {
            let detail = format!(
                "{given} flow ids are too many; ask for at most {max} at a time, or page through \
                 GET /api/v2/batches/{{batch_id}}"
            );
            return Err(Problem::new(ErrorCode::TooManyFlowIds, detail).at(self.list));
        }
        self.texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                text.parse().map_err(|error: assetmill_core::NotAnId| {
                    Problem::new(ErrorCode::FlowIdInBody, error.to_string())
                        .at(self.list.clone().index(index))
                })
            })
            .collect()
    }
}

/// By hand, because an untagged enum would forget where in the list something is wrong.
impl<'de> Deserialize<'de> for FlowIds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EitherForm;

        impl<'de> Visitor<'de> for EitherForm {
            type Value = FlowIds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON array of flow ids, or {\"flow_ids\": […]}")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<FlowIds, A::Error> {
                Ok(FlowIds {
                    texts: Deserialize::deserialize(SeqAccessDeserializer::new(list))?,
                    list: Pointer::root(),
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<FlowIds, A::Error> {
                let wrapped = Wrapped::deserialize(MapAccessDeserializer::new(object))?;
                Ok(FlowIds {
                    texts: wrapped.flow_ids,
                    list: Pointer::root().field("flow_ids"),
                })
            }
        }

        deserializer.deserialize_any(EitherForm)
    }
}
