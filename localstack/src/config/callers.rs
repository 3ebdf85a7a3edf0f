//! Who may call, as the settings have it.

use std::path::PathBuf;

use assetmill_api::Callers;
use assetmill_core::TenantId;

use super::Config;
use crate::callers::{CallersError, FILE, in_file};

impl Config {
    /// Who may call.
    ///
    /// # Errors
    /// [`CallersError`] names the entry that is wrong, without its key.
    pub fn callers(&self) -> Result<Callers, CallersError> {
        match (&self.api_keys, self.callers_in_use()) {
            (Some(_), Some(file)) => Err(CallersError::Twice(file)),
            (Some(keys), None) => Ok(Callers::from_keys(keys)?),
            (None, Some(file)) => in_file(file),
            (None, None) => Ok(Callers::open(TenantId::local())),
        }
    }

    /// Whether callers need keys.
    pub fn needs_keys(&self) -> bool {
        self.api_keys.is_some() || self.callers_in_use().is_some()
    }

    /// The file that says who may call, whether it is there or not.
    pub fn callers_file(&self) -> PathBuf {
        let usual = || self.data().join(FILE);
        self.callers.clone().unwrap_or_else(usual)
    }

    /// The same, if it is asked for or there.
    fn callers_in_use(&self) -> Option<PathBuf> {
        let file = self.callers_file();
        // One that nobody can tell of is not taken for absent: everybody could call.
        let is_there = || !self.aws && file.try_exists().unwrap_or(true);
        (self.callers.is_some() || is_there()).then_some(file)
    }
}
