//! What the person on call is promised, by the very command, on a real database behind the pooler.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod again;
mod audit;
mod bulk;
mod cases;
mod edits;
mod ends;
mod groups;
mod infinite;
mod jobs;
mod lists;
mod moved;
mod one;
mod operator;
mod privacy;
mod refund_record;
mod refunds;
mod replay_event;
mod shell;
mod statement;
