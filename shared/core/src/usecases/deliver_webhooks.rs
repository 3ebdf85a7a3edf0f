//! Telling endpoints what they are to be told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::task::{self, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::webhooks::{change_webhook, disables};
use crate::ports::{Clock, Unavailable, WebhookSender, Webhooks};
use crate::{TenantId, Told, WebhookDelivery, WebhookId};

/// How many endpoints are told at the same time, and how many of them may be one tenant's: all that hang are never
/// one's alone.
const ENDPOINTS: usize = 128;
const OF_A_TENANT: usize = 64;
/// How much one of them is told at the same time.
const AT_ONCE: usize = 4;
/// How much is found for an endpoint at once.
const EACH: usize = 100;
/// For how long an endpoint is told what was found for it, before others have a turn where there are many.
const A_TURN: Duration = Duration::from_secs(20);

/// Tells endpoints what is due: each in a task of its own, so that one that hangs delays no other. What is due is found
/// by its row, so whoever comes next goes on after a crash; an attempt that was broken off counts as one.
#[derive(Clone)]
pub struct DeliverWebhooks {
    /// What is due.
    pub webhooks: Arc<dyn Webhooks>,
    /// Who sends it.
    pub sender: Arc<dyn WebhookSender>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// The endpoints that are told now, and those for which something was found.
#[derive(Default)]
struct Telling {
    tasks: JoinSet<usize>,
    /// Which endpoint a task tells.
    busy: HashMap<task::Id, Endpoint>,
    found: Found,
    stop: CancellationToken,
}

/// An endpoint and whose it is.
type Endpoint = (TenantId, WebhookId);

/// What is due to endpoints that are not told yet.
type Found = BTreeMap<Endpoint, Vec<WebhookDelivery>>;

impl DeliverWebhooks {
    /// Tells what is due, until nothing is or `until` comes: then no more is begun. How much was tried.
    ///
    /// # Errors
    /// [`Unavailable`] when what is due can't be found. What was begun ends all the same.
    pub async fn run(&self, until: Instant) -> Result<usize, Unavailable> {
        let mut telling = Telling::default();
        let mut tried = 0;
        let mut begun = self.look(&mut telling, until).await;
        while let Some((tenant, more)) = telling.one_ended().await {
            tried += more;
            if begun.is_ok() && Instant::now() < until {
                begun = self.begin_after(&tenant, &mut telling, until).await;
            }
        }
        begun.map(|()| tried)
    }

    /// Tells what is due, looking for it every `every`, until `stop`; returns once what was begun has ended.
    pub async fn serve(&self, every: Duration, stop: CancellationToken) {
        let mut telling = Telling {
            stop: stop.clone(),
            ..Telling::default()
        };
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let until = Instant::now() + A_TURN;
            let begun = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = ticks.tick() => self.look(&mut telling, until).await,
                Some((tenant, _)) = telling.one_ended() => {
                    self.begin_after(&tenant, &mut telling, until).await
                }
            };
            if let Err(error) = begun {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "due webhooks not found"
                );
            }
        }
        while telling.one_ended().await.is_some() {}
    }

    /// An endpoint of this tenant was told: begins with what was found before, and looks for what is due once nothing of
    /// that is the tenant's, which may have more. So one with thousands of endpoints is not looked for after each.
    async fn begin_after(
        &self,
        tenant: &TenantId,
        telling: &mut Telling,
        until: Instant,
    ) -> Result<(), Unavailable> {
        if telling.found.keys().any(|(of, _)| of == tenant) {
            self.begin(telling, until);
            return Ok(());
        }
        self.look(telling, until).await
    }

    /// Looks for what is due, and begins to tell it.
    async fn look(&self, telling: &mut Telling, until: Instant) -> Result<(), Unavailable> {
        if telling.busy.len() >= ENDPOINTS {
            return Ok(());
        }
        let due = self.webhooks.due_deliveries(self.clock.now(), EACH).await?;
        let busy: HashSet<_> = telling.busy.values().collect();
        let mut found = Found::new();
        for delivery in due {
            let endpoint = (delivery.tenant.clone(), delivery.webhook_id);
            if !busy.contains(&endpoint) {
                found.entry(endpoint).or_default().push(delivery);
            }
        }
        telling.found = found;
        self.begin(telling, until);
        Ok(())
    }

    /// Begins to tell every endpoint for which something was found, as far as there is room.
    fn begin(&self, telling: &mut Telling, until: Instant) {
        for (tenant, id) in in_turn(telling.busy.values(), &telling.found) {
            if telling.busy.len() >= ENDPOINTS {
                break;
            }
            let endpoint = (tenant.clone(), id);
            let due = telling.found.remove(&endpoint).unwrap_or_default();
            let until = until.min(Instant::now() + A_TURN);
            let (teller, stop) = (self.clone(), telling.stop.clone());
            let task = telling.tasks.spawn(async move {
                let more = || !stop.is_cancelled() && Instant::now() < until;
                teller.tell_endpoint(&tenant, id, due, more).await
            });
            telling.busy.insert(task.id(), endpoint);
        }
    }

    /// Tells an endpoint what is due, a few at a time, as long as `more` may be begun. How much was tried.
    async fn tell_endpoint(
        &self,
        tenant: &TenantId,
        id: WebhookId,
        due: Vec<WebhookDelivery>,
        more: impl Fn() -> bool,
    ) -> usize {
        let tried = stream::iter(due)
            .take_while(|_| ready(more()))
            .map(|delivery| self.tell_logged(tenant, id, delivery))
            .buffer_unordered(AT_ONCE);
        tried.filter(|tried| ready(*tried)).count().await
    }

    /// Whether an attempt was made.
    async fn tell_logged(
        &self,
        tenant: &TenantId,
        id: WebhookId,
        delivery: WebhookDelivery,
    ) -> bool {
        match self.tell(tenant, id, &delivery).await {
            Ok(tried) => tried,
            Err(error) => {
                tracing::error!(
                    %tenant,
                    webhook_id = %id,
                    delivery_id = %delivery.id,
                    error = &error as &dyn std::error::Error,
                    "webhook attempt was not noted"
                );
                false
            }
        }
    }

    /// Makes one attempt, unless somebody else does. The endpoint is read each time: it may have gone.
    async fn tell(
        &self,
        tenant: &TenantId,
        id: WebhookId,
        delivery: &WebhookDelivery,
    ) -> Result<bool, Unavailable> {
        let webhook = self.webhooks.webhook(tenant, id).await?;
        let webhook = webhook.filter(|webhook| webhook.disabled_at.is_none());
        // Gone with its batch, or for good.
        let Some(webhook) = webhook else {
            let given_up = delivery.given_up(self.clock.now());
            self.webhooks.replace_delivery(&given_up).await?;
            return Ok(false);
        };
        let now = self.clock.now();
        let held = delivery.begun(now);
        if !self.webhooks.replace_delivery(&held).await? {
            return Ok(false);
        }
        let signed = webhook.sign(held.id, now, held.payload.clone());
        let answer = self.sender.send(&webhook.url, signed).await;
        let (ended, told) = held.ended(now, answer, self.clock.now(), rand::random());
        let noted = self.webhooks.replace_delivery(&ended).await?;
        log(&ended, told, noted);
        if told == Told::Gone {
            self.disable(tenant, id).await?;
        }
        Ok(true)
    }

    async fn disable(&self, tenant: &TenantId, id: WebhookId) -> Result<(), Unavailable> {
        let rule = disables(self.clock.now());
        change_webhook(&*self.webhooks, tenant, id, rule).await?;
        tracing::warn!(%tenant, webhook_id = %id, "webhook disabled: it is gone for good");
        Ok(())
    }
}

