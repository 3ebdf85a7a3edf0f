//! Who may stop operations and let them go on.

use std::collections::BTreeSet;
use std::sync::Arc;

use assetmill_core::{NotAName, TenantId};

use crate::{Callers, ErrorCode, Problem, Writer};

/// Who may stop operations and let them go on, for all tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operators {
    /// Whoever may call: a service without keys is one person's.
    Anybody,
    /// These tenants.
    Tenants(Arc<BTreeSet<TenantId>>),
}

impl Operators {
    /// The operators of a service for these callers: of one without keys, anybody; else the tenants that `names` lists,
    /// separated by commas, and without a list nobody.
    ///
    /// # Errors
    /// [`NotAName`] for the first that names no tenant.
    pub fn of(callers: &Callers, names: Option<&str>) -> Result<Self, NotAName> {
        let names = names.unwrap_or_default().split(',').map(str::trim);
        let tenants = names
            .filter(|name| !name.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Ok(if callers.is_open() {
            Self::Anybody
        } else {
            Self::Tenants(Arc::new(tenants))
        })
    }

    /// Lets operators through.
    ///
    /// # Errors
    /// A [`Problem`] for everybody else.
    pub fn check(&self, Writer(tenant): &Writer) -> Result<(), Problem> {
        match self {
            Self::Anybody => Ok(()),
            Self::Tenants(tenants) if tenants.contains(tenant) => Ok(()),
            Self::Tenants(_) => Err(Problem::new(
                ErrorCode::NotAnOperator,
                "this stops an operation for everybody, or lets it go on, and your tenant is none of the operators; \
                 they are named in ASSETMILL_OPERATORS",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: Option<&str>) -> Result<Operators, NotAName> {
        let callers = Callers::from_keys("acme:0123456789abcdef").unwrap();
        Operators::of(&callers, names)
    }

    #[test]
    fn with_keys_operators_are_named() {
        let acme = Writer("acme".parse().unwrap());
        assert!(of(Some("globex, acme")).unwrap().check(&acme).is_ok());
        for names in [None, Some(""), Some("globex")] {
            let problem = of(names).unwrap().check(&acme).unwrap_err();
            assert_eq!(problem.code(), ErrorCode::NotAnOperator, "{names:?}");
        }
        assert_eq!(of(Some("ACME")), Err(NotAName));
    }

    #[test]
    fn without_keys_anybody_is_one() {
        let callers = Callers::open(TenantId::local());
        let operators = Operators::of(&callers, None).unwrap();
        assert!(operators.check(&Writer(TenantId::local())).is_ok());
    }
}
