//! What Lambda's SQS event source does between queues and a slot: receive, invoke, delete what is done.

use super::function::VISIBILITY;
use super::{Environments, Slot};
use crate::broker::{Broker, Received};
use makegood_tests::environment::Outcome;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(40);

/// Delivers from the slot's queues, each in turn, for ever.
pub async fn poll(environments: Arc<Environments>, slot: Arc<Slot>, broker: Arc<Broker>) {
    let function = slot.function;
    loop {
        let mut delivered = false;
        for queue in function.reads {
            if !broker.has_any(queue) {
                continue;
            }
            tokio::time::sleep(Duration::from_millis(function.window_millis)).await;
            let batch = broker.receive(queue, function.batch, VISIBILITY);
            if batch.is_empty() {
                continue;
            }
            delivered = true;
            let outcome = environments.invoke(&slot, event_of(&batch)).await;
            for id in done(&batch, &outcome) {
                broker.delete(queue, id);
            }
        }
        if !delivered {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn event_of(batch: &[Received]) -> Value {
    let records: Vec<&Value> = batch.iter().map(|message| &message.record).collect();
    json!({"Records": records})
}

/// The messages that Lambda would delete. A partial response that names no message of the batch fails the whole batch.
fn done<'a>(batch: &'a [Received], outcome: &Outcome) -> Vec<&'a str> {
    let Outcome::Answered(answer) = outcome else {
        return Vec::new();
    };
    let failures = answer.get("batchItemFailures").and_then(Value::as_array);
    let failed: Vec<&str> = failures
        .into_iter()
        .flatten()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap_or_default())
        .collect();
    let ids: Vec<&str> = batch.iter().map(|message| message.id.as_str()).collect();
    if failed.iter().any(|id| !ids.contains(id)) {
        return Vec::new();
    }
    ids.into_iter().filter(|id| !failed.contains(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_lambda_reads_it() {
        let message = |id: &str| Received {
            id: id.to_owned(),
            record: Value::Null,
        };
        let batch = [message("a"), message("b")];
        let answered = |failures: Value| Outcome::Answered(json!({"batchItemFailures": failures}));
        assert_eq!(done(&batch, &answered(json!([]))), ["a", "b"]);
        assert_eq!(done(&batch, &Outcome::Answered(Value::Null)), ["a", "b"]);
        assert_eq!(done(&batch, &answered(json!([{"itemIdentifier": "b"}]))), ["a"]);
        assert!(done(&batch, &answered(json!([{"itemIdentifier": "c"}]))).is_empty());
        assert!(done(&batch, &Outcome::TimedOut).is_empty());
    }
}
