//! One intent, as the jobs need it that make no order of it.

use makegood::db::Connection;

/// A payment intent, under the lock of its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Intent {
    pub(crate) amount_cents: i64,
    pub(crate) currency: String,
    /// The gateway called it paid.
    pub(crate) is_paid: bool,
    /// Its order is there.
    pub(crate) has_order: bool,
}

/// The intent; none when there is no such row. Whether it has an order is asked in a statement of its own, whose snapshot
/// is younger than the lock: the caller holds the row already ([`makegood::stock::lock_intent`]).
pub(crate) async fn load_locked(
    connection: &mut Connection,
    intent_id: &str,
) -> Result<Option<Intent>, sqlx::Error> {
    sqlx::query_as!(
        Intent,
        r#"SELECT i.amount_cents, i.currency,
                  EXISTS (SELECT FROM payment_gateway_verifications v
                          WHERE v.payment_intent_id = i.payment_intent_id AND v.status = 'success') AS "is_paid!",
                  EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = i.payment_intent_id) AS "has_order!"
           FROM payment_intents i WHERE i.payment_intent_id = $1"#,
        intent_id,
    )
    .fetch_optional(connection)
    .await
}
