//! What a run says while it runs, and at its end: for people on stderr, for programs on stdout.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assetmill_client::FlowError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::{Value, json};

use super::journal::Written;
use super::source::Source;
use crate::cli::print::{clean, json_line};

/// How many sources ended how.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    written: u64,
    unchanged: u64,
    /// By their codes.
    pub(crate) failed: BTreeMap<String, u64>,
    pub(crate) unconfirmed: u64,
}

/// What a run says.
pub(crate) struct Report {
    json: bool,
    bar: ProgressBar,
    counts: Mutex<Counts>,
    waiting: Mutex<HashMap<String, BTreeMap<String, u64>>>,
    paid: AtomicU64,
    /// Why a line of JSON is missing.
    unprinted: Mutex<Option<io::Error>>,
    sources: HashMap<String, Source>,
    began: Instant,
}

/// What a run came to.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) counts: Counts,
    seconds: f64,
}

impl Report {
    /// Of these sources.
    pub(crate) fn new(json: bool, sources: &[Source]) -> Self {
        let drawn = if io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(sources.len() as u64), drawn);
        let template = "{bar:30} {human_pos}/{human_len}  {rate}  ETA {eta}  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(out, "{:.1}/s", state.per_sec());
            };
            bar.set_style(style.with_key("rate", rate));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            json,
            bar,
            counts: Mutex::default(),
            waiting: Mutex::default(),
            paid: AtomicU64::new(0),
            unprinted: Mutex::default(),
            sources: sources
                .iter()
                .map(|source| (source.identity(), source.clone()))
                .collect(),
            began: Instant::now(),
        }
    }

    /// A source more than the command named: an earlier run left it open.
    pub(crate) fn one_more(&self, identity: &str) {
        if !self.sources.contains_key(identity) {
            self.bar.inc_length(1);
        }
    }

    /// An output is in its place.
    pub(crate) fn written(&self, identity: &str, path: &Path, written: &Written, flow_id: &str) {
        self.count(|counts| counts.written += 1);
        self.print(&json!({
            "source": self.shown(identity), "state": "COMPLETED", "output": path, "bytes": written.bytes,
            "sha256": written.sha256, "flow_id": flow_id,
        }));
    }

    /// There was nothing to do.
    pub(crate) fn unchanged(&self, identity: &str, path: &Path, written: &Written) {
        self.count(|counts| counts.unchanged += 1);
        self.print(&json!({
            "source": self.shown(identity), "state": "UNCHANGED", "output": path, "bytes": written.bytes,
            "sha256": written.sha256,
        }));
    }

    /// There is no output. `unconfirmed` is whether somebody may have been paid for it.
    pub(crate) fn failed(
        &self,
        identity: &str,
        error: &FlowError,
        flow_id: Option<&str>,
        unconfirmed: bool,
    ) {
        self.count(|counts| {
            *counts.failed.entry(error.code.clone()).or_default() += 1;
            counts.unconfirmed += u64::from(unconfirmed);
        });
        let (shown, code, message) = (self.named(identity), &error.code, &error.message);
        let flow = flow_id.map(|id| format!(" (flow {id})"));
        self.say(&format!(
            "{shown}: {code}: {message}{}",
            flow.unwrap_or_default()
        ));
        let mut line = json!({
            "source": self.shown(identity), "state": "FAILED", "error": error,
        });
        if let Some(flow_id) = flow_id {
            line["flow_id"] = flow_id.into();
        }
        if let Some(at) = self
            .sources
            .get(identity)
            .and_then(|source| source.line.as_ref())
        {
            line["line"] = json!({ "list": *at.list, "number": at.number });
        }
        self.print(&line);
    }

    /// What the flows of a batch wait for.
    pub(crate) fn waits(&self, batch: &str, reasons: BTreeMap<String, u64>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if reasons.is_empty() {
            waiting.remove(batch);
        } else {
            waiting.insert(batch.to_owned(), reasons);
        }
        drop(waiting);
        self.show();
    }

    /// So many calls were paid for until now.
    pub(crate) fn paid(&self, calls: u64) {
        self.paid.store(calls, Ordering::Relaxed);
        self.show();
    }

    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        self.bar.suspend(|| {
            let _ = writeln!(io::stderr(), "{}", clean(line));
        });
    }

    /// The end; what it came to.
    pub(crate) fn end(&self) -> Summary {
        self.bar.finish_and_clear();
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        Summary {
            counts: counts.clone(),
            seconds: self.began.elapsed().as_secs_f64(),
        }
    }

    /// The last line.
    ///
    /// # Errors
    /// Why something could not be printed; not where whoever read it is gone.
    pub(crate) fn print_summary(
        &self,
        summary: &Summary,
        interrupted: bool,
        paid: Option<u64>,
    ) -> io::Result<()> {
        let counts = &summary.counts;
        let mut line = json!({
            "written": counts.written, "unchanged": counts.unchanged, "failed": counts.failed,
            "unconfirmed_calls": counts.unconfirmed, "seconds": summary.seconds, "interrupted": interrupted,
        });
        if let Some(paid) = paid {
            line["paid_calls"] = paid.into();
        }
        self.print(&json!({ "summary": line }));
        let unprinted = self.unprinted.lock();
        match unprinted.unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }

    /// A source as an error names it.
    pub(crate) fn named(&self, identity: &str) -> String {
        let source = self.sources.get(identity);
        source.map_or_else(|| identity.to_owned(), ToString::to_string)
    }

    fn shown(&self, identity: &str) -> String {
        let source = self.sources.get(identity);
        source.map_or_else(|| identity.to_owned(), |source| source.shown.clone())
    }

    fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        self.bar.inc(1);
        self.show();
    }

    fn show(&self) {
        if self.bar.is_hidden() {
            return;
        }
        let mut shown = String::new();
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.failed.is_empty() {
            shown.push_str(&failures(&counts.failed));
        }
        drop(counts);
        let paid = self.paid.load(Ordering::Relaxed);
        if paid > 0 {
            let _ = write!(shown, "  {paid} paid calls");
        }
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        for (reason, flows) in waiting.values().flatten() {
            *reasons.entry(reason).or_default() += flows;
        }
        for (reason, flows) in reasons {
            let _ = write!(shown, "  {flows} wait for {}", reason.replace('_', " "));
        }
        self.bar.set_message(shown);
    }

    fn print(&self, line: &Value) {
        if self.json {
            // Whoever read it may be gone, and that is no reason to stop.
            if let Err(error) = json_line(&mut io::stdout(), line) {
                let mut unprinted = self
                    .unprinted
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                unprinted.get_or_insert(error);
            }
        }
    }
}

/// How many failed, by code.
fn failures(failed: &BTreeMap<String, u64>) -> String {
    let all: u64 = failed.values().sum();
    let codes: Vec<_> = failed
        .iter()
        .map(|(code, count)| format!("{code} {count}"))
        .collect();
    format!("{all} failed ({})", codes.join(", "))
}

impl Summary {
    /// In a line for people.
    pub(crate) fn line(&self, out: &Path, paid: Option<u64>) -> String {
        let counts = &self.counts;
        let mut line = format!("{} written to {}", counts.written, out.display());
        if counts.unchanged > 0 {
            let _ = write!(line, ", {} unchanged", counts.unchanged);
        }
        if !counts.failed.is_empty() {
            let _ = write!(line, ", {}", failures(&counts.failed));
        }
        if let Some(paid) = paid {
            let calls = if paid == 1 { "call" } else { "calls" };
            let _ = write!(line, ", {paid} paid {calls}");
        }
        let _ = write!(line, ", in {:.1} s", self.seconds);
        line
    }
}
