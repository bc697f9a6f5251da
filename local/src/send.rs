//! Sends the messages as their senders would: several at once, and again when the answer says so.

use crate::outcome::Answers;
use crate::settings::Settings;
use crate::traffic::{Door, Kind, Message, sign};
use futures::stream::{self, StreamExt};
use makegood::clock::Clock;
use serde_json::Value;
use std::time::Duration;

/// What no provider here signs with.
const FORGED_SECRET: &str = "another merchant's secret";
/// A provider goes on for a day; a run does for a while.
const TRIES: usize = 6;
const PAUSE: Duration = Duration::from_millis(500);

/// A sender of signed messages.
pub(crate) struct Sender<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) http: reqwest::Client,
    pub(crate) at_once: usize,
    pub(crate) clock: Clock,
}

impl Sender<'_> {
    /// Sends all, each as often as it says, and gives back how they were answered.
    pub(crate) async fn send_all(&self, messages: &[Message]) -> Answers {
        stream::iter(messages)
            .map(|message| self.send(message))
            .buffer_unordered(self.at_once)
            .fold(Answers::default(), |all, one| async move { all.with(one) })
            .await
    }

    async fn send(&self, message: &Message) -> Answers {
        let mut answers = Answers::default();
        for _ in 0..message.times {
            self.send_once(message, &mut answers).await;
        }
        answers
    }

    /// One delivery: tried again while no answer comes or the answer is "later".
    async fn send_once(&self, message: &Message, answers: &mut Answers) {
        for _ in 1..TRIES {
            match self.post(message).await {
                Ok((status, body)) if status < 500 && status != 429 => {
                    return answers.note(message, status, &body);
                }
                Ok(_) | Err(_) => answers.tried_again += 1,
            }
            tokio::time::sleep(PAUSE).await;
        }
        match self.post(message).await {
            Ok((status, body)) => answers.note(message, status, &body),
            Err(error) => answers
                .unexpected
                .push(format!("{}: no answer: {error}", message.reference)),
        }
    }

    async fn post(&self, message: &Message) -> Result<(u16, Value), reqwest::Error> {
        let url = format!("{}{}", self.settings.api_url, message.door.path());
        let request = self.http.post(url).header("content-type", "application/json");
        let body = message.body.as_bytes();
        let request = match message.door {
            Door::Webhook => request
                .header(
                    "x-razorpay-signature",
                    sign(self.webhook_secret(message.kind), &[body]),
                )
                .header("x-razorpay-event-id", format!("evt_{}", message.reference)),
            Door::Confirmation => {
                let timestamp = self.clock.now().timestamp().to_string();
                let signature = sign(
                    &self.settings.confirmation_secret,
                    &[timestamp.as_bytes(), b".", body],
                );
                request
                    .header("x-makegood-timestamp", timestamp)
                    .header("x-makegood-signature", signature)
            }
        };
        let answer = request.body(message.body.clone()).send().await?;
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
    }

    fn webhook_secret(&self, kind: Kind) -> &str {
        match kind {
            Kind::Forged => FORGED_SECRET,
            Kind::Payment | Kind::Surplus | Kind::Malformed => &self.settings.webhook_secret,
        }
    }
}
