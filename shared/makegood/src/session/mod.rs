//! Sessions on the calendar: which days they are on (pure), and the window of each allocation filled in the database.
//! `schedule-sessions` fills it first, `top-up-sessions` keeps it full.

mod fill;
mod next_sessions;
mod slot;
mod store;

pub use fill::{Filled, Filling, Outcome, Told, fill};
pub use next_sessions::{Booked, WINDOW, Window, next_sessions, upcoming};
pub use slot::TimeSlot;
pub(crate) use store::bought;
pub use store::{Page, next_page};
