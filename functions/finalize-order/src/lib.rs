//! The `finalize-order` function: runs jobs under a lease. The one that matters makes the order of a paid intent, with all
//! that belongs to it, in one transaction.

mod cart;
mod columns;
mod handler;
mod number;
mod order;
mod payload;
mod payment_failure;
mod refund;
mod refusal;
mod snapshot;
mod store;
mod worker;

pub use columns::COLUMNS;
pub use handler::{FinalizeOrder, NAME};
pub use number::order_number;
pub use worker::{Finished, Worked};
