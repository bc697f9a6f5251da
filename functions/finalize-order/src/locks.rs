//! What a set holds before anything of it is read: its buyers' locks, then the rows of its intents and of those that belong to the same
//! checkouts. Each in one order, so that two sets, or a set and a checkout, wait for each other in turn and never in a circle.

use makegood::job::Job;

/// The statements that take the locks of these jobs' intents, sent in the round trip that begins the transaction. Each is younger
/// than what the one before it waited for: the checkout of an intent changes only under its buyer's lock.
pub(crate) fn lock_statements(jobs: &[&Job]) -> String {
    // As text: a statement that goes with BEGIN has no parameters. These are UUIDs.
    let ids: Vec<String> = jobs.iter().map(|job| format!("'{}'", job.lease.id)).collect();
    let ids = ids.join(", ");
    let own = format!(
        "FROM job_queue j JOIN payment_intents i ON i.payment_intent_id = j.payload ->> 'payment_intent_id' WHERE j.id IN ({ids})"
    );
    format!(
        "SELECT pg_advisory_xact_lock(buyer.key)
         FROM (SELECT DISTINCT hashtextextended('checkout:' || i.user_id, 0) AS key {own} ORDER BY key) buyer;
         WITH own AS MATERIALIZED (
           SELECT i.payment_intent_id, i.user_id, i.metadata ->> 'checkout' AS checkout {own}
         ), wanted AS MATERIALIZED (
           SELECT payment_intent_id FROM own
           UNION
           SELECT r.payment_intent_id
           FROM own JOIN payment_intents r ON r.user_id = own.user_id AND r.metadata ->> 'checkout' = own.checkout
         )
         SELECT i.payment_intent_id FROM payment_intents i
         WHERE i.payment_intent_id IN (SELECT payment_intent_id FROM wanted)
         ORDER BY i.payment_intent_id FOR NO KEY UPDATE OF i"
    )
}
