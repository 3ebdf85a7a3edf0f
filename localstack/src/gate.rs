//! What is refused by the head of a request, whatever it asks for. On AWS, API Gateway stands here.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use assetmill_api::{ErrorCode, Problem};
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Version};
use url::Url;

/// They tell nothing of any caller, and whoever watches the service from outside names it in its own way.
const OF_ANY_NAME: &[&str] = &["/health", "/health/ready"];

/// Refuses requests by their heads.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The names of this machine, where only they are answered.
    own: Option<Arc<HashSet<String>>>,
}

impl Gate {
    /// Answers under any name: where callers need keys, whoever leads a browser here by a name of its own
    /// has none.
    pub fn of_any_name() -> Self {
        Self { own: None }
    }

    /// Answers under the names of this machine alone: IP addresses, `localhost` and all below it, the name
    /// of the machine, and the host of the public URL. Where no key is needed, a page of another
    /// site could otherwise read everything, by a name that it lets point here (DNS rebinding).
    pub fn of_this_machine(public_url: &Url) -> Self {
        let machine = gethostname::gethostname();
        let machine = machine.to_str().map(str::to_ascii_lowercase);
        let public = public_url.host_str().map(str::to_ascii_lowercase);
        Self {
            own: Some(Arc::new(machine.into_iter().chain(public).collect())),
        }
    }

    /// Whether the request may go on to its route.
    ///
    /// # Errors
    /// The [`Problem`] with its head.
    pub fn check(&self, head: &Parts) -> Result<(), Problem> {
        check_framing(&head.headers)?;
        let host = host(head)?;
        // What the target names goes before what the header says (RFC 9112, section 3.2.2); here neither may
        // name another.
        for host in head.uri.authority().into_iter().chain(host.as_ref()) {
            self.check_name(host, head.uri.path())?;
        }
        Ok(())
    }

    fn check_name(&self, authority: &Authority, path: &str) -> Result<(), Problem> {
        let Some(own) = &self.own else {
            return Ok(());
        };
        let host = authority.host().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        if is_address(host)
            || is_localhost(host)
            || own.contains(host)
            || OF_ANY_NAME.contains(&path)
        {
            return Ok(());
        }
        Err(Problem::new(
            ErrorCode::UnknownHost,
            format!(
                "{host:?} is no name of this machine, and without keys only its own are answered: use its \
                 IP address or localhost, or start it with --public-url http://{host}/ or --api-keys"
            ),
        ))
    }
}

/// The body's length can be told in one way only: in two, what stands before this program may see
/// another request than it does (RFC 9112, sections 6.1 and 11.2).
fn check_framing(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let Some(coding) = codings.next() else {
        return Ok(());
    };
    let chunked = coding
        .as_bytes()
        .trim_ascii()
        .eq_ignore_ascii_case(b"chunked");
    if !chunked || codings.next().is_some() {
        return Err(Problem::new(
            ErrorCode::UnsupportedTransferEncoding,
            "the only transfer coding that is taken is chunked, once; send the body with it alone, or with \
             Content-Length",
        ));
    }
    if headers.contains_key(CONTENT_LENGTH) {
        return Err(Problem::new(
            ErrorCode::UnsupportedTransferEncoding,
            "the body has both Transfer-Encoding and Content-Length; send one of them",
        ));
    }
    Ok(())
}

/// The one `Host` (RFC 9112, section 3.2); `None` where an older client sends none.
fn host(head: &Parts) -> Result<Option<Authority>, Problem> {
    let wrong = |detail| Problem::new(ErrorCode::InvalidHost, detail);
    let mut hosts = head.headers.get_all(HOST).iter();
    let Some(host) = hosts.next() else {
        if head.version < Version::HTTP_11 {
            return Ok(None);
        }
        return Err(wrong("the request has no Host; send one"));
    };
    if hosts.next().is_some() {
        return Err(wrong("the request has several Hosts; send one"));
    }
    let host = host.to_str().ok().and_then(|text| text.parse().ok());
    host.filter(|host: &Authority| !host.as_str().contains('@') && !host.host().is_empty())
        .map(Some)
        .ok_or_else(|| {
            wrong("Host names no host; send a name or an address, and a port if need be")
        })
}

/// A name has to be looked up, and that is where a foreign site could lead here; an address has not.
fn is_address(host: &str) -> bool {
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    host.parse::<Ipv4Addr>().is_ok()
        || bracketed.is_some_and(|host| host.parse::<Ipv6Addr>().is_ok())
}

/// Resolvers lead it nowhere but here (RFC 6761, section 6.3).
fn is_localhost(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn refusal(target: &str, headers: &[(&str, &str)]) -> Option<ErrorCode> {
        let mut request = Request::get(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let gate = Gate::of_this_machine(&"https://mill.example/".parse().unwrap());
        gate.check(&head).err().map(|problem| problem.code())
    }

    #[test]
    fn a_machine_answers_to_its_own_names() {
        let own = gethostname::gethostname().into_string().unwrap();
        for host in [
            "127.0.0.1:8000",
            "192.168.1.7",
            "[::1]:8000",
            "localhost",
            "LOCALHOST:8000",
            "localhost.",
            "api.localhost:80",
            "mill.example",
            "Mill.Example:443",
            &own,
        ] {
            assert_eq!(refusal("/", &[("host", host)]), None, "{host}");
        }
    }

    #[test]
    fn a_machine_answers_to_no_other_name() {
        for host in [
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "notlocalhost",
            "127.0.0.1.evil.example",
            "mill.example.evil.example",
            "127.1",
        ] {
            let refused = Some(ErrorCode::UnknownHost);
            assert_eq!(refusal("/", &[("host", host)]), refused, "{host}");
            assert_eq!(refusal("/health", &[("host", host)]), None, "{host}");
            let absolute = format!("http://{host}/api/v2/batches");
            assert_eq!(refusal(&absolute, &[("host", "localhost")]), refused);
        }
    }

    #[test]
    fn a_request_has_one_host() {
        for headers in [
            &[][..],
            &[("host", "localhost"), ("host", "localhost")],
            &[("host", "")],
            &[("host", "a b")],
            &[("host", "user@localhost")],
            &[("host", "localhost/path")],
        ] {
            assert_eq!(
                refusal("/", headers),
                Some(ErrorCode::InvalidHost),
                "{headers:?}"
            );
        }
    }

    #[test]
    fn a_body_has_one_length() {
        let host = ("host", "localhost");
        assert_eq!(
            refusal("/", &[host, ("transfer-encoding", "Chunked")]),
            None
        );
        for headers in [
            &[host, ("transfer-encoding", "gzip, chunked")][..],
            &[host, ("transfer-encoding", "identity")],
            &[
                host,
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked"),
            ],
            &[
                host,
                ("transfer-encoding", "chunked"),
                ("content-length", "5"),
            ],
        ] {
            let refused = Some(ErrorCode::UnsupportedTransferEncoding);
            assert_eq!(refusal("/", headers), refused, "{headers:?}");
        }
    }
}
