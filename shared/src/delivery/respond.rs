//! The answer to the event source: which records are to come again.

use super::{Origin, Trigger};
use serde_json::{Value, json};

/// The answer to the event source.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A partial batch response; an empty list acknowledges all.
    Partial(Value),
    /// The whole invocation must fail, as this source can't say which records are to come again.
    Fail(String),
}

impl Answer {
    /// The answer for the records that are handed back.
    ///
    /// An MSK source reads partial responses only in provisioned mode (FACTS); without it the whole batch comes
    /// again, which is safe, since every stage may be replayed.
    #[must_use]
    pub fn for_handed_back(trigger: Trigger, handed_back: &[&Origin], kafka_reads_partial: bool) -> Self {
        if trigger == Trigger::Kafka && !handed_back.is_empty() && !kafka_reads_partial {
            return Self::Fail(format!(
                "{} records are handed back with their batch",
                handed_back.len()
            ));
        }
        let failures: Vec<Value> = handed_back
            .iter()
            .map(|origin| json!({"itemIdentifier": item_identifier(origin)}))
            .collect();
        Self::Partial(json!({"batchItemFailures": failures}))
    }
}

fn item_identifier(origin: &Origin) -> Value {
    match origin {
        Origin::Sqs { message_id, .. } => json!(message_id),
        Origin::Kafka {
            topic,
            partition,
            offset,
        } => {
            json!({"partition": format!("{topic}-{partition}"), "offset": offset})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_handed_back_acknowledges_all() {
        for trigger in [Trigger::Sqs, Trigger::Kafka] {
            let answer = Answer::for_handed_back(trigger, &[], false);
            assert_eq!(answer, Answer::Partial(json!({"batchItemFailures": []})));
        }
    }

    #[test]
    fn kafka_names_partition_and_offset_where_it_is_read_and_fails_the_batch_where_not() {
        let origin = Origin::Kafka {
            topic: "t".to_owned(),
            partition: 2,
            offset: 7,
        };
        assert_eq!(
            Answer::for_handed_back(Trigger::Kafka, &[&origin], true),
            Answer::Partial(
                json!({"batchItemFailures": [{"itemIdentifier": {"partition": "t-2", "offset": 7}}]})
            )
        );
        assert!(matches!(
            Answer::for_handed_back(Trigger::Kafka, &[&origin], false),
            Answer::Fail(_)
        ));
    }
}
