//! Queues of their own for each test, on the real SQS API of the local stack.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use makegood::event::EventType;
use makegood::outbox::{SqsTransport, Transport};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// AWS as `make test` describes it.
pub async fn aws() -> SdkConfig {
    aws_config::load_defaults(BehaviorVersion::latest()).await
}

/// The same AWS, at this address. Set where it is loaded: on a loaded configuration `AWS_ENDPOINT_URL` would win over it.
pub async fn aws_at(url: &str) -> SdkConfig {
    let loader = aws_config::defaults(BehaviorVersion::latest()).endpoint_url(url);
    loader.load().await
}

/// A queue that exists for one test.
#[derive(Debug, Clone)]
pub struct TestQueue {
    /// SQS.
    pub client: Client,
    /// Where it is.
    pub url: String,
    /// Its ARN.
    pub arn: String,
}

impl TestQueue {
    /// A new queue whose name starts so. What is received stays invisible for 30 seconds.
    pub async fn create(prefix: &str) -> Self {
        let client = Client::new(&aws().await);
        let name = format!("{prefix}-{}", Uuid::new_v4().simple());
        let url = client
            .create_queue()
            .queue_name(name)
            .send()
            .await
            .expect("SQS creates a queue");
        let url = url.queue_url.expect("it has a URL");
        let attributes = client
            .get_queue_attributes()
            .queue_url(&url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await;
        let attributes = attributes
            .expect("SQS describes the queue")
            .attributes
            .expect("it has attributes");
        let arn = attributes[&QueueAttributeName::QueueArn].clone();
        Self { client, url, arn }
    }

    /// Deletes the queue: whoever sends there is refused from now on.
    pub async fn take_away(&self) {
        let deleted = self.client.delete_queue().queue_url(&self.url).send().await;
        deleted.expect("SQS deletes the queue");
    }

    /// Sends a body.
    pub async fn send(&self, body: impl Into<String>) {
        self.client
            .send_message()
            .queue_url(&self.url)
            .message_body(body)
            .send()
            .await
            .expect("SQS takes the message");
    }

    /// Receives what is there, as the SQS event that Lambda would hand to a function, up to `most` messages.
    /// The messages stay in the queue, invisible, until [`TestQueue::delete`].
    pub async fn receive_event(&self, most: usize) -> Value {
        let mut records = Vec::new();
        while records.len() < most {
            let number = i32::try_from((most - records.len()).min(10)).expect("ten at most");
            let received = self
                .client
                .receive_message()
                .queue_url(&self.url)
                .max_number_of_messages(number)
                .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
                .message_attribute_names("All")
                .send()
                .await
                .expect("SQS answers");
            let messages = received.messages.unwrap_or_default();
            if messages.is_empty() {
                break;
            }
            records.extend(messages.into_iter().map(|message| {
                let count = message
                    .attributes
                    .as_ref()
                    .and_then(|attributes| attributes.get(&MessageSystemAttributeName::ApproximateReceiveCount))
                    .cloned();
                let attributes: serde_json::Map<String, Value> = message
                    .message_attributes
                    .iter()
                    .flatten()
                    .map(|(name, value)| {
                        let value = json!({"stringValue": value.string_value, "dataType": value.data_type});
                        (name.clone(), value)
                    })
                    .collect();
                json!({
                    "messageId": message.message_id, "receiptHandle": message.receipt_handle, "body": message.body,
                    "attributes": {"ApproximateReceiveCount": count.unwrap_or_else(|| "1".to_owned())},
                    "messageAttributes": attributes, "eventSource": "aws:sqs", "eventSourceARN": self.arn, "awsRegion": "us-east-1",
                })
            }));
        }
        json!({"Records": records})
    }

    /// The bodies that are there now, taken out of the queue.
    pub async fn drain(&self) -> Vec<String> {
        let mut bodies = Vec::new();
        loop {
            let event = self.receive_event(10).await;
            let records = event["Records"].as_array().expect("a list").clone();
            if records.is_empty() {
                return bodies;
            }
            for record in &records {
                bodies.push(record["body"].as_str().unwrap_or_default().to_owned());
                self.delete(record["receiptHandle"].as_str().unwrap_or_default())
                    .await;
            }
        }
    }

    /// Takes one received message out of the queue.
    pub async fn delete(&self, receipt_handle: &str) {
        let deleted = self
            .client
            .delete_message()
            .queue_url(&self.url)
            .receipt_handle(receipt_handle)
            .send()
            .await;
        deleted.expect("SQS deletes the message");
    }
}

/// A transport with one fresh queue for each of these topics; the queues by topic beside it.
pub async fn transport(event_types: &[EventType]) -> (Transport, HashMap<&'static str, TestQueue>) {
    let mut queues = HashMap::new();
    for event_type in event_types {
        queues.insert(event_type.topic(), TestQueue::create(event_type.topic()).await);
    }
    let routes = queues
        .iter()
        .map(|(topic, queue)| ((*topic).to_owned(), vec![queue.url.clone()]))
        .collect::<HashMap<_, _>>();
    let client = Client::new(&aws().await);
    (Transport::Sqs(SqsTransport::new(client, routes)), queues)
}

/// An SQS event of these bodies, as first deliveries of a queue of this name.
#[must_use]
pub fn sqs_event(queue: &str, bodies: &[String]) -> Value {
    let records: Vec<Value> = bodies
        .iter()
        .enumerate()
        .map(|(index, body)| {
            json!({
                "messageId": format!("{queue}-{index}"), "receiptHandle": format!("receipt-{index}"), "body": body,
                "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}, "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"), "awsRegion": "us-east-1",
            })
        })
        .collect();
    json!({"Records": records})
}

/// An MSK event of these values (none is a tombstone), from partition 0 of a topic.
#[must_use]
pub fn kafka_event(topic: &str, values: &[Option<String>]) -> Value {
    use base64::Engine;
    let records: Vec<Value> = values
        .iter()
        .enumerate()
        .map(|(offset, value)| {
            let value = value
                .as_ref()
                .map(|text| base64::engine::general_purpose::STANDARD.encode(text));
            json!({"topic": topic, "partition": 0, "offset": offset, "timestamp": 1_767_817_344_760_i64,
                   "timestampType": "CREATE_TIME", "key": null, "value": value, "headers": []})
        })
        .collect();
    json!({"eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/local/1",
           "bootstrapServers": "", "records": {format!("{topic}-0"): records}})
}
