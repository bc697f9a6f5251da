//! The payment's row against the event that names it: the row decides, the event only points to it. Pure.

use crate::erased::pseudonym;
use crate::event::{Metadata, PurchaseConfirmed};
use chrono_tz::Tz;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What `payments` knows of the payments of a batch, by id.
#[derive(Debug, Clone)]
pub struct PaymentFacts {
    /// By id; one that is not there has no facts.
    pub rows: HashMap<Uuid, PaymentFact>,
    /// Those students of payments that are not there who were erased.
    pub erased: HashSet<Uuid>,
    /// Those events of payments that are not there that were processed while they were.
    pub processed: HashSet<String>,
    /// Where the school is: a purchase that ends on a day ends with that day.
    pub timezone: Tz,
}

/// What `payments` knows of one payment.
#[derive(Debug, Clone)]
pub struct PaymentFact {
    /// Who learns.
    pub student_id: Uuid,
    /// In minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// As the column has it.
    pub status: String,
    /// Merged under the event's metadata; its `courseId` is the course that was paid.
    pub metadata: Metadata,
}

/// In what an event is not what its payment's row says: the first of them, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Difference {
    /// There is no such row. A producer may publish before it commits, so it may still come.
    NotRecorded,
    /// The row says neither succeeded nor refunded. It may still change.
    NotSucceeded,
    /// The event was processed, and its payment's row was deleted since.
    RowGone,
    /// The student was erased. What was made before stays as it is, and nothing more is made.
    Erased,
    /// The row is another student's.
    Student,
    /// The row names another course, or none that can be read.
    Course,
    /// Another amount was paid.
    Amount,
    /// It was paid in another currency.
    Currency,
    /// Another number of sessions was paid.
    Tier,
    /// The row says another end of the purchase.
    Expiry,
}

impl Difference {
    /// Every difference.
    pub const ALL: [Self; 10] = [
        Self::NotRecorded,
        Self::NotSucceeded,
        Self::RowGone,
        Self::Erased,
        Self::Student,
        Self::Course,
        Self::Amount,
        Self::Currency,
        Self::Tier,
        Self::Expiry,
    ];

    /// A stable code for dead letters and cases; it names the field.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotRecorded => "payment_not_recorded",
            Self::NotSucceeded => "payment_not_succeeded",
            Self::RowGone => "payment_row_gone",
            Self::Erased => "student_erased",
            Self::Student => "payment_student_differs",
            Self::Course => "payment_course_differs",
            Self::Amount => "payment_amount_differs",
            Self::Currency => "payment_currency_differs",
            Self::Tier => "payment_tier_differs",
            Self::Expiry => "payment_expiry_differs",
        }
    }

    /// The event's field, or the row's where the event has none.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::NotRecorded | Self::RowGone => "paymentId",
            Self::NotSucceeded => "status",
            Self::Erased | Self::Student => "studentId",
            Self::Course => "courseId",
            Self::Amount => "amountCents",
            Self::Currency => "currency",
            Self::Tier => "metadata.purchaseTier",
            Self::Expiry => "metadata.expiryDate",
        }
    }

    /// Whether the row may still come to agree: worth another delivery.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::NotRecorded | Self::NotSucceeded)
    }

    /// Whether the event is about another student or course than the row: never a replay of what was made for it.
    #[must_use]
    pub const fn is_of_another_pair(self) -> bool {
        matches!(self, Self::Erased | Self::Student | Self::Course)
    }
}

impl PaymentFacts {
    /// Whether the money went back already.
    #[must_use]
    pub fn refunded(&self, event: &PurchaseConfirmed) -> bool {
        self.rows
            .get(&event.payment_id.0)
            .is_some_and(|fact| fact.status == "refunded")
    }

