//! Which flow is meant, and what its row is guessed to be.

use std::hash::{Hash, Hasher};

use serde::{Deserialize as _, Deserializer};

use super::{Flow, FlowMessage, Task};
use crate::{FlowId, TenantId};

/// The longest row that a message carries, in bytes of JSON. SQS takes far more
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>), but what is
/// longer than this costs more to send and receive than the read that it spares.
const MAX_ROW_BYTES: usize = 8 * 1024;

/// Names a flow whose row is to be changed, with the best guess of that row where somebody has one.
///
/// A guess spares a read and is never believed: a change begins from it, and is written only where the row still
/// has the guess's [`revision`](Flow::revision).
#[derive(Debug, Clone, PartialEq)]
pub struct FlowRef {
    id: FlowId,
    guess: Option<Box<Flow>>,
}

impl FlowRef {
    /// Which flow it is.
    pub fn id(&self) -> FlowId {
        self.id
    }

    /// What its row may be. A row whose revision is not known is never one.
    pub fn guess(&self) -> Option<&Flow> {
        self.guess.as_deref()
    }
}

/// Without a guess.
impl From<FlowId> for FlowRef {
    fn from(id: FlowId) -> Self {
        Self { id, guess: None }
    }
}

/// With this as the guess.
impl From<&Flow> for FlowRef {
    fn from(flow: &Flow) -> Self {
        Self::guessed(flow.id, Some(flow))
    }
}

impl FlowRef {
    fn guessed(id: FlowId, row: Option<&Flow>) -> Self {
        let known = row.filter(|row| row.id == id && row.revision > 0);
        Self {
            id,
            guess: known.cloned().map(Box::new),
        }
    }
}

impl Flow {
    /// Applies a rule: what it says, and what it makes of the flow, one revision higher; `None` where it leaves the
    /// flow as it is. What the rule says of a flow that it changes has the new revision too.
    ///
    /// Rules set no revision. A revision that is not known stays so: a version that counts none may have
    /// written the row, and counting from the beginning again could meet a guess from before.
    pub fn apply<Verdict>(&self, rule: impl Fn(&mut Self) -> Verdict) -> (Verdict, Option<Self>) {
        let revision = match self.revision {
            0 => 0,
            known => known.saturating_add(1),
        };
        let mut changed = Self {
            revision,
            ..self.clone()
        };
        let verdict = rule(&mut changed);
        changed.revision = self.revision;
        if changed == *self {
            return (rule(&mut self.clone()), None);
        }
        changed.revision = revision;
        (verdict, Some(changed))
    }
}

/// The row that the message of a flow carries, if it can be a guess and is short enough.
pub(super) fn carried(flow: &Flow) -> Option<Box<Flow>> {
    let row = serde_json::to_vec(flow).ok()?;
    (flow.revision > 0 && row.len() <= MAX_ROW_BYTES).then(|| Box::new(flow.clone()))
}

/// Reads the row that a message carries. One that this version can't read is no guess, and no fault of the message.
pub(super) fn read_carried<'de, D>(deserializer: D) -> Result<Option<Box<Flow>>, D::Error>
where
    D: Deserializer<'de>,
{
    let row = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(row).ok())
}

impl FlowMessage {
    /// Its flow, with the row that it carries as the guess.
    pub fn flow_ref(&self) -> FlowRef {
        FlowRef::guessed(self.flow_id, self.row.as_deref())
    }

    /// The same message without a row.
    #[must_use]
    pub fn without_row(&self) -> Self {
        Self {
            tenant: self.tenant.clone(),
            row: None,
            ..*self
        }
    }

    /// What whoever receives it MUST handle: without its row if it was delivered before. It may have stopped a worker then,
    /// and is claimed before anything is done for it, so that those are counted whom it stops.
    #[must_use]
    pub fn delivered(self, before: bool) -> Self {
        if before { self.without_row() } else { self }
    }

    /// All that tells messages apart.
    fn identity(&self) -> (Task, FlowId, &TenantId, u32) {
        let Self {
            task,
            flow_id,
            tenant,
            hops,
            row: _,
        } = self;
        (*task, *flow_id, tenant, *hops)
    }
}

/// Messages that ask for the same are the same, whatever is guessed of the row.
impl PartialEq for FlowMessage {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for FlowMessage {}

impl Hash for FlowMessage {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::{BatchId, History, Params, Progress, Source, Status};

    fn flow(revision: u64) -> Flow {
        Flow {
            id: FlowId::generate(),
            revision,
            batch_id: BatchId::generate(),
            index: 0,
            tenant: TenantId::local(),
            source: Source::from("https://example.com/a?b=%C3%BC".to_owned()),
            operation: "copy".parse().unwrap(),
            params: Params::default(),
            status: Status::Pending {
                not_before: Some(Timestamp::from_nanosecond(1_700_000_000_123_456_789).unwrap()),
                last_failure: None,
            },
            attempts: 0,
            fence: 0,
            unconfirmed_calls: 0,
            progress: Progress::default(),
            history: History::default(),
            tells: Vec::new(),
            tells_progress: Vec::new(),
            due_at: None,
            created_at: Timestamp::UNIX_EPOCH,
            started_at: None,
        }
    }

    #[test]
    fn a_change_is_one_revision_higher_whatever_the_rule_sets() {
        let before = flow(4);
        let (seen, after) = before.apply(|flow| {
            flow.attempts = 7;
            std::mem::replace(&mut flow.revision, 99)
        });
        let after = after.unwrap();
        assert_eq!((seen, after.revision, after.attempts), (5, 5, 7));
        let (seen, after) = before.apply(|flow| {
            let revision = flow.revision;
            flow.revision += 1;
            revision
        });
        assert_eq!((seen, after), (4, None));
        let ((), after) = flow(0).apply(|flow| flow.attempts = 1);
        assert_eq!(after.unwrap().revision, 0);
    }

    #[test]
    fn a_message_carries_the_row_and_is_not_told_by_it() {
        let flow = flow(3);
        let message = flow.message();
        let body = serde_json::to_value(&message).unwrap();
        let read: FlowMessage = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(read.flow_ref().guess(), Some(&flow));
        assert_eq!(read, message.without_row());
        assert_eq!(
            std::collections::HashSet::from([message.clone(), message.without_row()]).len(),
            1
        );
        assert!(
            serde_json::to_value(message.without_row())
                .unwrap()
                .get("row")
                .is_none()
        );
        // Of a version that has other states.
        let mut newer = body;
        newer["row"]["state"] = json!("DREAMING");
        let read: FlowMessage = serde_json::from_value(newer).unwrap();
        assert_eq!(read.flow_ref(), FlowRef::from(flow.id));
    }

    #[test]
    fn what_can_be_no_guess_is_not_carried() {
        assert_eq!(flow(0).message().row, None);
        let mut long = flow(1);
        long.source = Source::from(format!("https://example.com/{}", "a".repeat(MAX_ROW_BYTES)));
        assert_eq!(long.message().row, None);
        let other = FlowMessage {
            flow_id: FlowId::generate(),
            ..flow(1).message()
        };
        assert_eq!(other.flow_ref().guess(), None);
    }
}
