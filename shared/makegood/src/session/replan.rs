//! Which sessions ahead are moved, and to which days. Pure.
//!
//! A session that a person moved stays where it is, and is only handed to the trainer who teaches now. Whatever else must move goes to the
//! first days that are open for new sessions; one that may stay on its day does. Nothing is moved for a session of another course, or of the
//! trainer with another student, at the same time, but what is moved anyway goes to a time without one, as new sessions do.

use super::next_sessions::{Booked, WINDOW, Window, is_ahead, is_open, open_days, upcoming};
use super::slot::TimeSlot;
use super::terms::Plan;
use crate::ids::{SessionId, TrainerId};
use crate::school_days::SchoolDays;
use chrono::{NaiveDate, NaiveDateTime};

/// A scheduled session of today or later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ahead {
    pub(super) id: SessionId,
    pub(super) day: NaiveDate,
    pub(super) slot: TimeSlot,
    pub(super) trainer: TrainerId,
    /// A person has moved it.
    pub(super) is_edited: bool,
    /// The pipeline has noted where it put it; what another program wrote, and what is older than these notes, has none.
    pub(super) is_planned: bool,
    /// It is on the calendar of an allocation that is over; whether its trainer was that allocation's.
    pub(super) left: Option<Left>,
}

/// Whose a session was whose allocation is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// The trainer's of that allocation.
    Trainers,
    /// That of another trainer, who was put in for this session.
    Substitutes,
}

/// Why a session is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    TrainerChanged,
    DayClosed,
    StartChanged,
    SlotChanged,
}

impl Reason {
    pub(super) const fn wire_name(self) -> &'static str {
        match self {
            Self::TrainerChanged => "trainer_changed",
            Self::DayClosed => "day_closed",
            Self::StartChanged => "start_changed",
            Self::SlotChanged => "slot_changed",
        }
    }
}

/// What becomes of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) session: Ahead,
    pub(super) reason: Reason,
    /// Who teaches it then.
    pub(super) trainer: TrainerId,
    /// When it is then; none when there is no day for it: it is cancelled, and still owed.
    pub(super) to: Option<(NaiveDate, TimeSlot)>,
}

/// Moves what must move of these sessions, the allocation's own and those of earlier allocations of its purchase, and keeps the window
/// true. `now` is the school's own date and time.
pub(super) fn replan(
    window: &mut Window,
    sessions: &[Ahead],
    plan: &Plan,
    trainer: TrainerId,
    now: NaiveDateTime,
    days: &SchoolDays,
) -> Vec<Move> {
    let mut moves = Vec::new();
    let mut moving: Vec<(Ahead, Reason)> = Vec::new();
    let ahead = sessions
        .iter()
        .filter(|session| is_ahead(session.day, &session.slot, now));
    for session in ahead.cloned() {
        if session.left.is_some() && !take_over(window, &session, now) {
            moves.push(Move {
                reason: Reason::TrainerChanged,
                trainer: session.trainer,
                to: None,
                session,
            });
            continue;
        }
        if let Some(reason) = why(&session, window, plan, days) {
            moving.push((session, reason));
            continue;
        }
        let teaches = teacher(&session, plan, trainer);
        if session.left.is_some() || teaches != session.trainer {
            moves.push(Move {
                to: Some((session.day, session.slot.clone())),
                reason: Reason::TrainerChanged,
                trainer: teaches,
                session,
            });
        }
    }
    moves.extend(place(window, moving, plan, trainer, now, days));
    moves
}

/// Takes a session of an earlier allocation over, if it is still owed, its day is free, and the window is not full; a full window does
/// not keep out what a person has moved.
fn take_over(window: &mut Window, session: &Ahead, now: NaiveDateTime) -> bool {
    let is_owed = window.used < window.bought;
    let is_free = window.ahead.iter().all(|booked| booked.day != session.day);
    let has_room = session.is_edited || upcoming(&window.ahead, now) < WINDOW;
    if !(is_owed && is_free && has_room) {
        return false;
    }
    window.used += 1;
    window.ahead.push(Booked {
        day: session.day,
        slot: session.slot.clone(),
        scheduled: true,
    });
    true
}

