//! Replacement: a buyer who checks out again with another cart, gateway or address has one open intent all the same, and of all
//! intents of one checkout one becomes an order (docs/decisions/0057).
//!
//! Whoever opens, replaces or fulfils an intent holds its buyer's lock first, then the rows of intents, then what
//! [`crate::stock`] locks. None of these functions commits. `finalize-order` does so for all the buyers of a set, in statements of its own.

mod store;

pub use store::{join_earlier, lock_buyer, replace};
