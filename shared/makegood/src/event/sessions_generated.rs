//! `SESSIONS_GENERATED`: the calendar holds new sessions.

use super::{Envelope, EventError, EventType, Fields};
use crate::ids::{AllocationId, CourseId, SessionId, StudentId, TrainerId};
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The calendar holds new sessions of an allocation.
///
/// ```
/// use makegood::event::SessionsGenerated;
/// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
/// # let body = serde_json::json!({"type": "SESSIONS_GENERATED", "allocationId": id, "trainerId": id, "studentId": id,
/// #     "courseId": id, "sessionIds": [id], "startDate": "2026-01-12"}).to_string();
///
/// let generated = SessionsGenerated::parse(&body)?;
/// assert_eq!(generated.session_ids.len(), 1);
/// assert_eq!(generated.start_date.to_string(), "2026-01-12");
/// # Ok::<(), makegood::event::EventError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "type", rename = "SESSIONS_GENERATED")]
pub struct SessionsGenerated {
    /// The allocation.
    pub allocation_id: AllocationId,
    /// Who teaches.
    pub trainer_id: TrainerId,
    /// Who learns.
    pub student_id: StudentId,
    /// What was bought.
    pub course_id: CourseId,
    /// How many sessions were generated now.
    #[schemars(range(min = 0, max = i32::MAX))]
    pub session_count: i32,
    /// The sessions generated now.
    pub session_ids: Vec<SessionId>,
    /// The day of the first of them, `YYYY-MM-DD`.
    #[schemars(with = "String", extend("format" = "date"))]
    pub start_date: NaiveDate,
    /// Identity and correlation.
    #[serde(rename = "_metadata")]
    pub envelope: Envelope,
}

impl SessionsGenerated {
    /// The deterministic id of this fact.
    ///
    /// `first` and `last` are the days of the first and the last session generated: other sessions are another fact.
    ///
    /// ```
    /// use makegood::event::SessionsGenerated;
    /// use makegood::ids::AllocationId;
    /// use uuid::Uuid;
    ///
    /// let (first, last) = ("2026-01-12".parse()?, "2026-02-20".parse()?);
    /// let id = SessionsGenerated::event_id(AllocationId(Uuid::nil()), first, last);
    /// assert_eq!(id, "sessions-generated-00000000-0000-0000-0000-000000000000-2026-01-12-2026-02-20");
    /// # Ok::<(), chrono::ParseError>(())
    /// ```
    #[must_use]
    pub fn event_id(allocation_id: AllocationId, first: NaiveDate, last: NaiveDate) -> String {
        format!("sessions-generated-{allocation_id}-{first}-{last}")
    }

    /// Reads the body of a message.
    ///
    /// The sessions are counted; what `sessionCount` says is not read.
    ///
    /// ```
    /// use makegood::event::SessionsGenerated;
    /// use serde_json::json;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    ///
    /// let mut body = json!({"type": "SESSIONS_GENERATED", "allocationId": id, "trainerId": id, "studentId": id, "courseId": id,
    ///                       "sessionCount": 99, "sessionIds": [id, id], "startDate": "2026-01-12"});
    /// assert_eq!(SessionsGenerated::parse(&body.to_string())?.session_count, 2);
    /// body["sessionIds"] = json!([7]);
    /// assert_eq!(
    ///     SessionsGenerated::parse(&body.to_string()).unwrap_err().to_string(),
    ///     "field `sessionIds` is [7]; it must be a list of UUIDs"
    /// );
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    ///
    /// # Errors
    /// [`EventError`] naming the field.
    pub fn parse(payload: &str) -> Result<Self, EventError> {
        let fields = Fields::parse(payload)?;
        fields.expect_type(EventType::SessionsGenerated)?;
        Self::read(&fields)
    }

    pub(super) fn read(fields: &Fields) -> Result<Self, EventError> {
        let allocation_id = AllocationId(fields.uuid("allocationId")?);
        let session_ids = read_session_ids(fields)?;
        let start_date = fields.date("startDate")?;
        Ok(Self {
            allocation_id,
            trainer_id: TrainerId(fields.uuid("trainerId")?),
            student_id: StudentId(fields.uuid("studentId")?),
            course_id: CourseId(fields.uuid("courseId")?),
            session_count: i32::try_from(session_ids.len()).unwrap_or(i32::MAX),
            envelope: Envelope::read(
                fields.get("_metadata"),
                &Self::event_id(allocation_id, start_date, start_date),
                &allocation_id.to_string(),
            ),
            session_ids,
            start_date,
        })
    }

    /// The wire form.
    ///
    /// ```
    /// use makegood::event::SessionsGenerated;
    /// # let id = "0e2b7a54-44f0-4e9b-8f5e-2d9ce5a9f301";
    /// # let body = serde_json::json!({"type": "SESSIONS_GENERATED", "allocationId": id, "trainerId": id, "studentId": id,
    /// #     "courseId": id, "sessionIds": [id], "startDate": "2026-01-12"}).to_string();
    ///
    /// let json = SessionsGenerated::parse(&body)?.to_json();
    /// assert_eq!(json["sessionCount"], 1);
    /// assert_eq!(json["startDate"], "2026-01-12");
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "type": EventType::SessionsGenerated.wire_name(),
            "timestamp": self.envelope.timestamp,
            "userId": self.student_id,
            "role": "student",
            "allocationId": self.allocation_id,
            "trainerId": self.trainer_id,
            "studentId": self.student_id,
            "courseId": self.course_id,
            "sessionCount": self.session_count,
            "sessionIds": self.session_ids,
            "startDate": self.start_date,
            "_metadata": self.envelope.to_json(),
        })
    }
}

fn read_session_ids(fields: &Fields) -> Result<Vec<SessionId>, EventError> {
    const EXPECTED: &str = "a list of UUIDs";
    let Some(value) = fields.get("sessionIds") else {
        return Err(EventError::Missing {
            field: "sessionIds".to_owned(),
            expected: EXPECTED,
        });
    };
    let refuse = || super::reader::wrong("sessionIds", &value.to_string(), EXPECTED);
    let ids = value.as_array().ok_or_else(refuse)?;
    ids.iter()
        .map(|id| {
            id.as_str()
                .and_then(|text| Uuid::parse_str(text).ok())
                .map(SessionId)
                .ok_or_else(refuse)
        })
        .collect()
}
