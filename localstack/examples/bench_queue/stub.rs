//! Where assets come from, and a vendor that answers after a while with what it was sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;

use crate::connection::Connection;

/// As large as a product photo.
const ASSET_BYTES: usize = 200_000;

/// What assets have in common: all but their names, with which they begin.
static FILLING: [u8; ASSET_BYTES] = [b'.'; ASSET_BYTES];

/// The stub, and how often its vendor was called.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    pub(crate) calls: Arc<AtomicU64>,
}

/// A stub whose vendor takes so long.
pub(crate) async fn serve(delay: Duration) -> Stub {
    let calls = Arc::<AtomicU64>::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = calls.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(Connection::new(stream), delay, counted.clone()));
        }
    });
    Stub { address, calls }
}

/// Answers one after the other.
async fn answer(mut connection: Connection, delay: Duration, calls: Arc<AtomicU64>) {
    let mut body = Vec::new();
    while let Some(head) = connection.message(&mut body).await {
        let path = head.split(' ').nth(1).unwrap_or_default();
        if let Some(name) = path.strip_prefix("/assets/") {
            // Every name is another asset, so that no work is the same.
            let asset = [name.as_bytes(), &FILLING[name.len()..]];
            connection.send(&ok(ASSET_BYTES), asset).await;
        } else {
            calls.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(delay).await;
            connection.send(&ok(body.len()), [&body, &[]]).await;
        }
    }
}

/// The head of an answer with so many bytes.
pub(crate) fn ok(length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {length}\r\n\r\n"
    )
}
