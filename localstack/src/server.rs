//! HTTP connections: not too many, and each with an end in sight.

mod connections;
mod progress;
mod requests;

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use connections::Connections;
use progress::InProgress;
use requests::{Answered, Requests};

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
    let open = TaskTracker::new();
    let next = async |listener: &mut TcpListener| {
        // axum's listener goes on after errors of a single connection.
        let (stream, peer) = Listener::accept(listener).await;
        (stream, connections.place(peer.ip()).await)
    };
    while let Some((stream, place)) = stop.run_until_cancelled(next(&mut listener)).await {
        let Some(place) = place else {
            tracing::debug!("connection refused: its address has enough of them");
            continue;
        };
        let answered = Answered::default();
        let requests = TowerToHyperService::new(Requests {
            router: router.clone(),
            of: connections.requests().clone(),
            on: place.clone(),
            answered: answered.clone(),
        });
        let stream = TokioIo::new(InProgress::new(stream, answered));
        let connection = http.serve_connection(stream, requests).into_owned();
        let stop = stop.clone();
        open.spawn(async move {
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                // What has come is read first.
                biased;
                ended = &mut connection => ended,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
                () = place.is_needed() => {
                    if place.is_idle() {
                        return;
                    }
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "connection ended early");
            }
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}
