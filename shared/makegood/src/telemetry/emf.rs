//! CloudWatch's embedded metric format: one JSON object a line, of which CloudWatch makes metrics.

use serde_json::{Map, Number, Value, json};
use std::collections::BTreeMap;

/// The most values of one metric that CloudWatch reads of one document.
const MOST_VALUES: usize = 100;
/// The most metrics that CloudWatch reads of one document.
const MOST_METRICS: usize = 100;

/// What a run measured of one metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Measured {
    /// How often.
    Count(u64),
    /// How much there is; the last that was measured.
    Level(f64),
    /// Each value of a histogram.
    Values(Vec<f64>),
}

/// What a run measured: labels, then names.
pub(super) type Run = BTreeMap<Vec<(String, String)>, BTreeMap<String, Measured>>;

/// The documents of a run: one a set of labels, and more where one can't hold every value. Counters that stayed at zero
/// are left out, since CloudWatch charges for each metric that exists; so is what is no number.
pub(super) fn documents(namespace: &str, function: &str, at_millis: i64, run: Run) -> Vec<String> {
    run.into_iter()
        .flat_map(|(labels, metrics)| {
            let mut dimensions = vec![("Function".to_owned(), function.to_owned())];
            dimensions.extend(labels);
            pack(metrics)
                .into_iter()
                .map(move |values| document(namespace, &dimensions, at_millis, values).to_string())
        })
        .collect()
}

fn document(
    namespace: &str,
    dimensions: &[(String, String)],
    at_millis: i64,
    values: Map<String, Value>,
) -> Value {
    let names: Vec<&String> = dimensions.iter().map(|(name, _)| name).collect();
    let metrics: Vec<Value> = values.keys().map(|name| json!({"Name": name})).collect();
    let mut document = values;
    document.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at_millis,
            "CloudWatchMetrics": [{"Namespace": namespace, "Dimensions": [names], "Metrics": metrics}],
        }),
    );
    for (name, value) in dimensions {
        document.insert(name.clone(), Value::from(value.as_str()));
    }
    Value::Object(document)
}

/// Spreads the values over as few documents as hold them: a metric stands in a document once, with so many values at most.
fn pack(metrics: BTreeMap<String, Measured>) -> Vec<Map<String, Value>> {
    let mut documents: Vec<Map<String, Value>> = Vec::new();
    for (name, measured) in metrics {
        for value in parts(measured) {
            let free = documents
                .iter_mut()
                .find(|document| document.len() < MOST_METRICS && !document.contains_key(&name));
            match free {
                Some(document) => {
                    document.insert(name.clone(), value);
                }
                None => documents.push(Map::from_iter([(name.clone(), value)])),
            }
        }
    }
    documents
}

fn parts(measured: Measured) -> Vec<Value> {
    match measured {
        Measured::Count(0) => Vec::new(),
        Measured::Count(count) => vec![Value::from(count)],
        Measured::Level(level) => Number::from_f64(level).map(Value::Number).into_iter().collect(),
        Measured::Values(values) => {
            let numbers: Vec<Number> = values.into_iter().filter_map(Number::from_f64).collect();
            numbers.chunks(MOST_VALUES).map(Value::from).collect()
        }
    }
}
