//! How batches are doing, on a terminal.

use std::fmt;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::{Watched, listed, settled};

/// Without colours, which would say nothing more.
const TEMPLATE: &str = "{bar:24} {pos}/{len}  {rate}  ETA {left}  {wide_msg}";
/// As few flows a second as say when the last is done.
const SLOWEST: f64 = 0.01;
/// How often the time that is left is counted down.
const TICK: Duration = Duration::from_millis(500);

/// One line that is drawn anew on stderr; nothing, where that is no terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn begin() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        // One that is no template shows less, and no command fails for it.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            let rate = |state: &ProgressState, to: &mut dyn fmt::Write| {
                // Whoever draws has room for it.
                let _ = write!(to, "{:.1}/s", state.per_sec());
            };
            let left = |state: &ProgressState, to: &mut dyn fmt::Write| {
                // Nobody knows, where nothing moves.
                let _ = if state.per_sec() < SLOWEST {
                    write!(to, "-")
                } else {
                    write!(to, "{:#}", HumanDuration(state.eta()))
                };
            };
            bar.set_style(style.with_key("rate", rate).with_key("left", left));
        }
        Self(bar)
    }

    /// Whether anybody sees it.
    pub(super) fn is_shown(&self) -> bool {
        !self.0.is_hidden()
    }

    pub(super) fn show(&self, all: &[Watched]) {
        if !self.is_shown() {
            return;
        }
        let total = all.iter().map(|it| it.batch.digital_asset_count).sum();
        let done = settled(all);
        if self.0.length().is_none() {
            // What was done before has no part in the rate.
            self.0.set_length(u32::into(total));
            self.0.set_position(done.into());
            self.0.reset_eta();
            self.0.enable_steady_tick(TICK);
        }
        self.0.set_position(done.into());
        self.0.set_message(message(all));
    }

    /// Leaves the terminal as it was.
    pub(super) fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// What failed, and what is waited for.
fn message(all: &[Watched]) -> String {
    let sum = |of: fn(&Watched) -> Vec<(String, u32)>| {
        let each: Vec<_> = all.iter().flat_map(of).collect();
        super::summed(each.iter().map(|(name, count)| (&**name, *count)))
    };
    let said = [
        ("failed: ", sum(Watched::codes)),
        ("waits: ", sum(Watched::reasons)),
    ];
    let said: Vec<_> = said
        .iter()
        .filter(|(_, sums)| !sums.is_empty())
        .map(|(what, sums)| format!("{what}{}", listed(sums)))
        .collect();
    said.join("; ")
}
