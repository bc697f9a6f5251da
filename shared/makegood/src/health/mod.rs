//! Health over time, without a database of its own for it: what an index carries is derived from the tables, and what is gone a
//! minute later (how much waits) is sampled by the sweep `health`, which also keeps the figures of buckets that are over. The pages
//! that show it read it with `operate::health`.

pub mod buckets;
mod run;
mod sample;

pub use run::{SweepRun, record_run};
pub use sample::{Gauge, Gauges, HealthSweep, Unfulfilled, gauges, gauges_with, sample};
