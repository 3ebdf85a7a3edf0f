use assetmill_core::ports::{
    ClaimOfWork, Claiming, Completion, CountedChange, FlowWrites, MadeWork, Rule, SettledCount,
    Unavailable, WorkClaim,
};
use assetmill_core::{Batch, BatchId, Flow, FlowRef, SettledFlow};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::{SqliteFlows, statements};
use crate::database::Whose;
use crate::result_cache;
use crate::rows::{self, BATCH, FLOW};

impl SqliteFlows {
    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let written = self.database.write(work).await;
        written.map_err(|error| error.of("flows"))
    }

    async fn write_for<T: Send + 'static>(
        &self,
        whose: impl Into<Whose>,
        rows: usize,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let written = self.database.write_for(whose, rows, work).await;
        written.map_err(|error| error.of("flows"))
    }

    /// Claims work and, if the claim wins, runs `work` in the same transaction.
    async fn write_claiming<T: Send + 'static>(
        &self,
        claim: ClaimOfWork<'_>,
        whose: Whose,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Claiming<T>, Unavailable> {
        let key = claim.key.as_str().to_owned();
        let (holder, now, until) = (claim.holder, claim.now, claim.until);
        let gone = self.retention.cutoff();
        self.write_for(whose, 1, move |rows| {
            let claim = result_cache::claim(rows, &key, holder, now, until, gone)?;
            Ok(match claim {
                WorkClaim::Claimed => Claiming::Claimed(work(rows)?),
                WorkClaim::Held { until } => Claiming::Held { until },
                WorkClaim::Done(output) => Claiming::Done(output),
            })
        })
        .await
    }
}

/// A guess is made of the row that is to be changed, whose tenant never changes.
fn whose(flow: &FlowRef) -> Whose {
    flow.guess()
        .map_or(Whose::Nobodys, |guess| Whose::from(&guess.tenant))
}

#[async_trait]
impl FlowWrites for SqliteFlows {
    /// In parts, so that others come between.
    async fn put_flows(&self, mut flows: &[Flow]) -> Result<(), Unavailable> {
        while let Some(first) = flows.first() {
            let (some, rest) = flows.split_at(flows.len().min(self.database.part()));
            flows = rest;
            let some = some.to_vec();
            let written = self.write_for(&first.tenant, some.len(), move |rows| {
                statements::put_flows(rows, &some)
            });
            written.await?;
        }
        Ok(())
    }

    async fn put_batch(&self, batch: &Batch) -> Result<(), Unavailable> {
        let batch = batch.clone();
        self.write_for(&batch.tenant.clone(), 1, move |rows| {
            statements::put_batch(rows, &batch)
        })
        .await
    }

    async fn accept(
        &self,
        claim: Option<ClaimOfWork<'_>>,
        batch: &Batch,
        flows: &[Flow],
    ) -> Result<Claiming<()>, Unavailable> {
        let whose = Whose::from(&batch.tenant);
        let (batch, flows) = (batch.clone(), flows.to_vec());
        let count = flows.len();
        let accept = move |rows: &Connection| {
            statements::put_flows(rows, &flows)?;
            statements::put_batch(rows, &batch)
        };
        match claim {
            Some(claim) => self.write_claiming(claim, whose, accept).await,
            None => Ok(Claiming::Claimed(
                self.write_for(whose, count, accept).await?,
            )),
        }
    }

    async fn mark_dispatched(&self, id: BatchId, now: Timestamp) -> Result<(), Unavailable> {
        self.write(move |rows| {
            rows.prepare_cached(
                "UPDATE batches SET dispatched_at = ?2
                 WHERE batch_id = ?1 AND dispatched_at IS NULL",
            )?
            .execute(params![id.to_string(), now.as_millisecond()])?;
            Ok(())
        })
        .await
    }

