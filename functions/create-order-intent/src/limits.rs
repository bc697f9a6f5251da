//! How much one buyer, and one address, may hold of what others want too. Pure but for reading the configuration.

use chrono::{DateTime, TimeDelta, Utc};
use makegood::config::Environment;

/// The limits; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one buyer.
    pub buyer: Limit,
    /// Of all buyers of one address prefix.
    pub address: Limit,
}

/// What may be open and unpaid at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Intents.
    pub intents: u32,
    /// Pieces that they hold together.
    pub pieces: u32,
}

/// Whose limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The buyer's.
    Buyer,
    /// The address's.
    Address,
}

/// What is open and unpaid, besides what the checkout takes the place of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Intents.
    pub intents: i64,
    /// Pieces.
    pub pieces: i64,
    /// When the first of the intents ends.
    pub first_ends: Option<DateTime<Utc>>,
}

/// Why a checkout is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMuch {
    /// The cart alone holds more pieces than one buyer may reserve.
    Cart {
        /// How many may be.
        most: u32,
    },
    /// Together with what is open.
    Open {
        /// Whose limit it is.
        holder: Holder,
        /// `intents` or `pieces`.
        what: &'static str,
        /// How many may be.
        most: u32,
        /// Seconds until something of it ends.
        retry_after: i64,
    },
}

impl Limits {
    /// Enough for a household and for a buyer who changes their mind, far less than a shop has of anything.
    pub const DEFAULT: Self = Self {
        buyer: Limit {
            intents: 3,
            pieces: 100,
        },
        address: Limit {
            intents: 100,
            pieces: 1_000,
        },
    };

    /// Reads `CHECKOUT_BUYER_INTENTS`, `CHECKOUT_BUYER_PIECES`, `CHECKOUT_ADDRESS_INTENTS` and `CHECKOUT_ADDRESS_PIECES`.
    pub fn read(environment: &mut Environment) -> Self {
        let mut number =
            |name: &str, default: u32| environment.parsed(name, default, "a whole number, 0 for no limit");
        let default = Self::DEFAULT;
        Self {
            buyer: Limit {
                intents: number("CHECKOUT_BUYER_INTENTS", default.buyer.intents),
                pieces: number("CHECKOUT_BUYER_PIECES", default.buyer.pieces),
            },
            address: Limit {
                intents: number("CHECKOUT_ADDRESS_INTENTS", default.address.intents),
                pieces: number("CHECKOUT_ADDRESS_PIECES", default.address.pieces),
            },
        }
    }
}

impl Limit {
    /// Whether anything is limited at all.
    #[must_use]
    pub const fn is_any(self) -> bool {
        self.intents > 0 || self.pieces > 0
    }

    /// How many intents are read to know: no more than decide, and a thousand where only pieces are limited.
    #[must_use]
    pub fn most_read(self) -> i64 {
        const WITHOUT_LIMIT: i64 = 1_000;
        if self.intents == 0 {
            WITHOUT_LIMIT
        } else {
            i64::from(self.intents)
        }
    }

    /// Whether a cart of so many pieces is too much for a buyer or an address that holds this.
    #[must_use]
    pub fn exceeded(self, holder: Holder, held: Held, wanted: i64, now: DateTime<Utc>) -> Option<TooMuch> {
        let beyond = |most: u32, sum: i64| most > 0 && sum > i64::from(most);
        if holder == Holder::Buyer && beyond(self.pieces, wanted) {
            return Some(TooMuch::Cart { most: self.pieces });
        }
        let (what, most) = if beyond(self.intents, held.intents + 1) {
            ("intents", self.intents)
        } else if beyond(self.pieces, held.pieces.saturating_add(wanted)) {
            ("pieces", self.pieces)
        } else {
            return None;
        };
        let left = held.first_ends.map_or(TimeDelta::zero(), |end| end - now);
        Some(TooMuch::Open {
            holder,
            what,
            most,
            retry_after: left.num_seconds().clamp(1, 3_600),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(limit: Limit, holder: Holder, intents: i64, pieces: i64, wanted: i64) -> String {
        let now: DateTime<Utc> = "2026-01-09T12:00:00Z".parse().unwrap();
        let held = Held {
            intents,
            pieces,
            first_ends: Some(now + TimeDelta::seconds(90)),
        };
        match limit.exceeded(holder, held, wanted, now) {
            None => "fine".to_owned(),
            Some(TooMuch::Cart { most }) => format!("cart {most}"),
            Some(TooMuch::Open {
                what,
                most,
                retry_after,
                ..
            }) => format!("{what} {most} {retry_after}"),
        }
    }

    #[test]
    fn the_last_one_that_fits_is_let_in_and_the_next_is_told_what_and_for_how_long() {
        let limit = Limit {
            intents: 2,
            pieces: 10,
        };
        assert_eq!(told(limit, Holder::Buyer, 1, 4, 6), "fine");
        assert_eq!(told(limit, Holder::Buyer, 2, 4, 1), "intents 2 90");
        assert_eq!(told(limit, Holder::Buyer, 1, 4, 7), "pieces 10 90");
    }

    #[test]
    fn a_cart_that_no_waiting_makes_smaller_is_told_so() {
        let limit = Limit {
            intents: 2,
            pieces: 10,
        };
        assert_eq!(told(limit, Holder::Buyer, 0, 0, 11), "cart 10");
        assert_eq!(told(limit, Holder::Buyer, 0, 0, 10), "fine");
    }

    #[test]
    fn zero_is_no_limit() {
        let none = Limit {
            intents: 0,
            pieces: 0,
        };
        assert!(!none.is_any());
        assert_eq!(told(none, Holder::Address, 1_000, i64::MAX, i64::MAX), "fine");
    }

    #[test]
    fn what_is_no_number_is_named_and_what_is_absent_has_its_default() {
        let mut environment = Environment::of(&[("CHECKOUT_BUYER_PIECES", "many")]);
        assert_eq!(Limits::read(&mut environment), Limits::DEFAULT);
        let problems = environment.finish().unwrap_err().to_string();
        assert!(problems.contains("CHECKOUT_BUYER_PIECES"), "{problems}");
    }
}
