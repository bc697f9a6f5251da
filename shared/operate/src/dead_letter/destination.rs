//! Where dead letters go back to: the very queue they came from, not everybody who subscribes to its topic.

use makegood::config::Environment;
use makegood::event::EventType;
use serde::Serialize;
use std::collections::BTreeMap;

/// The queue of wake-ups, whose messages are no events.
const JOBS_QUEUE_URL: &str = "JOBS_QUEUE_URL";

/// A queue that dead letters may go back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Destination {
    /// Its name, which is the `source` of its dead letters.
    pub queue: String,
    /// Where it is.
    pub url: String,
    /// The types of event that it carries; none for the jobs queue.
    #[serde(skip)]
    pub carries: Vec<EventType>,
}

/// The queues of this deployment, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Destinations {
    queues: BTreeMap<String, Destination>,
}

impl Destinations {
    /// Of `QUEUE_URL_<TOPIC>` (comma-separated, all topics of SPEC 2) and `JOBS_QUEUE_URL`, those that are set. A queue's
    /// name is the last part of its URL. Nothing set is no problem here: the dead letters then have no destination, and say so.
    #[must_use]
    pub fn read(environment: &Environment) -> Self {
        let mut queues = Self::default();
        for event_type in EventType::ALL {
            let name = variable(event_type);
            let urls = environment.optional(&name).unwrap_or_default();
            urls.split(',').for_each(|url| queues.add(url, Some(event_type)));
        }
        queues.add(&environment.optional(JOBS_QUEUE_URL).unwrap_or_default(), None);
        queues
    }

    /// The queue that dead letters of this source go back to.
    #[must_use]
    pub fn of_source(&self, source: &str) -> Option<&Destination> {
        self.queues.get(source)
    }

    /// The URLs of all queues that carry this type of event.
    #[must_use]
    pub fn of_event(&self, event_type: EventType) -> Vec<String> {
        self.iter()
            .filter(|queue| queue.carries.contains(&event_type))
            .map(|queue| queue.url.clone())
            .collect()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Destination> {
        self.queues.values()
    }

    fn add(&mut self, url: &str, carries: Option<EventType>) {
        let url = url.trim();
        let queue = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        if !queue.is_empty() {
            let destination = self
                .queues
                .entry(queue.to_owned())
                .or_insert_with(|| Destination {
                    queue: queue.to_owned(),
                    url: url.to_owned(),
                    carries: Vec::new(),
                });
            destination.carries.extend(carries);
        }
    }
}

/// The variable that lists the queues of a type of event.
fn variable(event_type: EventType) -> String {
    format!(
        "QUEUE_URL_{}",
        event_type.topic().to_uppercase().replace('-', "_")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fan_out_topic_has_a_destination_for_each_of_its_queues() {
        let environment = Environment::of(&[
            (
                "QUEUE_URL_PURCHASE_CREATED",
                "https://sqs.example/1/created-allocation, https://sqs.example/1/created-cache",
            ),
            ("QUEUE_URL_PURCHASE_ENDED", "https://sqs.example/1/created-cache"),
            ("JOBS_QUEUE_URL", "https://sqs.example/1/jobs"),
        ]);
        let destinations = Destinations::read(&environment);
        let names: Vec<&str> = destinations.iter().map(|queue| queue.queue.as_str()).collect();
        assert_eq!(names, ["created-allocation", "created-cache", "jobs"]);
        let cache = destinations.of_source("created-cache").unwrap();
        assert_eq!(cache.url, "https://sqs.example/1/created-cache");
        assert_eq!(
            cache.carries,
            [EventType::PurchaseCreated, EventType::PurchaseEnded]
        );
        assert_eq!(destinations.of_source("purchase-created"), None);
    }
}
