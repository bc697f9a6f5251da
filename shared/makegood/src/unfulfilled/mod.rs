//! What is paid and not fulfilled: one rule in one place, with three readers. `reconcile` heals what it says, the `health` gauges count
//! it, `doctor` reports it.
//!
//! ```text
//!   walk (…_step.sql)      along an index on time, compares sets, gives candidates: costs what it walks, and no other history
//!        │ candidates
//!        ▼
//!   rule (payments.sql …)  decides about these ids, and no others: costs what it is asked about
//!        │ unfulfilled
//!        ▼
//!   list (unfulfilled)     what stays unfulfilled is looked at again by each run, however old it is
//! ```
//!
//! The frequent readers walk a window and look at the list; the sweep `compare` walks all history, a step at a time, and puts what it
//! finds on the list (docs/decisions/0031).

mod compare;
mod list;
mod rule;
mod survey;
mod walk;

pub use compare::{Comparison, compare_step, last_comparison};
pub use list::{put_on_list, take_off_list};
pub use rule::{
    Rule, Unfulfilled, UnfulfilledAllocation, UnfulfilledIntent, UnfulfilledPayment, UnfulfilledPurchase,
    find,
};
pub use survey::{Batch, Figures, Survey};
pub use walk::Place;

/// What can be unfulfilled, in pipeline order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A payment for a course without its purchase (G1).
    Payment,
    /// A purchase without an allocation (G2).
    Purchase,
    /// An allocation with sessions left and none ahead (G3).
    Allocation,
    /// A paid intent without its order (G5).
    Intent,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Payment, Self::Purchase, Self::Allocation, Self::Intent];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Purchase => "purchase",
            Self::Allocation => "allocation",
            Self::Intent => "intent",
        }
    }

    /// The kind of this wire name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.wire_name() == name)
    }

    /// For a person.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Payment => "payments without purchase",
            Self::Purchase => "purchases without allocation",
            Self::Allocation => "allocations without sessions ahead",
            Self::Intent => "paid intents without order",
        }
    }
}
