//! Health as a page shows it: the plots, what waits, the last runs of the sweeps. What they read is kept by `makegood::health`.

mod glance;
mod history;
mod runs;

pub use history::{Health, Latency, LatencyPoint, Point, Range, Series, history};
pub use runs::{last_runs, latest_runs};
