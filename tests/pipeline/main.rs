//! The pipeline tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alarm;
mod batches;
mod cases;
mod certificates;
mod clocks;
mod course;
mod db;
mod deleted_rows;
mod delivery;
mod ended_by_server;
mod ensure_index;
mod ensure_index_beside_others;
mod erased;
mod harness;
mod limits;
mod lines;
mod long_ids;
mod metrics;
mod migrate;
mod odd_records;
mod on_conflict_facts;
mod other_tables;
mod panics;
mod parking;
mod returned;
mod rotation;
mod rows;
mod rows_late;
mod starts;
mod statistics;
mod time_limits;
mod two_courses;
