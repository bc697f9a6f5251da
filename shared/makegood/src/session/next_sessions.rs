//! Which days the next sessions are on. Pure: the same rows and the same moment always give the same days.

use super::TimeSlot;
use crate::school_days::SchoolDays;
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use std::collections::{BTreeMap, BTreeSet};

/// How many future sessions an allocation has (G3).
pub const WINDOW: usize = 7;

/// A session is not put more than so many days later because its trainer has another one: six weeks. Whoever has that many is no single
/// person, or the school's own service gives more students than there are hours.
const LATEST_FOR_A_TRAINER: Days = Days::new(42);

/// A session that is on the calendar, today or later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// Its day at the school.
    pub day: NaiveDate,
    /// Its time of day.
    pub slot: TimeSlot,
    /// Whether it is `scheduled`, and not cancelled, under way, or held.
    pub scheduled: bool,
}

/// What there is of one allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// How many sessions were bought.
    pub bought: u32,
    /// How many of them are used up: every session of any day that was not cancelled. A cancelled one keeps its slot,
    /// but it was not held and is still owed.
    pub used: u32,
    /// The first day that may have a session; none when any day may.
    pub starts_on: Option<NaiveDate>,
    /// When the purchase ends, at the school: no session begins after it. None when it does not end.
    pub ends_at: Option<NaiveDateTime>,
    /// The time of day of new sessions.
    pub slot: TimeSlot,
    /// What is booked today and later, whatever its state.
    pub ahead: Vec<Booked>,
    /// The days on which the same student has a session of another course that begins at this time of day. A new session is on one of them
    /// at this time only where the purchase ends before another day is open.
    pub elsewhere: BTreeSet<NaiveDate>,
    /// The days on which the trainer has a session with another student that begins at this time of day. A new session is on one of them at
    /// this time only where no other day is open before the purchase ends, or within six weeks.
    pub trainer_busy: BTreeSet<NaiveDate>,
    /// Other times of day for both, the best first.
    pub alternatives: Vec<Alternative>,
}

/// Another time of day for a session whose own is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The time.
    pub slot: TimeSlot,
    /// The days on which student or trainer have another session at this time too.
    pub taken: BTreeSet<NaiveDate>,
}

impl Window {
    /// The time of a new session on this open day: the window's own, else the first other one that is free and still to come; none when
    /// none is.
    pub(super) fn free_slot(&self, day: NaiveDate, now: NaiveDateTime) -> Option<&TimeSlot> {
        if !self.elsewhere.contains(&day) && !self.trainer_busy.contains(&day) {
            return Some(&self.slot);
        }
        let may_be = |other: &&Alternative| {
            !other.taken.contains(&day)
                && is_ahead(day, &other.slot, now)
                && self.ends_at.is_none_or(|end| begins(day, &other.slot) <= end)
        };
        self.alternatives.iter().find(may_be).map(|other| &other.slot)
    }
}

/// The days and times of the sessions to add, in order: days of the school, one session a day, from the start date on,
/// never in the past, until [`WINDOW`] scheduled ones are ahead or all that was bought is used. A day with any session,
/// cancelled ones included, is taken. None begins after the purchase's end, however many are left of what was bought. On a day on which
/// the student has another course at the same time, or the trainer another student, it is at another time where the school names one that is
/// free. Else such a day is left out while there are others before that end, for a trainer within six weeks: it never costs a session.
///
/// `now` is the school's own date and time. Today counts only while the slot has not begun.
#[must_use]
pub fn next_sessions(window: &Window, now: NaiveDateTime, days: &SchoolDays) -> Vec<(NaiveDate, TimeSlot)> {
    let missing = WINDOW.saturating_sub(upcoming(&window.ahead, now));
    let owed = usize::try_from(window.bought.saturating_sub(window.used)).unwrap_or(usize::MAX);
    open_days(window, now, days, missing.min(owed))
        .into_iter()
        .collect()
}

/// The days of this many new sessions with their times; fewer where the purchase ends before. See [`next_sessions`].
pub(super) fn open_days(
    window: &Window,
    now: NaiveDateTime,
    days: &SchoolDays,
    wanted: usize,
) -> BTreeMap<NaiveDate, TimeSlot> {
    let taken: BTreeSet<NaiveDate> = window.ahead.iter().map(|session| session.day).collect();
    let first = window.starts_on.map_or(now.date(), |day| day.max(now.date()));
    let mut open = first
        .iter_days()
        .take_while(move |day| begins_before_the_end(window, *day))
        .filter(move |day| !taken.contains(day) && is_open(window, *day, now, days));
    let (mut found, mut busy, mut elsewhere) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut latest = NaiveDate::MAX;
    while found.len() < wanted {
        let Some(day) = open.next().filter(|day| *day <= latest) else {
            break;
        };
        match window.free_slot(day, now) {
            Some(slot) => drop(found.insert(day, slot.clone())),
            None if window.elsewhere.contains(&day) => elsewhere.push(day),
            None => busy.push(day),
        }
        if latest == NaiveDate::MAX && found.len() + busy.len() >= wanted {
            latest = day.checked_add_days(LATEST_FOR_A_TRAINER).unwrap_or(latest);
        }
    }
    let missing = wanted - found.len();
    let taken = busy.into_iter().chain(elsewhere).take(missing);
    found.extend(taken.map(|day| (day, window.slot.clone())));
    found
}

/// Whether a new session may be on this day, as far as the calendar says, whatever is booked.
pub(super) fn is_open(window: &Window, day: NaiveDate, now: NaiveDateTime, days: &SchoolDays) -> bool {
    days.contains(day) && begins_before_the_end(window, day) && is_ahead(day, &window.slot, now)
}

fn begins_before_the_end(window: &Window, day: NaiveDate) -> bool {
    window.ends_at.is_none_or(|end| begins(day, &window.slot) <= end)
}

/// How many of these are `scheduled` and have not begun.
#[must_use]
pub fn upcoming(ahead: &[Booked], now: NaiveDateTime) -> usize {
    ahead
        .iter()
        .filter(|session| session.scheduled && is_ahead(session.day, &session.slot, now))
        .count()
}

/// Whether the slot of this day is still to come. Today's is not, once its time is reached, nor when its text is no time:
/// then it could not be told that it is not in the past.
pub(super) fn is_ahead(day: NaiveDate, slot: &TimeSlot, now: NaiveDateTime) -> bool {
    day > now.date() || (day == now.date() && slot.starts().is_some_and(|starts| starts > now.time()))
}

/// When a session of this day begins. Where the text is no time, at the end of the day: it may be any time of it.
fn begins(day: NaiveDate, slot: &TimeSlot) -> NaiveDateTime {
    slot.starts().map_or_else(
        || {
            day.succ_opt()
                .map_or(NaiveDateTime::MAX, |next| next.and_time(NaiveTime::MIN))
        },
        |starts| day.and_time(starts),
    )
}

#[cfg(test)]
#[path = "next_sessions_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "next_sessions_any_tests.rs"]
mod any_tests;
