//! The provider's own statement of payments and refunds, compared with what is here (G12, docs/decisions/0090). The sweep `statement` reads
//! it and acts, `doctor` and the gauges look at what is left.
//!
//! ```text
//!   entry   what the provider says, as its list has it      (a row of statement_entries)
//!     │     ours: what is here of the same payment
//!   judge   a pure decision: one of ten outcomes
//!     │
//!   act     record as if a webhook had told it, or a case   (functions/sweep)
//! ```

mod entry;
mod judge;
mod keep;
mod reading;
mod store;
mod stripe;

pub use entry::{Entry, EntryKind, EntryState, SettledLine, read_settled};
pub use judge::{Ours, Outcome, RIPE_AFTER, judge_payment, judge_refund};
pub use keep::keep_with_cases;
pub use reading::{List, Reading, last_reading};
pub use store::{
    Gaps, Judged, Paid, Settlement, close_cases, imported, note_settled, of_intents, of_payments, of_refunds,
    open_disputes, open_gaps, paid, settlements, waiting,
};
