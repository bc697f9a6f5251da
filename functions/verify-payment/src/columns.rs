//! The columns that this function uses, by table: compared with the live catalogue at its start.
//!
//! `local/stack/queries.sh prepare` writes this file from the queries.

/// Table and columns.
#[rustfmt::skip]
pub const COLUMNS: &[(&str, &[&str])] = &[
    ("audit_log", &["action", "actor", "at", "details", "reason", "subject"]),
    ("client_requests", &["client", "requests", "scope", "since"]),
    ("dead_letters", &["attempts", "claimed_until", "correlation_id", "discarded_at", "document", "error_code", "event_id",
        "event_type", "failure_reason", "function_name", "id", "message_id", "parked_at", "permanent", "raw", "replay_count",
        "replayed_at", "source", "status"]),
    ("inventory", &["quantity_available", "quantity_reserved", "reserved_written", "updated_at", "variant_id", "version"]),
    ("inventory_movements", &["movement_type", "quantity_after", "quantity_change", "reference_id", "reference_type",
        "variant_id"]),
    ("inventory_reservations", &["expires_at", "id", "payment_intent_id", "quantity", "status", "updated_at", "variant_id"]),
    ("job_queue", &["attempts", "cause", "completed_at", "created_at", "failed_at", "id", "idempotency_key", "job_type",
        "last_error", "locked_by", "locked_until", "lost_workers", "max_attempts", "payload", "priority", "scheduled_for",
        "spared", "status", "updated_at"]),
    ("order_items", &["fulfillment_status", "id", "order_id"]),
    ("orders", &["id", "order_number", "payment_intent_id", "status", "user_id"]),
    ("outbox", &["attempts", "claimed_until", "correlation_id", "created_at", "event_id", "event_type", "id", "last_error",
        "payload", "published_at", "taken_by", "topic"]),
    ("payment_cases", &["amount_cents", "currency", "details", "id", "kind", "note", "opened_at", "payment_id",
        "payment_intent_id", "resolved_at", "resolved_by", "status", "subject"]),
    ("payment_gateway_verifications", &["amount_verified", "external_transaction_id", "id", "payment_intent_id", "provider",
        "refund_question_at", "status", "verification_response", "verified_at"]),
    ("payment_intents", &["amount_cents", "currency", "expires_at", "external_transaction_id", "given_back_at", "metadata",
        "payment_intent_id", "provider", "status", "updated_at"]),
    ("payments", &["confirmed_at", "created_at", "currency", "id", "status"]),
    ("processed_events", &["correlation_id", "event_id", "event_type", "payload", "source", "version"]),
    ("product_variants", &["id", "sku"]),
    ("purchase_extensions", &["payment_id"]),
    ("refunds", &["amount_minor", "created_at", "currency", "id", "payment_id", "payment_intent_id", "payment_refunded_minor",
        "provider", "provider_payment_id", "provider_refund_id", "reason", "status", "told_at", "updated_at"]),
    ("student_course_purchases", &["payment_id"]),
];
