//! Fills the windows of a set of allocations: lock, load, plan, insert, publish, all in the caller's transaction.

use super::next_sessions::{next_sessions, upcoming};
use super::store::{self, Allocation, NewSession};
use crate::db::Connection;
use crate::event::{Envelope, EventType, SessionsGenerated};
use crate::ids::{AllocationId, CorrelationId, CourseId, SessionId, TrainerId};
use crate::outbox::{self, OutboxEvent, OutboxRow};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use std::collections::{BTreeSet, HashMap};

/// Who fills, when, and what they know beyond the rows.
#[derive(Debug)]
pub struct Filling {
    /// The present, at the school.
    pub now: DateTime<Tz>,
    /// Who publishes the sessions.
    pub source: &'static str,
    /// Only windows with fewer future sessions than this are filled.
    pub refill_below: usize,
    /// What events said of allocations; may be empty.
    pub told: HashMap<AllocationId, Told>,
}

/// What the event that asked for sessions says of its allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The correlation to go on with.
    pub correlation_id: String,
    /// The start date, for an allocation that has none of its own.
    pub starts_on: NaiveDate,
}

/// What became of one allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// So many sessions were added; none when the window is full or everything bought is used up.
    Filled(usize),
    /// It has no trainer or no course.
    Incomplete,
    /// It is not approved yet.
    Pending,
    /// The buyer's bank asks for the money back: it gets sessions again when that is decided for the school.
    Disputed,
    /// It is over: its status.
    Ended(String),
    /// The purchase of its student and course has ended, and no other one runs.
    PurchaseEnded,
}

/// What filling did.
#[derive(Debug, Default)]
pub struct Filled {
    /// By allocation; one that does not exist is not there.
    pub outcomes: HashMap<AllocationId, Outcome>,
    /// How many sessions were added in all.
    pub sessions: usize,
    /// How many allocations got some.
    pub allocations: usize,
    /// What is to be published after the commit.
    pub published: Vec<OutboxRow>,
}

/// Fills the windows of these allocations and writes `SESSIONS_GENERATED` to the outbox. Locks the allocations, in id
/// order, until the transaction ends: whoever fills the same ones waits, and then finds them full. Never commits.
///
/// # Errors
/// Those of the database; the caller's transaction is then of no more use.
pub async fn fill(
    connection: &mut Connection,
    allocations: &[AllocationId],
    filling: &Filling,
) -> Result<Filled, sqlx::Error> {
    let ids: Vec<_> = allocations
        .iter()
        .map(|id| id.0)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    if ids.is_empty() {
        return Ok(Filled::default());
    }
    let today = filling.now.date_naive();
    let loaded = store::lock_and_load(connection, &ids, filling.now).await?;
    let blackout = store::blackout_days(connection, today).await?;
    let mut outcomes = HashMap::with_capacity(loaded.len());
    let mut planned = Vec::new();
    for allocation in &loaded {
        let outcome = match schedulable(allocation) {
            Err(outcome) => outcome,
            Ok((trainer, course)) => {
                let days = plan(allocation, filling, &blackout);
                planned.extend(
                    days.into_iter()
                        .map(|day| session(allocation, trainer, course, day)),
                );
                Outcome::Filled(0)
            }
        };
        outcomes.insert(allocation.id, outcome);
    }
    write(connection, filling, &loaded, &planned, outcomes).await
}

/// Who teaches what, or why there can be no sessions.
fn schedulable(allocation: &Allocation) -> Result<(TrainerId, CourseId), Outcome> {
    match (allocation.status.as_str(), allocation.trainer, allocation.course) {
        ("approved" | "active", _, _) if allocation.is_ended => Err(Outcome::PurchaseEnded),
        ("approved" | "active", _, _) if allocation.is_disputed => Err(Outcome::Disputed),
        ("approved" | "active", Some(trainer), Some(course)) => Ok((trainer, course)),
        ("approved" | "active", _, _) => Err(Outcome::Incomplete),
        ("pending", _, _) => Err(Outcome::Pending),
        (ended, _, _) => Err(Outcome::Ended(ended.to_owned())),
    }
}

fn plan(allocation: &Allocation, filling: &Filling, blackout: &BTreeSet<NaiveDate>) -> Vec<NaiveDate> {
    let now = filling.now.naive_local();
    if upcoming(&allocation.window.ahead, now) >= filling.refill_below {
        return Vec::new();
    }
    let told = filling.told.get(&allocation.id).map(|told| told.starts_on);
    let mut window = allocation.window.clone();
    window.starts_on = window.starts_on.or(told).or(allocation.purchase_starts_on);
    next_sessions(&window, now, blackout)
}

fn session(allocation: &Allocation, trainer: TrainerId, course: CourseId, day: NaiveDate) -> NewSession {
    let slot = allocation.window.slot.as_str().to_owned();
    NewSession {
        allocation: allocation.id,
        student: allocation.student,
        trainer,
        course,
        day,
        slot,
    }
}

async fn write(
    connection: &mut Connection,
    filling: &Filling,
    loaded: &[Allocation],
    planned: &[NewSession],
    mut outcomes: HashMap<AllocationId, Outcome>,
) -> Result<Filled, sqlx::Error> {
    if planned.is_empty() {
        return Ok(Filled {
            outcomes,
            ..Filled::default()
        });
    }
    let written = store::insert(connection, planned).await?;
    let outbox_events: Vec<OutboxEvent> = loaded
        .iter()
        .filter_map(|allocation| outbox_event(allocation, written.get(&allocation.id)?, filling))
        .collect();
    let published = outbox::enqueue(connection, &outbox_events).await?;
    let sessions = written.values().map(Vec::len).sum();
    for (id, added) in &written {
        outcomes.insert(*id, Outcome::Filled(added.len()));
    }
    Ok(Filled {
        outcomes,
        sessions,
        allocations: written.len(),
        published,
    })
}

/// The event of these sessions, in order of their days.
fn outbox_event(
    allocation: &Allocation,
    written: &[(NaiveDate, SessionId)],
    filling: &Filling,
) -> Option<OutboxEvent> {
    let (first, last) = (written.first()?.0, written.last()?.0);
    let correlation_id = correlation(allocation, filling);
    let event_id = SessionsGenerated::event_id(allocation.id, first, last);
    let now = filling.now.with_timezone(&Utc);
    let event = SessionsGenerated {
        allocation_id: allocation.id,
        trainer_id: allocation.trainer?,
        student_id: allocation.student,
        course_id: allocation.course?,
        session_count: i32::try_from(written.len()).unwrap_or(i32::MAX),
        session_ids: written.iter().map(|(_, id)| *id).collect(),
        start_date: first,
        envelope: Envelope::published(event_id.clone(), correlation_id.clone(), filling.source, now),
    };
    Some(OutboxEvent {
        event_id,
        event_type: EventType::SessionsGenerated,
        correlation: CorrelationId::from_text(&correlation_id),
        payload: event.to_json(),
    })
}

/// The event's, else the payment's id; older purchases know no payment, there the allocation stands in.
fn correlation(allocation: &Allocation, filling: &Filling) -> String {
    match (filling.told.get(&allocation.id), allocation.payment) {
        (Some(told), _) => told.correlation_id.clone(),
        (None, Some(payment)) => payment.to_string(),
        (None, None) => allocation.id.to_string(),
    }
}
