//! JSON logs and CloudWatch EMF metrics, both on standard output.

use metrics_cloudwatch_embedded::{Builder, Collector};
use std::sync::OnceLock;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry};

/// The namespace of every metric.
pub const NAMESPACE: &str = "Makegood";

static COLLECTOR: OnceLock<&'static Collector> = OnceLock::new();

/// Starts logs and metrics of this function; a second call changes nothing.
///
/// The log level comes from `AWS_LAMBDA_LOG_LEVEL` (set by the template's `LoggingConfig`), `info` unless set.
pub fn start(function: &'static str) {
    let level = std::env::var("AWS_LAMBDA_LOG_LEVEL")
        .unwrap_or_else(|_| "info".to_owned())
        .to_lowercase();
    let mut json = json_subscriber::layer();
    json = json
        .with_target(false)
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    json.inner_layer_mut().with_top_level_flattened_span_list();
    json.inner_layer_mut()
        .add_static_field("function", serde_json::Value::from(function));
    // A second start (tests) finds both in place.
    let _ = Registry::default()
        .with(EnvFilter::new(level))
        .with(json)
        .try_init();
    let collector = Builder::new()
        .cloudwatch_namespace(NAMESPACE)
        .with_dimension("Function", function)
        .init();
    if let Ok(collector) = collector {
        let _ = COLLECTOR.set(collector);
    }
}

/// Writes the metrics of this invocation; called at its end, before the answer.
pub fn flush() {
    if let Some(collector) = COLLECTOR.get()
        && let Err(error) = collector.flush(std::io::stdout())
    {
        tracing::warn!(%error, "metrics not written");
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
