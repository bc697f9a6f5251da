//! Identifiers as types of their own, so that a student is never passed where a course is wanted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

uuid_id! {
    /// A row of `payments`.
    PaymentId,
    /// A student, owned by another service.
    StudentId,
    /// A course, owned by another service.
    CourseId,
    /// A row of `student_course_purchases`.
    PurchaseId,
    /// A row of `trainer_allocations`.
    AllocationId,
    /// A trainer, owned by the admin service.
    TrainerId,
    /// A row of `tutoring_sessions`.
    SessionId,
    /// A row of `orders`.
    OrderId,
    /// A row of `refunds`.
    RefundId,
    /// A buyer of the shop, the subject of the JWT.
    UserId,
}

/// The namespace of every UUIDv5 that Makegood derives; never change it, derived ids must stay the same.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d61_6b65_676f_6f64_8000_0000_0000_0001);

/// The UUIDv5 of an opaque text, for columns that must be a UUID.
#[must_use]
pub fn derived_uuid(text: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, text.as_bytes())
}

impl UserId {
    /// The buyer whom a token's subject names: a UUID is itself, any other text its UUIDv5 under the namespace
    /// `6d616b65-676f-6f64-8000-000000000001`, which a shop can work out as well (docs/integrate.md). None for a text that names
    /// no user: a blank one, or one with a NUL, which no row can hold.
    ///
    /// ```
    /// # use makegood::ids::UserId;
    /// let buyer = UserId::of_subject("auth0|6502c1d8e2").unwrap();
    /// assert_eq!(buyer.to_string(), "f2bbfee8-314a-55bc-ba16-6f85370108f9");
    /// assert_eq!(UserId::of_subject(&buyer.to_string()), Some(buyer));
    /// assert_eq!(UserId::of_subject(" "), None);
    /// ```
    #[must_use]
    pub fn of_subject(subject: &str) -> Option<Self> {
        if subject.trim().is_empty() || subject.contains('\0') {
            return None;
        }
        Some(Self(
            Uuid::parse_str(subject).unwrap_or_else(|_| derived_uuid(subject)),
        ))
    }
}

/// The most bytes of a text from outside that goes into an indexed column. An index entry of Postgres ends at 2,704 bytes, and
/// an index may hold two such texts.
pub const LONGEST_INDEXED: usize = 512;

/// The text as an indexed column can hold it: itself, or, beyond [`LONGEST_INDEXED`] bytes, its start and the UUIDv5 of the whole,
/// so that different texts stay different and the same text is always the same.
#[must_use]
pub fn indexable(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_INDEXED {
        return Cow::Borrowed(text);
    }
    let hash = derived_uuid(text).simple().to_string();
    let start = text.floor_char_boundary(LONGEST_INDEXED - hash.len() - 1);
    Cow::Owned(format!("{}~{hash}", &text[..start]))
}

/// What ties all events of one payment together: the payment's id through the whole course pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct CorrelationId(pub Uuid);

impl CorrelationId {
    /// A UUID stays itself; any other text maps to its UUIDv5, since the column is a UUID (SPEC 2). A text and its
    /// [`indexable`] form map to the same.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(Uuid::parse_str(text).unwrap_or_else(|_| derived_uuid(&indexable(text))))
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlation_that_is_no_uuid_maps_to_the_same_uuid_every_time() {
        let first = CorrelationId::from_text("order-17");
        assert_eq!(first, CorrelationId::from_text("order-17"));
        assert_ne!(first, CorrelationId::from_text("order-18"));
        assert_eq!(first.0.get_version_num(), 5);
    }

    #[test]
    fn a_subject_that_is_no_uuid_is_the_buyer_that_any_uuidv5_of_it_names() {
        // Worked out by Python's uuid.uuid5.
        for (subject, buyer) in [
            ("auth0|6502c1d8e2", "f2bbfee8-314a-55bc-ba16-6f85370108f9"),
            ("admin", "247989f3-4306-55e5-9f08-7d3e0c32cfa8"),
            ("42", "1dc57b0c-eace-509d-a2d0-0741168aa80d"),
            ("आशा", "0c1e163c-bbba-53c7-b4cd-1b445e5d69b3"),
        ] {
            assert_eq!(
                UserId::of_subject(subject).unwrap().to_string(),
                buyer,
                "{subject}"
            );
        }
        assert_ne!(UserId::of_subject("Admin"), UserId::of_subject("admin"));
    }

    #[test]
    fn a_subject_that_is_blank_or_that_no_row_can_hold_names_no_user() {
        for subject in ["", " ", "\t\n", "auth0|\0", "\0"] {
            assert_eq!(UserId::of_subject(subject), None, "{subject:?}");
        }
    }

    #[test]
    fn a_subject_that_is_a_uuid_is_itself_however_it_is_written() {
        let id = Uuid::from_u128(0x6f1c_2a6e_0000_4000_8000_0000_0000_0007);
        for subject in [
            id.to_string(),
            id.to_string().to_uppercase(),
            id.simple().to_string(),
        ] {
            assert_eq!(UserId::of_subject(&subject), Some(UserId(id)), "{subject}");
        }
    }

    #[test]
    fn correlation_that_is_a_uuid_stays_itself() {
        let id = Uuid::from_u128(7);
        assert_eq!(CorrelationId::from_text(&id.to_string()).0, id);
    }

    #[test]
    fn a_text_up_to_the_limit_stays_itself_and_a_longer_one_keeps_its_difference() {
        for length in [0, 1, LONGEST_INDEXED - 1, LONGEST_INDEXED] {
            let text = "x".repeat(length);
            assert_eq!(indexable(&text), text);
        }
        for (one, other) in [("a", "b"), ("é", "è"), ("🜁", "🜂")] {
            for length in LONGEST_INDEXED..LONGEST_INDEXED + 9 {
                let long = |last: &str| format!("{}{last}{last}", one.repeat(length));
                let (first, second) = (long(one), long(other));
                let kept = indexable(&first);
                // As much of its start as there is room for: another character would be too much.
                assert!(kept.len() <= LONGEST_INDEXED && kept.len() + one.len() > LONGEST_INDEXED);
                let (start, hash) = kept.rsplit_once('~').expect("a start and a hash");
                assert!(first.starts_with(start) && hash.len() == 32, "{kept}");
                assert_eq!(indexable(&first), indexable(&first.clone()));
                assert_ne!(indexable(&first), indexable(&second));
                assert_eq!(indexable(&indexable(&first)), indexable(&first));
                assert_eq!(
                    CorrelationId::from_text(&first),
                    CorrelationId::from_text(&indexable(&first))
                );
            }
        }
    }
}
