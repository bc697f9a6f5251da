//! The protocols as models. A model knows the rows, the locks and the messages; each statement of the code is one step, and the
//! checker tries every order of steps, with crashes, lost answers and leases that run out in between (README.md).
//!
//! Each guard of the code is a switch of its model. A test takes out one after the other and asserts that the checker finds a run
//! that breaks a promise: a guard that may be missing without any harm is either useless or modelled wrongly.

pub mod check;
pub mod guards;
pub mod jobs;
pub mod outbox;
pub mod purchases;
