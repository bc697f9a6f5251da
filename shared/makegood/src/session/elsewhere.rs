//! What a student has on the calendar in other courses: a new session is not at the same time while another day is free
//! (docs/decisions/0096).

use super::next_sessions::{Booked, Window};
use super::slot::TimeSlot;
use crate::db::Connection;
use crate::ids::{CourseId, StudentId};
use chrono::NaiveDate;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A scheduled session of the student in another course; the course is none where its allocation names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Elsewhere {
    course: Option<CourseId>,
    day: NaiveDate,
    slot: TimeSlot,
}

/// What the students of these allocations have in other courses from this day on, by allocation. Complete while the allocations are locked
/// by `lock.sql`: no other transaction plans for these students.
pub(super) async fn load(
    connection: &mut Connection,
    allocations: &[Uuid],
    today: NaiveDate,
) -> Result<HashMap<Uuid, Vec<Elsewhere>>, sqlx::Error> {
    let rows = sqlx::query_file!("src/session/elsewhere.sql", allocations, today)
        .fetch_all(connection)
        .await?;
    let read = |(course, (day, time)): (Option<Uuid>, (NaiveDate, String))| Elsewhere {
        course: course.map(CourseId),
        day,
        slot: TimeSlot::booked(&time),
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let when = row.days.into_iter().zip(row.times);
            (
                row.allocation_id,
                row.courses.into_iter().zip(when).map(read).collect(),
            )
        })
        .collect())
}

/// What one batch has planned so far, by student and course: the rows that were read say what was there before.
#[derive(Debug, Default)]
pub(super) struct Settled(HashMap<StudentId, Vec<(CourseId, Vec<Booked>)>>);

impl Settled {
    /// The days on which a student has another course at this time: as the rows say, or as this batch has planned since.
    pub(super) fn clashing(
        &self,
        student: StudentId,
        course: CourseId,
        slot: &TimeSlot,
        elsewhere: &[Elsewhere],
    ) -> BTreeSet<NaiveDate> {
        let settled = self.0.get(&student).map_or(&[][..], Vec::as_slice);
        let is_settled = |other: Option<CourseId>| settled.iter().any(|(course, _)| Some(*course) == other);
        let there = elsewhere
            .iter()
            .filter(|session| !is_settled(session.course) && session.slot.is_same_time(slot))
            .map(|session| session.day);
        let planned = settled
            .iter()
            .filter(|(other, _)| *other != course)
            .flat_map(|(_, sessions)| sessions)
            .filter(|session| session.scheduled && session.slot.is_same_time(slot))
            .map(|session| session.day);
        there.chain(planned).collect()
    }

    /// Notes what the student's calendar of this course is from now on: what its window has ahead, and these new days.
    pub(super) fn add(&mut self, student: StudentId, course: CourseId, window: &Window, new: &[NaiveDate]) {
        let new = new.iter().map(|day| Booked {
            day: *day,
            slot: window.slot.clone(),
            scheduled: true,
        });
        let sessions = window.ahead.iter().cloned().chain(new).collect();
        self.0.entry(student).or_default().push((course, sessions));
    }
}
