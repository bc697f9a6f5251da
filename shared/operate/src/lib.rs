//! What a person or an alarm looks with: the doctor, timelines, health, the audit log, and the lists and actions of operators over
//! dead letters, jobs and cases.
//!
//! The command line and the console use it. No stage does: what moves money to goods (`makegood`) never depends on what looks at it.

pub mod audit;
pub mod case;
pub mod dead_letter;
pub mod doctor;
pub mod edit;
pub mod health;
pub mod job;
pub mod outbox;
pub mod page;
pub mod privacy;
pub mod refund;
pub mod statement;
pub mod timeline;
pub mod times;
