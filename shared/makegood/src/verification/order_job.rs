//! The job that makes the order of a payment.

use super::Payment;
use crate::db::Connection;
use crate::job::{self, Enqueued, JobType, NewJob};
use serde_json::json;

/// An order is what a buyer waits for: nothing runs before it.
const ORDER_PRIORITY: i32 = 1;

/// What an order's job is known by, whoever enqueues it.
#[must_use]
pub fn order_job_key(payment: &Payment) -> String {
    format!("payment_{}_{}", payment.provider, payment.external_transaction_id)
}

/// The job that makes the order of a paid intent.
pub(super) fn order_job(payment: &Payment, intent_id: &str) -> NewJob {
    NewJob {
        job_type: JobType::FinalizeOrder,
        payload: json!({"payment_intent_id": intent_id, "provider": payment.provider}),
        priority: ORDER_PRIORITY,
        idempotency_key: order_job_key(payment),
        scheduled_for: None,
    }
}

/// Writes that job, or finds it. Belongs into the transaction that finds that it is not there.
///
/// # Errors
/// Those of the database.
pub async fn enqueue_order(
    connection: &mut Connection,
    payment: &Payment,
    intent_id: &str,
) -> Result<Enqueued, sqlx::Error> {
    job::enqueue(connection, &order_job(payment, intent_id)).await
}
