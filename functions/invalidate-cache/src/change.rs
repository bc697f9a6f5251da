//! Any of the five events after which a student's pages look different.

use makegood::event::{Envelope, Event, EventError};
use makegood::ids::StudentId;

const HANDLED: &str =
    "PURCHASE_CREATED, TRAINER_ALLOCATED, SESSIONS_GENERATED, SESSIONS_RESCHEDULED, PURCHASE_ENDED";

/// Something that a student's pages show has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudentChange {
    /// Whose pages.
    pub student_id: StudentId,
    /// Which event said so.
    pub envelope: Envelope,
}

impl StudentChange {
    /// Reads the body of a message.
    ///
    /// # Errors
    /// [`EventError`] naming the field, or the type when the event changes no student's page.
    pub fn parse(payload: &str) -> Result<Self, EventError> {
        let (student_id, envelope) = match Event::parse(payload)? {
            Event::PurchaseCreated(event) => (event.student_id, event.envelope),
            Event::TrainerAllocated(event) => (event.student_id, event.envelope),
            Event::SessionsGenerated(event) => (event.student_id, event.envelope),
            Event::PurchaseEnded(event) => (event.student_id, event.envelope),
            Event::SessionsRescheduled(event) => (event.student_id, event.envelope),
            other @ (Event::PurchaseConfirmed(_) | Event::OrderConfirmed(_) | Event::OrderRefunded(_)) => {
                let found = other.event_type().wire_name().to_owned();
                return Err(EventError::UnexpectedType {
                    found,
                    expected: HANDLED,
                });
            }
        };
        Ok(Self { student_id, envelope })
    }
}
