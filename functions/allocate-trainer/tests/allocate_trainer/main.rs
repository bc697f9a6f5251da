//! What `allocate-trainer` promises, on a real database behind the pooler, real queues, and an admin service that speaks
//! and breaks the protocol over a real socket.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod answers;
mod breaking;
mod first_wins;
mod leaving;
mod older_rows;
mod replays;
mod school;
