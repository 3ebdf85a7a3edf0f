//! `callers.toml`: tenants, their keys and their limits.

use std::collections::BTreeMap;
use std::ops::Range;

use assetmill_core::{MAX_BATCH, RequestRate, TenantId, TenantLimits};
use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::digest::KeyDigest;
use super::table::{CallerTable, Key};

const MAX_NAME_CHARS: usize = 64;
/// The most requests in a second, and the largest burst, that can be configured.
const MAX_REQUESTS: u32 = 1_000_000;

/// Why a text does not say who may call. Shows no value: one may be a key that stands in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct BadCallers {
    /// Where, from 1; `None` where nothing tells.
    line: Option<usize>,
    fault: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(super) struct Document {
    #[serde(default)]
    defaults: Defaults,
    #[serde(default)]
    tenants: BTreeMap<String, Spanned<Tenant>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [defaults]")]
struct Defaults {
    #[serde(default)]
    limits: GivenLimits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table such as [tenants.shop]")]
struct Tenant {
    #[serde(default)]
    limits: GivenLimits,
    #[serde(default)]
    keys: Vec<GivenKey>,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { name = \"ci\", sha256 = \"…\" }"
)]
pub(super) struct GivenKey {
    name: Spanned<String>,
    pub(super) sha256: Spanned<String>,
    /// When it was made; for people alone.
    created: Option<Spanned<Datetime>>,
    expires: Option<Spanned<Datetime>>,
    pub(super) revoked: Option<Spanned<bool>>,
    #[serde(default)]
    read_only: bool,
}

#[derive(Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table such as { requests_per_second = 50 }"
)]
struct GivenLimits {
    requests_per_second: Option<Spanned<f64>>,
    burst: Option<Spanned<i64>>,
    open_flows: Option<Spanned<i64>>,
    batch_size: Option<Spanned<i64>>,
    asset_bytes: Option<Spanned<Bytes>>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a number of bytes, or a text such as \"50 MiB\""
)]
enum Bytes {
    Number(u64),
    Text(String),
}

/// Reads a text.
///
/// # Errors
/// [`BadCallers`] for the first thing that is wrong.
pub(super) fn parse(text: &str) -> Result<CallerTable, BadCallers> {
    let reader = Reader(text);
    let document = Document::read(text)?;
    let defaults = reader.limits(document.defaults.limits, TenantLimits::default())?;
    let mut callers = CallerTable {
        defaults,
        ..CallerTable::default()
    };
    for (name, tenant) in document.tenants {
        let span = tenant.span();
        let id: TenantId = name
            .parse()
            .map_err(|error| reader.fault(&span, format!("tenants.{name:?}: {error}")))?;
        let tenant = tenant.into_inner();
        let limits = reader.limits(tenant.limits, defaults)?;
        callers.limits.insert(id.clone(), limits);
        let mut names = Vec::with_capacity(tenant.keys.len());
        for given in tenant.keys {
            let at = given.sha256.span();
            let (digest, key) = reader.key(&id, given)?;
            if names.contains(&key.name) {
                let fault = format!("another key of {id} is called {:?} too", key.name);
                return Err(reader.fault(&at, fault));
            }
            names.push(key.name.clone());
            if callers.keys.insert(digest, key).is_some() {
                return Err(reader.fault(&at, "the same key stands in another entry"));
            }
        }
    }
    Ok(callers)
}

impl Document {
    pub(super) fn read(text: &str) -> Result<Self, BadCallers> {
        toml::from_str(text).map_err(|error| Reader(text).syntax(&error))
    }

    /// The key of a tenant that has this name.
    pub(super) fn key(&self, tenant: &TenantId, name: &str) -> Option<&GivenKey> {
        let keys = &self.tenants.get(tenant.as_str())?.get_ref().keys;
        keys.iter().find(|key| key.name.get_ref() == name)
    }
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn fault(&self, span: &Range<usize>, fault: impl Into<String>) -> BadCallers {
        let before = self.0.get(..span.start).unwrap_or_default();
        BadCallers {
            line: Some(1 + before.matches('\n').count()),
            fault: fault.into(),
        }
    }

    /// What the parser says, without what stands there.
    fn syntax(&self, error: &toml::de::Error) -> BadCallers {
        let message = error.message();
        let fault = match message.split_once(", expected ") {
            Some((said, expected)) if said.starts_with("invalid ") => {
                format!("expected {expected}")
            }
            _ => message.replace('\n', " "),
        };
        match error.span() {
            Some(span) => self.fault(&span, fault),
            None => BadCallers { line: None, fault },
        }
    }

