//! How much a codec process takes, and how much it may.

use std::fs::File;
use std::io;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::{Allowance, Usage};

/// Reads this process's own figures. Opened before files are out of reach.
pub(super) struct Gauge {
    status: Option<File>,
    /// Whatever is written to it resets the peak (`proc_pid_clear_refs(5)`).
    clear: Option<File>,
}

/// Where a picture's work began.
pub(super) struct Start {
    resident: u64,
    cpu: Duration,
}

impl Gauge {
    pub(super) fn open() -> Self {
        let clear = File::options().write(true).open("/proc/self/clear_refs");
        Self {
            status: File::open("/proc/self/status").ok(),
            clear: clear.ok(),
        }
    }

    /// Bounds what comes next. The soft bounds are moved; the hard ones stay where they are.
    pub(super) fn start(&self, allowance: Allowance) -> io::Result<Start> {
        use std::io::Write as _;
        if let Some(mut clear) = self.clear.as_ref() {
            // A peak that can't be reset is told too high, and no worse.
            let _ = clear.write_all(b"5");
        }
        // What the process has mapped already, its code among it.
        let [mapped, resident] = self.figures(["VmSize:", "VmRSS:"]);
        set_soft(Resource::As, mapped + allowance.memory)?;
        // The kernel counts whole seconds, from the start of the process.
        let cpu = cpu_time();
        set_soft(Resource::Cpu, (cpu + allowance.cpu).as_secs() + 1)?;
        Ok(Start { resident, cpu })
    }

    pub(super) fn used_since(&self, start: &Start) -> Usage {
        let [peak] = self.figures(["VmHWM:"]);
        Usage {
            memory: peak.saturating_sub(start.resident),
            cpu: cpu_time().saturating_sub(start.cpu),
        }
    }

    /// Figures of `/proc/self/status`, in bytes (`proc_pid_status(5)`); 0 for what can't be told.
    fn figures<const N: usize>(&self, names: [&str; N]) -> [u64; N] {
        use std::os::unix::fs::FileExt as _;
        let mut buffer = [0; 4096];
        let status = self.status.as_ref();
        let length = status.and_then(|status| status.read_at(&mut buffer, 0).ok());
        let text = buffer.get(..length.unwrap_or_default()).unwrap_or_default();
        let text = std::str::from_utf8(text).unwrap_or_default();
        names.map(|name| figure(text, name).unwrap_or_default())
    }
}

fn figure(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn set_soft(resource: Resource, current: u64) -> io::Result<()> {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(current, |maximum| current.min(maximum)));
    Ok(setrlimit(resource, Rlimit { current, maximum })?)
}
