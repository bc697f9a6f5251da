//! The columns that this function uses, by table: compared with the live catalogue at its start.
//!
//! `local/stack/queries.sh prepare` writes this file from the queries.

/// Table and columns.
#[rustfmt::skip]
pub const COLUMNS: &[(&str, &[&str])] = &[
    ("audit_log", &["action", "actor", "at", "details", "reason", "subject"]),
    ("cart_items", &["cart_id", "id", "quantity", "updated_at", "variant_id"]),
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
    ("order_items", &["order_id", "product_id", "product_name", "quantity", "sku", "total_price_cents", "unit_price_cents",
        "variant_id", "vendor_id"]),
    ("orders", &["confirmed_at", "created_at", "currency", "id", "order_number", "payment_intent_id", "payment_provider",
        "shipping_address", "status", "subtotal_cents", "total_cents", "user_id"]),
    ("outbox", &["attempts", "claimed_until", "correlation_id", "created_at", "event_id", "event_type", "id", "last_error",
        "payload", "published_at", "taken_by", "topic"]),
    ("payment_cases", &["amount_cents", "currency", "details", "id", "kind", "note", "opened_at", "payment_id",
        "payment_intent_id", "resolved_at", "resolved_by", "status", "subject"]),
    ("payment_gateway_verifications", &["payment_intent_id", "status", "verified_at"]),
    ("payment_intents", &["amount_cents", "cart_id", "currency", "given_back_at", "items", "metadata", "payment_intent_id",
        "price_until", "provider", "shipping_address", "status", "updated_at", "user_id"]),
    ("payments", &["confirmed_at", "created_at", "currency", "id", "status"]),
    ("processed_events", &["correlation_id", "event_id", "event_type", "payload", "source", "version"]),
    ("product_variants", &["id", "is_active", "price_cents", "sku"]),
    ("products", &["id", "is_active"]),
    ("purchase_extensions", &["payment_id"]),
    ("student_course_purchases", &["payment_id"]),
    ("vendor_profiles", &["user_id"]),
];
