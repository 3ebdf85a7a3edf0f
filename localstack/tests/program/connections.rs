//! Connections are few, and everybody needs one.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::Program;

const ALICE: &str = "alice-alice-alice-alice";
const BOB: &str = "bob-bob-bob-bob-bob-bob";

/// Eight connections, six of which may have requests of the same tenant.
async fn start(options: &[&str]) -> Program {
    let keys = format!("alice:{ALICE},bob:{BOB}");
    let few = ["--connections", "8", "--api-keys", &keys];
    Program::start(&[few.as_slice(), options].concat()).await
}

async fn begin(program: &Program, path: &str, length: usize, body: &str) -> TcpStream {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {ALICE}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    let mut stream = program.connect().await;
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// The status of a question, the code of its problem, and when to ask again.
async fn ask(program: &Program, key: &str) -> (StatusCode, Value, Option<String>) {
    let request = program.request(Method::GET, "/api/v2/operations");
    let answer = request.header("x-api-key", key).send().await.unwrap();
    let status = answer.status();
    let retry_after = answer.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    let body: Value = answer.json().await.unwrap();
    (status, body["code"].clone(), retry_after)
}

/// Calls at an origin that says nothing, bodies that don't come, and more connections than there may be.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway has the connections")]
async fn one_tenant_leaves_connections_to_the_others() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = silent.local_addr().unwrap();
    let program = start(&["--fetch-allow", &origin.to_string()]).await;
    let body = json!({ "digital_asset_url": format!("http://{origin}/photo") }).to_string();
    let mut streams = Vec::new();
    let refused = loop {
        // Whichever comes too late is refused as well.
        streams.push(begin(&program, "/api/v1/transform", body.len(), &body).await);
        streams.push(begin(&program, "/api/v2/transforms", 1_000, "{").await);
        let answer = ask(&program, ALICE).await;
        if answer.0 != StatusCode::OK {
            break answer;
        }
    };
    let busy = (StatusCode::SERVICE_UNAVAILABLE, json!("busy"));
    assert_eq!((refused.0, refused.1), busy);
    assert_eq!(refused.2.as_deref(), Some("5"));

    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(program.connect().await);
        let mut half = program.connect().await;
        half.write_all(b"GET /health HTTP/1.1\r\nHost:")
            .await
            .unwrap();
        idle.push(half);
        assert_eq!(ask(&program, BOB).await.0, StatusCode::OK);
    }

    drop(streams);
    while ask(&program, ALICE).await.0 != StatusCode::OK {}
}

async fn health(program: &Program) -> String {
    let mut client = program.connect().await;
    client
        .write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Without keys there is one tenant, to whom all of them belong.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway has the connections")]
async fn an_idle_connection_makes_room() {
    let program = Program::start(&["--connections", "2"]).await;
    let _idle = [program.connect().await, program.connect().await];
    for _ in 0..5 {
        let answer = health(&program).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

/// The program has made all of its answer long before.
#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(feature = "deployed", ignore = "API Gateway has the connections")]
async fn who_reads_slowly_makes_no_room() {
    let program = Program::start(&["--connections", "2"]).await;
    let address = program
        .url("")
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let mut slow = socket.connect(address).await.unwrap();
    slow.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut answer = vec![slow.read_u8().await.unwrap()];
    let _idle = program.connect().await;
    for _ in 0..5 {
        let answer = health(&program).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let document = program.fetch(&program.url("/openapi.json")).await;
    let document = document.bytes().await.unwrap();
    while !answer.ends_with(&document) {
        let read = slow.read_buf(&mut answer).await.unwrap();
        assert_ne!(read, 0, "cut off after {} bytes", answer.len());
    }
}