    fn key(&self, tenant: &TenantId, given: GivenKey) -> Result<(KeyDigest, Key), BadCallers> {
        let name = given.name.get_ref().clone();
        if !(1..=MAX_NAME_CHARS).contains(&name.chars().count())
            || !name.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        {
            let fault =
                format!("name: give 1 to {MAX_NAME_CHARS} visible ASCII characters or spaces");
            return Err(self.fault(&given.name.span(), fault));
        }
        let digest = given.sha256.get_ref().parse();
        let digest = digest.map_err(|error: super::NotADigest| {
            self.fault(&given.sha256.span(), format!("sha256: {error}"))
        })?;
        if let Some(created) = &given.created {
            self.time("created", created)?;
        }
        let expires = given.expires.as_ref();
        let expires = expires.map(|it| self.time("expires", it)).transpose()?;
        let key = Key {
            tenant: tenant.clone(),
            name,
            expires,
            revoked: given.revoked.is_some_and(Spanned::into_inner),
            read_only: given.read_only,
        };
        Ok((digest, key))
    }

    fn time(&self, field: &str, given: &Spanned<Datetime>) -> Result<Timestamp, BadCallers> {
        let Datetime { date, time, offset } = given.get_ref();
        let text = match (date, time, offset) {
            (Some(date), None, None) => format!("{date}T00:00:00Z"),
            (Some(_), Some(_), None) => format!("{}Z", given.get_ref()),
            _ => given.get_ref().to_string(),
        };
        text.parse().map_err(|_| {
            let fault = format!("{field}: give a day or a time such as 2027-01-01T00:00:00Z");
            self.fault(&given.span(), fault)
        })
    }

    /// What is given, and of `usual` what is not.
    fn limits(&self, given: GivenLimits, usual: TenantLimits) -> Result<TenantLimits, BadCallers> {
        let requests = self.requests(given.requests_per_second, given.burst, usual.requests)?;
        let open_flows = self.number("open_flows", given.open_flows, i64::MAX)?;
        let largest = i64::try_from(MAX_BATCH).unwrap_or(i64::MAX);
        let batch_size = self.number("batch_size", given.batch_size, largest)?;
        let batch_size = batch_size.and_then(|size| usize::try_from(size).ok());
        let asset_bytes = given.asset_bytes.map(|bytes| self.bytes(&bytes));
        Ok(TenantLimits {
            requests,
            open_flows: open_flows.unwrap_or(usual.open_flows),
            batch_size: batch_size.unwrap_or(usual.batch_size),
            asset_bytes: asset_bytes.transpose()?.or(usual.asset_bytes),
        })
    }

    /// A burst belongs to the rate beside it; one without is the requests of a second.
    fn requests(
        &self,
        per_second: Option<Spanned<f64>>,
        burst: Option<Spanned<i64>>,
        usual: Option<RequestRate>,
    ) -> Result<Option<RequestRate>, BadCallers> {
        let at = burst.as_ref().map(Spanned::span);
        let burst = self.number("burst", burst, i64::from(MAX_REQUESTS))?;
        let burst = burst.and_then(|burst| u32::try_from(burst).ok());
        let Some(given) = per_second else {
            return match (usual, burst, at) {
                (None, Some(_), Some(at)) => {
                    let fault = "burst: there is no requests_per_second for it; give one";
                    Err(self.fault(&at, fault))
                }
                (usual, burst, _) => Ok(usual.map(|rate| RequestRate {
                    burst: burst.unwrap_or(rate.burst),
                    ..rate
                })),
            };
        };
        let per_second = *given.get_ref();
        if !(0.001..=f64::from(MAX_REQUESTS)).contains(&per_second) {
            let fault = format!("requests_per_second: give 0.001 to {MAX_REQUESTS}");
            return Err(self.fault(&given.span(), fault));
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "in bounds"
        )]
        let of_a_second = per_second.ceil() as u32;
        Ok(Some(RequestRate {
            per_second,
            burst: burst.unwrap_or(of_a_second.max(1)),
        }))
    }

    fn number(
        &self,
        field: &str,
        given: Option<Spanned<i64>>,
        max: i64,
    ) -> Result<Option<u64>, BadCallers> {
        let Some(given) = given else {
            return Ok(None);
        };
        let number = *given.get_ref();
        if !(1..=max).contains(&number) {
            let fault = match max {
                i64::MAX => format!("{field}: give 1 or more"),
                max => format!("{field}: give 1 to {max}"),
            };
            return Err(self.fault(&given.span(), fault));
        }
        Ok(u64::try_from(number).ok())
    }

    fn bytes(&self, given: &Spanned<Bytes>) -> Result<u64, BadCallers> {
        let bytes = match given.get_ref() {
            Bytes::Number(bytes) => Some(*bytes),
            Bytes::Text(text) => text.parse::<ByteSize>().ok().map(|size| size.as_u64()),
        };
        bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
            let fault = "asset_bytes: give a number of bytes, or a text such as \"50 MiB\"";
            self.fault(&given.span(), fault)
        })
    }
}

#[cfg(test)]
mod tests;
