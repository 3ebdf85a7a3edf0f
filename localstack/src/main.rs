//! The program `assetmill`.

use std::io;
use std::process::ExitCode;

use assetmill::cli::{self, Ended};
use assetmill::config::{Command, Config};
use assetmill::serve::serve;
use clap::Parser as _;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    if let Some(ended) = assetmill_images::sandbox::run_if_child() {
        return ended;
    }
    let config = Config::parse();
    let filter = match EnvFilter::builder().parse(config.log()) {
        Ok(filter) => filter,
        Err(error) => return failed(&format!("{error} in --log; try info")),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(console::colors_enabled_stderr())
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&format!("no threads can be started: {error}")),
    };
    let ended = runtime.block_on(run(config));
    // A picture that is being decoded can't be stopped, and its flow was put back.
    runtime.shutdown_background();
    match ended {
        Ok(ended) => ended.into(),
        Err(error) => failed(&error),
    }
}

async fn run(config: Config) -> Result<Ended, String> {
    if let Some(Command::Client(command)) = &config.command {
        let done = cli::run(&config, command).await;
        return done.map_err(|error| error.shown());
    }
    match serve(config).await {
        Err(error) if !error.is_unread() => Err(error.to_string()),
        _ => Ok(Ended::Well),
    }
}

fn failed(message: &str) -> ExitCode {
    eprintln!("assetmill: {message}");
    ExitCode::FAILURE
}
