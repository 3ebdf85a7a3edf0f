//! Codecs behind their wall: what is refused before it is begun, what happens when a process dies, and what
//! the worst pictures take. The processes are this test's own binary, as they are a program's.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]
#![cfg(target_os = "linux")]

#[path = "wall/deaths.rs"]
mod deaths;
#[path = "wall/fair.rs"]
mod fair;
#[path = "wall/limits.rs"]
mod limits;
#[path = "wall/pictures.rs"]
mod pictures;
#[path = "wall/processes.rs"]
mod processes;
#[path = "wall/refusals.rs"]
mod refusals;
#[path = "wall/support.rs"]
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(ended) = assetmill_images::sandbox::run_if_child() {
        return ended;
    }
    let mut arguments = Arguments::from_args();
    // They look at this process's children and its memory: one at a time.
    arguments.test_threads = Some(1);
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    let trials = vec![
        trial(
            "what_is_too_dear_is_refused_before_it_is_begun",
            refusals::too_dear,
        ),
        trial("a_budget_is_met_in_a_few_encodes", refusals::budget),
        trial("processes_are_confined", deaths::confined),
        trial("each_picture_has_its_own_bounds", deaths::bounded),
        trial(
            "a_killed_process_fails_its_own_picture_alone",
            deaths::killed,
        ),
        trial("too_much_of_a_core_is_too_expensive", deaths::out_of_time),
        trial("too_much_memory_is_too_expensive", deaths::out_of_memory),
        trial(
            "a_process_that_died_idle_is_no_pictures_fault",
            deaths::died_idle,
        ),
        trial("nobody_waits_and_the_process_ends", deaths::unwanted),
        trial(
            "one_tenants_pictures_leave_others_processes_and_memory",
            fair::others_go_on,
        ),
        trial(
            "the_worst_of_each_format_stays_within_its_price",
            limits::worst_of_each_format,
        ),
        trial("the_table_of_limits", limits::table),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
