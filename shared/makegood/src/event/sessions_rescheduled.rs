//! `SESSIONS_RESCHEDULED`: sessions that were on the calendar are elsewhere on it, or off it.

use super::reader::wrong;
use super::{Envelope, EventError, EventType, Fields};
use crate::ids::{AllocationId, CourseId, SessionId, StudentId, TrainerId, derived_uuid};
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// Sessions that were on the calendar have another day, time or trainer, or were cancelled.
///
/// ```
/// use makegood::event::Event;
/// # let body = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/sessions-rescheduled.json"));
///
/// let Event::SessionsRescheduled(moved) = Event::parse(body)? else {
///     panic!("its `type` says SESSIONS_RESCHEDULED");
/// };
/// assert_eq!(moved.sessions.len(), 2);
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "type", rename = "SESSIONS_RESCHEDULED")]
pub struct SessionsRescheduled {
    /// The allocation that they belong to now.
    pub allocation_id: AllocationId,
    /// Who teaches for it.
    pub trainer_id: TrainerId,
    /// Who learns.
    pub student_id: StudentId,
    /// What was bought.
    pub course_id: CourseId,
    /// What became of each, in the order of the days on which they were.
    pub sessions: Vec<RescheduledSession>,
    /// Identity and correlation.
    #[serde(rename = "_metadata")]
    pub envelope: Envelope,
}

/// What became of one session.
///
/// ```
/// use makegood::event::Event;
/// # let body = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/sessions-rescheduled.json"));
///
/// let Event::SessionsRescheduled(moved) = Event::parse(body)? else {
///     panic!("its `type` says SESSIONS_RESCHEDULED");
/// };
/// let days: Vec<_> = moved.sessions.iter().map(|session| session.to_date.is_some()).collect();
/// assert_eq!(days, [true, false]);
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "RescheduledSession")]
pub struct RescheduledSession {
    /// The session.
    pub session_id: SessionId,
    /// Why: `trainer_changed`, `day_closed`, `start_changed`, `slot_changed` or `money_returned`; a later release may add some.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Who teaches it now.
    pub trainer_id: TrainerId,
    /// The day on which it was, `YYYY-MM-DD`.
    #[schemars(with = "String", extend("format" = "date"))]
    pub from_date: NaiveDate,
    /// The time at which it was.
    #[schemars(length(min = 1))]
    pub from_time: String,
    /// The day on which it is, `YYYY-MM-DD`. None when it was cancelled: it is owed still, and comes as a new session;
    /// not so with the reason `money_returned`.
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub to_date: Option<NaiveDate>,
    /// The time at which it is.
    pub to_time: Option<String>,
}

impl SessionsRescheduled {
    /// The id of one such fact of this allocation.
    ///
    /// ```
    /// use makegood::event::SessionsRescheduled;
    /// use makegood::ids::AllocationId;
    /// use uuid::Uuid;
    ///
    /// let id = SessionsRescheduled::event_id(AllocationId(Uuid::nil()), Uuid::max());
    /// assert_eq!(id, "sessions-rescheduled-00000000-0000-0000-0000-000000000000-ffffffff-ffff-ffff-ffff-ffffffffffff");
    /// ```
    #[must_use]
    pub fn event_id(allocation_id: AllocationId, fact: Uuid) -> String {
        format!("sessions-rescheduled-{allocation_id}-{fact}")
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, EventError> {
        let allocation_id = AllocationId(fields.uuid("allocationId")?);
        let sessions = read_sessions(fields)?;
        let fact = derived_uuid(&json!(sessions).to_string());
        Ok(Self {
            allocation_id,
            trainer_id: TrainerId(fields.uuid("trainerId")?),
            student_id: StudentId(fields.uuid("studentId")?),
            course_id: CourseId(fields.uuid("courseId")?),
            sessions,
            envelope: Envelope::read(
                fields.get("_metadata"),
                &Self::event_id(allocation_id, fact),
                &allocation_id.to_string(),
            ),
        })
    }

    /// The wire form; reading it gives the same event.
    ///
    /// ```
    /// use makegood::event::Event;
    /// # let body = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/sessions-rescheduled.json"));
    ///
    /// let Event::SessionsRescheduled(moved) = Event::parse(body)? else {
    ///     panic!("its `type` says SESSIONS_RESCHEDULED");
    /// };
    /// let again = Event::parse(&moved.to_json().to_string())?;
    /// assert_eq!(again, Event::SessionsRescheduled(moved));
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": EventType::SessionsRescheduled.wire_name(),
            "timestamp": self.envelope.timestamp,
            "userId": self.student_id,
            "role": "student",
            "allocationId": self.allocation_id,
            "trainerId": self.trainer_id,
            "studentId": self.student_id,
            "courseId": self.course_id,
            "sessions": self.sessions,
            "_metadata": self.envelope.to_json(),
        })
    }
}

fn read_sessions(fields: &Fields) -> Result<Vec<RescheduledSession>, EventError> {
    const EXPECTED: &str = "a list of sessions";
    let value = fields.get("sessions").ok_or_else(|| EventError::Missing {
        field: "sessions".to_owned(),
        expected: EXPECTED,
    })?;
    let refuse = || wrong("sessions", &value.to_string(), EXPECTED);
    let sessions = value.as_array().ok_or_else(refuse)?;
    sessions
        .iter()
        .map(|session| RescheduledSession::read(&Fields::of(session.as_object().ok_or_else(refuse)?)))
        .collect()
}

impl RescheduledSession {
    fn read(fields: &Fields) -> Result<Self, EventError> {
        Ok(Self {
            session_id: SessionId(fields.uuid("sessionId")?),
            reason: fields.text("reason", "why it was moved")?.to_owned(),
            trainer_id: TrainerId(fields.uuid("trainerId")?),
            from_date: fields.date("fromDate")?,
            from_time: fields.text("fromTime", "a time of day")?.to_owned(),
            to_date: fields.get("toDate").map(|_| fields.date("toDate")).transpose()?,
            to_time: fields.optional_text("toTime", "a time of day, or null")?,
        })
    }
}
