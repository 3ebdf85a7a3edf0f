//! What a codec process gives up before it sees the first picture.

use std::collections::BTreeMap;
use std::fs;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, nice, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, SeccompRule, apply_filter};

/// Above the server, which answers everybody: whoever waits for a picture waits a little longer.
const NICE: i32 = 5;

/// The system calls that codecs and the allocator need; every other fails with `EPERM`. None of them opens
/// a file, a socket or a process.
const NEEDED: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_pread64,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_prlimit64,
    libc::SYS_getrlimit,
    libc::SYS_setrlimit,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Confines this process for good. What is not to be had is told, and the rest holds all the same.
///
/// # Errors
/// Why system calls are not filtered.
pub(super) fn confine() -> Result<(), String> {
    // Each of these is a help and none of them the wall: where one fails, the others stand.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let _ = nice(NICE);
    // A kernel that runs out of memory takes this process, and not the server.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    let _ = setrlimit(Resource::Fsize, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let program = filter().map_err(|error| error.to_string())?;
    apply_filter(&program).map_err(|error| error.to_string())
}

fn filter() -> Result<BpfProgram, seccompiler::BackendError> {
    let any_arguments: Vec<SeccompRule> = Vec::new();
    let rules: BTreeMap<_, _> = NEEDED
        .iter()
        .map(|call| (*call, any_arguments.clone()))
        .collect();
    let refused = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, refused, SeccompAction::Allow, arch)?.try_into()
}
