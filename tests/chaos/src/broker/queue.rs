//! Queues and their messages.

use super::TIME_SCALE;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What the queues do that SQS may do, in a thousand cases each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Misbehaviour {
    /// A message is delivered again although it is held, or was deleted.
    pub duplicates: u32,
    /// A message comes later than it could, by up to so many milliseconds.
    pub delays: u32,
    /// The most of that.
    pub delay_millis: u64,
    /// Messages come in any order.
    pub reorders: bool,
    /// A request to send is answered late.
    pub late_answers: u32,
    /// By so many milliseconds, at least and at most.
    pub late_millis: (u64, u64),
    /// A request to send is done, and its answer is lost.
    pub lost_answers: u32,
    /// A request is refused: too many.
    pub throttled: u32,
    /// One entry of a batch is refused, by the queue's own fault.
    pub refused_entries: u32,
}

/// A message as it was received.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Its id.
    pub id: String,
    /// As Lambda hands it to a function.
    pub record: Value,
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: String,
    attributes: Value,
    visible_at: Instant,
    receives: u32,
    /// Whoever received it last may still be at work on it.
    is_held: bool,
}

#[derive(Debug, Default)]
struct Queue {
    messages: Vec<Message>,
    redrive: Option<(u32, String)>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Queues {
    by_name: BTreeMap<String, Queue>,
    pub(super) misbehaviour: Misbehaviour,
    pub(super) rng: StdRng,
    pub(super) taken: u64,
    pub(super) delivered: u64,
    events: BTreeMap<String, Value>,
}

impl Queues {
    pub(super) fn of_seed(seed: u64) -> Self {
        Self {
            by_name: BTreeMap::new(),
            misbehaviour: Misbehaviour::default(),
            rng: StdRng::seed_from_u64(seed),
            taken: 0,
            delivered: 0,
            events: BTreeMap::new(),
        }
    }

    pub(super) fn create(&mut self, name: &str, redrive: Option<(u32, &str)>) {
        let redrive = redrive.map(|(most, to)| (most, to.to_owned()));
        self.by_name.entry(name.to_owned()).or_default().redrive = redrive;
    }

    pub(super) fn draws(&mut self, per_mille: u32) -> bool {
        self.rng.random_range(0..1_000) < per_mille
    }

    /// Takes a message; none when there is no such queue.
    pub(super) fn send(&mut self, queue: &str, entry: &Value, now: Instant) -> Option<String> {
        self.by_name.get(queue)?;
        self.taken += 1;
        let id = format!("{queue}-{}", self.taken);
        let mut attributes = Map::new();
        for (name, attribute) in entry["MessageAttributes"].as_object().into_iter().flatten() {
            let value = json!({"stringValue": attribute["StringValue"], "dataType": attribute["DataType"]});
            attributes.insert(name.clone(), value);
        }
        let body = entry["MessageBody"].as_str().unwrap_or_default().to_owned();
        self.remember(&body);
        let delay = entry["DelaySeconds"].as_u64().unwrap_or_default();
        let misbehaviour = self.misbehaviour;
        let mut visible_at = now + scaled(delay);
        if self.draws(misbehaviour.delays) {
            visible_at += Duration::from_millis(self.rng.random_range(0..=misbehaviour.delay_millis));
        }
        let message = Message {
            id: id.clone(),
            body,
            attributes: Value::Object(attributes),
            visible_at,
            receives: 0,
            is_held: false,
        };
        self.by_name.get_mut(queue)?.messages.push(message);
        Some(id)
    }

    fn remember(&mut self, body: &str) {
        let Ok(event) = serde_json::from_str::<Value>(body) else {
            return;
        };
        if let Some(id) = event["_metadata"]["eventId"].as_str() {
            self.events.entry(id.to_owned()).or_insert(event);
        }
    }

    pub(super) fn receive(
        &mut self,
        name: &str,
        most: usize,
        visibility: Duration,
        now: Instant,
    ) -> Vec<Received> {
        let misbehaviour = self.misbehaviour;
        self.redrive(name, now);
        let Some(queue) = self.by_name.get_mut(name) else {
            return Vec::new();
        };
        let mut places: Vec<usize> = (0..queue.messages.len())
            .filter(|place| queue.messages[*place].visible_at <= now)
            .collect();
        if misbehaviour.reorders {
            places.shuffle(&mut self.rng);
        }
        places.truncate(most);
        let mut received = Vec::new();
        for place in places {
            let message = &mut queue.messages[place];
            message.receives += 1;
            message.visible_at = now + visibility;
            message.is_held = true;
            if self.rng.random_range(0..1_000) < misbehaviour.duplicates {
                message.visible_at = now + Duration::from_millis(self.rng.random_range(0..500));
            }
            received.push(Received {
                id: message.id.clone(),
                record: record(name, message),
            });
        }
        self.delivered += u64::try_from(received.len()).unwrap_or_default();
        received
    }

