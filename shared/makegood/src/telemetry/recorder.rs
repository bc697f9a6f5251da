//! What one run measured. Whoever writes it takes it, so that nothing is written by two runs, and what a writer refused is
//! written by the next.

use super::emf::{self, Measured, Run};
use chrono::{DateTime, Utc};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many documents are kept while standard output takes none; then the oldest go.
const MOST_KEPT: usize = 1_000;

/// The recorder behind the macros of `metrics`. Cloning shares it.
///
/// A gauge is written by the run that set it and by no other; a counter's increments and a histogram's values are each
/// written once, however many there are.
#[derive(Debug, Clone)]
pub struct Recorder {
    namespace: &'static str,
    function: &'static str,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    run: Run,
    /// Documents that no writer has taken, each a line, with the time at which they were measured.
    unwritten: VecDeque<String>,
    /// Whether a writer may hold the beginning of a line whose rest it refused.
    is_torn: bool,
}

impl Recorder {
    /// A recorder whose metrics are in this namespace and have the dimension `Function`.
    #[must_use]
    pub fn new(namespace: &'static str, function: &'static str) -> Self {
        Self {
            namespace,
            function,
            state: Arc::default(),
        }
    }

    /// Writes what was measured since the last call, a document a line; nothing when nothing was measured.
    ///
    /// # Errors
    /// Those of the writer. What it did not take is kept, with its own time, and written by the next call.
    pub fn flush(&self, writer: &mut impl Write, now: DateTime<Utc>) -> io::Result<()> {
        let mut state = self.lock();
        let run = std::mem::take(&mut state.run);
        let documents = emf::documents(self.namespace, self.function, now.timestamp_millis(), run);
        state.unwritten.extend(documents);
        let kept = state.unwritten.len();
        state.unwritten.drain(..kept.saturating_sub(MOST_KEPT));
        while let Some(document) = state.unwritten.front() {
            let line = if state.is_torn {
                format!("\n{document}\n")
            } else {
                format!("{document}\n")
            };
            let (taken, outcome) = write_counted(writer, line.as_bytes());
            if taken > 0 {
                state.is_torn = taken < line.len();
            }
            // All but the line's end: CloudWatch has the document.
            if taken + 1 >= line.len() {
                state.unwritten.pop_front();
            }
            outcome?;
        }
        writer.flush()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn metric(&self, key: &metrics::Key) -> Arc<Metric> {
        let mut labels: Vec<(String, String)> = key
            .labels()
            .map(|label| (label.key().to_owned(), label.value().to_owned()))
            .collect();
        labels.sort_unstable();
        Arc::new(Metric {
            recorder: self.clone(),
            labels,
            name: key.name().to_owned(),
        })
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_gauge(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn describe_histogram(&self, _: metrics::KeyName, _: Option<metrics::Unit>, _: metrics::SharedString) {}

    fn register_counter(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Counter {
        metrics::Counter::from_arc(self.metric(key))
    }

    fn register_gauge(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Gauge {
        metrics::Gauge::from_arc(self.metric(key))
    }

    fn register_histogram(&self, key: &metrics::Key, _: &metrics::Metadata<'_>) -> metrics::Histogram {
        metrics::Histogram::from_arc(self.metric(key))
    }
}

/// As `write_all`; says in either case how many bytes were taken.
fn write_counted(writer: &mut impl Write, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut taken = 0;
    while taken < bytes.len() {
        match writer.write(&bytes[taken..]) {
            Ok(0) => return (taken, Err(io::ErrorKind::WriteZero.into())),
            Ok(more) => taken += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (taken, Err(error)),
        }
    }
    (taken, Ok(()))
}

/// One metric under one set of labels. It holds no value: values belong to the run.
struct Metric {
    recorder: Recorder,
    labels: Vec<(String, String)>,
    name: String,
}

impl Metric {
    /// A name that is used for two kinds keeps the kind that came first in this run.
    fn change(&self, first: Measured, change: impl FnOnce(&mut Measured)) {
        let mut state = self.recorder.lock();
        let of_labels = state.run.entry(self.labels.clone()).or_default();
        change(of_labels.entry(self.name.clone()).or_insert(first));
    }
}

impl metrics::CounterFn for Metric {
    fn increment(&self, value: u64) {
        self.change(Measured::Count(0), |measured| {
            if let Measured::Count(count) = measured {
                *count = count.saturating_add(value);
            }
        });
    }

    /// Of this run, as all that is counted here.
    fn absolute(&self, value: u64) {
        self.change(Measured::Count(0), |measured| {
            if let Measured::Count(count) = measured {
                *count = value.max(*count);
            }
        });
    }
}

/// A level is measured, not moved: a run knows nothing of the level that another run left.
impl metrics::GaugeFn for Metric {
    fn increment(&self, _: f64) {}

    fn decrement(&self, _: f64) {}

    fn set(&self, value: f64) {
        self.change(Measured::Level(value), |measured| {
            if let Measured::Level(level) = measured {
                *level = value;
            }
        });
    }
}

impl metrics::HistogramFn for Metric {
    fn record(&self, value: f64) {
        self.change(Measured::Values(Vec::new()), |measured| {
            if let Measured::Values(values) = measured {
                values.push(value);
            }
        });
    }
}

#[cfg(test)]
#[path = "recorder_tests.rs"]
mod tests;
