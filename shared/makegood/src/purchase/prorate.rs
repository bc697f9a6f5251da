//! What a purchase holds when a part of a payment for it went back, where the school has said that the part takes its sessions with it
//! (docs/decisions/0077). A function of the rows, so that the order of arrival does not count.

use super::over;
use super::owner::{Owner, owner_of};
use super::renew::lock_allocations;
use crate::db::Connection;
use crate::event::{Envelope, EventType, RescheduledSession, SessionsRescheduled};
use crate::ids::{
    AllocationId, CorrelationId, CourseId, PaymentId, PurchaseId, SessionId, StudentId, TrainerId,
};
use crate::outbox::{self, OutboxEvent};
use crate::session::TimeSlot;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use uuid::Uuid;

/// Why a session is off, as `SESSIONS_RESCHEDULED` has it.
const REASON: &str = "money_returned";

/// When it is, where, and who publishes.
#[derive(Debug, Clone, Copy)]
pub struct Prorating {
    /// The present instant.
    pub now: DateTime<Utc>,
    /// The school's, which its sessions are planned in.
    pub timezone: Tz,
    /// Who publishes.
    pub source: &'static str,
}

/// What became of the sessions of a payment of which a part went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prorated {
    /// Nothing of it is back for good, no purchase of it runs, or all of it was carried out before.
    Nothing,
    /// The purchase holds another number of sessions now. What is off is told by the sweep `outbox`.
    Changed,
    /// One from before payments were noted runs, and it is not sure that this payment paid for it: a person decides.
    Uncertain(PurchaseId),
}

