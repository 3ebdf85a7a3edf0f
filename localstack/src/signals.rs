//! Signals to stop.

use std::io;

/// Returns at the next SIGINT (Ctrl-C) or SIGTERM.
///
/// # Errors
/// When the system does not let the program listen for them.
#[cfg(unix)]
pub async fn stop() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Returns at the next Ctrl-C.
///
/// # Errors
/// When the system does not let the program listen for it.
#[cfg(not(unix))]
pub async fn stop() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
