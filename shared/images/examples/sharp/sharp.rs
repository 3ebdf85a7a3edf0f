//! A sharp that is asked line by line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use bytes::Bytes;
use serde_json::{Value, json};

const SCRIPT: &str = include_str!("sharp.mjs");

pub(crate) struct Sharp {
    script: PathBuf,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Sharp {
    /// Starts it in the folder that `ASSETMILL_SHARP` names; `None` without one.
    pub(crate) fn start(photograph: &str) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("ASSETMILL_SHARP")?);
        let script = folder.join("assetmill-bench.mjs");
        std::fs::write(&script, SCRIPT).ok()?;
        let mut child = Command::new("node")
            .arg(&script)
            .arg(std::fs::canonicalize(photograph).ok()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let input = child.stdin.take()?;
        let output = BufReader::new(child.stdout.take()?);
        Some(Self {
            script,
            child,
            input,
            output,
        })
    }

    /// Does the work once: its milliseconds, as it tells them, and what it made.
    pub(crate) fn run(&mut self, output: &Value) -> (f64, Bytes) {
        let answer = self.ask(&json!({ "run": output }));
        (answer["milliseconds"].as_f64().unwrap(), read(&answer))
    }

    /// The photograph in that size, by a full decode and Lanczos, as PNG.
    pub(crate) fn reference(&mut self) -> Bytes {
        read(&self.ask(&json!({ "reference": true })))
    }

    /// A picture of any format, as PNG.
    pub(crate) fn decoded(&mut self, content: &[u8]) -> Bytes {
        let path = self.script.with_extension("in");
        std::fs::write(&path, content).unwrap();
        read(&self.ask(&json!({ "decode": path })))
    }

    /// The megabytes that a process which does the work once has at its most.
    pub(crate) fn peak(&self, photograph: &str, output: &Value) -> f64 {
        let output = Command::new("node")
            .arg(&self.script)
            .args([photograph, &output.to_string()])
            .output()
            .unwrap();
        let kilobytes: f64 = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap();
        kilobytes / 1000.0
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Sharp {
    fn drop(&mut self) {
        // It ends with its input anyway.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(answer: &Value) -> Bytes {
    std::fs::read(answer["file"].as_str().unwrap())
        .unwrap()
        .into()
}
