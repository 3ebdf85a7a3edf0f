//! Callers that are kept somewhere and read again: who is revoked there is refused here soon after.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use assetmill_core::ports::Unavailable;
use async_trait::async_trait;
use tokio::time::Instant;

use super::file::{self, BadCallers};
use super::table::CallerTable;

/// Where callers are kept.
#[async_trait]
pub trait CallersSource: Send + Sync {
    /// What stands there now.
    ///
    /// # Errors
    /// [`Unavailable`] says why it can't be read.
    async fn read(&self) -> Result<String, Unavailable>;
}

/// Callers that are read when somebody calls, and again when so much time has passed: nothing runs by itself, since
/// a function is frozen while nobody calls.
pub(super) struct Kept {
    source: Box<dyn CallersSource>,
    every: Duration,
    known: RwLock<Option<Arc<CallerTable>>>,
    looked: Mutex<Option<Looked>>,
    /// What was read last, good or bad. Whoever holds it reads.
    text: tokio::sync::Mutex<Option<String>>,
}

/// When it was looked last. Two clocks, since one of them may stand still while a function is frozen, and the other
/// may be set.
#[derive(Clone, Copy)]
struct Looked {
    at: Instant,
    by_the_wall: SystemTime,
}

impl Kept {
    /// Callers that are read by whoever calls first.
    pub(super) fn new(source: Box<dyn CallersSource>, every: Duration) -> Self {
        Self {
            source,
            every,
            known: RwLock::default(),
            looked: Mutex::default(),
            text: tokio::sync::Mutex::default(),
        }
    }

    /// The same, of which this is what was read so far.
    ///
    /// # Errors
    /// [`BadCallers`] for what is wrong with it.
    pub(super) fn knowing(self, text: String) -> Result<Self, BadCallers> {
        let table = file::parse(&text)?;
        Ok(Self {
            known: RwLock::new(Some(Arc::new(table))),
            text: tokio::sync::Mutex::new(Some(text)),
            ..self
        })
    }

    /// Who may call now. While somebody reads, all others go by what is known; where what is read is broken, or
    /// can't be read, it stays known.
    ///
    /// # Errors
    /// [`Unavailable`] where nothing is known.
    pub(super) async fn table(&self) -> Result<Arc<CallerTable>, Unavailable> {
        let known = self.known();
        if let Some(known) = &known
            && !self.is_due()
        {
            return Ok(known.clone());
        }
        let mut text = match &known {
            Some(known) => match self.text.try_lock() {
                Ok(text) => text,
                Err(_) => return Ok(known.clone()),
            },
            None => self.text.lock().await,
        };
        match self.known() {
            // Somebody else has read meanwhile.
            Some(known) if !self.is_due() => Ok(known),
            known => self.read(known, &mut text).await,
        }
    }

    async fn read(
        &self,
        known: Option<Arc<CallerTable>>,
        text: &mut Option<String>,
    ) -> Result<Arc<CallerTable>, Unavailable> {
        self.look();
        let read = match self.source.read().await {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "callers can't be read"
                );
                return known.ok_or(error);
            }
        };
        if let Some(known) = &known
            && text.as_ref() == Some(&read)
        {
            return Ok(known.clone());
        }
        match file::parse(&read) {
            Ok(table) => {
                let table = Arc::new(table);
                *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(table.clone());
                tracing::info!(keys = table.keys.len(), "callers read");
                *text = Some(read);
                Ok(table)
            }
            Err(error) => {
                tracing::error!(%error, "callers are broken, those known before stay");
                *text = Some(read);
                known.ok_or_else(|| Unavailable::new("callers", error))
            }
        }
    }

    fn known(&self) -> Option<Arc<CallerTable>> {
        let known = self.known.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_due(&self) -> bool {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(looked) = looked else {
            return true;
        };
        let by_the_wall = looked.by_the_wall.elapsed();
        looked.at.elapsed() >= self.every || by_the_wall.is_ok_and(|time| time >= self.every)
    }

    fn look(&self) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Looked {
            at: Instant::now(),
            by_the_wall: SystemTime::now(),
        });
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}
