//! The addresses that the operator lets through although they are not public.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use url::Host;

use super::is_public;

const SPELLINGS: &str = "write photos.internal, photos.internal:8080, 127.0.0.1, 127.0.0.1:9000, \
                         ::1, [::1]:80, 10.0.0.0/8, 10.0.0.0/8:443, fd00::/8 or fd00::/8:443";

/// Hosts, addresses and ranges that may be reached although they are not public.
///
/// Parsed from entries with commas in between; spaces around them, and empty ones, don't matter.
/// With a port, an entry holds for this port alone.
///
/// | entry | alone | with a port |
/// | --- | --- | --- |
/// | host name: whatever it resolves to | `photos.internal` | `photos.internal:8080` |
/// | IPv4 address | `127.0.0.1` | `127.0.0.1:9000` |
/// | IPv6 address | `::1`, `[::1]` | `[::1]:80` |
/// | range (CIDR, RFC 4632) | `10.0.0.0/8`, `fd00::/8` | `10.0.0.0/8:443`, `fd00::/8:443` |
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    target: Target,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    /// In lower case, without a dot at its end.
    Name(String),
    Range(IpNet),
}

/// An entry that can't be understood. The message says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AllowListError {
    /// What follows the colon is no port.
    #[error("\"{entry}\": \"{port}\" is not a port from 1 to 65535; {SPELLINGS}")]
    Port {
        /// The entry as it was given.
        entry: String,
        /// What stands where the port should.
        port: String,
    },
    /// The range is none.
    #[error("\"{entry}\": \"{range}\" is not an address range; {SPELLINGS}")]
    Range {
        /// The entry as it was given.
        entry: String,
        /// What stands where the range should.
        range: String,
    },
    /// The host is neither a name nor an address.
    #[error("\"{entry}\": \"{host}\" is neither a host name nor an address; {SPELLINGS}")]
    Host {
        /// The entry as it was given.
        entry: String,
        /// What stands where the host should.
        host: String,
    },
}

impl AllowList {
    /// The list, with this address and port alone let through too.
    #[must_use]
    pub fn with(mut self, address: SocketAddr) -> Self {
        self.0.push(Entry {
            target: Target::Range(address.ip().into()),
            port: Some(address.port()),
        });
        self
    }

    /// The ports for which some entry holds alone.
    pub(super) fn ports(&self) -> BTreeSet<u16> {
        self.0.iter().filter_map(|entry| entry.port).collect()
    }

    /// What may be reached on `port`; `None` stands for every port that no entry names.
    pub(super) fn guard(&self, port: Option<u16>) -> Guard {
        let mut guard = Guard::default();
        let entries = self.0.iter();
        for entry in entries.filter(|entry| entry.port.is_none() || entry.port == port) {
            match &entry.target {
                Target::Name(name) => {
                    guard.names.insert(name.clone());
                }
                Target::Range(range) => guard.ranges.push(*range),
            }
        }
        guard
    }
}

impl FromStr for AllowList {
    type Err = AllowListError;

    fn from_str(text: &str) -> Result<Self, AllowListError> {
        let entries = text.split(',').map(str::trim);
        entries
            .filter(|entry| !entry.is_empty())
            .map(Entry::from_str)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl FromStr for Entry {
    type Err = AllowListError;

    fn from_str(entry: &str) -> Result<Self, AllowListError> {
        if let Ok(address) = entry.parse::<IpAddr>() {
            return Ok(Self {
                target: Target::Range(address.into()),
                port: None,
            });
        }
        let (target, port) = if let Some((network, rest)) = entry.split_once('/') {
            let (length, port) = split_port(rest);
            (range(entry, network, length)?, port)
        } else {
            let (host, port) = match entry.rfind(']') {
                Some(end) => {
                    let (host, rest) = entry.split_at(end + 1);
                    (
                        host,
                        (!rest.is_empty()).then(|| rest.trim_start_matches(':')),
                    )
                }
                None => split_port(entry),
            };
            (host_target(entry, host)?, port)
        };
        let port = port.map(|port| parse_port(entry, port)).transpose()?;
        Ok(Self { target, port })
    }
}

fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((before, port)) => (before, Some(port)),
        None => (text, None),
    }
}

fn parse_port(entry: &str, port: &str) -> Result<u16, AllowListError> {
    let number = port.parse().ok().filter(|number| *number != 0);
    number.ok_or_else(|| AllowListError::Port {
        entry: entry.to_owned(),
        port: port.to_owned(),
    })
}

fn range(entry: &str, network: &str, length: &str) -> Result<Target, AllowListError> {
    let range = format!("{network}/{length}");
    match range.parse() {
        Ok(range) => Ok(Target::Range(range)),
        Err(_) => Err(AllowListError::Range {
            entry: entry.to_owned(),
            range,
        }),
    }
}

