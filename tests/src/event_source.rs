//! What Lambda's SQS event source does between a queue and a function: receive, invoke, delete what is done.

use crate::environment::{Environment, Outcome};
use crate::queues::TestQueue;
use aws_sdk_sqs::types::QueueAttributeName;
use futures::future::join_all;
use serde_json::Value;

/// What became of one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// The event as the function got it.
    pub event: Value,
    /// How the invocation ended.
    pub outcome: Outcome,
    /// The ids of the messages that are still in the queue.
    pub returned: Vec<String>,
}

impl Batch {
    /// The event with only those messages that are still in the queue.
    #[must_use]
    pub fn left(&self) -> Value {
        let mut left = self.event.clone();
        if let Some(records) = left["Records"].as_array_mut() {
            records.retain(|record| self.returned.iter().any(|id| record["messageId"] == id.as_str()));
        }
        left
    }
}

/// Receives up to `most` messages, hands them to the function, and deletes those that are done. None when the queue has
/// nothing to give.
pub async fn deliver(queue: &TestQueue, environment: &Environment, most: usize) -> Option<Batch> {
    let event = queue.receive_event(most).await;
    if message_ids(&event).is_empty() {
        return None;
    }
    let outcome = environment.invoke(event.clone()).await;
    let returned = settle(queue, &event, &outcome).await;
    Some(Batch {
        event,
        outcome,
        returned,
    })
}

/// Delivers until the queue has nothing to give, in batches of up to `most`; gives back what became of each.
pub async fn drain(queue: &TestQueue, environment: &Environment, most: usize) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Some(batch) = deliver(queue, environment, most).await {
        batches.push(batch);
    }
    batches
}

/// As [`drain`], and panics unless every message was done.
pub async fn drain_all(queue: &TestQueue, environment: &Environment, most: usize) -> usize {
    let batches = drain(queue, environment, most).await;
    for batch in &batches {
        assert_eq!(
            batch.returned,
            Vec::<String>::new(),
            "{:?}\n{}",
            batch.outcome,
            environment.lines().join("\n")
        );
    }
    batches.iter().map(|batch| message_ids(&batch.event).len()).sum()
}

/// How many messages can be received now; those that a client holds are not among them.
pub async fn waiting(queue: &TestQueue) -> usize {
    let number = QueueAttributeName::ApproximateNumberOfMessages;
    let request = queue
        .client
        .get_queue_attributes()
        .queue_url(&queue.url)
        .attribute_names(number.clone());
    let attributes = request
        .send()
        .await
        .expect("SQS describes the queue")
        .attributes
        .unwrap_or_default();
    attributes
        .get(&number)
        .and_then(|text| text.parse().ok())
        .expect("SQS counts the messages")
}

/// The ids of an SQS event's messages.
#[must_use]
pub fn message_ids(event: &Value) -> Vec<String> {
    texts(event, "messageId")
}

/// The messages of a received event come again at once, as after their visibility time-out.
pub async fn make_visible_again(queue: &TestQueue, event: &Value) {
    let receipts = texts(event, "receiptHandle");
    join_all(receipts.iter().map(|receipt| async move {
        let request = queue
            .client
            .change_message_visibility()
            .queue_url(&queue.url)
            .receipt_handle(receipt);
        request
            .visibility_timeout(0)
            .send()
            .await
            .expect("SQS makes the message visible");
    }))
    .await;
}

/// Deletes what Lambda would delete after this outcome; gives back the ids that stay.
async fn settle(queue: &TestQueue, event: &Value, outcome: &Outcome) -> Vec<String> {
    let ids = message_ids(event);
    let stay = still_to_do(&ids, outcome);
    let receipts = texts(event, "receiptHandle");
    let done = ids.iter().zip(&receipts).filter(|(id, _)| !stay.contains(id));
    join_all(done.map(|(_, receipt)| queue.delete(receipt))).await;
    stay
}

/// The messages that are not done. A partial response that names no message of the batch fails the whole batch.
fn still_to_do(ids: &[String], outcome: &Outcome) -> Vec<String> {
    let Outcome::Answered(answer) = outcome else {
        return ids.to_vec();
    };
    let Some(failures) = answer.get("batchItemFailures").and_then(Value::as_array) else {
        return Vec::new();
    };
    let named: Vec<&str> = failures
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap_or_default())
        .collect();
    if named.iter().any(|name| !ids.iter().any(|id| id == name)) {
        return ids.to_vec();
    }
    ids.iter()
        .filter(|id| named.contains(&id.as_str()))
        .cloned()
        .collect()
}

fn texts(event: &Value, field: &str) -> Vec<String> {
    let records = event["Records"].as_array().map(Vec::as_slice).unwrap_or_default();
    records
        .iter()
        .map(|record| record[field].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_read_as_lambda_reads_it() {
        let ids = ["a".to_owned(), "b".to_owned()];
        let answered = |failures: Value| Outcome::Answered(json!({"batchItemFailures": failures}));
        assert!(still_to_do(&ids, &answered(json!([]))).is_empty());
        assert!(still_to_do(&ids, &Outcome::Answered(Value::Null)).is_empty());
        assert_eq!(
            still_to_do(&ids, &answered(json!([{"itemIdentifier": "b"}]))),
            ["b"]
        );
        for broken in [
            json!([{"itemIdentifier": ""}]),
            json!([{"itemIdentifier": null}]),
            json!([{"itemIdentifier": "c"}]),
        ] {
            assert_eq!(still_to_do(&ids, &answered(broken)), ids, "the whole batch fails");
        }
        assert_eq!(still_to_do(&ids, &Outcome::FunctionError(json!({}))), ids);
        assert_eq!(still_to_do(&ids, &Outcome::TimedOut), ids);
    }
}
