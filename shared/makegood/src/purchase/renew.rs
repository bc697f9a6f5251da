//! A payment for what is over renews it: the old purchase is closed and the new one made, in one transaction, under the same unique index.

use super::decide::{End, Evidence, PurchaseOutcome, decide, legacy_owners};
use super::end::Over;
use super::evidence::gather;
use super::fallback::{insert_plainly, lock_pairs, lock_payable};
use super::fast::{Columns, Written};
use super::request::{PurchaseRequest, SOURCE};
use super::row::PaymentFacts;
use crate::db::Connection;
use crate::outbox::{self, OutboxEvent, OutboxRow};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::HashSet;
use uuid::Uuid;

/// What a renewal wrote.
#[derive(Default)]
pub(super) struct Renewed {
    /// The purchases that were made.
    pub(super) written: Vec<Written>,
    /// That those which they renew have ended, to publish after the commit.
    pub(super) published: Vec<OutboxRow>,
}

/// Renews what is over still, once a student and course, and gives back what was made; the others are decided anew. Takes the pairs'
/// advisory locks before it locks their purchases, as the fallback does, so that it is right without the index too; with it, a writer on
/// the fast path waits for this transaction, and then meets the new purchase. Does not commit.
pub(super) async fn renew(
    transaction: &mut Connection,
    requests: &[PurchaseRequest],
    facts: &PaymentFacts,
    now: DateTime<Utc>,
) -> Result<Renewed, sqlx::Error> {
    lock_pairs(transaction, requests).await?;
    let payments: Vec<Uuid> = requests
        .iter()
        .map(|request| request.event.payment_id.0)
        .collect();
    let payable = lock_payable(transaction, &payments).await?;
    lock_rows(transaction, requests).await?;
    // Read anew, as it is under the locks.
    let evidence = gather(transaction, requests, facts, now).await?;
    let mut pairs = HashSet::new();
    let renewed: Vec<(&PurchaseRequest, &Evidence)> = requests
        .iter()
        .zip(&evidence)
        .filter(|(request, evidence)| {
            matches!(
                decide(request.event.payment_id, evidence),
                PurchaseOutcome::Over(_)
            ) && payable.contains(&request.event.payment_id.0)
                && pairs.insert(request.key())
        })
        .collect();
    if renewed.is_empty() {
        return Ok(Renewed::default());
    }
    let published = close(transaction, &renewed, now, facts.timezone).await?;
    let requests: Vec<PurchaseRequest> = renewed.into_iter().map(|(request, _)| request.clone()).collect();
    let written = insert_plainly(transaction, &Columns::of(&requests, now)).await?;
    Ok(Renewed { written, published })
}

/// The active purchases of the pairs and their allocations, each in the order of their ids, so that renewals can't deadlock with each
/// other nor with those who plan sessions.
async fn lock_rows(transaction: &mut Connection, requests: &[PurchaseRequest]) -> Result<(), sqlx::Error> {
    let (students, courses): (Vec<Uuid>, Vec<Uuid>) = requests.iter().map(PurchaseRequest::key).unzip();
    sqlx::query!(
        "SELECT p.id FROM student_course_purchases p
         JOIN unnest($1::uuid[], $2::uuid[]) AS r (student_id, course_id) USING (student_id, course_id)
         WHERE p.is_active ORDER BY p.id FOR UPDATE OF p",
        &students,
        &courses,
    )
    .fetch_all(&mut *transaction)
    .await?;
    lock_allocations(transaction, &students, &courses).await
}

/// The allocations of these pairs that are not over, in the order of their ids.
pub(super) async fn lock_allocations(
    transaction: &mut Connection,
    students: &[Uuid],
    courses: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT a.id FROM trainer_allocations a
         JOIN unnest($1::uuid[], $2::uuid[]) AS r (student_id, course_id) USING (student_id, course_id)
         WHERE a.status IN ('approved', 'active', 'pending') ORDER BY a.id FOR UPDATE OF a",
        students,
        courses,
    )
    .fetch_all(transaction)
    .await?;
    Ok(())
}

/// Closes what is renewed, and writes that it has ended and why.
async fn close(
    transaction: &mut Connection,
    renewed: &[(&PurchaseRequest, &Evidence)],
    now: DateTime<Utc>,
    timezone: Tz,
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    let (mut purchases, mut reasons, mut owners) = (Vec::new(), Vec::new(), Vec::new());
    for (request, evidence) in renewed {
        let owned = legacy_owners(request.event.payment_id, evidence);
        for purchase in evidence.purchases.iter().filter(|purchase| purchase.active) {
            purchases.push(purchase.id.0);
            reasons.push(purchase.over.unwrap_or(End::Expired).wire_name());
            let owner = owned.iter().find(|(owned, _)| *owned == purchase.id);
            owners.push(owner.map(|(_, payment)| payment.0));
        }
    }
    let closed = sqlx::query_file!(
        "src/purchase/close_over.sql",
        &purchases,
        &reasons as &[&str],
        &owners as &[Option<Uuid>],
        now.with_timezone(&timezone).date_naive(),
    )
    .fetch_all(&mut *transaction)
    .await?;
    let outbox_events: Vec<OutboxEvent> = closed
        .iter()
        .map(|row| {
            let over = Over {
                purchase: row.id,
                student: row.student_id,
                course: row.course_id,
                payment: row.payment_id,
                reason: &row.reason,
                cancelled: row.cancelled,
            };
            over.outbox_event(SOURCE, now)
        })
        .collect();
    outbox::enqueue(transaction, &outbox_events).await
}
