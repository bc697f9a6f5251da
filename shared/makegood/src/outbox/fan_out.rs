//! What is left of a fan-out: an event that some of its queues took goes to the others only, and a queue that is down is not
//! asked again in the same run.

use std::collections::{BTreeSet, HashSet};

/// What became of one row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// The queues that took it now.
    pub(super) taken_by: Vec<String>,
    /// Why the others did not; none when everybody has it.
    pub(super) failure: Option<String>,
    /// The queues, or the topic, that refuse what is in it and always will.
    pub(super) refused_by: Vec<String>,
}

/// What failed as a whole in this run: it is left alone until the next one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resting {
    queues: HashSet<String>,
    topics: BTreeSet<String>,
}

impl Resting {
    /// A queue whose request failed as a whole.
    pub(super) fn rest_queue(&mut self, url: &str) {
        self.queues.insert(url.to_owned());
    }

    /// A topic whose queues can't be reached now.
    pub(super) fn rest_topic(&mut self, topic: &str) {
        self.topics.insert(topic.to_owned());
    }

    /// Whether the queue rests.
    pub(super) fn has_queue(&self, url: &str) -> bool {
        self.queues.contains(url)
    }

    /// The topics that rest.
    pub(super) fn topics(&self) -> Vec<String> {
        self.topics.iter().cloned().collect()
    }
}
