//! What is to be done for one purchase, given how it stands. Pure.

use crate::answer::Grant;
use crate::purchase_state::{Lost, Purchase, PurchaseState};
use crate::request::{Pair, Terms};
use chrono_tz::Tz;
use makegood::delivery::Failure;
use makegood::erased::pseudonym;
use makegood::event::PurchaseCreated;

/// For whom a trainer is wanted, and on which terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub pair: Pair,
    pub terms: Terms,
    /// The payment's id where it is known, else what the event carries.
    pub correlation_id: String,
    /// What the purchase's last trainer was lost with.
    pub lost: Option<Lost>,
}

impl Candidate {
    /// The key under which the admin service is asked: the event's, and for each trainer that was lost another one, since under a key that it
    /// knows the service gives back the trainer who left. The same for every repeat of the same question.
    #[must_use]
    pub fn idempotency_key(&self, event_id: &str) -> String {
        match self.lost {
            None => event_id.to_owned(),
            Some(Lost {
                allocation,
                allocated_micros: None,
            }) => format!("{event_id}-after-{allocation}"),
            Some(Lost {
                allocation,
                allocated_micros: Some(micros),
            }) => format!("{event_id}-after-{allocation}-{micros}"),
        }
    }
}

/// What is to be done for one purchase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// It can't be done now.
    Fail(Failure),
    /// The purchase is no longer active: no trainer is owed.
    Ended,
    /// Allocated and published, or held to its end: a replay.
    Done,
    /// Allocated, and the event is missing.
    Publish(Candidate, Grant),
    /// The admin service is to be asked.
    Ask(Candidate),
}

/// Decides by the purchase's row, never by the event alone.
#[must_use]
pub(crate) fn decide(event: &PurchaseCreated, state: &PurchaseState, timezone: Tz) -> Step {
    let Some(purchase) = &state.purchase else {
        if state.row_gone {
            let reason =
                "the event was processed, and its purchase's row was deleted since; no trainer is sought";
            return Step::Fail(Failure::acknowledge("purchase_row_gone", reason));
        }
        let reason = format!(
            "purchase {} is not there (yet); check that the event is of this database",
            event.purchase_id
        );
        return Step::Fail(Failure::retry("purchase_not_found", reason));
    };
    if purchase.pair.student.0 == pseudonym(event.student_id.0) {
        return Step::Fail(Failure::acknowledge(
            "student_erased",
            "the student was erased; no trainer is sought",
        ));
    }
    if let Some(failure) = of_another_pair(event, purchase) {
        return Step::Fail(failure);
    }
    if !purchase.active {
        return Step::Ended;
    }
    let candidate = Candidate {
        pair: purchase.pair,
        terms: Terms::of(event, purchase.sessions, &purchase.metadata, timezone),
        correlation_id: correlation_id(event, state),
        lost: state.lost,
    };
    match state.held {
        Some(_) if state.published => Step::Done,
        None if state.completed => Step::Done,
        _ if !purchase.may_mean(event.purchase_tier) => {
            Step::Fail(differs(event, "purchase_tier_differs", "purchaseTier"))
        }
        Some(grant) => Step::Publish(candidate, grant),
        None => Step::Ask(candidate),
    }
}

/// An event about another student or course than its purchase's row is never even a replay.
fn of_another_pair(event: &PurchaseCreated, purchase: &Purchase) -> Option<Failure> {
    if event.student_id != purchase.pair.student {
        return Some(differs(event, "purchase_student_differs", "studentId"));
    }
    (event.course_id != purchase.pair.course).then(|| differs(event, "purchase_course_differs", "courseId"))
}

fn differs(event: &PurchaseCreated, code: &'static str, field: &str) -> Failure {
    let id = event.purchase_id;
    let reason = format!(
        "`{field}` is not what the row of purchase {id} says; compare both with `makegood trace {id}`, and find out who sent this event"
    );
    Failure::park(code, reason)
}

