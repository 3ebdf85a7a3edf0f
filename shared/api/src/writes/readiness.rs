//! Whether the dependencies answer.

use std::sync::Arc;
use std::time::Duration;

use assetmill_core::ports::Probe;
use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a dependency may take to answer its probe.
const PROBE_TIME: Duration = Duration::from_secs(2);
/// How long what the dependencies said is taken for true.
const FRESH: Duration = Duration::from_secs(5);

/// Asks the dependencies once in five seconds, however often and by however many it is asked. Clones
/// share what they know.
#[derive(Clone)]
pub struct Readiness {
    probes: Arc<[Arc<dyn Probe>]>,
    // Whoever holds it asks; the others wait, and hear the same.
    last: Arc<Mutex<Option<(Instant, Report)>>>,
}

/// Which dependencies answered, and which did not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub(crate) up: Vec<&'static str>,
    pub(crate) down: Vec<&'static str>,
}

impl Readiness {
    /// Of these dependencies.
    pub fn new(probes: Vec<Arc<dyn Probe>>) -> Self {
        Self {
            probes: probes.into(),
            last: Arc::default(),
        }
    }

    pub(crate) async fn report(&self) -> Report {
        let mut last = self.last.lock().await;
        if let Some((when, report)) = &*last
            && when.elapsed() < FRESH
        {
            return report.clone();
        }
        let report = self.ask().await;
        *last = Some((Instant::now(), report.clone()));
        report
    }

    async fn ask(&self) -> Report {
        let answers = join_all(self.probes.iter().map(|probe| answers(&**probe))).await;
        let mut report = Report::default();
        for (probe, answers) in self.probes.iter().zip(answers) {
            let list = if answers {
                &mut report.up
            } else {
                &mut report.down
            };
            list.push(probe.dependency());
        }
        report
    }
}

async fn answers(probe: &dyn Probe) -> bool {
    match tokio::time::timeout(PROBE_TIME, probe.probe()).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::warn!(
                dependency = error.dependency,
                error = &error as &dyn std::error::Error,
                "dependency not ready"
            );
            false
        }
        Err(_) => {
            tracing::warn!(
                dependency = probe.dependency(),
                "dependency does not answer its probe"
            );
            false
        }
    }
}
