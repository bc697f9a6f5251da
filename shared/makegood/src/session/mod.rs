//! Sessions on the calendar: which days they are on (pure), and the window of each allocation filled in the database, what was planned and
//! can't stay moved before (docs/decisions/0072).
//! `schedule-sessions` fills it first, `top-up-sessions` keeps it full.

mod calendar;
mod elsewhere;
mod fill;
mod filling;
mod next_sessions;
mod replan;
mod rescheduled;
mod slot;
mod store;
mod terms;

pub use fill::{Filled, Outcome, fill};
pub use filling::{Filling, Told};
pub use next_sessions::{Alternative, Booked, WINDOW, Window, next_sessions, upcoming};
pub use slot::TimeSlot;
pub use store::{Page, next_page};
pub(crate) use store::{bought, bought_here};