/// An envelope that was missing was derived from the purchase; the payment's id is better.
fn correlation_id(event: &PurchaseCreated, state: &PurchaseState) -> String {
    let given = &event.envelope.correlation_id;
    let payment = state.purchase.as_ref().and_then(|purchase| purchase.payment);
    match payment {
        Some(payment) if *given == event.purchase_id.to_string() => payment.to_string(),
        _ => given.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use makegood::event::{Envelope, Metadata};
    use makegood::ids::{AllocationId, CourseId, PaymentId, PurchaseId, StudentId, TrainerId};
    use std::collections::HashSet;
    use uuid::Uuid;

    const GRANT: Grant = Grant {
        allocation: AllocationId(Uuid::from_u128(4)),
        trainer: TrainerId(Uuid::from_u128(5)),
    };
    const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(6));

    fn event() -> PurchaseCreated {
        let purchase_id = PurchaseId(Uuid::from_u128(1));
        PurchaseCreated {
            purchase_id,
            student_id: StudentId(Uuid::from_u128(2)),
            course_id: CourseId(Uuid::from_u128(3)),
            purchase_tier: 20,
            metadata: Metadata::default(),
            envelope: Envelope::read(None, "event-1", &purchase_id.to_string()),
        }
    }

    fn state(active: bool, held: Option<Grant>, published: bool) -> PurchaseState {
        let pair = Pair {
            student: StudentId(Uuid::from_u128(2)),
            course: CourseId(Uuid::from_u128(3)),
        };
        let metadata = Metadata::default();
        let purchase = Purchase {
            pair,
            payment: Some(PAYMENT),
            sessions: 20,
            added: 0,
            reduced: 0,
            active,
            metadata,
        };
        PurchaseState {
            purchase: Some(purchase),
            held,
            published,
            completed: false,
            row_gone: false,
            lost: None,
        }
    }

    #[test]
    fn only_an_active_purchase_without_trainer_is_asked_for() {
        assert!(matches!(
            decide(&event(), &PurchaseState::default(), Tz::UTC),
            Step::Fail(_)
        ));
        assert_eq!(decide(&event(), &state(false, None, false), Tz::UTC), Step::Ended);
        assert_eq!(
            decide(&event(), &state(true, Some(GRANT), true), Tz::UTC),
            Step::Done
        );
        assert!(matches!(
            decide(&event(), &state(true, Some(GRANT), false), Tz::UTC),
            Step::Publish(_, GRANT)
        ));
        assert!(matches!(
            decide(&event(), &state(true, None, false), Tz::UTC),
            Step::Ask(_)
        ));
        let completed = PurchaseState {
            completed: true,
            ..state(true, None, false)
        };
        assert_eq!(decide(&event(), &completed, Tz::UTC), Step::Done);
    }

    #[test]
    fn an_event_that_differs_from_its_row_gets_no_trainer() {
        let other = Uuid::from_u128(9);
        let (mut student, mut course, mut tier) = (event(), event(), event());
        student.student_id = StudentId(other);
        course.course_id = CourseId(other);
        tier.purchase_tier = 30;
        for (event, code) in [
            (student, "purchase_student_differs"),
            (course, "purchase_course_differs"),
            (tier, "purchase_tier_differs"),
        ] {
            for held in [None, Some(GRANT)] {
                let Step::Fail(failure) = decide(&event, &state(true, held, false), Tz::UTC) else {
                    panic!("{code}: not refused")
                };
                assert_eq!(failure.code, code);
            }
        }
    }

    #[test]
    fn each_lost_trainer_is_a_question_of_its_own() {
        let ask = |lost| {
            let state = PurchaseState {
                lost,
                ..state(true, None, false)
            };
            let Step::Ask(candidate) = decide(&event(), &state, Tz::UTC) else {
                panic!("not asked")
            };
            candidate.idempotency_key("event-1")
        };
        let lost = |allocated_micros| {
            Some(Lost {
                allocation: AllocationId(Uuid::from_u128(4)),
                allocated_micros,
            })
        };
        assert_eq!(ask(None), "event-1");
        assert_eq!(ask(lost(Some(7))), ask(lost(Some(7))));
        let keys: HashSet<String> = [None, lost(None), lost(Some(7)), lost(Some(8))].map(ask).into();
        assert_eq!(keys.len(), 4, "{keys:?}");
    }

    #[test]
    fn a_derived_correlation_gives_way_to_the_payments_id() {
        let Step::Ask(candidate) = decide(&event(), &state(true, None, false), Tz::UTC) else {
            panic!("not asked")
        };
        assert_eq!(candidate.correlation_id, PAYMENT.to_string());
    }
}
