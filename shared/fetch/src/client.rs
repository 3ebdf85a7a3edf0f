//! The HTTP client that reaches permitted addresses only.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use assetmill_core::TenantId;
use http::Method;
use url::{Host, Url};

use super::allow::Guard;
use super::resolver::GuardedResolver;
use super::{AllowList, AnswerRoom, Memory, NameLookup, SystemLookup, Waited, tls};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept that nobody uses: one from fetching many assets of one host to the next.
/// Any number of hosts can be asked, so longer would take the sockets of a machine.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// Of a hundred that are in use by turns, most are free for a moment. Each holds up to 400 KB of what it read.
const MAX_IDLE_PER_HOST: usize = 64;
const USER_AGENT: &str = concat!("assetmill/", env!("CARGO_PKG_VERSION"));

/// An HTTP client that connects to permitted addresses only. It follows no redirect, uses no
/// proxy (which would resolve names out of the guard's sight), decodes no content coding, and gives
/// up connecting after 10 s. Cloning it is cheap and shares its connections.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    named_ports: Arc<HashMap<u16, Pool>>,
    other_ports: Pool,
    memory: Memory,
}

/// A connection pool, and what it may reach.
#[derive(Debug, Clone)]
struct Pool {
    guard: Arc<Guard>,
    http: reqwest::Client,
}

/// The host leads to an address that is not public and that the operator did not allow. The
/// message does not tell which address, nor how to allow it: which list that takes depends on what the
/// client is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{host} leads to an address that is not public")]
pub struct Refused {
    host: String,
}

/// The HTTP client could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS could not be set up.
    #[error("TLS can't be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The rest could not.
    #[error("the HTTP client can't be set up: {0}")]
    Http(#[from] reqwest::Error),
}

impl Refused {
    pub(super) fn new(host: impl Into<String>) -> Self {
        Self { host: host.into() }
    }
}

impl GuardedClient {
    /// A client that also reaches what `allow` lets through. Names are resolved as the machine is
    /// set up to.
    ///
    /// # Errors
    /// [`ClientError`] when TLS or the HTTP client can't be set up. A machine without root
    /// certificates is no error.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the list is the client's from here on"
    )]
    pub fn new(allow: AllowList) -> Result<Self, ClientError> {
        let lookup: Arc<dyn NameLookup> = Arc::new(SystemLookup);
        Self::with_lookup(&allow, &lookup)
    }

    /// A client that resolves names its own way. What they resolve to is guarded all the same.
    ///
    /// # Errors
    /// As [`GuardedClient::new`].
    pub fn with_lookup(
        allow: &AllowList,
        lookup: &Arc<dyn NameLookup>,
    ) -> Result<Self, ClientError> {
        let tls = tls::config()?;
        let pool = |port| Pool::new(allow.guard(port), lookup.clone(), tls.clone());
        let named_ports = allow
            .ports()
            .into_iter()
            .map(|port| Ok((port, pool(Some(port))?)))
            .collect::<Result<_, ClientError>>()?;
        Ok(Self {
            named_ports: Arc::new(named_ports),
            other_ports: pool(None)?,
            memory: Memory::unbounded(),
        })
    }

    /// Has what is answered to its calls take room in this memory, beyond what was reserved for it there.
    #[must_use]
    pub fn answered_within(self, memory: &Memory) -> Self {
        Self {
            memory: memory.clone(),
            ..self
        }
    }

    /// Room for the answer to a call for this tenant. `reserved` bytes of it have room already; each takes `weight`
    /// bytes until what it means is known. `waited` is told how long it waits for room.
    pub fn room_for_answer(
        &self,
        tenant: &TenantId,
        reserved: u64,
        weight: u64,
        waited: &Waited,
    ) -> AnswerRoom {
        AnswerRoom::new(&self.memory, tenant, reserved, weight, waited)
    }

    /// Begins a request.
    ///
    /// # Errors
    /// [`Refused`] when the URL's host is an address that must not be reached. A host that is a
    /// name is refused when it is connected to: see [`TransportFailure::Refused`].
    ///
    /// [`TransportFailure::Refused`]: super::TransportFailure::Refused
    pub fn request(&self, method: Method, url: &Url) -> Result<reqwest::RequestBuilder, Refused> {
        let pool = url
            .port_or_known_default()
            .and_then(|port| self.named_ports.get(&port))
            .unwrap_or(&self.other_ports);
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        if address.is_some_and(|address| !pool.guard.permits(address)) {
            return Err(Refused::new(url.host_str().unwrap_or_default()));
        }
        Ok(pool.http.request(method, url.clone()))
    }
}

impl Pool {
    fn new(
        guard: Guard,
        lookup: Arc<dyn NameLookup>,
        tls: rustls::ClientConfig,
    ) -> Result<Self, ClientError> {
        let guard = Arc::new(guard);
        let http = reqwest::Client::builder()
            .dns_resolver(GuardedResolver::new(guard.clone(), lookup))
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .user_agent(USER_AGENT)
            .build()?;
        Ok(Self { guard, http })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuses(client: &GuardedClient, url: &str) -> bool {
        let url = Url::parse(url).unwrap();
        client.request(Method::GET, &url).is_err()
    }

    /// The spellings of addresses that the URL standard knows
    /// (<https://url.spec.whatwg.org/#concept-ipv4-parser>), and that have fooled guards before.
    #[test]
    fn an_address_is_refused_in_every_spelling() {
        let client = GuardedClient::new(AllowList::default()).unwrap();
        for host in [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7f000001",
            "0X7F.0.0.1",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "0177.0.0.01",
            "%31%32%37.0.0.1",
            "１２７.０.０.１",
            "①②⑦.0.0.1",
            "127。0。0。1",
            "127%E3%80%820.0.1",
            "0",
            "0.0.0.0",
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fd00:ec2::254]",
            "[fe80::1]",
        ] {
            assert!(refuses(&client, &format!("http://{host}/a.jpg")), "{host}");
            assert!(refuses(&client, &format!("https://{host}:8443/")), "{host}");
        }
        assert!(!refuses(&client, "http://1.1.1.1/"));
        assert!(!refuses(&client, "http://[2606:4700:4700::1111]/"));
    }

    #[test]
    fn the_port_of_a_url_counts_even_when_it_is_unsaid() {
        let allow = "127.0.0.1:443, 10.0.0.1:80".parse().unwrap();
        let client = GuardedClient::new(allow).unwrap();
        assert!(!refuses(&client, "https://127.0.0.1/"));
        assert!(refuses(&client, "http://127.0.0.1/"));
        assert!(!refuses(&client, "http://10.0.0.1/"));
        assert!(refuses(&client, "https://10.0.0.1/"));
        assert!(refuses(&client, "http://10.0.0.1:443/"));
    }

    #[test]
    fn the_message_tells_the_host_and_no_more() {
        let client = GuardedClient::new(AllowList::default()).unwrap();
        let url = Url::parse("http://0x7f.1/?token=secret").unwrap();
        let message = client.request(Method::GET, &url).unwrap_err().to_string();
        assert!(message.starts_with("127.0.0.1 leads to"), "{message}");
        assert!(!message.contains("secret"), "{message}");
    }
}
