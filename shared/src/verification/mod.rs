//! Verification: what the gateway itself says about a payment, recorded once.

use crate::clock::Clock;
use crate::db::Database;
use crate::gateway::Gateways;
use crate::job::Waker;

/// The columns that this stage uses, by table: compared with the live catalogue at start.
pub const COLUMNS: &[(&str, &[&str])] = &[];

/// The stage, with what it needs.
#[derive(Debug, Clone)]
pub struct Verifier {
    /// The database.
    pub database: Database,
    /// eSewa and Khalti.
    pub gateways: Gateways,
    /// Wakes a worker for a payment that was verified.
    pub waker: Option<Waker>,
    /// The time.
    pub clock: Clock,
}
