//! A hostile hour: one tenant does everything at once that used to stop the service, while another calls it
//! as usual. Says what the other noticed, and ends with 1 where that was too much.
//!
//! `just hostile`. All of it stays on loopback, and ends after `HOSTILE_SECONDS` (60 where it is not set).
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

mod attacks;
mod origin;
#[allow(dead_code, clippy::unwrap_used)]
#[path = "../../../shared/images/tests/wall/pictures.rs"]
mod pictures;
mod program;
mod victim;

use std::process::ExitCode;
use std::time::Duration;

use program::Program;

/// What the other tenant's slowest of v1 may be, in times of what they are when it is alone. Those of v2 stand
/// in one line with everybody's.
const MOST_SLOWER: f64 = 2.0;
/// What the program may take with the pictures in work, bodies and answers, assets, and itself.
const MOST_BYTES: u64 = (2048 + 512 + 256 + 1024 + 256) * 1024 * 1024;

#[tokio::main]
async fn main() -> ExitCode {
    let path = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "target/release/assetmill".to_owned());
    let seconds = std::env::var("HOSTILE_SECONDS")
        .ok()
        .and_then(|it| it.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(60));
    let origin = origin::serve().await;
    let program = Program::start(&path, origin);
    program.ready().await;
    let alone = victim::call_for(time / 2, &program, &origin).await;
    println!("alone      {alone}");
    let attackers = attacks::begin(&program, &origin).await;
    let beside = victim::call_for(time, &program, &origin).await;
    println!("beside     {beside}");
    let answers = attackers.end().await;
    println!("the hostile tenant was answered: {answers:?}");
    let peak = program.peak();
    println!(
        "peak memory, codec processes included: {} MB",
        peak / 1_000_000
    );
    let [single, batch] = beside.ratios(&alone);
    println!("v1: p99 is {single:.2} times what it is alone");
    println!("v2: p99 is {batch:.2} times what it is alone, with a queue that serves in turn");
    let held =
        single <= MOST_SLOWER && peak <= MOST_BYTES && program.is_alive() && beside.failed == 0;
    println!("{}", if held { "held" } else { "did not hold" });
    if held {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
