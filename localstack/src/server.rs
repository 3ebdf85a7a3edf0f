//! HTTP connections: not too many, and each with an end in sight.

mod connections;
mod progress;

use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use connections::Connections;
use progress::InProgress;

/// How long a client may take over the head of a request, the wait for its first byte included: one
/// that begins and never ends would keep its connection, and the program from stopping, for ever.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// What a connection keeps of what it reads and writes, and so how long a head may be: longer ones are
/// answered 431.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves connections until `stop`; returns once the requests that were begun are answered.
pub async fn serve(
    mut listener: TcpListener,
    connections: Connections,
    router: Router,
    stop: CancellationToken,
) {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(BUFFER_BYTES);
    let open = GracefulShutdown::new();
    let next = async |listener: &mut TcpListener| {
        let place = connections.place().await;
        // axum's listener goes on after errors of a single connection.
        let (stream, peer) = Listener::accept(listener).await;
        (stream, place.of(peer.ip()))
    };
    while let Some((stream, place)) = stop.run_until_cancelled(next(&mut listener)).await {
        let Some(place) = place else {
            tracing::debug!("connection refused: its address has enough of them");
            continue;
        };
        let service = TowerToHyperService::new(router.clone());
        let stream = TokioIo::new(InProgress::new(stream));
        let connection = open.watch(http.serve_connection(stream, service).into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    open.shutdown().await;
}