    /// What was received too often goes to the dead-letter queue as it is.
    fn redrive(&mut self, name: &str, now: Instant) {
        let Some(queue) = self.by_name.get_mut(name) else {
            return;
        };
        let Some((most, to)) = queue.redrive.clone() else {
            return;
        };
        let worn_out = |message: &Message| message.receives >= most && message.visible_at <= now;
        let moved: Vec<Message> = queue
            .messages
            .extract_if(.., |message| worn_out(message))
            .collect();
        if let Some(dead) = self.by_name.get_mut(&to) {
            dead.messages.extend(moved.into_iter().map(|message| Message {
                receives: 0,
                is_held: false,
                ..message
            }));
        }
    }

    pub(super) fn has_any(&self, name: &str, now: Instant) -> bool {
        let queue = self.by_name.get(name);
        queue.is_some_and(|queue| queue.messages.iter().any(|message| message.visible_at <= now))
    }

    pub(super) fn delete(&mut self, name: &str, message_id: &str, now: Instant) {
        let comes_again = self.draws(self.misbehaviour.duplicates);
        let later = now + Duration::from_millis(self.rng.random_range(0..4_000));
        let Some(queue) = self.by_name.get_mut(name) else {
            return;
        };
        if !comes_again {
            queue.messages.retain(|message| message.id != message_id);
            return;
        }
        for message in &mut queue.messages {
            if message.id == message_id {
                message.visible_at = later;
                message.is_held = false;
            }
        }
    }

    /// The receipt is the queue's name and the message's id.
    pub(super) fn hide(&mut self, queue: &str, receipt: &str, seconds: u64, now: Instant) {
        let Some(queue) = self.by_name.get_mut(queue) else {
            return;
        };
        for message in queue.messages.iter_mut().filter(|message| message.id == receipt) {
            message.visible_at = now + scaled(seconds);
            message.is_held = false;
        }
    }

    pub(super) fn show_delayed(&mut self, now: Instant) {
        for message in self.by_name.values_mut().flat_map(|queue| &mut queue.messages) {
            if !message.is_held {
                message.visible_at = message.visible_at.min(now);
            }
        }
    }

    pub(super) fn messages(&self) -> usize {
        self.by_name.values().map(|queue| queue.messages.len()).sum()
    }

    pub(super) fn events(&self) -> Vec<Value> {
        self.events.values().cloned().collect()
    }
}

fn scaled(seconds: u64) -> Duration {
    Duration::from_millis(seconds * 1_000 / TIME_SCALE)
}

fn record(queue: &str, message: &Message) -> Value {
    json!({
        "messageId": message.id, "receiptHandle": message.id, "body": message.body,
        "attributes": {"ApproximateReceiveCount": message.receives.to_string()},
        "messageAttributes": message.attributes, "eventSource": "aws:sqs",
        "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"), "awsRegion": "us-east-1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELD: Duration = Duration::from_secs(20);

    fn queues() -> Queues {
        let mut queues = Queues::of_seed(1);
        queues.create("dead", None);
        queues.create("work", Some((2, "dead")));
        queues
    }

    #[test]
    fn a_message_is_held_comes_again_and_goes_to_the_dead_letters_in_the_end() {
        let (mut queues, now) = (queues(), Instant::now());
        assert!(queues.send("work", &json!({"MessageBody": "a"}), now).is_some());
        assert_eq!(queues.receive("work", 10, HELD, now).len(), 1);
        assert_eq!(queues.receive("work", 10, HELD, now).len(), 0);
        assert_eq!(queues.receive("work", 10, HELD, now + HELD).len(), 1);
        assert_eq!(queues.receive("work", 10, HELD, now + HELD + HELD).len(), 0);
        assert_eq!(queues.receive("dead", 10, HELD, now + HELD + HELD).len(), 1);
    }

    #[test]
    fn what_is_deleted_is_gone_unless_it_is_to_come_twice() {
        let (mut queues, now) = (queues(), Instant::now());
        queues.send("work", &json!({"MessageBody": "a"}), now);
        let received = queues.receive("work", 10, HELD, now);
        queues.misbehaviour.duplicates = 1_000;
        queues.delete("work", &received[0].id, now);
        assert_eq!(queues.receive("work", 10, HELD, now + HELD).len(), 1);
        queues.misbehaviour.duplicates = 0;
        queues.delete("work", &received[0].id, now);
        assert_eq!(queues.messages(), 0);
    }

    #[test]
    fn a_delay_of_minutes_is_scaled_down() {
        let (mut queues, now) = (queues(), Instant::now());
        queues.send("work", &json!({"MessageBody": "a", "DelaySeconds": 60}), now);
        assert!(!queues.has_any("work", now + Duration::from_secs(5)));
        assert!(queues.has_any("work", now + Duration::from_secs(6)));
    }
}
