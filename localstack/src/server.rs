//! HTTP connections, each with an end in sight.

use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a client may take over the head of a request, the wait for its first byte included: one
/// that begins and never ends would keep its connection, and the program from stopping, for ever.
const HEAD_WITHIN: Duration = Duration::from_secs(15);

/// Serves connections until `stop`; returns once the requests that were begun are answered.
pub async fn serve(mut listener: TcpListener, router: Router, stop: CancellationToken) {
    let mut http = Builder::new(TokioExecutor::new()).http1_only();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN);
    let open = GracefulShutdown::new();
    // axum's listener goes on after errors of a single connection.
    while let Some((stream, _)) = stop
        .run_until_cancelled(Listener::accept(&mut listener))
        .await
    {
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}
