//! The columns that this function uses, by table: compared with the live catalogue at its start.
//!
//! `local/stack/queries.sh prepare` writes this file from the queries.

/// Table and columns.
#[rustfmt::skip]
pub const COLUMNS: &[(&str, &[&str])] = &[
    ("audit_log", &["action", "actor", "at", "details", "reason", "subject"]),
    ("dead_letters", &["attempts", "claimed_until", "correlation_id", "discarded_at", "document", "error_code", "event_id",
        "event_type", "failure_reason", "function_name", "id", "message_id", "parked_at", "permanent", "raw", "replay_count",
        "replayed_at", "source", "status"]),
    ("disputes", &["amount_minor", "currency", "payment_id", "status"]),
    ("erased_people", &["person", "pipeline"]),
    ("inventory", &["quantity_available", "quantity_reserved", "reserved_written", "updated_at", "variant_id", "version"]),
    ("inventory_movements", &["movement_type", "quantity_after", "quantity_change", "reference_id", "reference_type",
        "variant_id"]),
    ("inventory_reservations", &["expires_at", "id", "payment_intent_id", "quantity", "status", "updated_at", "variant_id"]),
    ("job_queue", &["idempotency_key", "last_error", "status", "updated_at"]),
    ("order_items", &["fulfillment_status", "id", "order_id"]),
    ("orders", &["id", "order_number", "payment_intent_id", "status", "user_id"]),
    ("outbox", &["attempts", "claimed_until", "correlation_id", "created_at", "event_id", "event_type", "id", "last_error",
        "payload", "published_at", "taken_by", "topic"]),
    ("payment_cases", &["amount_cents", "currency", "details", "id", "kind", "note", "opened_at", "payment_id",
        "payment_intent_id", "resolved_at", "resolved_by", "status", "subject"]),
    ("payment_gateway_verifications", &["amount_verified", "payment_intent_id", "status", "verified_at"]),
    ("payment_intents", &["amount_cents", "currency", "external_transaction_id", "given_back_at", "payment_intent_id", "provider",
        "status", "updated_at"]),
    ("payments", &["amount_cents", "confirmed_at", "created_at", "currency", "id", "metadata", "status", "student_id"]),
    ("processed_events", &["correlation_id", "event_id", "event_type", "payload", "source", "version"]),
    ("product_variants", &["id", "sku"]),
    ("purchase_extensions", &["ends_at", "payment_id", "purchase_id", "sessions"]),
    ("purchase_reductions", &["payment_id", "purchase_id", "sessions", "updated_at"]),
    ("refunds", &["amount_minor", "created_at", "currency", "id", "payment_id", "payment_intent_id", "payment_refunded_minor",
        "provider", "provider_payment_id", "provider_refund_id", "reason", "status", "told_at", "updated_at"]),
    ("session_blackout_dates", &["day"]),
    ("student_course_purchases", &["course_id", "created_at", "end_reason", "ended_at", "expiry_date", "id", "is_active",
        "metadata", "payment_id", "purchase_tier", "student_id", "updated_at"]),
    ("trainer_allocations", &["course_id", "created_at", "id", "metadata", "planned", "status", "student_id", "trainer_id",
        "updated_at"]),
    ("tutoring_sessions", &["allocation_id", "course_id", "created_at", "id", "planned_date", "planned_time", "scheduled_date",
        "scheduled_time", "status", "student_id", "trainer_id", "updated_at"]),
];