    async fn undispatched(
        &self,
        created_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.read(move |rows| {
            rows.prepare_cached(&format!(
                "SELECT {BATCH} FROM batches WHERE dispatched_at IS NULL AND created_at < ?1
                 ORDER BY created_at LIMIT ?2"
            ))?
            .query_map(params![created_before.as_millisecond(), limit], rows::batch)?
            .collect()
        })
        .await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Flow>, Unavailable> {
        self.read(move |rows| {
            rows.prepare_cached(&format!(
                "SELECT {FLOW} FROM flows WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2"
            ))?
            .query_map(params![now.as_millisecond(), limit], rows::flow)?
            .collect()
        })
        .await
    }

    /// The row is at hand: no guess is needed.
    async fn change(&self, flow: FlowRef, rule: Rule) -> Result<Option<Flow>, Unavailable> {
        let gone = self.retention.cutoff();
        self.write_for(whose(&flow), 1, move |rows| {
            let changed = statements::change(rows, flow.id(), &rule, gone)?;
            Ok(changed.map(|(before, _)| before))
        })
        .await
    }

    /// In parts, so that others come between.
    async fn change_all(&self, guesses: Vec<Flow>, rule: Rule) -> Result<Vec<Flow>, Unavailable> {
        let gone = self.retention.cutoff();
        let mut before = Vec::with_capacity(guesses.len());
        let mut guesses = &*guesses;
        while let Some(first) = guesses.first() {
            let (some, rest) = guesses.split_at(guesses.len().min(self.database.part()));
            guesses = rest;
            let ids: Vec<_> = some.iter().map(|flow| flow.id).collect();
            let rule = rule.clone();
            let changed = self.write_for(&first.tenant, ids.len(), move |rows| {
                ids.iter()
                    .map(|id| statements::change(rows, *id, &rule, gone))
                    .collect::<rusqlite::Result<Vec<_>>>()
            });
            let changed = changed.await?.into_iter().flatten();
            before.extend(changed.map(|(before, _)| before));
        }
        Ok(before)
    }

    async fn change_claiming(
        &self,
        claim: ClaimOfWork<'_>,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Claiming<Option<Flow>>, Unavailable> {
        let gone = self.retention.cutoff();
        self.write_claiming(claim, whose(&flow), move |rows| {
            let changed = statements::change(rows, flow.id(), &rule, gone)?;
            Ok(changed.map(|(before, _)| before))
        })
        .await
    }

    async fn change_and_count(
        &self,
        made: Option<MadeWork<'_>>,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Option<CountedChange>, Unavailable> {
        let made = match made {
            Some(made) => {
                let output = rows::to_json(made.output);
                let output = output.map_err(|error| Unavailable::new("works", error))?;
                Some((made.key.as_str().to_owned(), output))
            }
            None => None,
        };
        let (gone, made_at) = (self.retention.cutoff(), self.retention.now());
        self.write_for(whose(&flow), 1, move |rows| {
            if let Some((key, output)) = &made {
                result_cache::complete(rows, key, output, made_at)?;
            }
            statements::change_and_count(rows, flow.id(), &rule, gone)
        })
        .await
    }

    async fn count_settled(
        &self,
        batch: BatchId,
        settled: &[SettledFlow],
    ) -> Result<SettledCount, Unavailable> {
        let settled = settled.to_vec();
        self.write(move |rows| statements::count_settled(rows, batch, &settled))
            .await
    }

    async fn mark_completed(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Completion, Unavailable> {
        self.write(move |rows| statements::mark_completed(rows, batch, now))
            .await
    }

    async fn completions(
        &self,
        completed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.read(move |rows| {
            rows.prepare_cached(&format!(
                "SELECT {BATCH} FROM batches
                 WHERE follows_open = 1 AND completed_at < ?1 ORDER BY completed_at LIMIT ?2"
            ))?
            .query_map(
                params![completed_before.as_millisecond(), limit],
                rows::batch,
            )?
            .collect()
        })
        .await
    }

    async fn completion_done(&self, batch: BatchId) -> Result<(), Unavailable> {
        self.write(move |rows| {
            rows.prepare_cached("UPDATE batches SET follows_open = 0 WHERE batch_id = ?1")?
                .execute([batch.to_string()])?;
            Ok(())
        })
        .await
    }
}
