//! The fault tests: an environment is killed with SIGKILL at one exact point of its conversation with the outside, what
//! is there at that moment is looked at, and after redelivery, sweep and everything downstream all guarantees hold.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod after_commit;
mod after_grant;
mod after_insert;
mod after_publish;
mod before_answer;
mod before_publish;
mod scene;
