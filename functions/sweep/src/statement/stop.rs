//! When a run asks no more.

use makegood::gateway::GatewayError;
use std::time::Duration;

/// A page is asked for only while this much time is left: the provider's patience, and a little for what follows.
pub(super) const LEFT_FOR_A_PAGE: Duration = Duration::from_secs(14);

/// Why a step was not taken.
pub(super) enum Stopped {
    /// The provider did not answer, or not as it documents.
    Provider(GatewayError),
    Database(sqlx::Error),
}

impl From<GatewayError> for Stopped {
    fn from(error: GatewayError) -> Self {
        Self::Provider(error)
    }
}

impl From<sqlx::Error> for Stopped {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}
