//! The processes that this one has started.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

/// The ids of the codec processes of this one.
pub(crate) fn children() -> Vec<i32> {
    let own = std::process::id().to_string();
    let is_own = |pid: &i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        // After the name, which is in parentheses: state, then the parent.
        let after = stat.rsplit_once(") ").map(|(_, after)| after.to_owned());
        let parent = after.and_then(|it| it.split(' ').nth(1).map(ToOwned::to_owned));
        parent.as_ref() == Some(&own) && command.windows(13).any(|it| it == b"codec-process")
    };
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name();
        name.to_str()?.parse().ok()
    });
    pids.filter(is_own).collect()
}

/// Waits for the codec process that works, which takes at least so many hundredths of a second of a core.
pub(crate) fn busy(hundredths: u64) -> i32 {
    loop {
        let busy = children().into_iter().find(|pid| ticks(*pid) >= hundredths);
        if let Some(pid) = busy {
            return pid;
        }
        std::thread::yield_now();
    }
}

/// Waits until there are so many codec processes, all of them ready.
pub(crate) fn ready(count: usize) -> Vec<i32> {
    loop {
        let found = children();
        // The filter is the last that a process does before it is ready.
        let confined = |pid: &i32| status(*pid, "Seccomp:").as_deref() == Some("2");
        if found.len() == count && found.iter().all(confined) {
            return found;
        }
        std::thread::yield_now();
    }
}

/// The user time of a process, in hundredths of a second (`proc_pid_stat(5)`).
fn ticks(pid: i32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after = stat.rsplit_once(") ").map(|(_, after)| after);
    let utime = after.and_then(|it| it.split(' ').nth(11)?.parse().ok());
    utime.unwrap_or_default()
}

pub(crate) fn status(pid: i32, field: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    Some(line.trim().to_owned())
}

pub(crate) fn kill(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().unwrap().get()
}
