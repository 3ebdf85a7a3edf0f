//! Programs that are measured.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Programs that run together, and are killed when this is dropped.
pub(crate) struct Programs(Vec<Child>);

impl Programs {
    pub(crate) fn start(commands: impl IntoIterator<Item = Command>) -> Self {
        let start = |mut command: Command| {
            let quiet = std::env::var_os("BENCH_LOUD").is_none();
            if quiet {
                command.stdout(Stdio::null()).stderr(Stdio::null());
            }
            command.spawn().unwrap()
        };
        Self(commands.into_iter().map(start).collect())
    }

    /// The CPU time that they took so far, of the children too that they waited for (`proc_pid_stat(5)`).
    pub(crate) fn cpu(&self) -> Duration {
        self.0.iter().map(|child| cpu_of(child.id())).sum()
    }

    /// The memory that the largest of them took at most.
    pub(crate) fn peak_mib(&self) -> u64 {
        let peak = |child: &Child| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
            let status = status.unwrap_or_default();
            let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
            let kib = line.and_then(|it| it.split_whitespace().next()?.parse().ok());
            kib.unwrap_or(0_u64) / 1024
        };
        self.0.iter().map(peak).max().unwrap_or_default()
    }
}

impl Drop for Programs {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Of the process and of those that it started and that still run.
fn cpu_of(id: u32) -> Duration {
    let own = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name of the program may have spaces.
    let fields = own.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    let tasks = Path::new("/proc").join(format!("{id}/task/{id}/children"));
    let children = std::fs::read_to_string(tasks).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|it| it.parse().ok());
    Duration::from_millis(ticks * 10) + children.map(cpu_of).sum()
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until this URL is answered with 200; at most a minute.
pub(crate) async fn ready(client: &reqwest::Client, url: &str) {
    for _ in 0..12_000 {
        if client
            .get(url)
            .send()
            .await
            .is_ok_and(|it| it.status() == 200)
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{url} is not answered; BENCH_LOUD=1 shows what the programs say");
}
