//! JSON logs and CloudWatch EMF metrics, both on standard output.

mod emf;
mod log;
mod recorder;

pub use recorder::Recorder;

use crate::clock::Clock;
use log::JsonLines;
use std::sync::OnceLock;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

/// The namespace of every metric, unless `METRICS_NAMESPACE` names another; the template gives each stack one of its own.
pub const NAMESPACE: &str = "Makegood";

static RECORDER: OnceLock<Recorder> = OnceLock::new();

/// Where the Lambda runtime logs a failed invocation. Ours has said it already, with its code, and catches panics itself.
const TOLD_BY_US: &str = "lambda_runtime::layers::panic";

/// Starts logs and metrics of this function; a second call changes nothing.
///
/// The log level comes from `AWS_LAMBDA_LOG_LEVEL` (set by the template's `LoggingConfig`), `info` unless set.
pub fn start(function: &'static str) {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL")
        .unwrap_or_else(|_| "info".to_owned())
        .to_lowercase();
    // A second start (tests) finds both in place.
    let _ = Registry::default()
        .with(EnvFilter::new(format!("{level},{TOLD_BY_US}=off")))
        .with(JsonLines::of(function))
        .try_init();
    let namespace = std::env::var("METRICS_NAMESPACE").map_or(NAMESPACE, |own| &*own.leak());
    let recorder = Recorder::new(namespace, function);
    if metrics::set_global_recorder(recorder.clone()).is_ok() {
        let _ = RECORDER.set(recorder);
    }
}

/// Writes the metrics of this invocation; called at its end, before the answer.
pub fn flush() {
    let Some(recorder) = RECORDER.get() else { return };
    let written = recorder.flush(&mut std::io::stdout(), Clock::System.now());
    if let Err(error) = written {
        tracing::warn!(%error, "metrics not written; the next invocation writes them");
    }
}

/// Records how long a stage took for one batch.
pub fn stage_finished(elapsed: Duration) {
    metrics::histogram!("StageMillis").record(millis(elapsed));
}

/// Milliseconds as the metrics facade takes them.
#[must_use]
pub fn millis(elapsed: Duration) -> f64 {
    f64::from(u32::try_from(elapsed.as_millis()).unwrap_or(u32::MAX))
}
