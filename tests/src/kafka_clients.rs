//! Kafka clients of other languages, each run by a small program of `tests/kafka/clients`.

use crate::msk_event::MskRecord;
use crate::setting;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Bytes, which are base64 in the programs' JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

/// A record to write.
#[derive(Debug, Clone, Serialize)]
pub struct Given {
    /// Its key.
    pub key: Option<Bytes>,
    /// Its value; none for a tombstone.
    pub value: Option<Bytes>,
    /// Its headers.
    pub headers: Vec<(String, Option<Bytes>)>,
    /// Its time in milliseconds since the epoch; none leaves it to the client.
    pub timestamp: Option<i64>,
}

/// Records that one producer writes.
#[derive(Debug, Clone, Serialize)]
pub struct Batch {
    /// Where to.
    pub topic: String,
    /// `none`, `gzip`, `snappy`, `lz4` or `zstd`.
    pub codec: String,
    /// What the client is told beside its defaults.
    pub settings: Value,
    /// What it writes.
    pub records: Vec<Given>,
}

/// What became of a batch.
#[derive(Debug, Clone, Deserialize)]
pub struct Outcome {
    /// How many records the broker acknowledged.
    pub written: usize,
    /// What the client itself did not take, by place in the batch, with its words.
    pub refused: BTreeMap<usize, String>,
}

/// What a client did.
#[derive(Debug, Clone, Deserialize)]
pub struct Written {
    /// Its own version.
    pub version: String,
    /// What became of each batch.
    pub batches: Vec<Outcome>,
}

/// Records as they lie on the broker: compressed together, or not.
#[derive(Debug, Clone, Deserialize)]
pub struct Stored {
    /// The codec that they name.
    pub codec: String,
    /// How many there are.
    pub records: usize,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    partition: i32,
    offset: i64,
    timestamp: i64,
    timestamp_type: String,
    key: Option<Bytes>,
    value: Option<Bytes>,
    headers: Vec<(String, Option<Bytes>)>,
}

#[derive(Debug, Deserialize)]
struct Topic {
    records: Vec<Read>,
    batches: Vec<Stored>,
}

/// Writes the batches, one after another, with this program of `tests/kafka/clients`.
pub async fn write(program: &str, brokers: &str, batches: &[Batch]) -> Written {
    let written = run(program, &json!({"brokers": brokers, "batches": batches})).await;
    serde_json::from_value(written).expect("what the client did")
}

/// A whole topic, in the order of its partitions: the records, and how they are stored.
///
/// Panics when fewer than `least` records come.
pub async fn read(brokers: &str, topic: &str, least: usize) -> (Vec<MskRecord>, Vec<Stored>) {
    let task = json!({"brokers": brokers, "topic": topic, "records": least});
    let found: Topic = serde_json::from_value(run("read.py", &task).await).expect("a topic");
    let bytes = |bytes: Option<Bytes>| bytes.map(|Bytes(bytes)| bytes);
    let records = found.records.into_iter().map(|record| MskRecord {
        topic: topic.to_owned(),
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp,
        timestamp_type: record.timestamp_type,
        key: bytes(record.key),
        value: bytes(record.value),
        headers: record
            .headers
            .into_iter()
            .map(|(name, value)| (name, bytes(value)))
            .collect(),
    });
    (records.collect(), found.batches)
}

/// Runs a program on a task, and gives back its answer. Panics with what it says when it fails.
async fn run(program: &str, task: &Value) -> Value {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("kafka/clients")
        .join(program);
    let interpreter = match script.extension().and_then(|extension| extension.to_str()) {
        Some("js") => "node".to_owned(),
        _ => format!("{}/bin/python", setting("KAFKA_VENV")),
    };
    let mut process = Command::new(&interpreter)
        .arg(&script)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{interpreter}: {error}; local/stack/install.sh kafka"));
    let mut input = process.stdin.take().expect("stdin is piped");
    let task = task.to_string();
    let (sent, ended) = tokio::join!(
        async move { input.write_all(task.as_bytes()).await },
        process.wait_with_output()
    );
    let ended = ended.expect("the program ends");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(sent.is_ok() && ended.status.success(), "{program}: {said}");
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|error| panic!("{program}: {error}; {said}"))
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}
