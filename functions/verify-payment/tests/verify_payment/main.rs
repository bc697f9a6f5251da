//! What `verify-payment` promises, on real Postgres behind PgBouncer, a real queue, and the gateways' stub.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod amounts;
mod early;
mod edited;
mod given_back;
mod held;
mod interleaved;
mod kills;
mod late;
mod nothing;
mod once;
mod overtaken;
mod price_ends;
mod replaced;
mod round_trips;
mod strangers;
mod tabs;
mod throttled;
mod till;
