//! The flows that a caller names by their ids.

use std::collections::HashSet;
use std::fmt;

use assetmill_core::{FlowId, MAX_BATCH};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::body::BoundedList;
use crate::{ErrorCode, Pointer, Problem, RequestBody};

/// The flows that are meant: a list of their ids, or an object that holds one.
#[derive(Debug, ToSchema)]
#[schema(as = FlowIds)]
#[allow(dead_code, reason = "describes both forms of the body in the document")]
#[serde(untagged)]
pub(crate) enum FlowIdsSchema {
    /// A bare list.
    Bare(FlowIdList),
    /// A list in an object.
    Wrapped(Wrapped),
}

/// A list of flow ids in an object.
#[derive(Debug, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowIdsObject)]
pub(crate) struct Wrapped {
    /// The ids of 1 to 10,000 flows; of 1 to 1,000 where the service runs on Lambda.
    #[schema(value_type = FlowIdList)]
    flow_ids: Texts,
}

/// As many as one question may be about, wherever the service runs.
type Texts = BoundedList<String, MAX_BATCH>;

/// The list, as the document describes it.
#[derive(Debug)]
pub(crate) struct FlowIdList;

impl PartialSchema for FlowIdList {
    fn schema() -> RefOr<Schema> {
        let id = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".to_owned())));
        ArrayBuilder::new()
            .items(id)
            .min_items(Some(1))
            .max_items(Some(MAX_BATCH))
            .description(Some(
                "The ids of 1 to 10,000 flows; of 1 to 1,000 where the service runs on Lambda.",
            ))
            .into()
    }
}

impl ToSchema for FlowIdList {}

/// What a caller sent, in either form.
#[derive(Debug)]
pub(crate) struct FlowIds {
    texts: Texts,
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
    /// The ids, each once, if they can be answered: 1 to `max`.
    pub(crate) fn parse(self, max: usize) -> Result<Vec<FlowId>, Problem> {
        let given = self.texts.given;
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
        let mut seen = HashSet::new();
        let mut ids = Vec::with_capacity(given);
        for (index, text) in self.texts.items.iter().enumerate() {
            let id: FlowId = text.parse().map_err(|error: assetmill_core::NotAnId| {
                Problem::new(ErrorCode::FlowIdInBody, error.to_string())
                    .at(self.list.clone().index(index))
            })?;
            if seen.insert(id) {
                ids.push(id);
            }
        }
        Ok(ids)
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
