//! The situations in which a buyer checks out.

/// What is there when a buyer checks out, and what the buyer is told.
#[derive(Clone, Copy)]
pub struct Situation {
    pub name: &'static str,
    pub cart: &'static [(char, i32)],
    pub method: &'static str,
    /// Checked out before, with the key `first`.
    pub before: bool,
    /// What happens then.
    pub sql: &'static str,
    /// What the buyer accepted, in paisa.
    pub accepts: Option<i64>,
    /// The key of the request.
    pub key: Option<&'static str>,
    /// Intents and pieces of a buyer, and of an address.
    pub limits: [u32; 4],
    pub gateway_fails: bool,
    pub told: (u64, &'static str),
}

pub const PLAIN: Situation = Situation {
    name: "a plain cart",
    cart: &[('B', 1), ('A', 2)],
    method: "esewa",
    before: false,
    sql: "",
    accepts: None,
    key: Some("second"),
    limits: [3, 100, 100, 1_000],
    gateway_fails: false,
    told: (200, ""),
};

/// Another buyer holds these pieces of A.
const OTHER: &str = "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, metadata)
     VALUES ('pi_other', md5('other')::uuid, 'esewa', 1, '[]', '{\"client\": \"192.0.2.1/32\"}');
     INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
     SELECT 'pi_other', id, 4, now() + interval '1 hour' FROM product_variants WHERE sku = 'SKU-A';
     UPDATE inventory i SET quantity_reserved = 4 FROM product_variants v WHERE v.id = i.variant_id AND sku = 'SKU-A'";

/// Another buyer holds four pieces of A, which the pipeline has counted, and another hand has set the counter to nothing.
const RESET: &str = "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, metadata)
     VALUES ('pi_other', md5('other')::uuid, 'esewa', 1, '[]', '{\"client\": \"192.0.2.1/32\"}');
     INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
     SELECT 'pi_other', id, 4, now() + interval '1 hour' FROM product_variants WHERE sku = 'SKU-A';
     UPDATE inventory i SET quantity_reserved = 0, reserved_written = 4 FROM product_variants v WHERE v.id = i.variant_id AND sku = 'SKU-A'";

/// What a cart may hold.
pub const CARTS: &[Situation] = &[
    PLAIN,
    Situation {
        name: "Khalti",
        method: "khalti",
        ..PLAIN
    },
    Situation {
        name: "no key",
        key: None,
        ..PLAIN
    },
    Situation {
        name: "one line",
        cart: &[('A', 5)],
        ..PLAIN
    },
    Situation {
        name: "Khalti fails",
        method: "khalti",
        gateway_fails: true,
        told: (502, "gateway_failed"),
        ..PLAIN
    },
    Situation {
        name: "nothing in it",
        cart: &[],
        told: (400, "cart_empty"),
        ..PLAIN
    },
    Situation {
        name: "no cart",
        sql: "DELETE FROM carts",
        told: (400, "cart_empty"),
        ..PLAIN
    },
    Situation {
        name: "a variant that is not for sale",
        sql: "UPDATE product_variants SET is_active = false WHERE sku = 'SKU-A'",
        told: (409, "not_for_sale"),
        ..PLAIN
    },
    Situation {
        name: "a product that is not for sale",
        sql: "UPDATE products SET is_active = false",
        told: (409, "not_for_sale"),
        ..PLAIN
    },
    Situation {
        name: "it costs nothing",
        sql: "UPDATE product_variants SET price_cents = 0",
        ..PLAIN
    },
    Situation {
        name: "it costs nothing, for Khalti",
        method: "khalti",
        sql: "UPDATE product_variants SET price_cents = 0",
        ..PLAIN
    },
    Situation {
        name: "a part costs nothing",
        sql: "UPDATE product_variants SET price_cents = 0 WHERE sku = 'SKU-B'",
        ..PLAIN
    },
    Situation {
        name: "less than Khalti takes",
        method: "khalti",
        sql: "UPDATE product_variants SET price_cents = 333",
        told: (400, "amount_not_payable"),
        ..PLAIN
    },
    Situation {
        name: "just what Khalti takes",
        method: "khalti",
        cart: &[('A', 2)],
        sql: "UPDATE product_variants SET price_cents = 500",
        ..PLAIN
    },
    Situation {
        name: "more than can be counted",
        sql: "UPDATE product_variants SET price_cents = 9223372036854775807",
        told: (400, "amount_not_payable"),
        ..PLAIN
    },
];

/// A costs more than the cart shows: with one B, 346.90 rupees and not 300.
const DEARER: &str = "UPDATE product_variants SET price_cents = 12345 WHERE sku = 'SKU-A'";
const CHANGED: (u64, &str) = (409, "price_changed");

/// What the cart shows, and what it costs.
#[rustfmt::skip]
pub const PRICES: &[Situation] = &[
    Situation { name: "a price rose", sql: DEARER, told: CHANGED, ..PLAIN },
    Situation { name: "a price rose, for Khalti", method: "khalti", sql: DEARER, told: CHANGED, ..PLAIN },
    Situation { name: "a paisa more", sql: "UPDATE cart_items SET price_snapshot_cents = 9999", told: CHANGED, ..PLAIN },
    Situation { name: "a price rose, and it is accepted", sql: DEARER, accepts: Some(34_690), ..PLAIN },
    Situation { name: "a price rose, and more is accepted", sql: DEARER, accepts: Some(99_999), ..PLAIN },
    Situation { name: "a price rose once more", sql: DEARER, accepts: Some(34_689), told: CHANGED, ..PLAIN },
    Situation { name: "a price rose and nothing is accepted", sql: DEARER, accepts: Some(0), told: CHANGED, ..PLAIN },
    Situation { name: "more pieces than were accepted", accepts: Some(20_000), told: CHANGED, ..PLAIN },
    Situation { name: "just what was accepted", accepts: Some(30_000), ..PLAIN },
    Situation { name: "a price fell", sql: "UPDATE product_variants SET price_cents = 9345 WHERE sku = 'SKU-A'", ..PLAIN },
    Situation {
        name: "a price rose and another fell",
        sql: "UPDATE product_variants SET price_cents = CASE sku WHEN 'SKU-A' THEN 10001 ELSE 5000 END",
        told: CHANGED,
        ..PLAIN
    },
    Situation { name: "it was given for nothing", sql: "UPDATE cart_items SET price_snapshot_cents = 0", told: CHANGED, ..PLAIN },
    Situation {
        name: "a price rose, and it is not for sale",
        sql: "UPDATE product_variants SET price_cents = 12345, is_active = false WHERE sku = 'SKU-A'",
        told: (409, "not_for_sale"),
        ..PLAIN
    },
    Situation {
        name: "a price rose, and too little is in stock",
        cart: &[('A', 6)],
        sql: DEARER,
        told: CHANGED,
        ..PLAIN
    },
    Situation {
        name: "a price rose after the checkout",
        before: true,
        sql: DEARER,
        told: CHANGED,
        ..PLAIN
    },
    Situation { name: "a price rose after the checkout of this key", before: true, sql: DEARER, key: Some("first"), ..PLAIN },
    Situation {
        name: "a price rose after the checkout, and it is accepted",
        before: true,
        sql: DEARER,
        accepts: Some(34_690),
        ..PLAIN
    },
    Situation {
        name: "the open checkout has the price, which is more than the cart shows",
        before: true,
        sql: "UPDATE cart_items SET price_snapshot_cents = 9999",
        ..PLAIN
    },
    Situation {
        name: "the open checkout costs more than is accepted now",
        before: true,
        accepts: Some(29_999),
        told: CHANGED,
        ..PLAIN
    },
];

/// What is in stock, and what its counters say.
pub const STOCK: &[Situation] = &[
    Situation {
        name: "all but one",
        cart: &[('A', 6)],
        told: (409, "insufficient_stock"),
        ..PLAIN
    },
    Situation {
        name: "three are short",
        cart: &[('D', 1), ('C', 2), ('B', 1), ('A', 9)],
        told: (409, "insufficient_stock"),
        ..PLAIN
    },
    Situation {
        name: "another buyer holds the rest",
        sql: OTHER,
        told: (409, "insufficient_stock"),
        ..PLAIN
    },
    Situation {
        name: "another buyer holds others",
        sql: OTHER,
        cart: &[('A', 1), ('B', 5)],
        ..PLAIN
    },
    Situation {
        name: "a counter that is too high",
        sql: "UPDATE inventory SET quantity_reserved = 5 WHERE quantity_available = 5",
        ..PLAIN
    },
    Situation {
        name: "a counter that is too high, and too little all the same",
        sql: "UPDATE inventory SET quantity_reserved = 5 WHERE quantity_available = 5",
        cart: &[('A', 6), ('B', 1)],
        told: (409, "insufficient_stock"),
        ..PLAIN
    },
    Situation {
        name: "a counter beyond what is there",
        sql: "UPDATE inventory SET quantity_reserved = 9 WHERE quantity_available = 5",
        ..PLAIN
    },
    Situation {
        name: "a counter that is too low",
        sql: RESET,
        told: (409, "insufficient_stock"),
        ..PLAIN
    },
    Situation {
        name: "a counter that is too low, and enough all the same",
        sql: RESET,
        cart: &[('A', 1), ('B', 1)],
        ..PLAIN
    },
];

/// What the buyer checked out before.
pub const BEFORE: &[Situation] = &[
    Situation { name: "the same again", before: true, ..PLAIN },
    Situation { name: "the same key again", before: true, key: Some("first"), ..PLAIN },
    Situation {
        name: "the same key for another gateway",
        before: true,
        method: "khalti",
        key: Some("first"),
        told: (409, "idempotency_key_reused"),
        ..PLAIN
    },
    Situation { name: "another gateway", before: true, method: "khalti", ..PLAIN },
    Situation { name: "another cart", before: true, sql: "UPDATE cart_items SET quantity = 3", ..PLAIN },
    Situation {
        name: "more than there is",
        before: true,
        sql: "UPDATE cart_items SET quantity = 6",
        told: (409, "insufficient_stock"),
        ..PLAIN
    },
    Situation {
        name: "another cart's intent is open",
        before: true,
        sql: "UPDATE payment_intents SET cart_id = md5('gone')::uuid",
        ..PLAIN
    },
    Situation {
        name: "the other cart's key",
        before: true,
        sql: "UPDATE payment_intents SET cart_id = md5('gone')::uuid, idempotency_key = 'x',
              metadata = metadata || '{\"idempotency_keys\": [\"second\"]}'",
        ..PLAIN
    },
    Situation {
        name: "it is being paid",
        before: true,
        sql: "UPDATE payment_intents SET status = 'processing'",
        ..PLAIN
    },
    Situation {
        name: "it is paid",
        before: true,
        sql: "UPDATE payment_intents SET status = 'processing';
              INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
              SELECT provider, external_transaction_id, payment_intent_id, 'success' FROM payment_intents",
        told: (409, "order_being_made"),
        ..PLAIN
    },
    Situation {
        name: "it has its order",
        before: true,
        sql: "UPDATE payment_intents SET status = 'succeeded'",
        ..PLAIN
    },
    Situation { name: "it ended", before: true, sql: "UPDATE payment_intents SET status = 'expired'", ..PLAIN },
    Situation {
        name: "it ended with nothing of this cart",
        before: true,
        sql: "UPDATE payment_intents SET status = 'failed', items = '[]'",
        ..PLAIN
    },
    Situation {
        name: "it ended days ago",
        before: true,
        sql: "UPDATE payment_intents SET status = 'cancelled', created_at = now() - interval '4 days'",
        ..PLAIN
    },
    Situation {
        name: "it was never opened",
        before: true,
        sql: "UPDATE payment_intents SET gateway_payment_url = NULL",
        ..PLAIN
    },
];

/// What the buyer and the address may hold.
pub const LIMITS: &[Situation] = &[
    Situation {
        name: "just as much as a buyer may",
        limits: [1, 3, 0, 0],
        ..PLAIN
    },
    Situation {
        name: "a larger cart than a buyer may",
        limits: [1, 2, 0, 0],
        told: (409, "cart_too_large"),
        ..PLAIN
    },
    Situation {
        name: "no limits",
        limits: [0, 0, 0, 0],
        ..PLAIN
    },
    Situation {
        name: "an address that may hold one more",
        sql: OTHER,
        cart: &[('A', 1)],
        limits: [3, 100, 2, 5],
        ..PLAIN
    },
    Situation {
        name: "an address with too many intents",
        sql: OTHER,
        cart: &[('A', 1)],
        limits: [3, 100, 1, 0],
        told: (429, "too_many_checkouts"),
        ..PLAIN
    },
    Situation {
        name: "an address with too many pieces",
        sql: OTHER,
        cart: &[('B', 2)],
        limits: [3, 100, 0, 5],
        told: (429, "too_many_checkouts"),
        ..PLAIN
    },
    Situation {
        name: "a buyer with too many intents",
        before: true,
        sql: "UPDATE payment_intents SET cart_id = md5('gone')::uuid",
        limits: [1, 100, 0, 0],
        told: (429, "too_many_checkouts"),
        ..PLAIN
    },
    Situation {
        name: "a buyer with too many pieces",
        before: true,
        sql: "UPDATE payment_intents SET cart_id = md5('gone')::uuid",
        limits: [0, 5, 0, 0],
        told: (429, "too_many_checkouts"),
        ..PLAIN
    },
];
