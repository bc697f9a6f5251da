//! Fills the windows of a set of allocations: lock, load, move what can't stay, plan, insert, publish, all in the caller's transaction.

use super::calendar::move_sessions;
use super::elsewhere::{self, Whose};
use super::filling::{Filling, correlation};
use super::next_sessions::{next_sessions, upcoming};
use super::replan::{Move, replan};
use super::rescheduled;
use super::slot::TimeSlot;
use super::store::{self, Allocation, NewSession};
use crate::blackout;
use crate::db::Connection;
use crate::event::{Envelope, EventType, SessionsGenerated};
use crate::ids::{AllocationId, CorrelationId, CourseId, SessionId, TrainerId};
use crate::outbox::{self, OutboxEvent, OutboxRow};
use crate::school_days::SchoolDays;
use chrono::{NaiveDate, Utc};
use std::collections::{BTreeSet, HashMap};

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
    /// How many sessions were moved, handed over or cancelled.
    pub rescheduled: usize,
    /// What is to be published after the commit.
    pub published: Vec<OutboxRow>,
}

/// What is to be written.
#[derive(Debug, Default)]
struct Work {
    moves: Vec<(AllocationId, Move)>,
    planned: Vec<NewSession>,
    /// The allocations whose sessions are planned by something else from now on, by index.
    renoted: Vec<usize>,
}

/// Moves what can't stay where it is, fills the windows of these allocations, and writes `SESSIONS_RESCHEDULED` and `SESSIONS_GENERATED`
/// to the outbox. No new session is at the time of another course of the student, nor, where the rules say so, of another student of the
/// trainer, while there are other times or days. Locks the allocations, and the others of their students, in id order, and then the trainers that
/// are compared, until the transaction ends: whoever fills the same ones waits, and then finds them full. Never commits.
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
    let mut loaded = store::lock_and_load(connection, &ids, filling.now).await?;
    let mut others = elsewhere::lock_and_load(connection, &ids, today, &filling.clash_rules).await?;
    let school = blackout::school_days(connection, filling.teaching_days, today).await?;
    let mut outcomes = HashMap::with_capacity(loaded.len());
    let mut work = Work::default();
    for (index, allocation) in loaded.iter_mut().enumerate() {
        let outcome = match schedulable(allocation) {
            Err(outcome) => outcome,
            Ok((trainer, course)) => {
                let whose = Whose {
                    allocation: allocation.id,
                    student: allocation.student,
                    course,
                    trainer,
                };
                let alternatives = &filling.clash_rules.alternatives;
                others.mark_taken(&mut allocation.window, whose, alternatives);
                move_ahead(allocation, trainer, filling, &school, &mut work);
                if allocation.planned.as_ref() != Some(&allocation.terms) {
                    work.renoted.push(index);
                }
                let new = if allocation.is_disputed {
                    Vec::new()
                } else {
                    plan(allocation, filling, &school)
                };
                others.settle(whose, &allocation.window, &new);
                let sessions = new.into_iter().map(|when| session(allocation, whose, when));
                work.planned.extend(sessions);
                if allocation.is_disputed {
                    Outcome::Disputed
                } else {
                    Outcome::Filled(0)
                }
            }
        };
        outcomes.insert(allocation.id, outcome);
    }
    write(connection, filling, &loaded, work, outcomes).await
}

/// Moves what can't stay where it is, in the window too.
fn move_ahead(
    allocation: &mut Allocation,
    trainer: TrainerId,
    filling: &Filling,
    days: &SchoolDays,
    work: &mut Work,
) {
    let told = filling.told.get(&allocation.id).map(|told| told.starts_on);
    let window = &mut allocation.window;
    window.starts_on = window.starts_on.or(told).or(allocation.plan.purchase_starts_on);
    let now = filling.now.naive_local();
    let moves = replan(window, &allocation.sessions, &allocation.plan, trainer, now, days);
    work.moves
        .extend(moves.into_iter().map(|moved| (allocation.id, moved)));
}

/// Who teaches what, or why there can be no sessions.
fn schedulable(allocation: &Allocation) -> Result<(TrainerId, CourseId), Outcome> {
    match (allocation.status.as_str(), allocation.trainer, allocation.course) {
        ("approved" | "active", _, _) if allocation.is_ended => Err(Outcome::PurchaseEnded),
        ("approved" | "active", Some(trainer), Some(course)) => Ok((trainer, course)),
        ("approved" | "active", _, _) => Err(Outcome::Incomplete),
        ("pending", _, _) => Err(Outcome::Pending),
        (ended, _, _) => Err(Outcome::Ended(ended.to_owned())),
    }
}

fn plan(allocation: &Allocation, filling: &Filling, days: &SchoolDays) -> Vec<(NaiveDate, TimeSlot)> {
    let now = filling.now.naive_local();
    if upcoming(&allocation.window.ahead, now) >= filling.refill_below {
        return Vec::new();
    }
    next_sessions(&allocation.window, now, days)
}

fn session(allocation: &Allocation, whose: Whose, (day, slot): (NaiveDate, TimeSlot)) -> NewSession {
    NewSession {
        allocation: allocation.id,
        student: allocation.student,
        trainer: whose.trainer,
        course: whose.course,
        day,
        slot: slot.as_str().to_owned(),
    }
}

async fn write(
    connection: &mut Connection,
    filling: &Filling,
    loaded: &[Allocation],
    mut work: Work,
    mut outcomes: HashMap<AllocationId, Outcome>,
) -> Result<Filled, sqlx::Error> {
    if !work.moves.is_empty() {
        let moved = move_sessions(connection, &work.moves).await?;
        work.moves.retain(|(_, one)| moved.contains(&one.session.id));
    }
    if !work.renoted.is_empty() {
        let renoted: Vec<&Allocation> = work.renoted.iter().map(|index| &loaded[*index]).collect();
        store::note(connection, &renoted).await?;
    }
    let written = if work.planned.is_empty() {
        HashMap::new()
    } else {
        store::insert(connection, &work.planned).await?
    };
    let mut outbox_events = rescheduled::outbox_events(loaded, &work.moves, filling);
    outbox_events.extend(
        loaded
            .iter()
            .filter_map(|allocation| outbox_event(allocation, written.get(&allocation.id)?, filling)),
    );
    let published = outbox::enqueue(connection, &outbox_events).await?;
    let sessions = written.values().map(Vec::len).sum();
    for (id, added) in &written {
        outcomes.insert(*id, Outcome::Filled(added.len()));
    }
    Ok(Filled {
        outcomes,
        sessions,
        allocations: written.len(),
        rescheduled: work.moves.len(),
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
