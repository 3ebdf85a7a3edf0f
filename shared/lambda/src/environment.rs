//! The configuration of a function: environment variables.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

/// The environment variables of a function.
///
/// An empty variable counts as one that is not set: a template can't leave one out.
#[derive(Debug, Clone, Default)]
pub struct Environment(HashMap<String, String>);

/// What keeps a function from starting, in one line that names the variable and shows no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// A variable is needed and not set.
    #[error("{name} is not set; template.yaml sets it")]
    Missing {
        /// Which.
        name: &'static str,
    },
    /// A variable is set to what it may not be.
    #[error("{name}: {fault}")]
    Invalid {
        /// Which.
        name: &'static str,
        /// What is wrong with its value, and what would be right.
        fault: String,
    },
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        std::env::vars().collect()
    }

    /// How much memory the function has, in MiB: Lambda says so
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>).
    ///
    /// # Errors
    /// [`EnvironmentError`] outside Lambda.
    pub fn memory_mib(&self) -> Result<u64, EnvironmentError> {
        self.read_required("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    }

    /// The value of a variable; `None` when it is not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// The names of the variables that are set.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        let set = self.0.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, _)| name.clone())
    }

    /// The value of a variable that is needed.
    ///
    /// # Errors
    /// [`EnvironmentError`] when it is not set.
    pub fn required(&self, name: &'static str) -> Result<&str, EnvironmentError> {
        self.get(name).ok_or(EnvironmentError::Missing { name })
    }

    /// The value of a variable, read; `None` when it is not set.
    ///
    /// # Errors
    /// [`EnvironmentError`] when it can't be read.
    pub fn read<T>(&self, name: &'static str) -> Result<Option<T>, EnvironmentError>
    where
        T: FromStr<Err: Display>,
    {
        let read = |value: &str| value.parse().map_err(|fault| invalid(name, &fault));
        self.get(name).map(read).transpose()
    }

    /// The value of a variable that is needed, read.
    ///
    /// # Errors
    /// [`EnvironmentError`] when it is not set or can't be read.
    pub fn read_required<T>(&self, name: &'static str) -> Result<T, EnvironmentError>
    where
        T: FromStr<Err: Display>,
    {
        self.read(name)?.ok_or(EnvironmentError::Missing { name })
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}

/// A variable is set to what it may not be.
pub fn invalid(name: &'static str, fault: &impl Display) -> EnvironmentError {
    EnvironmentError::Invalid {
        name,
        fault: fault.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use bytesize::ByteSize;

    use super::*;

    /// As the program reads them: one setting means the same to both.
    #[test]
    fn sizes_have_units() {
        let read = |text: &str| {
            let environment: Environment = [("ASSETMILL_SIZE".to_owned(), text.to_owned())]
                .into_iter()
                .collect();
            environment.read::<ByteSize>("ASSETMILL_SIZE")
        };
        for text in ["52428800", "50MiB", "50 MiB"] {
            assert_eq!(read(text), Ok(Some(ByteSize::mib(50))), "{text}");
        }
        assert!(read("50 apples").is_err());
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let set = [("ASSETMILL_DAYS", "many"), ("ASSETMILL_EMPTY", "")];
        let environment: Environment = set
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        for (name, fault) in [
            ("ASSETMILL_TABLE", "is not set"),
            ("ASSETMILL_EMPTY", "is not set"),
            ("ASSETMILL_DAYS", "invalid digit"),
        ] {
            let error = environment.read_required::<u32>(name).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(name), "{message}");
            assert!(message.contains(fault), "{message}");
            assert!(!message.contains("many"), "{message}");
        }
        assert_eq!(environment.read::<u32>("ASSETMILL_EMPTY"), Ok(None));
    }
}
