//! Signals to stop.

use std::io;

/// Listens from now on, and ends at the next SIGINT (Ctrl-C) or SIGTERM, whenever it is polled: what comes in between is not
/// lost.
///
/// # Errors
/// When the system does not let the program listen for them.
#[cfg(unix)]
pub fn stop() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// The same for Ctrl-C.
///
/// # Errors
/// When the system does not let the program listen for it.
#[cfg(not(unix))]
pub fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
