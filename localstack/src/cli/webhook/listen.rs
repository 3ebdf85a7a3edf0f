//! `assetmill webhook listen`: an endpoint on this machine.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use assetmill_client::{Answer, Network, Transport as _, Unreachable};
use assetmill_core::WebhookSecret;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bytes::Bytes;
use clap::Args;
use http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Request, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use url::Url;

use super::heard::Verdict;
use crate::cli::print::{clean, json_line, second};
use crate::cli::remote::server;
use crate::cli::{CliError, Ended};
use crate::serve::{ServeError, own_url};
use crate::signals;

/// What is handed back of an answer, in bytes.
const MOST_BYTES: usize = 1024 * 1024;
/// Payloads are under 20 KB.
const LARGEST: usize = 64 * 1024;
/// What has come and is not printed yet.
const WAITING: usize = 64;
/// What is handed on of a request, and of its answer.
const OF_REQUESTS: [HeaderName; 4] = [
    CONTENT_TYPE,
    HeaderName::from_static("webhook-id"),
    HeaderName::from_static("webhook-timestamp"),
    HeaderName::from_static("webhook-signature"),
];
const OF_ANSWERS: [HeaderName; 3] = [CONTENT_TYPE, LOCATION, RETRY_AFTER];

/// Listens for what endpoints are told.
#[derive(Debug, Clone, Args)]
pub struct ListenCommand {
    /// The port of this machine, 127.0.0.1, to listen on; 0 takes any that is free.
    #[arg(long, default_value_t = 8010)]
    port: u16,

    /// Where to hand on what is verified, and whose answer to give: such as <http://127.0.0.1:3000/hook>. Without it,
    /// the answer is 204.
    #[arg(long, value_name = "URL", value_parser = server)]
    forward: Option<Url>,

    /// The secret of the endpoint: what is not signed with it is refused with 401. While it is changed, the old and the
    /// new. Others on this machine may see it here: rather set `ASSETMILL_WEBHOOK_SECRET`.
    #[arg(
        long = "secret",
        env = "ASSETMILL_WEBHOOK_SECRET",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "SECRET"
    )]
    // Parsed later: what clap refuses it shows, and these are secrets.
    secrets: Vec<String>,

    /// Prints JSON, one object a line, and nothing else on stdout.
    #[arg(long)]
    json: bool,
}

/// What came.
struct Heard {
    at: Timestamp,
    id: Option<String>,
    body: String,
    verdict: Verdict,
    answered: StatusCode,
    trouble: Option<String>,
}

#[derive(Clone)]
struct Endpoint {
    secrets: Arc<[WebhookSecret]>,
    forward: Option<Url>,
    network: Arc<Network>,
    heard: mpsc::Sender<Heard>,
}

pub(super) async fn run(command: &ListenCommand) -> Result<Ended, CliError> {
    let secrets = command.secrets.iter().cloned();
    let secrets: Result<_, _> = secrets.map(WebhookSecret::try_from).collect();
    let (sender, mut heard) = mpsc::channel(WAITING);
    let endpoint = Endpoint {
        secrets: secrets?,
        forward: command.forward.clone(),
        network: Arc::new(Network::new().map_err(CliError::Network)?),
        heard: sender,
    };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, command.port));
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| CliError::Listen { address, source })?;
    let address = listener.local_addr()?;
    let url = own_url(address).map_err(ServeError::from)?;
    writeln!(
        io::stderr(),
        "Listening on {url} until Ctrl-C. An Assetmill on this machine tells it with:\n  \
         assetmill --fetch-allow {address}\n  assetmill webhook add {url}"
    )?;
    let router = Router::new()
        .route("/", post(take))
        .route("/{*path}", post(take))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(endpoint);
    let serving = tokio::spawn(axum::serve(listener, router).into_future());
    let mut stop = std::pin::pin!(signals::stop()?);
    let told = loop {
        tokio::select! {
            () = &mut stop => break Ok(()),
            Some(heard) = heard.recv() => if let Err(error) = print(&heard, command.json) {
                break Err(error);
            },
        }
    };
    serving.abort();
    told?;
    Ok(Ended::Well)
}

async fn take(State(endpoint): State<Endpoint>, headers: HeaderMap, body: Bytes) -> Response {
    let at = Timestamp::now();
    let id = headers.get("webhook-id").and_then(|id| id.to_str().ok());
    let text = String::from_utf8_lossy(&body).into_owned();
    let verdict = Verdict::of(&endpoint.secrets, &headers, &text, at);
    let (answer, trouble) = match (&verdict, &endpoint.forward) {
        (Verdict::Refused(_), _) => (StatusCode::UNAUTHORIZED.into_response(), None),
        (_, None) => (StatusCode::NO_CONTENT.into_response(), None),
        (_, Some(url)) => match hand_on(&endpoint.network, url, &headers, body).await {
            Ok(answer) => (of(answer), None),
            Err(error) => (
                StatusCode::BAD_GATEWAY.into_response(),
                Some(error.to_string()),
            ),
        },
    };
    let heard = Heard {
        at,
        id: id.map(str::to_owned),
        body: text,
        verdict,
        answered: answer.status(),
        trouble,
    };
    // Where nobody prints any more, the program is about to end.
    let _ = endpoint.heard.send(heard).await;
    answer
}

async fn hand_on(
    network: &Network,
    url: &Url,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Answer, Unreachable> {
    let mut request = Request::post(url.as_str());
    for name in OF_REQUESTS {
        if let Some(value) = headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let request = request.body(body).map_err(Unreachable::new)?;
    network.send(request, MOST_BYTES).await
}

fn of(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    for name in OF_ANSWERS {
        if let Some(value) = answer.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn print(heard: &Heard, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let payload: Option<Value> = serde_json::from_str(&heard.body).ok();
    if json {
        let line = json!({
            "at": heard.at.to_string(),
            "webhook_id": heard.id,
            "verified": heard.verdict == Verdict::Verified,
            "verdict": heard.verdict.shown(),
            "answered": heard.answered.as_u16(),
            "error": heard.trouble,
            "payload": payload.unwrap_or_else(|| heard.body.clone().into()),
        });
        return json_line(&mut out, &line);
    }
    let event = payload.as_ref().and_then(|it| it["type"].as_str());
    writeln!(
        out,
        "{}  {}  {}  {}  answered {}{}",
        second(heard.at),
        clean(event.unwrap_or("no event")),
        clean(heard.id.as_deref().unwrap_or("-")),
        heard.verdict.shown(),
        heard.answered.as_u16(),
        heard
            .trouble
            .as_ref()
            .map(|it| format!(" ({})", clean(it)))
            .unwrap_or_default(),
    )?;
    writeln!(out, "  {}", clean(&heard.body))
}
