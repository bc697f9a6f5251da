//! The columns that this function uses, by table: compared with the live catalogue at its start.
//!
//! `local/stack/queries.sh prepare` writes this file from the queries.

/// Table and columns.
#[rustfmt::skip]
pub const COLUMNS: &[(&str, &[&str])] = &[
    ("client_requests", &["client", "requests", "scope", "since"]),
    ("job_queue", &["idempotency_key", "status"]),
    ("order_items", &["order_id"]),
    ("orders", &["created_at", "id", "order_number", "payment_intent_id", "status"]),
    ("payment_cases", &["payment_intent_id", "status"]),
    ("payment_gateway_verifications", &["id", "payment_intent_id", "status"]),
    ("payment_intents", &["external_transaction_id", "given_back_at", "metadata", "payment_intent_id", "provider", "status",
        "user_id"]),
];
