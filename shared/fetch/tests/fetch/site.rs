//! A server that says what a test wants, byte for byte, and fetching from it.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_core::ports::Sources as _;
use assetmill_core::{Asset, Failure, FailureCode, OperationError};
use assetmill_fetch::{
    AllowList, FetchLimits, Fetcher, GuardedClient, NameLookup, OriginLimits, SystemLookup,
};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What a site does with a connection once it has read the head of a request.
pub(crate) enum Reply {
    /// Sends these bytes and closes.
    Close(Vec<u8>),
    /// Sends these bytes and then nothing, with the connection open.
    Hang(Vec<u8>),
    /// Sends the first bytes, and then the others over and over.
    Endless(Vec<u8>, Vec<u8>),
}

/// A server on a free port of 127.0.0.1.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// A site that answers each path as `reply` says.
    pub(crate) async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let (reply, seen) = (Arc::new(reply), heads.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, reply.clone(), seen.clone()));
            }
        });
        Self { address, heads }
    }

    /// A site that says the same to everybody.
    pub(crate) async fn saying(text: impl Into<Vec<u8>>) -> Self {
        let text = text.into();
        Self::start(move |_| Reply::Close(text.clone())).await
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The heads of the requests so far.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    reply: Arc<impl Fn(&str) -> Reply>,
    heads: Arc<Mutex<Vec<String>>>,
) -> io::Result<()> {
    let mut head = Vec::new();
    // A TLS handshake (RFC 8446, section 5.1) has no head that ends.
    while !head.ends_with(b"\r\n\r\n") && head.first() != Some(&0x16) {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    heads.lock().unwrap().push(head);
    match reply(&path) {
        Reply::Close(bytes) => {
            stream.write_all(&bytes).await?;
            stream.shutdown().await
        }
        Reply::Hang(bytes) => {
            stream.write_all(&bytes).await?;
            // Until the other side gives up.
            stream.read_to_end(&mut Vec::new()).await.map(drop)
        }
        Reply::Endless(first, more) => {
            stream.write_all(&first).await?;
            loop {
                stream.write_all(&more).await?;
            }
        }
    }
}

/// A response that has a length.
pub(crate) fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// Answers names from a script; the last answer stays.
pub(crate) struct Script(Mutex<VecDeque<Vec<IpAddr>>>);

impl Script {
    pub(crate) fn new<const N: usize>(answers: [&[&str]; N]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }
}

impl NameLookup for Script {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        Box::pin(async { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}

/// Small enough to be exceeded by a test, long enough never to be reached by accident.
pub(crate) const LIMITS: FetchLimits = FetchLimits {
    max_bytes: 1_000_000,
    time: Duration::from_secs(20),
    redirects: 5,
};

pub(crate) fn fetcher(allow: &str) -> Fetcher {
    fetcher_with(allow, LIMITS, Arc::new(SystemLookup))
}

pub(crate) fn fetcher_with(
    allow: &str,
    limits: FetchLimits,
    lookup: Arc<impl NameLookup + 'static>,
) -> Fetcher {
    let allow: AllowList = allow.parse().unwrap();
    let lookup: Arc<dyn NameLookup> = lookup;
    let client = GuardedClient::with_lookup(&allow, &lookup).unwrap();
    Fetcher::new(client, limits, OriginLimits::default())
}

pub(crate) async fn fetch(fetcher: &Fetcher, url: &str) -> Result<Asset, OperationError> {
    fetcher
        .fetch(&"acme".parse().unwrap(), &url.parse().unwrap())
        .await
}

/// Fetches from a site that is allowed.
pub(crate) async fn fetch_from(site: &Site, path: &str) -> Result<Asset, OperationError> {
    fetch(&fetcher(&site.address.to_string()), &site.url(path)).await
}

/// Whether trying again can help, as an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    Never,
    Maybe,
    Hardly,
    After(Option<Duration>),
}

/// What a fetch that has to fail says: its code, whether to try again, and its message, which names
/// no query and no path.
pub(crate) fn told(result: Result<Asset, OperationError>) -> (FailureCode, Again, String) {
    let (
        Failure {
            code,
            message,
            retryable,
        },
        again,
    ) = match result {
        Ok(asset) => panic!("fetched {} bytes", asset.content.len()),
        Err(OperationError::Permanent(failure)) => (failure, Again::Never),
        Err(OperationError::Transient(failure)) => (failure, Again::Maybe),
        Err(OperationError::Persistent(failure)) => (failure, Again::Hardly),
        Err(OperationError::Throttled {
            failure,
            retry_after,
        }) => (failure, Again::After(retry_after)),
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(retryable, again != Again::Never, "{message}");
    assert!(!message.contains("secret"), "{message}");
    (code, again, message)
}
