//! What the HTTP functions may answer, and to whom.

use assetmill_api::{Callers, Operators};

use crate::environment::{Environment, EnvironmentError, invalid};

/// Lambda returns 6 MB (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>),
/// as a JSON string in which every quote of the answer takes two bytes.
pub const MAX_ANSWER_BYTES: u64 = 5_000_000;
/// The most bytes of a single result that are returned, and not its URL: they are encoded as base64,
/// which takes four bytes for three.
pub const MAX_INLINE_BYTES: u64 = 4_400_000;
/// The most rows of one answer: each has a presigned URL with a session token, some 2 KB.
pub const MAX_ROWS: usize = 1_000;

/// Who may stop operations: the tenants that the environment names, and else nobody.
///
/// # Errors
/// [`EnvironmentError`] when it names something that is no tenant.
pub fn operators(
    environment: &Environment,
    callers: &Callers,
) -> Result<Operators, EnvironmentError> {
    const OPERATORS: &str = "ASSETMILL_OPERATORS";
    Operators::of(callers, environment.get(OPERATORS)).map_err(|error| invalid(OPERATORS, &error))
}