/// Why this session can't stay when and where it is; none when it can.
fn why(session: &Ahead, window: &Window, plan: &Plan, days: &SchoolDays) -> Option<Reason> {
    let is_taken_over = session.left.is_some();
    let is_too_early = is_taken_over && window.starts_on.is_some_and(|first| session.day < first);
    let has_other_slot = session.slot.starts() != plan.slot.starts();
    if session.is_edited {
        return None;
    }
    // A session that the pipeline did not put on a day without teaching stays: it was agreed on.
    if days.blackout.contains(&session.day) || session.is_planned && !days.teaching.contains(session.day) {
        return Some(Reason::DayClosed);
    }
    if plan.is_start_new || is_too_early {
        return Some(Reason::StartChanged);
    }
    (has_other_slot && (plan.is_slot_new || is_taken_over)).then_some(Reason::SlotChanged)
}

/// Who teaches a session now: a substitute stays.
fn teacher(session: &Ahead, plan: &Plan, trainer: TrainerId) -> TrainerId {
    match session.left {
        Some(Left::Trainers) => trainer,
        Some(Left::Substitutes) => session.trainer,
        None if plan.earlier_trainer == Some(session.trainer) => trainer,
        None => session.trainer,
    }
}

/// Gives these sessions their days, and says what becomes of each.
fn place(
    window: &mut Window,
    mut moving: Vec<(Ahead, Reason)>,
    plan: &Plan,
    trainer: TrainerId,
    now: NaiveDateTime,
    days: &SchoolDays,
) -> Vec<Move> {
    // Of two on one day, the one at the right time stays, so that no two rows are ever at one time of one day.
    let is_elsewhen = |session: &Ahead| session.slot.as_str() != plan.slot.as_str();
    moving.sort_by_key(|(session, _)| (session.day, is_elsewhen(session), session.id));
    for (session, _) in &moving {
        let at =
            |booked: &Booked| booked.scheduled && booked.day == session.day && booked.slot == session.slot;
        if let Some(index) = window.ahead.iter().position(at) {
            window.ahead.remove(index);
        }
    }
    let mut moves = Vec::new();
    for (to, session, reason) in with_days(window, moving, now, days) {
        let teaches = teacher(&session, plan, trainer);
        let is_as_it_was = to == Some((session.day, session.slot.clone()));
        if is_as_it_was && session.left.is_none() && teaches == session.trainer {
            continue;
        }
        moves.push(Move {
            session,
            reason: if is_as_it_was {
                Reason::TrainerChanged
            } else {
                reason
            },
            trainer: teaches,
            to,
        });
    }
    moves
}

/// When a session is from now on; none: there is no day for it.
type Placed = (Option<(NaiveDate, TimeSlot)>, Ahead, Reason);

/// What only gets another time stays on its day where that is open still, and student and trainer are free then. The others get the
/// first open days: each its own, where that is among them, and else what is left, in order; none when there are no more.
fn with_days(
    window: &mut Window,
    moving: Vec<(Ahead, Reason)>,
    now: NaiveDateTime,
    school: &SchoolDays,
) -> Vec<Placed> {
    let may_stay = |window: &Window, session: &Ahead, reason: Reason| {
        let is_free = window.ahead.iter().all(|booked| booked.day != session.day);
        reason == Reason::SlotChanged && is_free && is_open(window, session.day, now, school)
    };
    let mut placed = Vec::with_capacity(moving.len());
    let mut rest = Vec::new();
    for (session, reason) in moving {
        let free = window
            .free_slot(session.day, now)
            .filter(|_| may_stay(window, &session, reason));
        if let Some(slot) = free.cloned() {
            let to = book(window, (session.day, slot));
            placed.push((Some(to), session, reason));
        } else {
            rest.push((session, reason));
        }
    }
    let mut days = open_days(window, now, school, rest.len());
    for (day, slot) in &days {
        book(window, (*day, slot.clone()));
    }
    let mut leaving = Vec::new();
    for (session, reason) in rest {
        match days.remove_entry(&session.day) {
            Some(same_day) => placed.push((Some(same_day), session, reason)),
            None => leaving.push((session, reason)),
        }
    }
    let mut days = days.into_iter();
    for (session, reason) in leaving {
        let mut to = days.next();
        if to.is_none() && may_stay(window, &session, reason) {
            // A day before the first one that is open to new sessions: another session then is no reason to lose it.
            to = Some(book(window, (session.day, window.slot.clone())));
        }
        if to.is_none() {
            window.used = window.used.saturating_sub(1);
        }
        placed.push((to, session, reason));
    }
    placed
}

fn book(window: &mut Window, to: (NaiveDate, TimeSlot)) -> (NaiveDate, TimeSlot) {
    window.ahead.push(Booked {
        day: to.0,
        slot: to.1.clone(),
        scheduled: true,
    });
    to
}

#[cfg(test)]
#[path = "replan_tests.rs"]
mod tests;