impl Telling {
    /// Waits until an endpoint was told. Whose it is, and how much was tried there; `None` if none is being told.
    async fn one_ended(&mut self) -> Option<(TenantId, usize)> {
        loop {
            let (task, tried) = match self.tasks.join_next_with_id().await? {
                Ok(ended) => ended,
                Err(error) => {
                    // What it had begun is due again.
                    tracing::error!(%error, "webhook task broke off");
                    (error.id(), 0)
                }
            };
            if let Some((tenant, _)) = self.busy.remove(&task) {
                return Some((tenant, tried));
            }
        }
    }
}

/// The endpoints that may be told now, beside those that are: whoever has the fewest is first, and of one tenant the one
/// that waits longest.
fn in_turn<'a>(busy: impl Iterator<Item = &'a Endpoint>, found: &Found) -> Vec<Endpoint> {
    let mut places = HashMap::<&TenantId, usize>::new();
    for (tenant, _) in busy {
        *places.entry(tenant).or_default() += 1;
    }
    let waits_since =
        |due: &[WebhookDelivery]| due.iter().filter_map(WebhookDelivery::due_at).min();
    let mut endpoints: Vec<_> = found.iter().collect();
    endpoints.sort_by_key(|(_, due)| waits_since(due));
    let mut turns = Vec::with_capacity(endpoints.len());
    for (endpoint, _) in endpoints {
        let place = places.entry(&endpoint.0).or_default();
        if *place < OF_A_TENANT {
            turns.push((*place, endpoint));
        }
        *place += 1;
    }
    // The sort is stable.
    turns.sort_by_key(|(place, _)| *place);
    let turns = turns.into_iter();
    turns.map(|(_, endpoint)| endpoint.clone()).collect()
}

/// The URL is not told: its query may be a secret.
fn log(delivery: &WebhookDelivery, told: Told, noted: bool) {
    let attempt = delivery.attempts.last();
    let status = attempt.and_then(|attempt| attempt.status);
    let error = attempt.and_then(|attempt| attempt.error.as_deref());
    if told == Told::Delivered {
        tracing::debug!(
            tenant = %delivery.tenant,
            webhook_id = %delivery.webhook_id,
            delivery_id = %delivery.id,
            status,
            noted,
            "webhook delivered"
        );
        return;
    }
    tracing::warn!(
        tenant = %delivery.tenant,
        webhook_id = %delivery.webhook_id,
        delivery_id = %delivery.id,
        tries = delivery.tries,
        status,
        error,
        given_up = delivery.due_at().is_none(),
        noted,
        "webhook attempt failed"
    );
}
