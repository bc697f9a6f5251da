//! Sessions that are at the same time as another one of the student or the trainer, and those that were put at another time for that
//! (docs/decisions/0096, 0104).

use chrono::NaiveDate;
use makegood::db::Connection;
use makegood::session::TimeSlot;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

type Days = HashMap<Uuid, BTreeSet<NaiveDate>>;

/// The days of scheduled sessions, by allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clashes {
    /// At the time of another course of the student.
    courses: Days,
    /// At the time of another student of the trainer.
    trainers: Days,
    /// At another time than was chosen, by the school's alternatives.
    other_times: Days,
}

impl Clashes {
    /// Those of these allocations, from this day on.
    pub(super) async fn load(
        connection: &mut Connection,
        allocations: &[Uuid],
        today: NaiveDate,
    ) -> Result<Self, sqlx::Error> {
        let mut clashes = Self::default();
        let rows = sqlx::query_file!("src/timeline/sql/clashes.sql", allocations, today)
            .fetch_all(&mut *connection)
            .await?;
        for row in rows {
            let days = if row.is_trainers {
                &mut clashes.trainers
            } else {
                &mut clashes.courses
            };
            if TimeSlot::booked(&row.time).is_same_time(&TimeSlot::booked(&row.other)) {
                days.entry(row.allocation_id).or_default().insert(row.day);
            }
        }
        let rows = sqlx::query_file!("src/timeline/sql/other_times.sql", allocations, today)
            .fetch_all(connection)
            .await?;
        for row in rows {
            let chosen = TimeSlot::chosen(row.chosen.as_deref());
            if !TimeSlot::booked(&row.time).is_same_time(&chosen) {
                clashes
                    .other_times
                    .entry(row.allocation_id)
                    .or_default()
                    .insert(row.day);
            }
        }
        Ok(clashes)
    }

    /// Those of this allocation, as the end of a sentence about its sessions; empty without any.
    pub(super) fn told(&self, allocation: Uuid) -> String {
        [
            (&self.courses, "at the same time as a session of another course"),
            (
                &self.trainers,
                "at the same time as the trainer's with another student",
            ),
            (
                &self.other_times,
                "at another time than was chosen, since student or trainer were taken then",
            ),
        ]
        .into_iter()
        .map(|(days, what)| told(days.get(&allocation), what))
        .collect()
    }
}

fn told(days: Option<&BTreeSet<NaiveDate>>, what: &str) -> String {
    let Some((days, first)) = days.and_then(|days| Some((days.len(), days.first()?))) else {
        return String::new();
    };
    match days {
        1 => format!("; that on {first} is {what}"),
        more => format!("; {more} of them, the first on {first}, are {what}"),
    }
}