fn host_target(entry: &str, host: &str) -> Result<Target, AllowListError> {
    let is_plain = |name: &str| {
        name.bytes()
            .all(|c| c.is_ascii_alphanumeric() || b"-._".contains(&c))
    };
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => Ok(Target::Range(IpAddr::V4(address).into())),
        Ok(Host::Ipv6(address)) => Ok(Target::Range(IpAddr::V6(address).into())),
        Ok(Host::Domain(name)) if is_plain(&name) => Ok(Target::Name(plain_name(&name))),
        Ok(Host::Domain(_)) | Err(_) => Err(AllowListError::Host {
            entry: entry.to_owned(),
            host: host.to_owned(),
        }),
    }
}

/// A name is the same with and without a dot at its end, in any case (RFC 1034, section 3.1).
fn plain_name(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// What may be reached on one port.
#[derive(Debug, Default)]
pub(super) struct Guard {
    names: BTreeSet<String>,
    ranges: Vec<IpNet>,
}

impl Guard {
    /// Whether every address of the name may be reached.
    pub(super) fn trusts(&self, name: &str) -> bool {
        !self.names.is_empty() && self.names.contains(&plain_name(name))
    }

    /// Whether the address may be reached.
    pub(super) fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address) || self.ranges.iter().any(|range| range.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn permits(list: &str, address: &str) -> bool {
        let list: AllowList = list.parse().unwrap();
        let address: SocketAddr = address.parse().unwrap();
        let port = Some(address.port()).filter(|port| list.ports().contains(port));
        list.guard(port).permits(address.ip())
    }

    #[test]
    fn nothing_private_is_allowed_by_default() {
        assert_eq!("".parse(), Ok(AllowList::default()));
        assert_eq!(" , ".parse(), Ok(AllowList::default()));
        assert!(!permits("", "127.0.0.1:80"));
    }

    #[test]
    fn an_entry_with_a_port_holds_for_that_port_alone() {
        for (list, yes, no) in [
            ("127.0.0.1:9000", "127.0.0.1:9000", "127.0.0.1:80"),
            ("127.0.0.1:9000", "127.0.0.1:9000", "127.0.0.2:9000"),
            ("10.0.0.0/8:443", "10.1.2.3:443", "10.1.2.3:80"),
            ("[::1]:80", "[::1]:80", "[::1]:81"),
            ("fd00::/8:443", "[fd00::1]:443", "[fd00::1]:80"),
            ("10.0.0.1:1, 10.0.0.2:2", "10.0.0.1:1", "10.0.0.1:2"),
        ] {
            assert!(permits(list, yes), "{list} {yes}");
            assert!(!permits(list, no), "{list} {no}");
        }
    }

    #[test]
    fn an_entry_without_a_port_holds_for_every_port() {
        for (list, yes) in [
            ("127.0.0.1", "127.0.0.1:1"),
            ("127.0.0.1, 10.0.0.1:80", "127.0.0.1:80"),
            ("10.0.0.0/8", "10.255.0.1:65535"),
            ("::1", "[::1]:8080"),
            ("[::1]", "[::1]:8080"),
            ("fd00::/8", "[fdab::1]:80"),
            ("10.0.0.0/8", "[::ffff:10.0.0.1]:80"),
        ] {
            assert!(permits(list, yes), "{list} {yes}");
        }
    }

    #[test]
    fn names_are_the_same_in_any_case_and_with_a_dot() {
        let list: AllowList = "Photos.Internal:8080, bücher.test".parse().unwrap();
        assert!(list.guard(Some(8080)).trusts("photos.internal"));
        assert!(list.guard(Some(8080)).trusts("PHOTOS.internal."));
        assert!(list.guard(None).trusts("xn--bcher-kva.test"));
        assert!(!list.guard(None).trusts("photos.internal"));
        assert!(!list.guard(Some(8080)).trusts("evil.photos.internal"));
    }

    #[test]
    fn one_address_and_port_can_be_added() {
        let list = AllowList::default().with("127.0.0.1:8000".parse().unwrap());
        assert_eq!(Ok(list), "127.0.0.1:8000".parse());
    }

    #[test]
    fn an_entry_that_is_none_is_named_and_mended() {
        for (wrong, part) in [
            ("photos.internal:http", "\"http\" is not a port"),
            ("10.0.0.1:0", "\"0\" is not a port"),
            ("10.0.0.1:", "\"\" is not a port"),
            ("10.0.0.0/33", "\"10.0.0.0/33\" is not an address range"),
            ("photos/8", "\"photos/8\" is not an address range"),
            ("*.internal", "\"*.internal\" is neither"),
            ("http://10.0.0.1", "is not an address range"),
            ("[::1", "is neither"),
        ] {
            let error = format!("10.0.0.1, {wrong}")
                .parse::<AllowList>()
                .unwrap_err();
            let message = error.to_string();
            assert!(message.starts_with(&format!("\"{wrong}\": ")), "{message}");
            assert!(message.contains(part), "{message}");
            assert!(message.contains("write photos.internal"), "{message}");
        }
    }
}
