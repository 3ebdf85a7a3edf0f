//! What makes one row of another, by name: rows may be of a newer version, whose attributes this one does not know and
//! leaves alone.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{Item, PROGRESS};

/// What the row of a flow has at one time and lacks at another. What it is to lack is taken out though it was not seen:
/// an older version may have left it where it has no business.
const OPTIONAL: [&str; 12] = [
    "abandoned",
    "due_at",
    "failure",
    "history",
    "last_failure",
    "lease_until",
    "not_before",
    "output",
    "settled_at",
    "started_at",
    "unsent_in",
    "unsent_since",
];
/// The same of [`PROGRESS`].
const OPTIONAL_IN_PROGRESS: [&str; 6] = [
    "earlier_attempts",
    "job",
    "open_call",
    "products",
    "reference",
    "slot",
];

/// An update of one row: a `SET` and `REMOVE` expression with its condition
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html>).
#[derive(Debug, Default)]
pub(super) struct Update {
    sets: Vec<String>,
    removes: Vec<String>,
    conditions: Vec<String>,
    names: HashMap<String, String>,
    values: Item,
}

/// Whether a row is known to lack [`PROGRESS`], as those do that were written before every row had it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgressIs {
    /// It is there, or is taken to be and the write refused if it is not.
    There,
    /// It is not.
    Missing,
}

impl Update {
    /// What makes the row `after` of the row `before`, both as this version writes them.
    pub(super) fn between(before: &Item, after: &Item, progress: ProgressIs) -> Self {
        let mut update = Self::default();
        for (name, value) in after {
            match (before.get(name), value) {
                (Some(old), new) if old == new => {}
                (Some(AttributeValue::M(old)), AttributeValue::M(new))
                    if name == PROGRESS && progress == ProgressIs::There =>
                {
                    let exists = format!("attribute_exists({})", update.path(&[PROGRESS]));
                    update.conditions.push(exists);
                    update.change_parts(&[PROGRESS], old, new, &OPTIONAL_IN_PROGRESS);
                }
                _ => update.set(&[name], value.clone()),
            }
        }
        update.remove_what_is_gone(&[], before, after, &OPTIONAL);
        update
    }

    fn change_parts(&mut self, path: &[&str], before: &Item, after: &Item, optional: &[&str]) {
        for (name, value) in after {
            let path = [path, &[name]].concat();
            match (before.get(name), value) {
                (Some(old), new) if old == new => {}
                (Some(AttributeValue::L(old)), AttributeValue::L(new)) if new.starts_with(old) => {
                    self.append(&path, new[old.len()..].to_vec());
                }
                _ => self.set(&path, value.clone()),
            }
        }
        self.remove_what_is_gone(path, before, after, optional);
    }

    fn remove_what_is_gone(
        &mut self,
        path: &[&str],
        before: &Item,
        after: &Item,
        optional: &[&str],
    ) {
        let known: BTreeSet<&str> = before
            .keys()
            .map(String::as_str)
            .chain(optional.iter().copied())
            .collect();
        for name in known {
            if !after.contains_key(name) {
                let path = self.path(&[path, &[name]].concat());
                self.removes.push(path);
            }
        }
    }

    /// Sets an attribute.
    pub(super) fn set(&mut self, path: &[&str], value: AttributeValue) {
        let set = format!("{} = {}", self.path(path), self.value(path, value));
        self.sets.push(set);
    }

    /// What is there already stays as it is.
    fn append(&mut self, path: &[&str], more: Vec<AttributeValue>) {
        let name = self.path(path);
        let more = self.value(path, AttributeValue::L(more));
        self.sets
            .push(format!("{name} = list_append({name}, {more})"));
    }

    /// Asks for a condition on an attribute, such as `=` and what it has to equal.
    pub(super) fn only_if(&mut self, name: &str, is: &str, value: AttributeValue) {
        let condition = format!("{} {is} :if_{name}", self.path(&[name]));
        self.values.insert(format!(":if_{name}"), value);
        self.conditions.push(condition);
    }

    /// Asks for an attribute not to be there.
    pub(super) fn only_without(&mut self, name: &str) {
        let condition = format!("attribute_not_exists({})", self.path(&[name]));
        self.conditions.push(condition);
    }

    fn path(&mut self, path: &[&str]) -> String {
        let names = path.iter().map(|name| {
            // Some are reserved words of DynamoDB's.
            let placeholder = format!("#{name}");
            self.names.insert(placeholder.clone(), (*name).to_owned());
            placeholder
        });
        names.collect::<Vec<_>>().join(".")
    }

    fn value(&mut self, path: &[&str], value: AttributeValue) -> String {
        let placeholder = format!(":{}", path.join("_of_"));
        self.values.insert(placeholder.clone(), value);
        placeholder
    }

