//! An alarm of template.yaml, and whether it rings over what the functions wrote: CloudWatch's arithmetic for the alarms
//! that we have on one metric of ours.

use regex::Regex;
use serde_json::Value;
use std::collections::BTreeMap;

const TEMPLATE: &str = include_str!("../../template.yaml");
const SECONDS_A_MINUTE: usize = 60;

/// What the functions wrote in each minute, from minute 0.
pub type Minutes = Vec<Vec<Value>>;

/// One alarm.
#[derive(Debug)]
pub struct Alarm {
    metric: String,
    dimensions: BTreeMap<String, String>,
    statistic: String,
    period_minutes: usize,
    threshold: f64,
    rings_below: bool,
    fills_zero: bool,
    rings_on_missing: bool,
}

impl Alarm {
    /// The alarm of this logical id.
    pub fn of_template(id: &str) -> Self {
        let (_, rest) = TEMPLATE
            .split_once(&format!("\n  {id}:\n"))
            .unwrap_or_else(|| panic!("the template has no {id}"));
        let block = rest.split("\n\n").next().unwrap_or(rest);
        let found = |pattern: &str| {
            Regex::new(pattern)
                .unwrap()
                .captures(block)
                .map(|captures| captures[1].to_owned())
        };
        let said =
            |pattern: &str| found(pattern).unwrap_or_else(|| panic!("{id} has no {pattern}:\n{block}"));
        let seconds: usize = said(r"Period: (\d+)").parse().unwrap();
        let pair = Regex::new(r"\{Name: (\w+), Value: ([\w-]+)\}").unwrap();
        Self {
            metric: said(r"MetricName: (\w+)"),
            dimensions: pair
                .captures_iter(block)
                .map(|pair| (pair[1].to_owned(), pair[2].to_owned()))
                .collect(),
            statistic: said(r"(?:Statistic|Stat): (\w+)"),
            period_minutes: seconds / SECONDS_A_MINUTE,
            threshold: said(r"\n      Threshold: ([\d.]+)").parse().unwrap(),
            rings_below: said(r"ComparisonOperator: (\w+)") == "LessThanThreshold",
            fills_zero: found(r"(FILL\(\w+, 0\))").is_some(),
            rings_on_missing: said(r"TreatMissingData: (\w+)") == "breaching",
        }
    }

    /// Whether it rings over the period that ends with this minute.
    pub fn rings_at(&self, minutes: &Minutes, end: usize) -> bool {
        let period = &minutes[end + 1 - self.period_minutes..=end];
        let samples: Vec<f64> = period
            .iter()
            .flatten()
            .flat_map(|document| self.samples(document))
            .collect();
        let value = match self.statistic.as_str() {
            _ if samples.is_empty() => self.fills_zero.then_some(0.0),
            "Sum" => Some(samples.iter().sum()),
            "Maximum" => samples.iter().copied().reduce(f64::max),
            "SampleCount" => Some(f64::from(u32::try_from(samples.len()).unwrap())),
            other => panic!("the statistic {other} is not known here"),
        };
        match value {
            None => self.rings_on_missing,
            Some(value) if self.rings_below => value < self.threshold,
            Some(value) => value > self.threshold,
        }
    }

    /// What CloudWatch makes of a document for this alarm's metric.
    fn samples(&self, document: &Value) -> Vec<f64> {
        let described = &document["_aws"]["CloudWatchMetrics"][0];
        let names: Vec<&str> = described["Dimensions"][0]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let is_ours = described["Namespace"] == "Makegood"
            && names.len() == self.dimensions.len()
            && self
                .dimensions
                .iter()
                .all(|(name, value)| names.contains(&name.as_str()) && document[name] == value.as_str());
        let is_described = described["Metrics"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|metric| metric["Name"] == self.metric.as_str());
        if !(is_ours && is_described) {
            return Vec::new();
        }
        match &document[&self.metric] {
            Value::Array(values) => values.iter().filter_map(Value::as_f64).collect(),
            value => value.as_f64().into_iter().collect(),
        }
    }
}
