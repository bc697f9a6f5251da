//! The columns that this function uses, by table: compared with the live catalogue at its start.
//!
//! `local/stack/queries.sh prepare` writes this file from the queries.

/// Table and columns.
#[rustfmt::skip]
pub const COLUMNS: &[(&str, &[&str])] = &[
    ("cart_items", &["added_at", "cart_id", "id", "price_snapshot_cents", "quantity", "variant_id"]),
    ("carts", &["id", "user_id"]),
    ("inventory", &["quantity_available", "quantity_reserved", "reserved_written", "updated_at", "variant_id", "version"]),
    ("inventory_movements", &["movement_type", "quantity_after", "quantity_change", "reference_id", "reference_type",
        "variant_id"]),
    ("inventory_reservations", &["expires_at", "id", "payment_intent_id", "quantity", "status", "updated_at", "variant_id"]),
    ("orders", &["created_at", "payment_intent_id"]),
    ("payment_cases", &["payment_intent_id"]),
    ("payment_gateway_verifications", &["payment_intent_id", "status"]),
    ("payment_intents", &["amount_cents", "cart_id", "created_at", "expires_at", "external_transaction_id", "gateway_payment_url",
        "idempotency_key", "items", "metadata", "payment_intent_id", "price_until", "provider", "shipping_address", "status",
        "updated_at", "user_id"]),
    ("product_variants", &["id", "is_active", "price_cents", "product_id", "sku"]),
    ("products", &["id", "is_active", "name", "vendor_id"]),
    ("vendor_profiles", &["user_id"]),
];
