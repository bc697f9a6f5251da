//! The fallback while the index is missing: advisory locks, a look, a plain insert, each a statement of its own, since
//! one statement that locks and looks has its snapshot from before the lock (FACTS).

use super::fast::{Columns, Written};
use super::request::PurchaseRequest;
use crate::db::Connection;
use crate::outbox::LEASE_SECONDS;
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use uuid::Uuid;

/// The first key of the advisory locks: this purpose and no other.
const LOCK_SPACE: &str = "makegood.purchase";

/// Makes what is free to be made, under transaction-scoped advisory locks on the pairs, taken in the order of the key;
/// locks existing active purchases of the pairs. Must run in a READ COMMITTED transaction; does not commit.
///
/// 23505 when a writer on the fast path was faster.
pub(super) async fn create_under_locks(
    transaction: &mut Connection,
    requests: &[PurchaseRequest],
    now: DateTime<Utc>,
) -> Result<Vec<Written>, sqlx::Error> {
    lock_pairs(transaction, requests).await?;
    let taken = read_under_locks(transaction, requests).await?;
    let mut pairs = HashSet::new();
    let free: Vec<PurchaseRequest> = requests
        .iter()
        .filter(|request| !taken.contains(&request.purchase_id.0) && pairs.insert(request.key()))
        .cloned()
        .collect();
    if free.is_empty() {
        return Ok(Vec::new());
    }
    insert_plainly(transaction, &Columns::of(&free, now)).await
}

/// The advisory locks of these pairs, until the transaction ends.
pub(super) async fn lock_pairs(
    transaction: &mut Connection,
    requests: &[PurchaseRequest],
) -> Result<(), sqlx::Error> {
    let pairs: Vec<String> = requests
        .iter()
        .map(|request| format!("{}:{}", request.key().0, request.key().1))
        .collect();
    sqlx::query!(
        // Sorted by what is locked, so that even pairs whose hashes collide are taken in the same order by everybody.
        r#"SELECT pg_advisory_xact_lock(hashtext($2), s.hash)::text AS "locked?"
           FROM (SELECT DISTINCT hashtext(pair) AS hash FROM unnest($1::text[]) AS p (pair) ORDER BY 1 OFFSET 0) s"#,
        &pairs,
        LOCK_SPACE,
    )
    .fetch_all(transaction)
    .await?;
    Ok(())
}

/// Those of these payments that count as succeeded. Their rows are locked until the commit, so that a refund waits and then finds what was
/// made; see create_fast.sql.
pub(super) async fn lock_payable(
    transaction: &mut Connection,
    payments: &[Uuid],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let payable = sqlx::query_scalar!(
        "SELECT id FROM payments WHERE id = ANY($1) AND status = 'succeeded' ORDER BY id FOR SHARE",
        payments,
    )
    .fetch_all(transaction)
    .await?;
    Ok(payable.into_iter().collect())
}

/// The requests that are not free: the pair has an active purchase, the payment has one, extended one or does not count any more, or a
/// case is about it.
async fn read_under_locks(
    transaction: &mut Connection,
    requests: &[PurchaseRequest],
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let ids: Vec<Uuid> = requests.iter().map(|request| request.purchase_id.0).collect();
    let students: Vec<Uuid> = requests
        .iter()
        .map(|request| request.event.student_id.0)
        .collect();
    let courses: Vec<Uuid> = requests.iter().map(|request| request.event.course_id.0).collect();
    let payments: Vec<Uuid> = requests
        .iter()
        .map(|request| request.event.payment_id.0)
        .collect();
    let payable = lock_payable(transaction, &payments).await?;
    let given_back = requests
        .iter()
        .filter(|request| !payable.contains(&request.event.payment_id.0))
        .map(|request| request.purchase_id.0);
    let owned = sqlx::query_scalar!(
        r#"SELECT r.id AS "id!" FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS r (id, student_id, course_id)
           JOIN student_course_purchases p
             ON p.student_id = r.student_id AND p.course_id = r.course_id AND p.is_active
           ORDER BY p.student_id, p.course_id, p.id
           FOR UPDATE OF p"#,
        &ids,
        &students,
        &courses,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let paid = sqlx::query_scalar!(
        r#"SELECT r.id AS "id!" FROM unnest($1::uuid[], $2::uuid[]) AS r (id, payment_id)
           WHERE EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = r.payment_id)
              OR EXISTS (SELECT FROM purchase_extensions x WHERE x.payment_id = r.payment_id)
              OR EXISTS (SELECT FROM payment_cases c WHERE c.kind = 'surplus_payment' AND c.subject = r.payment_id::text)"#,
        &ids,
        &payments,
    )
    .fetch_all(&mut *transaction)
    .await?;
    Ok(owned.into_iter().chain(paid).chain(given_back).collect())
}

/// Makes these purchases with their marks and events, as `create_fast.sql` does. 23505 when one is there.
pub(super) async fn insert_plainly(
    transaction: &mut Connection,
    columns: &Columns,
) -> Result<Vec<Written>, sqlx::Error> {
    sqlx::query_file_as!(
        Written,
        "src/purchase/create_fallback.sql",
        &columns.purchase_ids,
        &columns.payment_ids,
        &columns.student_ids,
        &columns.course_ids,
        &columns.tiers,
        &columns.expiries as &[Option<DateTime<Utc>>],
        &columns.metadata,
        &columns.event_ids,
        &columns.event_correlations,
        &columns.events,
        &columns.sources,
        &columns.versions,
        &columns.outbox_event_ids,
        &columns.outbox_events,
        f64::from(LEASE_SECONDS),
    )
    .fetch_all(transaction)
    .await
}