    /// The call that does it. A row that is not there is not made.
    pub(super) fn of(
        mut self,
        call: UpdateItemFluentBuilder,
        key: &str,
    ) -> UpdateItemFluentBuilder {
        let exists = format!("attribute_exists({})", self.path(&[key]));
        self.conditions.push(exists);
        let clauses = [("SET", &self.sets), ("REMOVE", &self.removes)]
            .into_iter()
            .filter(|(_, actions)| !actions.is_empty())
            .map(|(clause, actions)| format!("{clause} {}", actions.join(", ")))
            .collect::<Vec<_>>();
        call.update_expression(clauses.join(" "))
            .condition_expression(self.conditions.join(" AND "))
            .set_expression_attribute_names(Some(self.names))
            .set_expression_attribute_values(Some(self.values))
    }
}

#[cfg(test)]
mod tests {
    use assetmill_contract::samples::{at, batch, output};
    use assetmill_core::{
        CallReference, Event, Failure, FailureCode, Flow, Happened, OpenJob, Output, Params,
        Progress, Sha256Digest, Status, StepProduct, WorkKey,
    };

    use super::super::item::attributes;
    use super::*;

    fn step(number: u8) -> StepProduct {
        StepProduct {
            step: Sha256Digest::of(&[number]),
            output: output(&[number]),
        }
    }

    fn progress(products: Vec<StepProduct>) -> Progress {
        Progress {
            slot: None,
            products,
            earlier_attempts: 1,
            open_call: true,
            reference: Some(CallReference::new(
                "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap(),
                1,
            )),
            job: Some(OpenJob {
                step: Sha256Digest::of(b"step"),
                state: "{}".to_owned(),
                work: WorkKey::new(
                    &"acme".parse().unwrap(),
                    &"vendor".parse().unwrap(),
                    "1",
                    &Sha256Digest::of(b"asset"),
                    &Params::default(),
                ),
                asset: None,
                until: at(9),
            }),
        }
    }

    /// A new attribute makes this not compile, until it is said here what it may be.
    fn with_everything(status: Status) -> Flow {
        let Flow {
            id,
            revision,
            batch_id,
            index,
            tenant,
            source,
            operation,
            params,
            status: _,
            attempts,
            fence,
            unconfirmed_calls,
            progress: _,
            history: _,
            tells: _,
            tells_progress: _,
            due_at: _,
            created_at,
            started_at: _,
        } = batch(1).1.remove(0);
        Flow {
            id,
            revision,
            batch_id,
            index,
            tenant,
            source,
            operation,
            params,
            status,
            attempts,
            fence,
            unconfirmed_calls,
            progress: progress(vec![step(0)]),
            history: [Event {
                at: at(1),
                what: Happened::Claimed,
                step: 0,
                attempt: 1,
            }]
            .into_iter()
            .collect(),
            tells: Vec::new(),
            tells_progress: Vec::new(),
            due_at: Some(at(5)),
            created_at,
            started_at: Some(at(1)),
        }
    }

    fn every_status() -> [Status; 5] {
        let failure = || Failure::transient(FailureCode::WorkerCrashed, "crash");
        let output: Output = output(b"made");
        [
            Status::Pending {
                not_before: Some(at(2)),
                last_failure: Some(failure()),
            },
            Status::Running {
                lease_until: at(3),
                abandoned: 1,
            },
            Status::Completed {
                output,
                settled_at: at(4),
            },
            Status::Failed {
                failure: failure(),
                settled_at: at(4),
            },
            Status::Cancelled { settled_at: at(4) },
        ]
    }

    #[test]
    fn all_that_a_row_may_lack_is_known() {
        let bare = attributes(&batch(1).1[0]).unwrap();
        for status in every_status() {
            let row = attributes(&with_everything(status)).unwrap();
            for name in row.keys().filter(|name| !bare.contains_key(*name)) {
                let known = OPTIONAL.contains(&name.as_str()) || name == PROGRESS;
                assert!(known, "{name}");
            }
            let AttributeValue::M(parts) = &row[PROGRESS] else {
                panic!("it is a map");
            };
            for part in parts.keys() {
                assert!(OPTIONAL_IN_PROGRESS.contains(&part.as_str()), "{part}");
            }
        }
    }

    #[test]
    fn a_product_is_added_to_those_that_are_there() {
        let [before, after] = [vec![step(0)], vec![step(0), step(1)]].map(|products| Flow {
            progress: progress(products),
            ..batch(1).1.remove(0)
        });
        let [before, mut after] = [before, after].map(|flow| attributes(&flow).unwrap());
        for name in ["flow_id", "batch_id"] {
            after.insert(name.to_owned(), before[name].clone());
        }
        let update = Update::between(&before, &after, ProgressIs::There);
        let set = "#progress.#products = list_append(#progress.#products, :progress_of_products)";
        assert_eq!(update.sets, [set]);
        assert_eq!(update.conditions, ["attribute_exists(#progress)"]);
        let AttributeValue::L(added) = &update.values[":progress_of_products"] else {
            panic!("it is a list");
        };
        assert_eq!(added.len(), 1);
    }
}
