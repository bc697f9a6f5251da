//! What is asked of the admin service, and on which terms the purchase was made. Pure.

use chrono::NaiveDate;
use chrono_tz::Tz;
use makegood::event::{Metadata, PurchaseCreated};
use makegood::ids::{CourseId, PurchaseId, StudentId};
use serde_json::{Value, json};

/// When no time was chosen.
const DEFAULT_TIME_SLOT: &str = "4:00 PM";

/// A student and a course: what an allocation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pair {
    /// Who learns.
    pub student: StudentId,
    /// What.
    pub course: CourseId,
}

/// What was bought and when it is to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The purchase.
    pub purchase: PurchaseId,
    /// The number of sessions bought.
    pub sessions: i32,
    /// The time of day, `4:00 PM` when none was chosen.
    pub time_slot: String,
    /// The first day, where one was chosen.
    pub chosen_start: Option<NaiveDate>,
    /// Everything that the payment carried: the event's fields over the purchase's.
    pub metadata: Metadata,
}

impl Terms {
    /// The event's metadata over that of the purchase, days and times in their normal form.
    #[must_use]
    pub fn of(event: &PurchaseCreated, sessions: i32, purchase_metadata: &Metadata, timezone: Tz) -> Self {
        let metadata = event.metadata.over(purchase_metadata).normalised(timezone);
        Self {
            purchase: event.purchase_id,
            sessions,
            time_slot: metadata
                .time_slot()
                .unwrap_or_else(|| DEFAULT_TIME_SLOT.to_owned()),
            chosen_start: metadata.start_date(timezone),
            metadata,
        }
    }

    /// The day on which sessions may start: as chosen, never before today.
    #[must_use]
    pub fn start(&self, today: NaiveDate) -> NaiveDate {
        self.chosen_start.map_or(today, |chosen| chosen.max(today))
    }

    /// What the allocation's row remembers.
    #[must_use]
    pub fn allocation_metadata(&self) -> Value {
        let mut metadata = json!({
            "timeSlot": self.time_slot, "sessionCount": self.sessions, "purchaseId": self.purchase,
        });
        if let Some(start) = self.chosen_start {
            metadata["startDate"] = json!(start);
        }
        metadata
    }
}

/// One request for a trainer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainerRequest {
    /// For whom.
    pub pair: Pair,
    /// The event's id, or another one for each trainer that was lost: asking again with the same key is answered with the same allocation.
    pub idempotency_key: String,
    /// The payment's id.
    pub correlation_id: String,
    /// The request's body.
    pub body: Value,
}

impl TrainerRequest {
    /// The request of SPEC section 3.
    #[must_use]
    pub fn of(pair: Pair, event: &PurchaseCreated, terms: &Terms, today: NaiveDate) -> Self {
        Self {
            pair,
            idempotency_key: event.envelope.event_id.clone(),
            correlation_id: event.envelope.correlation_id.clone(),
            body: json!({
                "studentId": pair.student,
                "courseId": pair.course,
                "timeSlot": terms.time_slot,
                "date": terms.chosen_start.unwrap_or(today),
                "requestedBy": pair.student,
                "paymentMetadata": terms.metadata.to_json(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use makegood::event::Envelope;
    use uuid::Uuid;

    fn event(metadata: Value) -> PurchaseCreated {
        PurchaseCreated {
            purchase_id: PurchaseId(Uuid::from_u128(1)),
            student_id: StudentId(Uuid::from_u128(2)),
            course_id: CourseId(Uuid::from_u128(3)),
            purchase_tier: 20,
            metadata: Metadata::read(Some(&metadata)).unwrap(),
            envelope: Envelope::read(None, "event-1", "correlation-1"),
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_not_chosen_has_its_default() {
        let event = event(json!({}));
        let terms = Terms::of(&event, 20, &Metadata::default(), Tz::UTC);
        let pair = Pair {
            student: event.student_id,
            course: event.course_id,
        };
        let requested = TrainerRequest::of(pair, &event, &terms, day("2026-01-09"));
        assert_eq!(requested.body["timeSlot"], "4:00 PM");
        assert_eq!(requested.body["date"], "2026-01-09");
        assert_eq!(requested.body["requestedBy"], requested.body["studentId"]);
        assert_eq!(requested.idempotency_key, "event-1");
        assert_eq!(terms.allocation_metadata().get("startDate"), None);
    }

    #[test]
    fn a_chosen_day_in_the_past_starts_today_and_one_ahead_stands() {
        let chosen = json!({"schedule": {"startDate": "2026-01-12"}});
        let terms = Terms::of(&event(chosen), 20, &Metadata::default(), Tz::UTC);
        assert_eq!(terms.start(day("2026-02-01")), day("2026-02-01"));
        assert_eq!(terms.start(day("2026-01-01")), day("2026-01-12"));
        assert_eq!(terms.allocation_metadata()["startDate"], "2026-01-12");
    }
}
