//! The answer to the event source: which records are to come again.

use super::{Origin, Trigger};
use serde_json::{Value, json};

/// The answer to the event source.
///
/// ```
/// use makegood::delivery::{Answer, Trigger};
/// use serde_json::json;
///
/// let all_done = Answer::for_returned(Trigger::Kafka, &[], false);
/// assert_eq!(all_done, Answer::Partial(json!({"batchItemFailures": []})));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A partial batch response; an empty list acknowledges all.
    Partial(Value),
    /// The whole invocation must fail, as this source can't say which records are to come again.
    Fail(String),
}

impl Answer {
    /// The answer for the records that are returned.
    ///
    /// An MSK source reads partial responses only in provisioned mode (FACTS), and a record without partition or offset has
    /// no name in one; the whole batch comes again then, which is safe, since every stage may be replayed.
    ///
    /// ```
    /// use makegood::delivery::{Answer, Origin, Trigger};
    /// use serde_json::json;
    ///
    /// let origin = Origin::Kafka { topic: "t".to_owned(), partition: Some(2), offset: Some(7), fingerprint: "5f3a".to_owned() };
    /// let provisioned = Answer::for_returned(Trigger::Kafka, &[&origin], true);
    /// let failures = json!([{"itemIdentifier": {"partition": "t-2", "offset": 7}}]);
    /// assert_eq!(provisioned, Answer::Partial(json!({"batchItemFailures": failures})));
    /// assert!(matches!(Answer::for_returned(Trigger::Kafka, &[&origin], false), Answer::Fail(_)));
    /// ```
    #[must_use]
    pub fn for_returned(trigger: Trigger, returned: &[&Origin], kafka_reads_partial: bool) -> Self {
        let identifiers: Option<Vec<Value>> = returned
            .iter()
            .map(|origin| Some(json!({"itemIdentifier": item_identifier(origin)?})))
            .collect();
        let can_name = trigger == Trigger::Sqs || kafka_reads_partial || returned.is_empty();
        match identifiers.filter(|_| can_name) {
            Some(failures) => Self::Partial(json!({"batchItemFailures": failures})),
            None => Self::Fail(format!(
                "{} records are returned with their batch",
                returned.len()
            )),
        }
    }
}

fn item_identifier(origin: &Origin) -> Option<Value> {
    match origin {
        Origin::Sqs { message_id, .. } => Some(json!(message_id)),
        Origin::Kafka {
            topic,
            partition,
            offset,
            ..
        } => {
            let (partition, offset) = (partition.as_ref()?, offset.as_ref()?);
            Some(json!({"partition": format!("{topic}-{partition}"), "offset": offset}))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_returned_acknowledges_all() {
        for trigger in [Trigger::Sqs, Trigger::Kafka] {
            let answer = Answer::for_returned(trigger, &[], false);
            assert_eq!(answer, Answer::Partial(json!({"batchItemFailures": []})));
        }
    }

    #[test]
    fn kafka_names_partition_and_offset_where_it_is_read_and_fails_the_batch_where_not() {
        let origin = Origin::Kafka {
            topic: "t".to_owned(),
            partition: Some(2),
            offset: Some(7),
            fingerprint: String::new(),
        };
        assert_eq!(
            Answer::for_returned(Trigger::Kafka, &[&origin], true),
            Answer::Partial(
                json!({"batchItemFailures": [{"itemIdentifier": {"partition": "t-2", "offset": 7}}]})
            )
        );
        assert!(matches!(
            Answer::for_returned(Trigger::Kafka, &[&origin], false),
            Answer::Fail(_)
        ));
    }
}