/// Takes from the running purchase of a payment the sessions that what is back had paid for, or gives them back when a refund failed; what is
/// planned beyond the rest is cancelled, the last first. The payment's row is locked by the caller. Locks the purchase, its allocations and
/// their sessions, in this order.
///
/// # Errors
/// Those of the database.
pub async fn prorate(
    connection: &mut Connection,
    payment: PaymentId,
    prorating: &Prorating,
) -> Result<Prorated, sqlx::Error> {
    let money = sqlx::query_file!("src/purchase/prorate_returned.sql", payment.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(money) = money else {
        return Ok(Prorated::Nothing);
    };
    let extension = sqlx::query!(
        "SELECT purchase_id, sessions FROM purchase_extensions WHERE payment_id = $1",
        payment.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    let (purchase, added) = match extension {
        Some(row) => (PurchaseId(row.purchase_id), Some(row.sessions)),
        None => match owner_of(connection, payment).await? {
            Owner::Of(purchase) => (purchase, None),
            Owner::OfNone => return Ok(Prorated::Nothing),
            Owner::Uncertain(purchase) => return Ok(Prorated::Uncertain(purchase)),
        },
    };
    let Some(held) = lock(connection, purchase).await? else {
        return Ok(Prorated::Nothing);
    };
    let at_school = prorating.now.with_timezone(&prorating.timezone);
    let Some(calendar) = over::calendar(connection, purchase, at_school).await? else {
        return Ok(Prorated::Nothing);
    };
    let reduced = money.reduced.unwrap_or(0);
    let share = Share {
        bought: added.unwrap_or_else(|| held.own()),
        paid_minor: money.paid_minor,
        returned_minor: money.returned_minor,
    };
    let reduction = share.reduction(held.tier + reduced - calendar.held.max(1));
    if money.reduced == Some(reduction) {
        return Ok(Prorated::Nothing);
    }
    sqlx::query_file!(
        "src/purchase/prorate.sql",
        payment.0,
        purchase.0,
        reduction,
        reduction - reduced
    )
    .execute(&mut *connection)
    .await?;
    tracing::info!(
        correlation_id = %payment, %purchase, reduction, before = reduced,
        "a part of the payment is back: the purchase holds other sessions"
    );
    cancel_surplus(connection, payment, &held, purchase, prorating).await?;
    Ok(Prorated::Changed)
}

/// What a payment bought, and what of its money is back.
#[derive(Debug, Clone, Copy)]
struct Share {
    bought: i32,
    paid_minor: i64,
    returned_minor: i64,
}

impl Share {
    /// How many sessions go with the money, at most so many: a session that the money left pays for in part is the student's.
    fn reduction(self, most: i32) -> i32 {
        let kept = i128::from(self.paid_minor.saturating_sub(self.returned_minor).max(0));
        let paid = i128::from(self.paid_minor.max(1));
        let worth = (i128::from(self.bought) * kept + paid - 1) / paid;
        let worth = i32::try_from(worth).unwrap_or(self.bought);
        (self.bought - worth).clamp(0, most.max(0))
    }
}

/// A running purchase, locked.
#[derive(Debug, Clone, Copy)]
struct Held {
    student: Uuid,
    course: Uuid,
    /// How many sessions it holds by now.
    tier: i32,
    /// Of these, by payments that came later.
    added: i32,
    /// How many it would hold more, had no money gone back.
    reduced: i32,
}

impl Held {
    /// What its own payment bought.
    const fn own(&self) -> i32 {
        self.tier + self.reduced - self.added
    }
}

/// Locks the purchase and its allocations; none when it does not run. The sums are read after the lock was got.
async fn lock(connection: &mut Connection, purchase: PurchaseId) -> Result<Option<Held>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT student_id, course_id, purchase_tier FROM student_course_purchases WHERE id = $1 AND is_active FOR NO KEY UPDATE",
        purchase.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    lock_allocations(connection, &[row.student_id], &[row.course_id]).await?;
    let sums = sqlx::query!(
        r#"SELECT coalesce((SELECT sum(sessions) FROM purchase_extensions WHERE purchase_id = $1), 0)::integer AS "added!",
                  coalesce((SELECT sum(sessions) FROM purchase_reductions WHERE purchase_id = $1), 0)::integer AS "reduced!""#,
        purchase.0
    )
    .fetch_one(connection)
    .await?;
    Ok(Some(Held {
        student: row.student_id,
        course: row.course_id,
        tier: row.purchase_tier,
        added: sums.added,
        reduced: sums.reduced,
    }))
}

/// A session on the calendar.
struct Session {
    id: Uuid,
    trainer_id: Option<Uuid>,
    scheduled_date: NaiveDate,
    scheduled_time: String,
    status: String,
}

impl Session {
    /// Whether it is still to come; one whose time can't be read is.
    fn is_ahead(&self, now: DateTime<Tz>) -> bool {
        let today = now.date_naive();
        let starts = TimeSlot::booked(&self.scheduled_time).starts();
        self.status == "scheduled"
            && (self.scheduled_date > today
                || self.scheduled_date == today && starts.is_none_or(|starts| starts > now.time()))
    }
}

/// Cancels what is planned beyond what the purchase holds, the last sessions first, and writes the event that tells it.
async fn cancel_surplus(
    connection: &mut Connection,
    payment: PaymentId,
    held: &Held,
    purchase: PurchaseId,
    prorating: &Prorating,
) -> Result<(), sqlx::Error> {
    let now = prorating.now.with_timezone(&prorating.timezone);
    let Some(calendar) = over::calendar(connection, purchase, now).await? else {
        return Ok(());
    };
    let Some(allocation) = calendar.allocation else {
        return Ok(());
    };
    let sessions = sqlx::query_as!(
        Session,
        "SELECT id, trainer_id, scheduled_date, scheduled_time, status FROM tutoring_sessions
         WHERE allocation_id = $1 AND status <> 'cancelled' ORDER BY scheduled_date, id FOR UPDATE",
        allocation
    )
    .fetch_all(&mut *connection)
    .await?;
    let bought = usize::try_from(calendar.bought).unwrap_or(usize::MAX);
    let surplus = sessions.len().saturating_sub(bought);
    let mut off: Vec<&Session> = sessions
        .iter()
        .rev()
        .filter(|session| session.is_ahead(now))
        .take(surplus)
        .collect();
    off.reverse();
    if off.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = off.iter().map(|session| session.id).collect();
    sqlx::query!(
        "UPDATE tutoring_sessions SET status = 'cancelled', updated_at = $2 WHERE id = ANY($1)",
        &ids,
        prorating.now
    )
    .execute(&mut *connection)
    .await?;
    let Some(trainer) = calendar.trainer else {
        return Ok(());
    };
    let off = off.into_iter().map(|session| told(session, trainer)).collect();
    let outbox_event = outbox_event(payment, held, (allocation, trainer), off, prorating);
    outbox::enqueue(connection, &[outbox_event]).await?;
    Ok(())
}

fn told(session: &Session, trainer: Uuid) -> RescheduledSession {
    RescheduledSession {
        session_id: SessionId(session.id),
        reason: REASON.to_owned(),
        trainer_id: TrainerId(session.trainer_id.unwrap_or(trainer)),
        from_date: session.scheduled_date,
        from_time: session.scheduled_time.clone(),
        to_date: None,
        to_time: None,
    }
}

fn outbox_event(
    payment: PaymentId,
    held: &Held,
    (allocation, trainer): (Uuid, Uuid),
    sessions: Vec<RescheduledSession>,
    prorating: &Prorating,
) -> OutboxEvent {
    let event_id = SessionsRescheduled::event_id(AllocationId(allocation), Uuid::now_v7());
    let event = SessionsRescheduled {
        allocation_id: AllocationId(allocation),
        trainer_id: TrainerId(trainer),
        student_id: StudentId(held.student),
        course_id: CourseId(held.course),
        sessions,
        envelope: Envelope::published(
            event_id.clone(),
            payment.to_string(),
            prorating.source,
            prorating.now,
        ),
    };
    OutboxEvent {
        event_id,
        event_type: EventType::SessionsRescheduled,
        correlation: CorrelationId(payment.0),
        payload: event.to_json(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reduction(bought: i32, paid_minor: i64, returned_minor: i64, most: i32) -> i32 {
        Share {
            bought,
            paid_minor,
            returned_minor,
        }
        .reduction(most)
    }

    #[test]
    fn a_session_that_is_paid_for_in_part_stays() {
        assert_eq!(reduction(20, 499_900, 249_950, 20), 10);
        assert_eq!(reduction(20, 499_900, 249_949, 20), 9);
        assert_eq!(reduction(20, 499_900, 249_951, 20), 10);
        assert_eq!(reduction(20, 499_900, 1, 20), 0);
        assert_eq!(reduction(20, 499_900, 499_899, 20), 19);
        assert_eq!(reduction(500, i64::MAX, i64::MAX - 1, 500), 499);
    }

    #[test]
    fn what_was_held_is_not_taken_and_nothing_is_added() {
        assert_eq!(reduction(20, 1_000, 900, 15), 15);
        assert_eq!(reduction(20, 1_000, 900, 0), 0);
        assert_eq!(reduction(20, 1_000, 900, -3), 0);
        assert_eq!(reduction(20, 1_000, 0, 19), 0);
        assert_eq!(reduction(20, 1_000, -5, 19), 0);
    }
}
