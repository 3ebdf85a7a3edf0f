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
    pub(super) fn allow(&self, allowance: Allowance) -> io::Result<()> {
        // What the process has mapped already, its code among it.
        let mapped = self.figure("VmSize:").unwrap_or_default();
        set_soft(Resource::As, mapped + allowance.memory)?;
        // The kernel counts whole seconds, from the start of the process.
        let until = cpu_time() + allowance.cpu;
        set_soft(Resource::Cpu, until.as_secs() + 1)
    }

    pub(super) fn start(&self) -> Start {
        use std::io::Write as _;
        if let Some(mut clear) = self.clear.as_ref() {
            // A peak that can't be reset is told too high, and no worse.
            let _ = clear.write_all(b"5");
        }
        Start {
            resident: self.figure("VmRSS:").unwrap_or_default(),
            cpu: cpu_time(),
        }
    }

    pub(super) fn used_since(&self, start: &Start) -> Usage {
        let peak = self.figure("VmHWM:").unwrap_or_default();
        Usage {
            memory: peak.saturating_sub(start.resident),
            cpu: cpu_time().saturating_sub(start.cpu),
        }
    }

    /// A figure of `/proc/self/status`, in bytes (`proc_pid_status(5)`).
    fn figure(&self, name: &str) -> Option<u64> {
        use std::os::unix::fs::FileExt as _;
        let mut buffer = [0; 4096];
        let length = self.status.as_ref()?.read_at(&mut buffer, 0).ok()?;
        let text = std::str::from_utf8(buffer.get(..length)?).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1024)
    }
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
