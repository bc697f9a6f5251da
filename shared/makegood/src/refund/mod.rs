//! Refunds of payment intents: each is noted on its row, and then what is true of the intent by its rows is carried out. So any order of
//! arrival and any number of repeats comes to the same (docs/decisions/0070). Refunds of payments for courses are `receive-payment`'s.
//!
//! ```text
//!   note ──▶ settle: a part ──▶ kept, or a person is asked
//!                    all of it, and
//!                     ├── no order ───▶ there will be none: the reservation is free, the job is cancelled
//!                     ├── not shipped ▶ the order and its items are cancelled, the stock is back, ORDER_REFUNDED
//!                     └── shipped, or over by another hand ──▶ nothing moves; a person is asked
//! ```
//!
//! The order of the locks: the intent's row, its order, the order's items, then `inventory` by variant id. Whoever makes the order of an
//! intent holds the intent's row, so a refund comes before the order or after it, never in between.

mod asked;
mod cases;
mod settle;
mod store;

pub use asked::{ask_for_part, note_rest};
pub use settle::{Settled, Settling, settle};
pub use store::{Books, NewRefund, books, note};

use std::str::FromStr;

/// Who resolves cases here without being a person.
const PROGRAM: &str = "makegood";

/// What happens when a part of a payment goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartialRefund {
    /// What was bought stays as it is.
    #[default]
    Keep,
    /// What was bought stays as it is, and a case asks a person.
    Case,
    /// A course holds as many sessions fewer as the part had paid for; a shop's order stays as it is.
    Prorate,
}

impl FromStr for PartialRefund {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "keep" => Ok(Self::Keep),
            "case" => Ok(Self::Case),
            "prorate" => Ok(Self::Prorate),
            _ => Err(UnknownPolicy),
        }
    }
}

/// No policy is called that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it must be keep, case or prorate")]
pub struct UnknownPolicy;
