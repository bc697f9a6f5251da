//! The schema: migrations, the indexes that go with them, and what the live catalogue says about both.
//!
//! Nothing here goes through a pooler except [`index_state`] and [`missing_columns`], which only read.

mod build;
mod catalogue;
mod columns;
mod duplicates;
mod ensure;
mod error;
mod index;
mod migrate;
mod partitions;
mod progress;
mod report;
mod role_limits;
mod session;
mod spec;
mod statistics;

pub use catalogue::{
    MANAGED_INDEXES, PROCESSED_EVENT_ONCE, UNIQUE_ACTIVE_ALLOCATION, UNIQUE_ACTIVE_PURCHASE, UNIQUE_INDEXES,
    UNIQUE_PROVIDER_PAYMENT, UNIQUE_SESSION_SLOT, managed_index,
};
pub use columns::{hidden_tables, missing_columns};
pub use duplicates::{DuplicateGroup, Duplicates, find_duplicates};
pub use ensure::{ensure_index, ensure_index_patiently};
pub use error::SchemaError;
pub use index::{IndexState, NamedIndex, index_state};
pub use migrate::{AppliedMigration, MigrationReport, migrate, tables};
pub use partitions::can_have;
pub use progress::BuildProgress;
pub use report::{IndexOutcome, IndexReport};
pub use role_limits::limit_role;
pub use session::HAS_TRANSACTION_TIMEOUT;
pub use spec::IndexSpec;
