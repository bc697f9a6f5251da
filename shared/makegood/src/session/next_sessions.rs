//! Which days the next sessions are on. Pure: the same rows and the same moment always give the same days.

use super::TimeSlot;
use crate::school_days::SchoolDays;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use std::collections::BTreeSet;

/// How many future sessions an allocation has (G3).
pub const WINDOW: usize = 7;

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
    /// only where the purchase ends before another day is open.
    pub elsewhere: BTreeSet<NaiveDate>,
}

/// The days of the sessions to add, in order: days of the school, one session a day, from the start date on,
/// never in the past, until [`WINDOW`] scheduled ones are ahead or all that was bought is used. A day with any session,
/// cancelled ones included, is taken. None begins after the purchase's end, however many are left of what was bought. A day on which
/// the student has another course at the same time is left out while there are others before that end: it never costs a session.
///
/// `now` is the school's own date and time. Today counts only while the slot has not begun.
#[must_use]
pub fn next_sessions(window: &Window, now: NaiveDateTime, days: &SchoolDays) -> Vec<NaiveDate> {
    let missing = WINDOW.saturating_sub(upcoming(&window.ahead, now));
    let owed = usize::try_from(window.bought.saturating_sub(window.used)).unwrap_or(usize::MAX);
    open_days(window, now, days, missing.min(owed))
        .into_iter()
        .collect()
}

/// The days of this many new sessions; fewer where the purchase ends before. See [`next_sessions`].
pub(super) fn open_days(
    window: &Window,
    now: NaiveDateTime,
    days: &SchoolDays,
    wanted: usize,
) -> BTreeSet<NaiveDate> {
    let taken: BTreeSet<NaiveDate> = window.ahead.iter().map(|session| session.day).collect();
    let first = window.starts_on.map_or(now.date(), |day| day.max(now.date()));
    let mut open = first
        .iter_days()
        .take_while(move |day| begins_before_the_end(window, *day))
        .filter(move |day| !taken.contains(day) && is_open(window, *day, now, days));
    let (mut found, mut clashing) = (BTreeSet::new(), Vec::new());
    while found.len() < wanted {
        let Some(day) = open.next() else { break };
        if window.elsewhere.contains(&day) {
            clashing.push(day);
        } else {
            found.insert(day);
        }
    }
    let missing = wanted - found.len();
    found.extend(clashing.into_iter().take(missing));
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
