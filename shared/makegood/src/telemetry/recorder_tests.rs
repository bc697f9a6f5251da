use super::*;
use serde_json::Value;
use std::collections::BTreeSet;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// Measures with the macros that the functions use.
fn measure(recorder: &Recorder, measuring: impl FnOnce()) {
    metrics::with_local_recorder(recorder, measuring);
}

/// What a flush writes, each line read.
fn flushed(recorder: &Recorder) -> Vec<Value> {
    let mut written = Vec::new();
    recorder.flush(&mut written, NOW).unwrap();
    lines(&written)
}

fn lines(written: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(written).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn a_gauge_is_written_by_the_run_that_measured_it_and_by_no_other() {
    let recorder = Recorder::new("Makegood", "sweep");
    measure(&recorder, || metrics::gauge!("OutboxBacklog").set(3.0));
    assert_eq!(flushed(&recorder)[0]["OutboxBacklog"], 3.0);
    measure(&recorder, || metrics::counter!("JobsRequeued").increment(1));
    let second = flushed(&recorder);
    assert_eq!((second.len(), &second[0]["JobsRequeued"]), (1, &Value::from(1)));
    assert_eq!(second[0].get("OutboxBacklog"), None);
    assert_eq!(flushed(&recorder), Vec::<Value>::new());
}

#[test]
fn a_gauge_of_zero_is_measured_all_the_same() {
    let recorder = Recorder::new("Makegood", "sweep");
    measure(&recorder, || metrics::gauge!("OutboxBacklog").set(0.0));
    assert_eq!(flushed(&recorder)[0]["OutboxBacklog"], 0.0);
}

#[test]
fn a_counter_is_the_sum_of_its_run_and_a_zero_is_left_out() {
    let recorder = Recorder::new("Makegood", "sweep");
    measure(&recorder, || {
        metrics::counter!("JobsFailed").increment(0);
        metrics::counter!("JobsRequeued").increment(2);
        metrics::counter!("JobsRequeued").increment(3);
    });
    let written = flushed(&recorder);
    assert_eq!(written[0]["JobsRequeued"], 5);
    assert_eq!(written[0].get("JobsFailed"), None);
}

#[test]
fn every_value_of_a_histogram_arrives_a_hundred_a_document() {
    let recorder = Recorder::new("Makegood", "create-purchase");
    measure(&recorder, || {
        (0..300).for_each(|value| metrics::histogram!("StageMillis").record(f64::from(value)));
        metrics::counter!("PurchasesCreated").increment(300);
    });
    let written = flushed(&recorder);
    assert_eq!(written.len(), 3);
    let values: Vec<&Vec<Value>> = written
        .iter()
        .map(|document| document["StageMillis"].as_array().unwrap())
        .collect();
    assert!(values.iter().all(|values| values.len() == 100));
    let all: BTreeSet<u64> = values
        .iter()
        .flat_map(|values| values.iter())
        .filter_map(|value| value.as_f64().map(|value| value as u64))
        .collect();
    assert_eq!(all.len(), 300);
    let counted = written
        .iter()
        .filter(|document| document.get("PurchasesCreated").is_some());
    assert_eq!(counted.count(), 1, "what is counted once is written once");
}

#[test]
fn labels_become_dimensions_of_a_document_of_their_own() {
    let recorder = Recorder::new("Makegood", "sweep");
    measure(&recorder, || {
        metrics::gauge!("PaidUnfulfilled", "Pipeline" => "course").set(1.0);
        metrics::gauge!("PaidUnfulfilled", "Pipeline" => "order").set(2.0);
        metrics::gauge!("OutboxBacklog").set(3.0);
    });
    let written = flushed(&recorder);
    assert_eq!(written.len(), 3);
    let order = written
        .iter()
        .find(|document| document["Pipeline"] == "order")
        .unwrap();
    assert_eq!(order["PaidUnfulfilled"], 2.0);
    assert_eq!(order["Function"], "sweep");
    let described = &order["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(described["Namespace"], "Makegood");
    assert_eq!(
        described["Dimensions"],
        serde_json::json!([["Function", "Pipeline"]])
    );
    assert_eq!(
        described["Metrics"],
        serde_json::json!([{"Name": "PaidUnfulfilled"}])
    );
    assert_eq!(order["_aws"]["Timestamp"], 0);
}

#[test]
fn what_is_no_number_is_not_written() {
    let recorder = Recorder::new("Makegood", "sweep");
    measure(&recorder, || {
        metrics::gauge!("OutboxBacklog").set(f64::NAN);
        metrics::histogram!("StageMillis").record(f64::INFINITY);
        metrics::histogram!("StageMillis").record(1.0);
    });
    let written = flushed(&recorder);
    assert_eq!(written.len(), 1);
    assert_eq!(written[0].get("OutboxBacklog"), None);
    assert_eq!(written[0]["StageMillis"], serde_json::json!([1.0]));
}

/// Takes so many bytes, and then no more until it is fixed.
struct Failing {
    takes: usize,
    written: Vec<u8>,
}

impl Write for Failing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.takes);
        if taken == 0 {
            return Err(io::Error::other("full"));
        }
        self.takes -= taken;
        self.written.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_fails_loses_no_counter_and_repeats_no_document() {
    let documents = || {
        metrics::counter!("JobsRequeued").increment(7);
        metrics::gauge!("PaidUnfulfilled", "Pipeline" => "order").set(2.0);
        (0..150).for_each(|value| metrics::histogram!("StageMillis").record(f64::from(value)));
    };
    let probe = Recorder::new("Makegood", "sweep");
    measure(&probe, documents);
    let mut whole = Vec::new();
    probe.flush(&mut whole, NOW).unwrap();
    for takes in 0..whole.len() {
        let recorder = Recorder::new("Makegood", "sweep");
        measure(&recorder, documents);
        let mut writer = Failing {
            takes,
            written: Vec::new(),
        };
        recorder.flush(&mut writer, NOW).unwrap_err();
        writer.takes = usize::MAX;
        recorder
            .flush(&mut writer, NOW + chrono::TimeDelta::hours(1))
            .unwrap();
        let text = String::from_utf8(writer.written).unwrap();
        let read: Vec<Value> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        assert_eq!(read, lines(&whole), "after {takes} bytes");
        let torn = text.lines().filter(|line| !line.is_empty()).count() - read.len();
        assert!(torn <= 1, "after {takes} bytes");
    }
}

#[test]
fn a_writer_that_never_works_again_is_not_waited_for_with_all_memory() {
    let recorder = Recorder::new("Makegood", "sweep");
    let mut writer = Failing {
        takes: 0,
        written: Vec::new(),
    };
    for _ in 0..MOST_KEPT + 10 {
        measure(&recorder, || metrics::counter!("JobsRequeued").increment(1));
        recorder.flush(&mut writer, NOW).unwrap_err();
    }
    assert_eq!(recorder.lock().unwritten.len(), MOST_KEPT);
}
