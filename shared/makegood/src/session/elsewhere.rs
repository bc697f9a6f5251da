//! What a student has on the calendar in other courses, and a trainer with other students: a new session is not at the same time while
//! another time or day is free (docs/decisions/0096, 0104).

use super::next_sessions::{Alternative, Booked, Window};
use super::slot::TimeSlot;
use crate::clash_rules::{AlternativeSlots, ClashRules, TrainerSessions};
use crate::db::Connection;
use crate::ids::{AllocationId, CourseId, StudentId, TrainerId};
use chrono::NaiveDate;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A scheduled session of the student in another course; the course is none where its allocation names none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Elsewhere {
    course: Option<CourseId>,
    day: NaiveDate,
    slot: TimeSlot,
}

/// A scheduled session of a trainer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Taught {
    allocation: AllocationId,
    student: StudentId,
    day: NaiveDate,
    slot: TimeSlot,
}

/// Whose sessions these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) allocation: AllocationId,
    pub(super) student: StudentId,
    pub(super) course: CourseId,
    pub(super) trainer: TrainerId,
}

/// What is on the calendar beside the allocations of a batch, and what the batch has planned so far: the rows that were read say what was
/// there before.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// By allocation: what its student has in other courses.
    courses: HashMap<AllocationId, Vec<Elsewhere>>,
    /// What each trainer has.
    taught: HashMap<TrainerId, Vec<Taught>>,
    /// What the batch has planned.
    settled: Vec<(Whose, Vec<Booked>)>,
    /// Whether what trainers have counts.
    compares_trainers: bool,
}

/// What the students and trainers of these allocations have beside them from this day on. Complete while the allocations are locked by
/// `lock.sql`: no other planner is at work for these students. Locks the trainers too, until the transaction ends, where they are compared.
///
/// # Errors
/// Those of the database.
pub(super) async fn lock_and_load(
    connection: &mut Connection,
    allocations: &[Uuid],
    today: NaiveDate,
    rules: &ClashRules,
) -> Result<Others, sqlx::Error> {
    let compares_trainers = rules.trainer_sessions == TrainerSessions::OneAtATime;
    let taught = if compares_trainers {
        sqlx::query_file!("src/session/trainers.sql", allocations)
            .execute(&mut *connection)
            .await?;
        load_taught(connection, allocations, today).await?
    } else {
        HashMap::new()
    };
    Ok(Others {
        courses: load_courses(connection, allocations, today).await?,
        taught,
        settled: Vec::new(),
        compares_trainers,
    })
}

async fn load_courses(
    connection: &mut Connection,
    allocations: &[Uuid],
    today: NaiveDate,
) -> Result<HashMap<AllocationId, Vec<Elsewhere>>, sqlx::Error> {
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
                AllocationId(row.allocation_id),
                row.courses.into_iter().zip(when).map(read).collect(),
            )
        })
        .collect())
}

async fn load_taught(
    connection: &mut Connection,
    allocations: &[Uuid],
    today: NaiveDate,
) -> Result<HashMap<TrainerId, Vec<Taught>>, sqlx::Error> {
    let rows = sqlx::query_file!("src/session/taught.sql", allocations, today)
        .fetch_all(connection)
        .await?;
    let read = |((allocation, student), (day, time)): ((Uuid, Uuid), (NaiveDate, String))| Taught {
        allocation: AllocationId(allocation),
        student: StudentId(student),
        day,
        slot: TimeSlot::booked(&time),
    };
    Ok(rows
        .into_iter()
        .map(|row| {
            let who = row.allocations.into_iter().zip(row.students);
            let when = row.days.into_iter().zip(row.times);
            (TrainerId(row.trainer_id), who.zip(when).map(read).collect())
        })
        .collect())
}

impl Others {
    /// Writes into an allocation's window which days are taken at its time, and at each of these.
    pub(super) fn mark_taken(&self, window: &mut Window, whose: Whose, alternatives: &AlternativeSlots) {
        window.elsewhere = self.of_student(whose, &window.slot);
        window.trainer_busy = self.of_trainer(whose, &window.slot);
        let alternative = |text: &String| {
            let slot = TimeSlot::booked(text);
            let mut taken = self.of_student(whose, &slot);
            taken.extend(self.of_trainer(whose, &slot));
            Alternative { slot, taken }
        };
        window.alternatives = alternatives.texts().iter().map(alternative).collect();
    }

    /// The days on which the student has another course at this time.
    fn of_student(&self, whose: Whose, slot: &TimeSlot) -> BTreeSet<NaiveDate> {
        let rows = self.courses.get(&whose.allocation).map_or(&[][..], Vec::as_slice);
        let is_settled = |course: Option<CourseId>| {
            self.settled
                .iter()
                .any(|(other, _)| other.student == whose.student && Some(other.course) == course)
        };
        let there = rows
            .iter()
            .filter(|session| session.slot.is_same_time(slot) && !is_settled(session.course))
            .map(|session| session.day);
        let is_other = |other: &Whose| other.student == whose.student && other.course != whose.course;
        there.chain(self.planned(slot, is_other)).collect()
    }

    /// The days on which the trainer has another student at this time.
    fn of_trainer(&self, whose: Whose, slot: &TimeSlot) -> BTreeSet<NaiveDate> {
        if !self.compares_trainers {
            return BTreeSet::new();
        }
        let rows = self.taught.get(&whose.trainer).map_or(&[][..], Vec::as_slice);
        let is_settled = |id: AllocationId| self.settled.iter().any(|(other, _)| other.allocation == id);
        let there = rows
            .iter()
            .filter(|session| session.student != whose.student && session.slot.is_same_time(slot))
            .filter(|session| !is_settled(session.allocation))
            .map(|session| session.day);
        let is_other = |other: &Whose| other.trainer == whose.trainer && other.student != whose.student;
        there.chain(self.planned(slot, is_other)).collect()
    }

    /// The days on which the batch has planned a session at this time for one of these.
    fn planned<'a>(
        &'a self,
        slot: &'a TimeSlot,
        is_one: impl Fn(&Whose) -> bool + 'a,
    ) -> impl Iterator<Item = NaiveDate> + 'a {
        self.settled
            .iter()
            .filter(move |(other, _)| is_one(other))
            .flat_map(|(_, sessions)| sessions)
            .filter(|session| session.scheduled && session.slot.is_same_time(slot))
            .map(|session| session.day)
    }

    /// Notes what this calendar is from now on: what its window has ahead, and these new sessions. A substitute's count as the trainer's.
    pub(super) fn settle(&mut self, whose: Whose, window: &Window, new: &[(NaiveDate, TimeSlot)]) {
        let new = new.iter().map(|(day, slot)| Booked {
            day: *day,
            slot: slot.clone(),
            scheduled: true,
        });
        let sessions = window.ahead.iter().cloned().chain(new).collect();
        self.settled.push((whose, sessions));
    }
}
