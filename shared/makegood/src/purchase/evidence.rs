//! Gathers what the decision rests on, for a batch at once.

use super::decide::{Evidence, ExistingPurchase, KnownPayment};
use super::over::add_ends;
use super::request::PurchaseRequest;
use super::row::PaymentFacts;
use crate::db::Connection;
use crate::ids::{PaymentId, PurchaseId};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The evidence of each request, in order. Locks nothing.
pub(super) async fn gather(
    connection: &mut Connection,
    requests: &[PurchaseRequest],
    facts: &PaymentFacts,
    now: DateTime<Utc>,
) -> Result<Vec<Evidence>, sqlx::Error> {
    let mut evidence: Vec<Evidence> = requests
        .iter()
        .map(|request| Evidence {
            refunded: facts.refunded(&request.event),
            difference: request.difference,
            ..Evidence::default()
        })
        .collect();
    add_purchases(connection, requests, &mut evidence).await?;
    add_states(connection, requests, &mut evidence).await?;
    add_ends(
        connection,
        requests,
        &mut evidence,
        now.with_timezone(&facts.timezone),
    )
    .await?;
    let legacy = |evidence: &Evidence| {
        evidence
            .purchases
            .iter()
            .any(|p| p.active && p.payment_id.is_none())
    };
    if evidence.iter().any(legacy) {
        add_payments(connection, requests, &mut evidence).await?;
    }
    Ok(evidence)
}

/// The entry at a one-based position of an `unnest … WITH ORDINALITY`.
fn at(evidence: &mut [Evidence], position: i64) -> Option<&mut Evidence> {
    evidence.get_mut(usize::try_from(position).ok()?.checked_sub(1)?)
}

async fn add_purchases(
    connection: &mut Connection,
    requests: &[PurchaseRequest],
    evidence: &mut [Evidence],
) -> Result<(), sqlx::Error> {
    let payments: Vec<Uuid> = requests
        .iter()
        .map(|request| request.event.payment_id.0)
        .collect();
    let (students, courses) = pairs(requests);
    let rows = sqlx::query_file!(
        "src/purchase/evidence_purchases.sql",
        &payments,
        &students,
        &courses
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        if let Some(evidence) = at(evidence, row.position) {
            evidence.purchases.push(ExistingPurchase {
                id: PurchaseId(row.id),
                payment_id: row.payment_id.map(PaymentId),
                active: row.active,
                over: None,
                created_at: row.created_at,
                published: row.published,
            });
        }
    }
    Ok(())
}

async fn add_states(
    connection: &mut Connection,
    requests: &[PurchaseRequest],
    evidence: &mut [Evidence],
) -> Result<(), sqlx::Error> {
    let payments: Vec<Uuid> = requests
        .iter()
        .map(|request| request.event.payment_id.0)
        .collect();
    let (students, courses) = pairs(requests);
    let rows = sqlx::query!(
        r#"SELECT r.position AS "position!",
                  EXISTS (SELECT FROM payment_cases c WHERE c.kind = 'surplus_payment' AND c.subject = r.payment_id::text) AS "surplus_before!",
                  (SELECT x.purchase_id FROM purchase_extensions x WHERE x.payment_id = r.payment_id) AS "extended?",
                  EXISTS (SELECT FROM trainer_allocations a
                          WHERE a.student_id = r.student_id AND a.course_id = r.course_id
                            AND a.status NOT IN ('rejected', 'cancelled')) AS "allocated!"
           FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY
                AS r (payment_id, student_id, course_id, position)"#,
        &payments,
        &students,
        &courses,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        if let Some(evidence) = at(evidence, row.position) {
            evidence.surplus_before = row.surplus_before;
            evidence.allocated = row.allocated;
            evidence.extended = row.extended.map(PurchaseId);
        }
    }
    Ok(())
}

async fn add_payments(
    connection: &mut Connection,
    requests: &[PurchaseRequest],
    evidence: &mut [Evidence],
) -> Result<(), sqlx::Error> {
    let (students, courses) = pairs(requests);
    let rows = sqlx::query_file!("src/purchase/evidence_payments.sql", &students, &courses)
        .fetch_all(connection)
        .await?;
    for row in rows {
        if let Some(evidence) = at(evidence, row.position) {
            evidence.payments.push(KnownPayment {
                id: PaymentId(row.id),
                marked: row.marked,
                created_at: row.created_at,
            });
        }
    }
    Ok(())
}

fn pairs(requests: &[PurchaseRequest]) -> (Vec<Uuid>, Vec<Uuid>) {
    requests.iter().map(PurchaseRequest::key).unzip()
}
