//! Allocations and their sessions: pages of windows that run low, rows to plan by, new sessions. None of these commits.

use super::calendar::{Calendar, load_calendars};
use super::next_sessions::Window;
use super::replan::Ahead;
use super::terms::{Plan, Terms};
use crate::db::Connection;
use crate::ids::{AllocationId, CourseId, PaymentId, SessionId, StudentId, TrainerId};
use crate::school_days::TeachingDays;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use sqlx::types::Json;
use std::collections::{BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// How many allocations [`next_page`] looks at.
const PAGE: usize = 1_000;
/// The number of sessions when neither the allocation nor a purchase says it (SPEC 2).
const DEFAULT_BOUGHT: u32 = 30;

/// A stretch of approved and active allocations, in id order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The last of them, where the next page goes on; none when there are no more.
    pub last: Option<AllocationId>,
    /// Those that may need sessions, or whose sessions ahead are to be planned anew, in id order.
    pub low: Vec<AllocationId>,
    /// How many have no trainer or no course, and so can't have sessions.
    pub incomplete: usize,
}

/// The next 1,000 approved and active allocations after this one, and which of them have fewer than `refill_below`
/// scheduled sessions on days after `today`, or sessions to be planned anew. Takes no lock: who fills must look again. Notes what those are
/// planned by that were not looked at yet.
///
/// # Errors
/// Those of the database.
pub async fn next_page(
    connection: &mut Connection,
    after: Option<AllocationId>,
    today: NaiveDate,
    teaching_days: TeachingDays,
    refill_below: usize,
) -> Result<Page, sqlx::Error> {
    // The limit is written out, as a parameter would make the planner guess.
    let rows = sqlx::query!(
        r#"SELECT id, trainer_id IS NOT NULL AND course_id IS NOT NULL AS "complete!", planned IS NOT NULL AS "is_noted!"
           FROM trainer_allocations
           WHERE id > $1 AND status IN ('approved', 'active')
           ORDER BY id LIMIT 1000"#,
        after.map_or(Uuid::nil(), |id| id.0),
    )
    .fetch_all(&mut *connection)
    .await?;
    let complete: Vec<Uuid> = rows.iter().filter(|row| row.complete).map(|row| row.id).collect();
    let filled = well_filled(connection, &complete, today, refill_below).await?;
    let teaching = teaching_days.iso_numbers();
    let stale: HashSet<Uuid> = sqlx::query_file_scalar!("src/session/stale.sql", &complete, today, &teaching)
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .collect();
    let unnoted: Vec<Uuid> = rows
        .iter()
        .filter(|row| row.complete && !row.is_noted)
        .map(|row| row.id)
        .collect();
    if !unnoted.is_empty() {
        sqlx::query_file!("src/session/note_first.sql", &unnoted)
            .execute(connection)
            .await?;
    }
    Ok(Page {
        last: rows
            .last()
            .filter(|_| rows.len() == PAGE)
            .map(|row| AllocationId(row.id)),
        incomplete: rows.len() - complete.len(),
        low: complete
            .into_iter()
            .filter(|id| !filled.contains(id) || stale.contains(id))
            .map(AllocationId)
            .collect(),
    })
}

async fn well_filled(
    connection: &mut Connection,
    allocations: &[Uuid],
    today: NaiveDate,
    refill_below: usize,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let filled = sqlx::query_scalar!(
        "SELECT allocation_id FROM tutoring_sessions
         WHERE allocation_id = ANY($1) AND scheduled_date > $2 AND status = 'scheduled'
         GROUP BY allocation_id HAVING count(*) >= $3",
        allocations,
        today,
        i64::try_from(refill_below).unwrap_or(i64::MAX),
    )
    .fetch_all(connection)
    .await?;
    Ok(filled.into_iter().collect())
}

