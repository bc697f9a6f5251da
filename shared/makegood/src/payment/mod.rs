//! A payment of a course, from what its sender says to its row of `payments` with the event that publishes it: read, confirmed by a
//! price authority, recorded once, given back.
//!
//! Whoever learns of a payment records it by [`record::record`]: the function `receive-payment` from a webhook or a confirmation, the
//! sweep `statement` from the provider's own list.

pub mod books;
mod cases;
mod confirmed;
mod confirmed_event;
pub mod decide;
pub mod fields;
pub mod known;
mod lines;
mod parts;
pub mod price;
pub mod provider;
pub mod razorpay;
pub mod record;
pub mod returned;
mod source;
mod store;
pub mod stripe;
pub mod webhook;

pub use books::{Books, PartialRefund, RecordError};
pub use confirmed::{ConfirmedPayment, Refusal, Refused, Sender, StrandedPayment, UnnamedPayment};
pub use source::SOURCE;
