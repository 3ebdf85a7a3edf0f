//! Lists of rows: the indexes say which rows there are, and the rows themselves what they say.

use assetmill_core::ports::Unavailable;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::item::{self, Item};
use super::{Table, names, unavailable};

/// How many lists are read at the same time.
const PARALLEL: usize = 16;

/// Which rows of a list.
#[derive(Debug, Clone)]
pub(super) struct Range {
    /// The index that has the list.
    pub(super) index: &'static str,
    /// What of the places there, such as `listed_as > :place`.
    pub(super) condition: Option<(&'static str, String)>,
    /// Only rows in this state.
    pub(super) state: Option<&'static str>,
    /// Whether to begin with the last.
    pub(super) order: TransformRequest,
    /// How many, at the most.
    pub(super) limit: usize,
}

/// In which order a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransformRequest {
    First,
    Last,
}

impl Range {
    /// The last of a list, from the one before `before` on.
    pub(super) fn last(before: Option<impl ToString>, limit: usize) -> Self {
        Self {
            index: names::LISTED,
            condition: before.map(|id| ("listed_as < :place", id.to_string())),
            state: None,
            order: TransformRequest::Last,
            limit,
        }
    }
}

impl Table {
    /// The entries of lists, each list in its order.
    pub(super) async fn list_all(
        &self,
        lists: impl Iterator<Item = String>,
        range: &Range,
    ) -> Result<Vec<Item>, Unavailable> {
        let entries: Vec<Vec<Item>> = stream::iter(lists)
            .map(|list| self.list(list, range))
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
        Ok(entries.into_iter().flatten().collect())
    }

    /// The entries of one list. A page may end before the list does.
    pub(super) async fn list(&self, list: String, range: &Range) -> Result<Vec<Item>, Unavailable> {
        let mut entries = Vec::new();
        let mut from = None;
        loop {
            let (page, next) = self.list_page(&list, range, from).await?;
            entries.extend(page);
            from = next;
            if from.is_none() || entries.len() >= range.limit {
                entries.truncate(range.limit);
                return Ok(entries);
            }
        }
    }

    async fn list_page(
        &self,
        list: &str,
        range: &Range,
        from: Option<Item>,
    ) -> Result<(Vec<Item>, Option<Item>), Unavailable> {
        let (list_name, condition) = match range.index {
            names::UNSENT => (names::UNSENT_IN, &range.condition),
            _ => (names::LISTED_IN, &range.condition),
        };
        let mut expression = format!("{list_name} = :list");
        let mut values = item::named([(":list", item::text(list))]);
        if let Some((condition, place)) = condition {
            expression = format!("{expression} AND {condition}");
            values.insert(":place".to_owned(), item::text(place));
        }
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(range.index)
            .scan_index_forward(range.order == TransformRequest::First)
            .set_exclusive_start_key(from);
        if let Some(state) = range.state {
            // `state` is a reserved word of DynamoDB's.
            query = query
                .filter_expression("#state = :state")
                .expression_attribute_names("#state", names::STATE);
            values.insert(":state".to_owned(), item::text(state));
        } else if let Ok(limit) = i32::try_from(range.limit) {
            // A limit counts what is looked at, before the filter.
            query = query.limit(limit.max(1));
        }
        let page = query
            .key_condition_expression(expression)
            .set_expression_attribute_values(Some(values))
            .send()
            .await
            .map_err(unavailable)?;
        Ok((page.items.unwrap_or_default(), page.last_evaluated_key))
    }
}

/// One attribute of an entry; an entry that lacks it sorts first.
pub(super) fn attribute<'a>(entry: &'a Item, name: &str) -> &'a str {
    let text = entry.get(name).map(AttributeValue::as_s);
    text.and_then(Result::ok).map_or("", String::as_str)
}
