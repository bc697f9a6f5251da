//! The columns that this function uses, by table: compared with the live catalogue at its start.
//!
//! `local/stack/queries.sh prepare` writes this file from the queries.

/// Table and columns.
#[rustfmt::skip]
pub const COLUMNS: &[(&str, &[&str])] = &[
    ("dead_letters", &["attempts", "claimed_until", "correlation_id", "document", "error_code", "event_id", "event_type",
        "failure_reason", "function_name", "id", "message_id", "parked_at", "permanent", "raw", "replay_count", "replayed_at",
        "source", "status"]),
];
