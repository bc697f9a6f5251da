//! From a confirmed payment to its purchase, set-based: one statement and one commit for a batch, exactly one active
//! purchase for a student and course whatever is delivered again, and no sale stopped by a missing index. And how a purchase ends, or
//! holds fewer sessions since a part of its money went back.

mod create;
mod decide;
mod end;
mod evidence;
mod extend;
mod fallback;
mod fast;
mod index_guard;
mod over;
mod owner;
mod prorate;
mod renew;
mod request;
mod row;
mod settle;

pub use create::{Fulfilment, Purchases};
pub use decide::{End, Evidence, ExistingPurchase, KnownPayment, PurchaseOutcome, decide};
pub use end::{EndReason, Ended, Ending, end, end_noted, end_of_payment};
pub use extend::SecondPayment;
pub use index_guard::IndexGuard;
pub use prorate::{Prorated, Prorating, prorate};
pub use request::PurchaseRequest;
pub use row::{Difference, PaymentFact, PaymentFacts};
