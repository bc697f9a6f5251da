//! What the database knows of one person: given out, or erased (docs/privacy.md, docs/decisions/0087).

mod erase;
mod export;
mod footprint;
mod open;
mod settle;
mod steps;

pub use erase::{Erasing, Erasure, Left, Refused, erase};
pub use export::{Export, NOTE, SCHEMA, export};
pub use footprint::Footprint;
pub use open::{Open, OpenKind};

use makegood::erased::pseudonym;
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// Whose data: a person of one pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "kind", content = "id", rename_all = "lowercase")]
pub enum Person {
    /// Who learns, in the course pipeline.
    Student(Uuid),
    /// Who buys, in the shop.
    Buyer(Uuid),
}

impl Person {
    /// The id.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Student(id) | Self::Buyer(id) => id,
        }
    }

    /// As `erased_people` has it: `course` or `shop`.
    #[must_use]
    pub const fn pipeline(self) -> &'static str {
        match self {
            Self::Student(_) => "course",
            Self::Buyer(_) => "shop",
        }
    }

    /// As the audit log names an erased person: by the pseudonym.
    #[must_use]
    pub fn subject(self) -> String {
        let kind = match self {
            Self::Student(_) => "student",
            Self::Buyer(_) => "buyer",
        };
        format!("{kind}:{}", pseudonym(self.id()))
    }
}

impl fmt::Display for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Student(id) => write!(formatter, "student {id}"),
            Self::Buyer(id) => write!(formatter, "buyer {id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erased_person_is_named_without_the_id() {
        let person = Person::Student(Uuid::from_u128(7));
        assert_eq!(
            person.subject(),
            format!("student:{}", pseudonym(Uuid::from_u128(7)))
        );
        assert!(!person.subject().contains(&person.id().to_string()));
        assert_eq!(
            Person::Buyer(person.id()).subject(),
            person.subject().replace("student", "buyer")
        );
    }
}