    /// In what the event is not what its payment's row says; none when the row allows what the event asks for, or says that the
    /// money went back.
    #[must_use]
    pub fn difference(&self, event: &PurchaseConfirmed) -> Option<Difference> {
        let Some(row) = self.rows.get(&event.payment_id.0) else {
            return Some(if self.erased.contains(&event.student_id.0) {
                Difference::Erased
            } else if self.processed.contains(&event.envelope.event_id) {
                Difference::RowGone
            } else {
                Difference::NotRecorded
            });
        };
        if row.student_id == pseudonym(event.student_id.0) {
            return Some(Difference::Erased);
        }
        // What is not finished is not compared: amount and course may be corrected when it succeeds.
        if !matches!(row.status.as_str(), "succeeded" | "refunded") {
            return Some(Difference::NotSucceeded);
        }
        let owed = row.status == "succeeded";
        [
            (row.student_id != event.student_id.0, Difference::Student),
            (row.course() != Some(event.course_id.0), Difference::Course),
            // Nothing is owed for what went back, whatever the row kept of it.
            (owed && row.amount_minor != event.amount_cents, Difference::Amount),
            (owed && row.is_of_another_currency(event), Difference::Currency),
            (owed && row.is_of_another_tier(event), Difference::Tier),
            (
                owed && row.ends_otherwise(event, self.timezone),
                Difference::Expiry,
            ),
        ]
        .into_iter()
        .find_map(|(differs, difference)| differs.then_some(difference))
    }
}

impl PaymentFact {
    /// The course that was paid; none when the row names none that can be read.
    fn course(&self) -> Option<Uuid> {
        let text = self.metadata.0.get("courseId")?.as_str()?;
        Uuid::parse_str(text.trim()).ok()
    }

    fn is_of_another_currency(&self, event: &PurchaseConfirmed) -> bool {
        event
            .currency
            .as_deref()
            .is_some_and(|currency| !currency.eq_ignore_ascii_case(self.currency.trim()))
    }

    /// Only where both say it; the row of a payment service that does not know tiers leaves it to the event.
    fn is_of_another_tier(&self, event: &PurchaseConfirmed) -> bool {
        let stated = |metadata: &Metadata| metadata.stated_tier().ok().flatten();
        matches!((stated(&self.metadata), stated(&event.metadata)), (Some(paid), Some(said)) if paid != said)
    }