/// An allocation with all that its plan depends on.
#[derive(Debug, Clone)]
pub(super) struct Allocation {
    pub(super) id: AllocationId,
    pub(super) status: String,
    pub(super) student: StudentId,
    pub(super) trainer: Option<TrainerId>,
    pub(super) course: Option<CourseId>,
    pub(super) payment: Option<PaymentId>,
    /// The buyer's bank asks for the money back: nothing new is planned until that is decided.
    pub(super) is_disputed: bool,
    /// Its student and course had a purchase, and none is active any more.
    pub(super) is_ended: bool,
    /// What its rows say now, and what its sessions were planned by.
    pub(super) terms: Terms,
    pub(super) planned: Option<Terms>,
    /// What follows from both.
    pub(super) plan: Plan,
    /// The scheduled sessions of today and later: its own, and those of earlier allocations of the same purchase.
    pub(super) sessions: Vec<Ahead>,
    /// Its calendar. At which times student and trainer have other sessions is not in it yet: that is for who goes through the batch.
    pub(super) window: Window,
}

/// Locks these allocations, and the others that their students have sessions by, against everyone else who schedules, until the transaction
/// ends; then reads them as they are under the lock, in no particular order. Those that don't exist are not among them.
pub(super) async fn lock_and_load(
    connection: &mut Connection,
    allocations: &[Uuid],
    now: DateTime<Tz>,
) -> Result<Vec<Allocation>, sqlx::Error> {
    sqlx::query_file!("src/session/lock.sql", allocations)
        .fetch_all(&mut *connection)
        .await?;
    let mut calendars = load_calendars(connection, allocations, now.date_naive()).await?;
    let rows = sqlx::query_file_as!(AllocationRow, "src/session/load.sql", allocations)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let calendar = calendars.remove(&row.id).unwrap_or_default();
            row.with(calendar, now)
        })
        .collect())
}

struct AllocationRow {
    id: Uuid,
    status: String,
    student_id: Uuid,
    trainer_id: Option<Uuid>,
    course_id: Option<Uuid>,
    session_count: Option<String>,
    purchase_tier: Option<i32>,
    terms: Json<Terms>,
    planned: Option<Json<Terms>>,
    payment_id: Option<Uuid>,
    ends_at: Option<DateTime<Utc>>,
    is_ended: bool,
    is_disputed: bool,
}

impl AllocationRow {
    fn with(self, calendar: Calendar, now: DateTime<Tz>) -> Allocation {
        let timezone = now.timezone();
        let own = bought(self.session_count.as_deref(), self.purchase_tier);
        let planned = self.planned.map(|planned| planned.0);
        let plan = self.terms.plan(planned.as_ref(), now.date_naive(), timezone);
        Allocation {
            id: AllocationId(self.id),
            status: self.status,
            student: StudentId(self.student_id),
            trainer: self.trainer_id.map(TrainerId),
            course: self.course_id.map(CourseId),
            payment: self.payment_id.map(PaymentId),
            is_ended: self.is_ended,
            is_disputed: self.is_disputed,
            window: Window {
                bought: bought_here(own, self.purchase_tier, calendar.used_earlier),
                used: calendar.used,
                starts_on: plan.starts_on,
                ends_at: self.ends_at.map(|end| end.with_timezone(&timezone).naive_local()),
                slot: plan.slot.clone(),
                ahead: calendar.ahead,
                elsewhere: BTreeSet::new(),
                trainer_busy: BTreeSet::new(),
                alternatives: Vec::new(),
            },
            terms: self.terms.0,
            planned,
            plan,
            sessions: calendar.sessions,
        }
    }
}

/// A text that is no number of sessions counts as not written: a paid course is not stopped by it.
pub(crate) fn bought(session_count: Option<&str>, purchase_tier: Option<i32>) -> u32 {
    let written = session_count
        .and_then(|text| text.trim().parse().ok())
        .filter(|count| *count > 0);
    written
        .or_else(|| purchase_tier.and_then(|tier| u32::try_from(tier).ok()))
        .unwrap_or(DEFAULT_BOUGHT)
}

