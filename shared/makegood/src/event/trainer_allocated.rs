//! `TRAINER_ALLOCATED`: the purchase has its trainer.

use super::{Envelope, EventError, EventType, Fields};
use crate::ids::{AllocationId, CourseId, StudentId, TrainerId};
use crate::school_days::SchoolDays;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

/// The purchase has its trainer; sessions are wanted.
///
/// ```
/// use makegood::event::TrainerAllocated;
/// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
/// # let body = serde_json::json!({"type": "TRAINER_ALLOCATED", "allocationId": id, "trainerId": id, "studentId": id,
/// #     "courseId": id, "sessionCount": 30, "startDate": "2026-01-12", "endDate": "2026-02-20"}).to_string();
///
/// let allocated = TrainerAllocated::parse(&body)?;
/// let days = makegood::school_days::SchoolDays::default();
/// assert_eq!(TrainerAllocated::last_day(allocated.start_date, allocated.session_count, &days), allocated.end_date);
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "type", rename = "TRAINER_ALLOCATED")]
pub struct TrainerAllocated {
    /// The allocation.
    pub allocation_id: AllocationId,
    /// Who teaches.
    pub trainer_id: TrainerId,
    /// Who learns.
    pub student_id: StudentId,
    /// What was bought.
    pub course_id: CourseId,
    /// The number of sessions bought.
    #[schemars(range(min = 1, max = i32::MAX))]
    pub session_count: i32,
    /// The first day on which a session may be, `YYYY-MM-DD`.
    #[schemars(with = "String", extend("format" = "date"))]
    pub start_date: NaiveDate,
    /// The day by which all sessions are held when none is missed, `YYYY-MM-DD`.
    #[schemars(with = "String", extend("format" = "date"))]
    pub end_date: NaiveDate,
    /// Identity and correlation.
    #[serde(rename = "_metadata")]
    pub envelope: Envelope,
}

impl TrainerAllocated {
    /// The deterministic id of this fact.
    ///
    /// ```
    /// use makegood::event::TrainerAllocated;
    /// use makegood::ids::AllocationId;
    /// use uuid::Uuid;
    ///
    /// let id = TrainerAllocated::event_id(AllocationId(Uuid::nil()));
    /// assert_eq!(id, "trainer-allocated-00000000-0000-0000-0000-000000000000");
    /// ```
    #[must_use]
    pub fn event_id(allocation_id: AllocationId) -> String {
        format!("trainer-allocated-{allocation_id}")
    }

    /// The day of the last session when one is held on each day of the school from `start` on and none is missed: the `endDate`.
    /// The start itself when there are no sessions, or when the calendar ends.
    ///
    /// ```
    /// use makegood::event::TrainerAllocated;
    /// use makegood::school_days::SchoolDays;
    ///
    /// let friday = "2026-01-16".parse()?;
    /// let mut days = SchoolDays::default();
    /// assert_eq!(TrainerAllocated::last_day(friday, 1, &days), friday);
    /// assert_eq!(TrainerAllocated::last_day(friday, 2, &days).to_string(), "2026-01-19"); // Monday
    /// days.blackout.insert("2026-01-19".parse()?);
    /// assert_eq!(TrainerAllocated::last_day(friday, 2, &days).to_string(), "2026-01-20");
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn last_day(start: NaiveDate, sessions: i32, days: &SchoolDays) -> NaiveDate {
        let count = usize::try_from(sessions).unwrap_or(0);
        let held = start.iter_days().filter(|day| days.contains(*day));
        held.take(count).last().unwrap_or(start)
    }

