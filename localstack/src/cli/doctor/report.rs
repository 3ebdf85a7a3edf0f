//! What was found.

use std::io::{self, StdoutLock, Write as _};

use serde_json::json;

use crate::cli::print::{clean, json_line};

/// What is told as it is found, and whether any of it is wrong.
pub(super) struct Report {
    out: StdoutLock<'static>,
    json: bool,
    well: bool,
}

impl Report {
    pub(super) fn begin(json: bool) -> Self {
        Self {
            out: io::stdout().lock(),
            json,
            well: true,
        }
    }

    /// Whether nothing was wrong.
    pub(super) fn is_well(&self) -> bool {
        self.well
    }

    /// Something is as it should be.
    pub(super) fn ok(&mut self, check: &str, said: &str) -> io::Result<()> {
        self.tell("ok", check, said, None)
    }

    /// Something may be meant so.
    pub(super) fn note(&mut self, check: &str, said: &str, todo: &str) -> io::Result<()> {
        self.tell("note", check, said, Some(todo))
    }

    /// Something is wrong, and this would mend it.
    pub(super) fn wrong(&mut self, check: &str, said: &str, todo: &str) -> io::Result<()> {
        self.well = false;
        self.tell("wrong", check, said, Some(todo))
    }

    fn tell(
        &mut self,
        standing: &str,
        check: &str,
        said: &str,
        todo: Option<&str>,
    ) -> io::Result<()> {
        if self.json {
            let finding = json!({
                "check": check, "standing": standing, "message": said, "advice": todo,
            });
            return json_line(&mut self.out, &finding);
        }
        // Each is a line; those of errors are many at times.
        let said: Vec<_> = said.lines().map(clean).collect();
        writeln!(self.out, "{standing:6} {check:10} {}", said.join(" "))?;
        match todo {
            Some(todo) => writeln!(self.out, "{:17} To do: {}", "", clean(todo)),
            None => Ok(()),
        }
    }
}
