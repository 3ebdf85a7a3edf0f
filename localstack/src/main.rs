//! The program `assetmill`.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use assetmill::config::Config;
use assetmill::serve::serve;
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    if let Some(ended) = assetmill_images::sandbox::run_if_child() {
        return ended;
    }
    let config = Config::parse();
    let filter = match EnvFilter::builder().parse(&config.log) {
        Ok(filter) => filter,
        Err(error) => return failed(&format!("{error} in --log; try info")),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("no threads can be started: {error}")),
    };
    let served = runtime.block_on(serve(config));
    // A picture that is being decoded can't be stopped, and its flow was put back.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("assetmill: {message}");
    ExitCode::FAILURE
}
