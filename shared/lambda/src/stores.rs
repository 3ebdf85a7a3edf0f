//! The ports on AWS, as the environment names them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use assetmill_aws::{Bucket, Bus, Clients, Queue, Table};
use assetmill_core::ports::{Clock, FlowWrites, SystemClock};
use assetmill_core::usecases::{Announcer, Meter};

use crate::environment::{Environment, EnvironmentError, invalid};

const TABLE: &str = "ASSETMILL_TABLE";
const BUCKET: &str = "ASSETMILL_BUCKET";
const QUEUE_URL: &str = "ASSETMILL_QUEUE_URL";
const EVENT_BUS: &str = "ASSETMILL_EVENT_BUS";
const RETENTION_DAYS: &str = "ASSETMILL_RETENTION_DAYS";

/// How long result URLs live.
pub const LINK_LIFETIME: Duration = Duration::from_hours(1);

/// Makes the ports that a function needs; the variables of others need not be set.
#[derive(Clone)]
pub struct Stores {
    environment: Environment,
    clients: Clients,
    clock: Arc<dyn Clock>,
    announcer: Arc<OnceLock<Option<Announcer>>>,
}

impl Stores {
    /// The ports of this environment.
    pub async fn new(environment: &Environment) -> Self {
        Self {
            environment: environment.clone(),
            clients: Clients::from_env().await,
            clock: Arc::new(SystemClock),
            announcer: Arc::default(),
        }
    }

    /// The time.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// Rows.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the environment does not say which table, or how long rows live.
    pub fn table(&self) -> Result<Table, EnvironmentError> {
        Ok(Table::new(
            &self.clients,
            self.environment.required(TABLE)?,
            self.clock(),
            self.retention()?,
        ))
    }

    /// Rows of flows, whose changes `meter` counts, and the bus is told where the environment names one.
    ///
    /// # Errors
    /// As of [`table`](Self::table).
    pub fn flows(&self, meter: &Meter) -> Result<Arc<dyn FlowWrites>, EnvironmentError> {
        let mut flows: Arc<dyn FlowWrites> = Arc::new(self.table()?.flows());
        if let Some(announcer) = self.announcer() {
            flows = announcer.around(flows);
        }
        Ok(meter.around(flows))
    }

    /// What tells the bus, where the environment names one: the same each time.
    pub fn announcer(&self) -> Option<Announcer> {
        let made = self.announcer.get_or_init(|| {
            let name = self.environment.get(EVENT_BUS)?;
            Some(Announcer::new(Arc::new(Bus::new(&self.clients, name))))
        });
        made.clone()
    }

    /// How long rows live.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the environment does not say that.
    pub fn retention(&self) -> Result<Duration, EnvironmentError> {
        let days: u64 = self.environment.read_required(RETENTION_DAYS)?;
        if !(1..=3_650).contains(&days) {
            let fault = "rows live for 1 to 3,650 days";
            return Err(invalid(RETENTION_DAYS, &fault));
        }
        Ok(Duration::from_hours(24 * days))
    }

    /// What counts what happens to the rows. A function makes one, and adds what it counted before each of its answers.
    ///
    /// # Errors
    /// As of [`table`](Self::table).
    pub fn meter(&self) -> Result<Meter, EnvironmentError> {
        let log = Arc::new(self.table()?.activity_log());
        Ok(Meter::new(log, self.clock()))
    }

    /// Outputs.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the environment does not say which bucket.
    pub fn bucket(&self) -> Result<Bucket, EnvironmentError> {
        let name = self.environment.required(BUCKET)?;
        Ok(Bucket::new(&self.clients, name, self.clock()))
    }

    /// Messages.
    ///
    /// # Errors
    /// [`EnvironmentError`] when the environment does not say which queue.
    pub fn queue(&self) -> Result<Queue, EnvironmentError> {
        let url = self.environment.required(QUEUE_URL)?;
        if !url.starts_with("http") {
            let fault = "give the queue's URL, not its name or ARN";
            return Err(invalid(QUEUE_URL, &fault));
        }
        Ok(Queue::new(&self.clients, url))
    }
}
