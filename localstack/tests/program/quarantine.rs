//! A flow that the process died at may have killed it: it is tried alone, last, and given up if the process dies at it
//! alone again.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};

use crate::assets::{Assets, jpeg};
use crate::vendor::{self, catalogue_file};

/// A vendor that answers for the first two photographs only once it is told to.
#[derive(Clone)]
struct Held {
    calls: Arc<Mutex<Vec<u32>>>,
    called: Arc<Notify>,
    open: watch::Receiver<bool>,
}

impl Held {
    async fn serve() -> (Self, watch::Sender<bool>, String) {
        let (opener, open) = watch::channel(false);
        let held = Self {
            calls: Arc::default(),
            called: Arc::default(),
            open,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/copy", post(copy))
            .with_state(held.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (held, opener, url)
    }

    fn calls(&self) -> Vec<u32> {
        self.calls.lock().unwrap().clone()
    }

    /// The calls, once there are so many.
    async fn after(&self, count: usize) -> Vec<u32> {
        loop {
            let called = self.called.notified();
            let calls = self.calls();
            if calls.len() >= count {
                return calls;
            }
            called.await;
        }
    }
}

async fn copy(State(mut held): State<Held>, body: Bytes) -> Bytes {
    let number = (0..16).find(|number| jpeg(*number) == body).unwrap();
    held.calls.lock().unwrap().push(number);
    held.called.notify_waiters();
    if number < 2 {
        held.open.wait_for(|open| *open).await.unwrap();
    }
    body
}

fn photos(assets: &Assets, numbers: std::ops::Range<u32>) -> Value {
    let mut body = assets.body(numbers.map(|number| format!("/photo/{number}")));
    body["operation"] = json!("copy-again");
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_process_died_at_is_tried_alone_and_last_and_given_up_when_it_died_so_twice() {
    let (held, opener, url) = Held::serve().await;
    let assets = Assets::serve().await;
    let catalogue = catalogue_file(&url);
    let mut program = vendor::start(&assets, &url, &catalogue, "open sesame").await;
    let suspects = program.start_batch(&photos(&assets, 0..2)).await;
    let mut both = held.after(2).await;
    both.sort_unstable();
    assert_eq!(both, [0, 1]);
    program.kill().await;

    program = program.start_again().await;
    // Whoever it is, the other is not tried beside it, nor are those that come meanwhile.
    let suspect = held.after(3).await[2];
    let others = program.start_batch(&photos(&assets, 4..8)).await;
    assert_eq!(held.calls().len(), 3);
    program.kill().await;

    program = program.start_again().await;
    let results = program.settled(&others).await;
    assert_eq!(results["counts"]["completed"], 4, "{results}");
    // The one that was never alone with a death comes first, after all that are above suspicion.
    assert_eq!(held.after(3 + 4 + 1).await.last(), Some(&(1 - suspect)));
    program.kill().await;

    program = program.start_again().await;
    assert_eq!(held.after(3 + 4 + 2).await.last(), Some(&suspect));
    program.kill().await;

    opener.send(true).unwrap();
    program = program.start_again().await;
    let results = program.settled(&suspects).await;
    let flow = |number: u32| &results["flows"][number as usize];
    assert_eq!(flow(suspect)["state"], "FAILED", "{results}");
    assert_eq!(flow(suspect)["error"]["code"], "worker_crashed");
    assert_eq!(flow(suspect)["error"]["retryable"], true);
    assert_eq!(flow(1 - suspect)["state"], "COMPLETED", "{results}");
    // Once alone with a death may be chance.
    let calls = held.calls();
    assert_eq!(calls.len(), 3 + 4 + 3, "{calls:?}");
    assert_eq!(calls.last(), Some(&(1 - suspect)), "{calls:?}");
}
