//! The `finalize-order` function: runs jobs under a lease. Those that matter make the orders of paid intents, with all that belongs to
//! them: a set of jobs in one transaction, each with an outcome of its own.

mod columns;
mod decide;
mod facts;
mod handler;
mod intent;
mod isolate;
mod locks;
mod new_order;
mod number;
mod payload;
mod payment_failure;
mod refund;
mod refusal;
mod set;
mod snapshot;
mod worker;
mod write;

pub use columns::COLUMNS;
pub use handler::{FinalizeOrder, NAME};
pub use number::order_number;
pub use worker::{Finished, Worked};
