//! How a purchase ends, whatever the reason: it runs no more, its trainer is free, what was planned is off, and an event says so.
//! Set-based, in the caller's transaction; nothing here commits.

use super::owner::{Owner, owner_of};
use crate::db::Connection;
use crate::event::{Envelope, EventType, PurchaseEnded};
use crate::ids::{CorrelationId, CourseId, PaymentId, PurchaseId, StudentId};
use crate::outbox::{self, OutboxEvent, OutboxRow};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::HashMap;
use uuid::Uuid;

/// Why a purchase ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    /// All of the money went back.
    Refunded,
    /// The buyer's bank took the money back.
    DisputeLost,
    /// A person ended it.
    ByHand,
    /// Its last day is over.
    Expired,
    /// All of its sessions were held.
    Consumed,
    /// A renewal took its place.
    Replaced,
}

impl EndReason {
    /// As the column and the event have it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Refunded => "refunded",
            Self::DisputeLost => "dispute_lost",
            Self::ByHand => "by_hand",
            Self::Expired => "expired",
            Self::Consumed => "consumed",
            Self::Replaced => "replaced",
        }
    }
}

/// Who ends purchases, why and when.
#[derive(Debug, Clone, Copy)]
pub struct Ending {
    /// Why.
    pub reason: EndReason,
    /// When; sessions that begin later are cancelled.
    pub now: DateTime<Utc>,
    /// The school's, which its sessions are planned in.
    pub timezone: Tz,
    /// Who publishes.
    pub source: &'static str,
}

/// What became of the purchase of a payment that went back.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// It ended now; the events to publish after the commit.
    Now(Vec<OutboxRow>),
    /// There is none that runs.
    NothingRuns,
    /// One from before payments were noted runs, and it is not sure that this payment paid for it: a person decides.
    Uncertain(PurchaseId),
}

/// Ends the running purchase of this payment, if there is one. The payment's row must be locked by the caller and, for a purchase from
/// before payments were noted, must still say `succeeded`: whose it is is decided as create-purchase decides it (decision 0002).
///
/// # Errors
/// Those of the database.
pub async fn end_of_payment(
    connection: &mut Connection,
    payment: PaymentId,
    ending: &Ending,
) -> Result<Ended, sqlx::Error> {
    match owner_of(connection, payment).await? {
        Owner::Of(purchase) => Ok(Ended::Now(end(connection, &[purchase], ending).await?)),
        Owner::OfNone => Ok(Ended::NothingRuns),
        Owner::Uncertain(purchase) => Ok(Ended::Uncertain(purchase)),
    }
}

/// Ends the running purchase that notes this payment, if there is one: for a payment that does not count as succeeded any more, so that
/// nothing else could be said to be its own. Gives back the events to publish after the commit.
///
/// # Errors
/// Those of the database.
pub async fn end_noted(
    connection: &mut Connection,
    payment: PaymentId,
    ending: &Ending,
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM student_course_purchases WHERE payment_id = $1 AND is_active",
        payment.0
    )
    .fetch_all(&mut *connection)
    .await?;
    let purchases: Vec<PurchaseId> = ids.into_iter().map(PurchaseId).collect();
    end(connection, &purchases, ending).await
}

/// Ends these purchases; one that does not run any more is left as it is. Gives back the events to publish after the commit.
///
/// Three statements on purpose: each sees what those committed whom the one before has waited for. Purchases are locked before
/// allocations, and these before their sessions, each in the order of the key. An allocation that another running purchase of the
/// same student and course needs, as legacy duplicates do, stays.
///
/// # Errors
/// Those of the database.
pub async fn end(
    connection: &mut Connection,
    purchases: &[PurchaseId],
    ending: &Ending,
) -> Result<Vec<OutboxRow>, sqlx::Error> {
    if purchases.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = purchases.iter().map(|purchase| purchase.0).collect();
    let ended = sqlx::query_file!(
        "src/purchase/end_purchases.sql",
        &ids,
        ending.reason.wire_name(),
        ending.now
    )
    .fetch_all(&mut *connection)
    .await?;
    if ended.is_empty() {
        return Ok(Vec::new());
    }
    let (students, courses): (Vec<Uuid>, Vec<Uuid>) =
        ended.iter().map(|row| (row.student_id, row.course_id)).unzip();
    sqlx::query_file!(
        "src/purchase/release_allocations.sql",
        &students,
        &courses,
        ending.now
    )
    .execute(&mut *connection)
    .await?;
    let cancelled = cancel_sessions(connection, &students, &courses, ending).await?;
    let outbox_events: Vec<OutboxEvent> = ended
        .iter()
        .map(|row| {
            let over = Over {
                purchase: row.id,
                student: row.student_id,
                course: row.course_id,
                payment: row.payment_id,
                reason: ending.reason.wire_name(),
                cancelled: cancelled
                    .get(&(row.student_id, row.course_id))
                    .copied()
                    .unwrap_or(0),
            };
            over.outbox_event(ending.source, ending.now)
        })
        .collect();
    outbox::enqueue(connection, &outbox_events).await
}

/// A purchase that runs no more, as its event tells it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Over<'a> {
    pub(super) purchase: Uuid,
    pub(super) student: Uuid,
    pub(super) course: Uuid,
    pub(super) payment: Option<Uuid>,
    pub(super) reason: &'a str,
    pub(super) cancelled: i64,
}

impl Over<'_> {
    /// `PURCHASE_ENDED`.
    pub(super) fn outbox_event(&self, source: &str, now: DateTime<Utc>) -> OutboxEvent {
        let correlation = self.payment.unwrap_or(self.purchase);
        let event_id = PurchaseEnded::event_id(PurchaseId(self.purchase));
        let event = PurchaseEnded {
            purchase_id: PurchaseId(self.purchase),
            student_id: StudentId(self.student),
            course_id: CourseId(self.course),
            reason: self.reason.to_owned(),
            cancelled_sessions: self.cancelled,
            envelope: Envelope::published(event_id.clone(), correlation.to_string(), source, now),
        };
        OutboxEvent {
            event_id,
            event_type: EventType::PurchaseEnded,
            correlation: CorrelationId(correlation),
            payload: event.to_json(),
        }
    }
}

/// How many sessions were cancelled, by pair.
async fn cancel_sessions(
    connection: &mut Connection,
    students: &[Uuid],
    courses: &[Uuid],
    ending: &Ending,
) -> Result<HashMap<(Uuid, Uuid), i64>, sqlx::Error> {
    let at_school = ending.now.with_timezone(&ending.timezone).naive_local();
    let rows = sqlx::query_file!(
        "src/purchase/cancel_sessions.sql",
        students,
        courses,
        at_school,
        ending.now
    )
    .fetch_all(connection)
    .await?;
    let counts = rows
        .into_iter()
        .map(|row| ((row.student_id, row.course_id), row.sessions));
    Ok(counts.collect())
}
