//! Health over time, without a database of its own for it: what an index carries is derived from the tables, and what is gone a
//! minute later (how much waits) is sampled by the sweep `health`, which also keeps the figures of buckets that are over.

#[cfg(feature = "operate")]
mod history;
mod rollup;
mod run;
mod sample;

#[cfg(feature = "operate")]
pub use history::{Health, Latency, LatencyPoint, Point, Range, Series, history};
pub use run::{SweepRun, record_run};
#[cfg(feature = "operate")]
pub use run::{last_runs, latest_runs};
pub use sample::{Gauge, Gauges, HealthSweep, gauges, sample};
