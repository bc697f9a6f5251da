//! An SQS endpoint that keeps what it was sent, by queue, with its attributes, in order; and that can fall silent in the
//! middle, so that whoever sends can be killed between sending and knowing that it was sent.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long a test waits for a message that must come; reached only when it does not.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message that was sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// The name of its queue.
    pub queue: String,
    /// Its body.
    pub body: String,
    /// Its attributes of type String, as SQS hands them to Lambda.
    pub attributes: Value,
}

impl Recorded {
    /// The text of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.get("stringValue")?.as_str()
    }

    /// The record of an SQS event, as the first delivery of this message.
    #[must_use]
    pub fn record(&self, message_id: &str) -> Value {
        json!({
            "messageId": message_id, "receiptHandle": message_id, "body": self.body,
            "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": self.attributes, "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{}", self.queue), "awsRegion": "us-east-1",
        })
    }
}

#[derive(Debug)]
struct Shared {
    recorded: Mutex<Vec<Recorded>>,
    count: watch::Sender<usize>,
    /// After so many messages nothing is answered any more, though what comes is kept.
    answered: Mutex<usize>,
    refuses: Mutex<bool>,
}

/// A running recorder.
#[derive(Debug, Clone)]
pub struct Recorder {
    endpoint: String,
    shared: Arc<Shared>,
}

impl Recorder {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared {
            recorded: Mutex::default(),
            count: watch::channel(0).0,
            answered: Mutex::new(usize::MAX),
            refuses: Mutex::new(false),
        });
        let router = Router::new()
            .route("/", post(receive))
            .with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { endpoint, shared }
    }

    /// The endpoint, for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The URL of a queue of this name.
    #[must_use]
    pub fn queue_url(&self, name: &str) -> String {
        format!("{}/000000000000/{name}", self.endpoint)
    }

    /// A client of it.
    #[must_use]
    pub async fn client(&self) -> aws_sdk_sqs::Client {
        let aws = crate::queues::aws().await;
        let config = aws_sdk_sqs::config::Builder::from(&aws).endpoint_url(&self.endpoint);
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// From now on, what comes after so many messages in all is kept, and never answered.
    pub fn fall_silent_after(&self, messages: usize) {
        *self.shared.answered.lock().expect("not poisoned") = messages;
    }

    /// Answers again.
    pub fn answer_again(&self) {
        self.fall_silent_after(usize::MAX);
    }

    /// Whether every request is refused, as when the permission to send is missing.
    pub fn refuse(&self, refuses: bool) {
        *self.shared.refuses.lock().expect("not poisoned") = refuses;
    }

    /// What was sent so far.
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        self.shared.recorded.lock().expect("not poisoned").clone()
    }

    /// Waits until so many messages were sent. Panics when they don't come.
    pub async fn reached(&self, messages: usize) {
        let mut count = self.shared.count.subscribe();
        let reached = tokio::time::timeout(PATIENCE, count.wait_for(|count| *count >= messages)).await;
        assert!(
            matches!(reached, Ok(Ok(_))),
            "{} of {messages} messages came",
            self.recorded().len()
        );
    }
}

impl Shared {
    /// Keeps a message; false when it is not to be answered.
    fn keep(&self, queue: &str, message: &Value) -> bool {
        let mut attributes = serde_json::Map::new();
        for (name, attribute) in message["MessageAttributes"].as_object().into_iter().flatten() {
            let value = json!({"stringValue": attribute["StringValue"], "dataType": attribute["DataType"]});
            attributes.insert(name.clone(), value);
        }
        let mut recorded = self.recorded.lock().expect("not poisoned");
        recorded.push(Recorded {
            queue: queue.to_owned(),
            body: message["MessageBody"].as_str().unwrap_or_default().to_owned(),
            attributes: Value::Object(attributes),
        });
        self.count.send_replace(recorded.len());
        recorded.len() <= *self.answered.lock().expect("not poisoned")
    }
}

/// Answers `SendMessage` and `SendMessageBatch` as if everything had been taken. The checksums are left out, which clients
/// allow.
async fn receive(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let content_type = [(CONTENT_TYPE, "application/x-amz-json-1.0")];
    if *shared.refuses.lock().expect("not poisoned") {
        let refusal = json!({"__type": "com.amazonaws.sqs#AccessDenied", "message": "no permission to send"});
        return (StatusCode::FORBIDDEN, content_type, refusal.to_string()).into_response();
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let url = request["QueueUrl"].as_str().unwrap_or_default();
    let queue = url.rsplit('/').next().unwrap_or_default();
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let (is_answered, answer) = if target == Some("AmazonSQS.SendMessageBatch") {
        let entries: Vec<&Value> = request["Entries"].as_array().into_iter().flatten().collect();
        let kept: Vec<bool> = entries.iter().map(|entry| shared.keep(queue, entry)).collect();
        let answered = kept.into_iter().all(|is_answered| is_answered);
        let taken: Vec<Value> = entries
            .iter()
            .map(|entry| json!({"Id": entry["Id"], "MessageId": entry["Id"], "MD5OfMessageBody": ""}))
            .collect();
        (answered, json!({"Successful": taken, "Failed": []}))
    } else {
        (
            shared.keep(queue, &request),
            json!({"MessageId": "m", "MD5OfMessageBody": ""}),
        )
    };
    if !is_answered {
        pending::<()>().await;
    }
    (content_type, answer.to_string()).into_response()
}
