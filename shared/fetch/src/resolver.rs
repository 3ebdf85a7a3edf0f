//! Names to permitted addresses.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Refused;
use super::allow::Guard;

/// Looks up the addresses of names.
pub trait NameLookup: Send + Sync {
    /// The addresses of `name`, in the order in which they should be tried.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// Looks names up as the machine is set up to: `/etc/hosts`, then DNS.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl NameLookup for SystemLookup {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// The name leads to no address, or it can't be learnt to which. Resolvers ask again by themselves before
/// they say so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unresolved(String);

/// Resolves for one connection pool, and hands out nothing that its guard does not permit.
pub(super) struct GuardedResolver {
    guard: Arc<Guard>,
    lookup: Arc<dyn NameLookup>,
}

impl GuardedResolver {
    pub(super) fn new(guard: Arc<Guard>, lookup: Arc<dyn NameLookup>) -> Self {
        Self { guard, lookup }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard.clone();
        let found = self.lookup.lookup(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await;
            let found = found.map_err(|error| Unresolved(error.to_string()))?;
            let permitted = permitted(&guard, name.as_str(), found)?;
            // Port 0 stands for the port of the URL.
            let addresses = permitted
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// Drops what must not be reached. A name that leads to both is reached where it may be.
fn permitted(
    guard: &Guard,
    name: &str,
    found: Vec<IpAddr>,
) -> Result<Vec<IpAddr>, Box<dyn Error + Send + Sync>> {
    if found.is_empty() {
        return Err(Unresolved("the name has no address".to_owned()).into());
    }
    if guard.trusts(name) {
        return Ok(found);
    }
    let permitted: Vec<_> = found
        .into_iter()
        .filter(|address| guard.permits(*address))
        .collect();
    if permitted.is_empty() {
        return Err(Refused::new(name).into());
    }
    Ok(permitted)
}

#[cfg(test)]
mod tests {
    use super::super::AllowList;
    use super::*;

    fn reached(allow: &str, port: Option<u16>, found: &[&str]) -> Option<Vec<String>> {
        let allow: AllowList = allow.parse().unwrap();
        let found = found.iter().map(|text| text.parse().unwrap()).collect();
        match permitted(&allow.guard(port), "photos.test", found) {
            Ok(addresses) => Some(addresses.iter().map(ToString::to_string).collect()),
            Err(error) => {
                assert!(error.is::<Refused>(), "{error}");
                None
            }
        }
    }

    #[test]
    fn a_name_is_reached_where_it_is_public() {
        let found = ["10.0.0.1", "1.1.1.1", "::1", "2606:4700::1"];
        let public = ["1.1.1.1", "2606:4700::1"].map(str::to_owned).to_vec();
        assert_eq!(reached("", None, &found), Some(public));
        assert_eq!(reached("", None, &["10.0.0.1", "::ffff:127.0.0.1"]), None);
    }

    #[test]
    fn a_trusted_name_is_reached_wherever_it_leads() {
        let list = "photos.test:8080";
        assert!(reached(list, Some(8080), &["127.0.0.1"]).is_some());
        assert!(reached(list, None, &["127.0.0.1"]).is_none());
    }

    #[test]
    fn a_name_without_an_address_is_not_refused_but_unknown() {
        let error = permitted(&Guard::default(), "photos.test", Vec::new()).unwrap_err();
        assert!(error.is::<Unresolved>(), "{error}");
    }
}