/// How many of an allocation's sessions are its own, where earlier allocations of its purchase have used some: never more than those of the
/// purchase, and never more than a person wrote into an allocation for what was left.
pub(crate) fn bought_here(own: u32, purchase_tier: Option<i32>, used_earlier: u32) -> u32 {
    let tier = purchase_tier
        .and_then(|tier| u32::try_from(tier).ok())
        .unwrap_or(0);
    own.min(own.max(tier).saturating_sub(used_earlier))
}

/// Notes what the sessions of these allocations are planned by from now on.
pub(super) async fn note(
    connection: &mut Connection,
    allocations: &[&Allocation],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = allocations.iter().map(|allocation| allocation.id.0).collect();
    let terms: Vec<serde_json::Value> = allocations
        .iter()
        .map(|allocation| serde_json::json!(allocation.terms))
        .collect();
    let slots: Vec<Option<String>> = allocations
        .iter()
        .map(|allocation| allocation.plan.taken_slot.clone())
        .collect();
    let starts: Vec<Option<String>> = allocations
        .iter()
        .map(|allocation| allocation.plan.taken_start.clone())
        .collect();
    sqlx::query_file!(
        "src/session/note.sql",
        &ids,
        &terms,
        &slots as &[Option<String>],
        &starts as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A session to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NewSession {
    pub(super) allocation: AllocationId,
    pub(super) student: StudentId,
    pub(super) trainer: TrainerId,
    pub(super) course: CourseId,
    pub(super) day: NaiveDate,
    pub(super) slot: String,
}

/// Writes sessions in one statement and gives back those that it wrote, by allocation; a slot that another writer took in
/// the meantime is not among them.
pub(super) async fn insert(
    connection: &mut Connection,
    sessions: &[NewSession],
) -> Result<HashMap<AllocationId, Vec<(NaiveDate, SessionId)>>, sqlx::Error> {
    let allocations: Vec<Uuid> = sessions.iter().map(|session| session.allocation.0).collect();
    let students: Vec<Uuid> = sessions.iter().map(|session| session.student.0).collect();
    let trainers: Vec<Uuid> = sessions.iter().map(|session| session.trainer.0).collect();
    let courses: Vec<Uuid> = sessions.iter().map(|session| session.course.0).collect();
    let days: Vec<NaiveDate> = sessions.iter().map(|session| session.day).collect();
    let slots: Vec<&str> = sessions.iter().map(|session| session.slot.as_str()).collect();
    let rows = sqlx::query_file!(
        "src/session/insert.sql",
        &allocations,
        &students,
        &trainers,
        &courses,
        &days,
        &slots as &[&str],
    )
    .fetch_all(connection)
    .await?;
    let mut written: HashMap<AllocationId, Vec<(NaiveDate, SessionId)>> = HashMap::new();
    for row in rows {
        written
            .entry(AllocationId(row.allocation_id))
            .or_default()
            .push((row.scheduled_date, SessionId(row.id)));
    }
    written.values_mut().for_each(|sessions| sessions.sort());
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_allocations_used_is_not_there_twice() {
        for (own, tier, used_earlier, expected) in [
            (10, Some(10), 0, 10),
            (10, Some(10), 4, 6),
            (10, Some(10), 12, 0),
            // A person wrote what was left, or more than was bought.
            (6, Some(10), 4, 6),
            (12, Some(10), 4, 8),
            (6, Some(10), 0, 6),
            (30, None, 0, 30),
        ] {
            assert_eq!(
                bought_here(own, tier, used_earlier),
                expected,
                "{own} {tier:?} {used_earlier}"
            );
        }
    }

    #[test]
    fn what_was_bought_is_the_allocations_count_then_the_purchases_tier_then_thirty() {
        for (count, tier, expected) in [
            (Some("20"), Some(10), 20),
            (Some(" 20 "), None, 20),
            (None, Some(10), 10),
            (Some("many"), Some(10), 10),
            (Some("0"), Some(10), 10),
            (Some("-5"), None, 30),
            (None, None, 30),
        ] {
            assert_eq!(bought(count, tier), expected, "{count:?} {tier:?}");
        }
    }
}
