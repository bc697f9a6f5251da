//! Sessions that are at the same time as a session of another course of the student (docs/decisions/0096).

use chrono::NaiveDate;
use makegood::db::Connection;
use makegood::session::TimeSlot;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// The days, by allocation, on which a scheduled session of it begins at the same time as one of another course of its student.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Clashes(HashMap<Uuid, BTreeSet<NaiveDate>>);

impl Clashes {
    /// Those of these allocations, from this day on.
    pub(super) async fn load(
        connection: &mut Connection,
        allocations: &[Uuid],
        today: NaiveDate,
    ) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query_file!("src/timeline/sql/clashes.sql", allocations, today)
            .fetch_all(connection)
            .await?;
        let mut days: HashMap<Uuid, BTreeSet<NaiveDate>> = HashMap::new();
        for row in rows {
            if TimeSlot::booked(&row.time).is_same_time(&TimeSlot::booked(&row.other)) {
                days.entry(row.allocation_id).or_default().insert(row.day);
            }
        }
        Ok(Self(days))
    }

    /// Those of this allocation, as the end of a sentence about its sessions; empty without any.
    pub(super) fn told(&self, allocation: Uuid) -> String {
        let days = self.0.get(&allocation);
        let Some((days, first)) = days.and_then(|days| Some((days.len(), days.first()?))) else {
            return String::new();
        };
        match days {
            1 => format!("; that on {first} is at the same time as a session of another course"),
            more => format!(
                "; {more} of them, the first on {first}, are at the same time as a session of another course"
            ),
        }
    }
}
