//! The event that Lambda's MSK event source makes of records.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// A record as a consumer reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MskRecord {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since the epoch; -1 when its producer gave none.
    pub timestamp: i64,
    /// Whose time it is, in Java's words: `CREATE_TIME`, `LOG_APPEND_TIME` or `NO_TIMESTAMP_TYPE`.
    pub timestamp_type: String,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers, as they stand in it.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl MskRecord {
    /// As a function gets it: key and value in base64, header values as lists of Java's signed bytes (128 is -128), a null
    /// header as `{}`.
    #[must_use]
    pub fn as_lambda_hands_it(&self) -> Value {
        let signed = |bytes: &Vec<u8>| bytes.iter().map(|byte| byte.cast_signed()).collect::<Vec<i8>>();
        let headers: Vec<Value> = self
            .headers
            .iter()
            .map(|(name, value)| {
                let value = value.as_ref();
                json!({name: value.map_or(json!({}), |bytes| json!(signed(bytes)))})
            })
            .collect();
        json!({
            "topic": self.topic, "partition": self.partition, "offset": self.offset,
            "timestamp": self.timestamp, "timestampType": self.timestamp_type,
            "key": self.key.as_ref().map(|key| STANDARD.encode(key)),
            "value": self.value.as_ref().map(|value| STANDARD.encode(value)),
            "headers": headers,
        })
    }
}

/// The event of these records, grouped as they come.
#[must_use]
pub fn msk_event<'a>(records: impl IntoIterator<Item = &'a MskRecord>) -> Value {
    let mut groups = Map::new();
    for record in records {
        let name = format!("{}-{}", record.topic, record.partition);
        let group = groups.entry(name).or_insert_with(|| json!([]));
        group
            .as_array_mut()
            .expect("a list")
            .push(record.as_lambda_hands_it());
    }
    json!({"eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/test/1",
           "bootstrapServers": "", "records": groups})
}