    /// An end that was paid for can be neither moved nor taken away by the event.
    fn ends_otherwise(&self, event: &PurchaseConfirmed, timezone: Tz) -> bool {
        let Ok(Some(paid)) = self.metadata.expiry(timezone) else {
            return false;
        };
        matches!(event.metadata.over(&self.metadata).expiry(timezone), Ok(said) if said != Some(paid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Envelope;
    use crate::ids::{CourseId, PaymentId, StudentId};
    use serde_json::{Value, json};
    use std::collections::BTreeSet;

    const PAYMENT: Uuid = Uuid::from_u128(1);
    const STUDENT: Uuid = Uuid::from_u128(2);
    const COURSE: Uuid = Uuid::from_u128(0xc3);

    fn metadata(value: &Value) -> Metadata {
        Metadata::read(Some(value)).unwrap()
    }

    fn event() -> PurchaseConfirmed {
        PurchaseConfirmed {
            payment_id: PaymentId(PAYMENT),
            student_id: StudentId(STUDENT),
            course_id: CourseId(COURSE),
            amount_cents: 499_900,
            currency: None,
            metadata: metadata(&json!({"purchaseTier": 20})),
            envelope: Envelope::read(None, "event", "correlation"),
        }
    }

    fn row(says: &Value) -> PaymentFacts {
        let fact = PaymentFact {
            student_id: STUDENT,
            amount_minor: 499_900,
            currency: "INR".to_owned(),
            status: "succeeded".to_owned(),
            metadata: metadata(says),
        };
        PaymentFacts {
            rows: [(PAYMENT, fact)].into(),
            erased: HashSet::new(),
            processed: HashSet::new(),
            timezone: Tz::UTC,
        }
    }

    fn paid() -> PaymentFacts {
        row(&json!({"courseId": COURSE, "purchaseTier": 20, "expiryDate": "2026-12-31"}))
    }

    #[test]
    fn the_course_is_read_as_leniently_as_other_fields() {
        let upper = COURSE.to_string().to_uppercase();
        for says in [
            json!({"courseId": upper}),
            json!({"courseId": format!(" {COURSE} ")}),
            json!(format!("{{\"courseId\": \"{COURSE}\"}}")),
        ] {
            assert_eq!(row(&says).difference(&event()), None, "{says}");
        }
        for says in [
            json!({}),
            json!({"courseId": "maths"}),
            json!({"courseId": null}),
            json!({"courseId": 3}),
        ] {
            assert_eq!(
                row(&says).difference(&event()),
                Some(Difference::Course),
                "{says}"
            );
        }
    }

    #[test]
    fn what_only_one_of_both_says_is_no_difference() {
        let silent = row(&json!({"courseId": COURSE}));
        assert_eq!(silent.difference(&event()), None);
        let event = PurchaseConfirmed {
            metadata: Metadata::default(),
            ..event()
        };
        assert_eq!(paid().difference(&event), None);
    }

    #[test]
    fn a_currency_is_compared_without_its_case_and_an_end_by_its_moment() {
        let event = |currency: &str, end: Value| PurchaseConfirmed {
            currency: Some(currency.to_owned()),
            metadata: metadata(&json!({"expiryDate": end})),
            ..event()
        };
        assert_eq!(
            paid().difference(&event("inr", json!("2026-12-31T23:59:59Z"))),
            None
        );
        assert_eq!(
            paid().difference(&event("NPR", json!("2026-12-31"))),
            Some(Difference::Currency)
        );
        for end in [json!("2027-12-31"), json!(null)] {
            assert_eq!(paid().difference(&event("INR", end)), Some(Difference::Expiry));
        }
    }

    #[test]
    fn a_payment_that_is_not_finished_is_waited_for_whatever_else_differs() {
        for status in ["initiated", "processing", "failed", "cancelled"] {
            let mut facts = paid();
            let fact = facts.rows.get_mut(&PAYMENT).unwrap();
            fact.status = status.to_owned();
            fact.amount_minor = 1;
            assert_eq!(
                facts.difference(&event()),
                Some(Difference::NotSucceeded),
                "{status}"
            );
        }
        let nothing_known = PaymentFacts {
            rows: HashMap::new(),
            erased: HashSet::new(),
            processed: HashSet::new(),
            timezone: Tz::UTC,
        };
        assert_eq!(nothing_known.difference(&event()), Some(Difference::NotRecorded));
    }

    #[test]
    fn an_event_of_a_student_who_was_erased_since_is_known_by_the_rows_pseudonym_or_by_the_memory() {
        for status in ["initiated", "succeeded", "refunded"] {
            let mut facts = paid();
            let fact = facts.rows.get_mut(&PAYMENT).unwrap();
            fact.student_id = pseudonym(STUDENT);
            fact.status = status.to_owned();
            assert_eq!(facts.difference(&event()), Some(Difference::Erased), "{status}");
        }
        let gone = PaymentFacts {
            rows: HashMap::new(),
            erased: [STUDENT].into(),
            processed: HashSet::new(),
            timezone: Tz::UTC,
        };
        assert_eq!(gone.difference(&event()), Some(Difference::Erased));
    }

    #[test]
    fn an_event_that_was_processed_waits_for_no_row() {
        let mut facts = PaymentFacts {
            rows: HashMap::new(),
            erased: HashSet::new(),
            processed: ["event".to_owned()].into(),
            timezone: Tz::UTC,
        };
        assert_eq!(facts.difference(&event()), Some(Difference::RowGone));
        assert!(!Difference::RowGone.may_pass());
        facts.erased = [STUDENT].into();
        assert_eq!(facts.difference(&event()), Some(Difference::Erased));
    }

    #[test]
    fn of_a_payment_that_went_back_only_whose_it_was_is_compared() {
        let mut facts = paid();
        let fact = facts.rows.get_mut(&PAYMENT).unwrap();
        fact.status = "refunded".to_owned();
        fact.amount_minor = 0;
        assert_eq!(facts.difference(&event()), None);
        assert!(facts.refunded(&event()));
        let other = PurchaseConfirmed {
            student_id: StudentId(COURSE),
            ..event()
        };
        assert_eq!(facts.difference(&other), Some(Difference::Student));
    }

    #[test]
    fn every_difference_has_a_code_of_its_own() {
        let codes: BTreeSet<&str> = Difference::ALL.into_iter().map(Difference::code).collect();
        assert_eq!(codes.len(), Difference::ALL.len());
    }
}