    /// Reads the body of a message.
    ///
    /// ```
    /// use makegood::event::TrainerAllocated;
    /// use serde_json::json;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    ///
    /// let body = json!({"type": "TRAINER_ALLOCATED", "allocationId": id, "sessionCount": 0});
    /// assert_eq!(
    ///     TrainerAllocated::parse(&body.to_string()).unwrap_err().to_string(),
    ///     "field `sessionCount` is 0; it must be a whole number of sessions, 1 or more"
    /// );
    /// ```
    ///
    /// # Errors
    /// [`EventError`] naming the field.
    pub fn parse(payload: &str) -> Result<Self, EventError> {
        let fields = Fields::parse(payload)?;
        fields.expect_type(EventType::TrainerAllocated)?;
        Self::read(&fields)
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, EventError> {
        const COUNT: &str = "a whole number of sessions, 1 or more";
        let allocation_id = AllocationId(fields.uuid("allocationId")?);
        let count = fields.integer("sessionCount", 1, COUNT)?;
        Ok(Self {
            allocation_id,
            trainer_id: TrainerId(fields.uuid("trainerId")?),
            student_id: StudentId(fields.uuid("studentId")?),
            course_id: CourseId(fields.uuid("courseId")?),
            session_count: i32::try_from(count)
                .map_err(|_| super::reader::wrong("sessionCount", &count.to_string(), COUNT))?,
            start_date: fields.date("startDate")?,
            end_date: fields.date("endDate")?,
            envelope: Envelope::read(
                fields.get("_metadata"),
                &Self::event_id(allocation_id),
                &allocation_id.to_string(),
            ),
        })
    }

    /// The wire form.
    ///
    /// ```
    /// use makegood::event::TrainerAllocated;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    /// # let body = serde_json::json!({"type": "TRAINER_ALLOCATED", "allocationId": id, "trainerId": id, "studentId": id,
    /// #     "courseId": id, "sessionCount": 30, "startDate": "2026-01-12", "endDate": "2026-02-20"}).to_string();
    ///
    /// let allocated = TrainerAllocated::parse(&body)?;
    /// assert_eq!(allocated.to_json()["endDate"], "2026-02-20");
    /// assert_eq!(TrainerAllocated::parse(&allocated.to_json().to_string()), Ok(allocated));
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": EventType::TrainerAllocated.wire_name(),
            "timestamp": self.envelope.timestamp,
            "userId": self.student_id,
            "role": "student",
            "allocationId": self.allocation_id,
            "trainerId": self.trainer_id,
            "studentId": self.student_id,
            "courseId": self.course_id,
            "sessionCount": self.session_count,
            "startDate": self.start_date,
            "endDate": self.end_date,
            "_metadata": self.envelope.to_json(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_skips_weekends_over_month_and_year_ends() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        // 2026-01-12 is a Monday.
        for (start, sessions, last) in [
            ("2026-01-12", 1, "2026-01-12"),
            ("2026-01-12", 5, "2026-01-16"),
            ("2026-01-12", 6, "2026-01-19"),
            ("2026-01-10", 1, "2026-01-12"),
            ("2026-12-31", 2, "2027-01-01"),
            ("2026-01-12", 30, "2026-02-20"),
            ("2026-01-12", 0, "2026-01-12"),
        ] {
            assert_eq!(
                TrainerAllocated::last_day(day(start), sessions, &SchoolDays::default()),
                day(last),
                "{sessions} from {start}"
            );
        }
    }

    #[test]
    fn the_last_day_is_a_day_of_the_school() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        // 2026-01-11 is a Sunday.
        for (teaching, blackout, start, sessions, last) in [
            ("Sun-Thu", vec![], "2026-01-11", 5, "2026-01-15"),
            ("Sun-Thu", vec![], "2026-01-11", 6, "2026-01-18"),
            ("Sun-Thu", vec!["2026-01-18"], "2026-01-11", 6, "2026-01-19"),
            (
                "Mon-Fri",
                vec!["2026-01-12", "2026-01-17"],
                "2026-01-12",
                5,
                "2026-01-19",
            ),
            ("Wed", vec!["2026-01-21"], "2026-01-12", 3, "2026-02-04"),
        ] {
            let days = SchoolDays {
                teaching: teaching.parse().unwrap(),
                blackout: blackout.into_iter().map(day).collect(),
            };
            assert_eq!(
                TrainerAllocated::last_day(day(start), sessions, &days),
                day(last),
                "{sessions} from {start} on {days:?}"
            );
        }
    }
}
