//! What one picture does to its process, it does to no other picture.

use std::fs;
use std::time::Duration;

use assetmill_core::{FailureCode, OperationError};
use assetmill_images::{Bounds, Transform};
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use serde_json::json;

use crate::pictures;
use crate::processes::{busy, children, cores, kill, ready, status};
use crate::support::{Wall, block_on};

/// Takes seconds of a core, so that it can be found at its work.
pub(crate) fn slow() -> Vec<u8> {
    pictures::png(3000, 2000, 2, 8)
}

/// How much of a core a process has taken that works on [`slow`], and not yet done, in hundredths.
pub(crate) const AT_WORK: u64 = 20;

async fn works(wall: &Wall) {
    let small = pictures::png(60, 40, 2, 8);
    let made = wall.run(Transform::Thumbnail, json!({}), &small).await;
    assert_eq!(made.unwrap().media_type.as_str(), "image/png");
}

pub(crate) fn confined() {
    let wall = Wall::new();
    for pid in ready(cores()) {
        assert_eq!(status(pid, "Seccomp:").unwrap(), "2");
        assert_eq!(status(pid, "NoNewPrivs:").unwrap(), "1");
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
        let environment = String::from_utf8(environment).unwrap();
        for variable in environment.split_terminator('\0') {
            assert!(variable.starts_with("MALLOC_"), "{variable}");
        }
        for file in fs::read_dir(format!("/proc/{pid}/fd")).unwrap() {
            let target = fs::read_link(file.unwrap().path()).unwrap();
            let target = target.to_string_lossy().into_owned();
            let own = format!("/proc/{pid}/");
            assert!(
                target.starts_with("pipe:")
                    || target.starts_with(&own)
                    // What a shell hands down to whatever it starts.
                    || target == "/dev/null",
                "{target}"
            );
        }
    }
    block_on(works(&wall));
}

pub(crate) fn bounded() {
    block_on(async {
        let wall = Wall::with(Bounds {
            cpu: Duration::from_secs(40),
            ..Bounds::default()
        });
        ready(cores());
        let content = slow();
        let work = wall.run(Transform::Optimize, json!({}), &content);
        let looked = tokio::task::spawn_blocking(|| {
            let pid = busy(AT_WORK);
            fs::read_to_string(format!("/proc/{pid}/limits")).unwrap()
        });
        let (_, limits) = tokio::join!(work, looked);
        let limits = limits.unwrap();
        let soft = |name: &str| -> u64 {
            let line = limits.lines().find_map(|line| line.strip_prefix(name));
            let first = line.unwrap().split_whitespace().next().unwrap();
            first.parse().unwrap_or(u64::MAX)
        };
        assert!((40..=42).contains(&soft("Max cpu time")), "{limits}");
        assert!(soft("Max address space") < 2 << 30, "{limits}");
        assert_eq!(soft("Max core file size"), 0);
        assert_eq!(soft("Max file size"), 0);
    });
}

/// The error of a slow picture whose process gets this signal, beside one that nothing happens to.
fn hit_by(signal: Signal) -> OperationError {
    let wall = Wall::new();
    block_on(async {
        ready(cores());
        let content = slow();
        let hit = wall.run(Transform::Optimize, json!({}), &content);
        let (hit, ()) = tokio::join!(hit, async {
            let at_work = tokio::task::spawn_blocking(move || kill(busy(AT_WORK), signal));
            at_work.await.unwrap();
            works(&wall).await;
        });
        // It was replaced.
        for _ in 0..=cores() {
            works(&wall).await;
        }
        ready(cores());
        hit.map(|product| product.media_type).unwrap_err()
    })
}

fn is_final(error: &OperationError, code: FailureCode) {
    assert!(matches!(error, OperationError::Permanent(_)), "{error:?}");
    assert_eq!(error.failure().code, code, "{error:?}");
    assert!(!error.failure().retryable);
}

pub(crate) fn killed() {
    for signal in [Signal::KILL, Signal::ABORT, Signal::ILL] {
        is_final(&hit_by(signal), FailureCode::OperationCrashed);
    }
}

pub(crate) fn out_of_time() {
    is_final(&hit_by(Signal::XCPU), FailureCode::OperationTooExpensive);
}

/// With less memory than was set aside, as a picture has that takes more than its price.
pub(crate) fn out_of_memory() {
    let wall = Wall::new();
    for pid in ready(cores()) {
        let pages: u64 = fs::read_to_string(format!("/proc/{pid}/statm"))
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let little = Some(pages * 4096 + 60_000_000);
        let limit = Rlimit {
            current: little,
            maximum: little,
        };
        prlimit(Pid::from_raw(pid), Resource::As, limit).unwrap();
    }
    let content = pictures::png(5000, 5000, 6, 8);
    let failure = block_on(wall.failure(Transform::Thumbnail, json!({}), &content));
    assert_eq!(
        failure.code,
        FailureCode::OperationTooExpensive,
        "{failure:?}"
    );
    block_on(works(&wall));
}

pub(crate) fn died_idle() {
    let wall = Wall::new();
    for pid in ready(cores()) {
        kill(pid, Signal::KILL);
    }
    for _ in 0..2 * cores() {
        block_on(works(&wall));
    }
}

pub(crate) fn unwanted() {
    let wall = Wall::new();
    ready(cores());
    let pid = block_on(async {
        let content = slow();
        let for_task = wall.clone();
        let task =
            tokio::spawn(
                async move { for_task.run(Transform::Optimize, json!({}), &content).await },
            );
        let pid = tokio::task::spawn_blocking(|| busy(AT_WORK)).await.unwrap();
        task.abort();
        pid
    });
    while children().contains(&pid) && status(pid, "State:").is_some_and(|it| !it.starts_with('Z'))
    {
        std::thread::yield_now();
    }
    block_on(works(&wall));
}
