//! The functions as the template deploys them: how many environments, how long an invocation may take, what they read.

use std::time::Duration;

/// No invocation takes longer than this in a run, so that what is held by a dead one comes again soon.
const LONGEST: Duration = Duration::from_secs(15);
/// How long what was received stays with its receiver.
pub const VISIBILITY: Duration = Duration::from_secs(20);

/// One function.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its name, and its binary's.
    pub name: &'static str,
    /// How many environments it has.
    pub environments: usize,
    /// Its time-out in the template, in seconds.
    pub timeout_seconds: u64,
    /// The queues that it reads; none for one that is called.
    pub reads: &'static [&'static str],
    /// How many messages it gets at most.
    pub batch: usize,
    /// How long messages are gathered before they are handed over, in milliseconds.
    pub window_millis: u64,
}

impl Function {
    /// The topics that it reads in a run over Kafka, in place of its queues.
    #[must_use]
    pub fn topics(&self) -> &'static [&'static str] {
        match self.name {
            "create-purchase" => &["purchase-confirmed"],
            "allocate-trainer" => &["purchase-created"],
            "schedule-sessions" => &["trainer-allocated"],
            "invalidate-cache" => &[
                "purchase-created",
                "trainer-allocated",
                "sessions-generated",
                "sessions-rescheduled",
                "purchase-ended",
            ],
            _ => &[],
        }
    }

    /// What an invocation may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds).min(LONGEST)
    }
}

/// All functions of a run.
pub const FUNCTIONS: [Function; 13] = [
    called("receive-payment", 3, 10),
    reader("create-purchase", 2, 30, &["purchase-confirmed"], 100, 400),
    reader("allocate-trainer", 2, 60, &["purchase-created-allocation"], 10, 0),
    reader("schedule-sessions", 2, 30, &["trainer-allocated-sessions"], 10, 0),
    called("top-up-sessions", 1, 900),
    reader("invalidate-cache", 1, 15, &CACHE_QUEUES, 100, 400),
    called("create-order-intent", 2, 20),
    called("verify-payment", 2, 20),
    reader("finalize-order", 2, 30, &["jobs"], 10, 0),
    called("order-status", 2, 10),
    called("sweep", 3, 55),
    reader("park-dead-letters", 1, 30, &DEAD_LETTER_QUEUES, 10, 0),
    called("admin", 1, 29),
];

/// What `invalidate-cache` reads.
const CACHE_QUEUES: [&str; 3] = [
    "purchase-created-cache",
    "trainer-allocated-cache",
    "sessions-generated-cache",
];

/// Every queue, and how often a message of it is received before it goes to its dead letters.
pub const QUEUES: [(&str, u32); 8] = [
    ("purchase-confirmed", 31),
    ("purchase-created-allocation", 31),
    ("purchase-created-cache", 4),
    ("trainer-allocated-sessions", 31),
    ("trainer-allocated-cache", 4),
    ("sessions-generated-cache", 4),
    ("jobs", 4),
    ("order-confirmed", 10),
];

/// Their dead letters, in the same order.
pub const DEAD_LETTER_QUEUES: [&str; 8] = [
    "purchase-confirmed-dlq",
    "purchase-created-allocation-dlq",
    "purchase-created-cache-dlq",
    "trainer-allocated-sessions-dlq",
    "trainer-allocated-cache-dlq",
    "sessions-generated-cache-dlq",
    "jobs-dlq",
    "order-confirmed-dlq",
];

const fn called(name: &'static str, environments: usize, timeout_seconds: u64) -> Function {
    reader(name, environments, timeout_seconds, &[], 0, 0)
}

const fn reader(
    name: &'static str,
    environments: usize,
    timeout_seconds: u64,
    reads: &'static [&'static str],
    batch: usize,
    window_millis: u64,
) -> Function {
    Function {
        name,
        environments,
        timeout_seconds,
        reads,
        batch,
        window_millis,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_and_time_outs_are_those_of_the_template() {
        let template = include_str!("../../../../template.yaml");
        for (queue, receives) in QUEUES {
            let (_, rest) = template
                .split_once(&format!("QueueName: !Sub \"${{AWS::StackName}}-{queue}\""))
                .expect("the template has the queue");
            let (_, count) = rest
                .split_once("maxReceiveCount: ")
                .expect("it has a redrive policy");
            assert!(count.starts_with(&format!("{receives}}}")), "{queue}");
        }
        for function in FUNCTIONS {
            let name = format!("FunctionName: !Sub \"${{AWS::StackName}}-{}\"", function.name);
            let (_, rest) = template.split_once(&name).expect("the template has the function");
            let (_, seconds) = rest.split_once("Timeout: ").expect("it has a time-out");
            assert!(
                seconds.starts_with(&format!("{}\n", function.timeout_seconds)),
                "{}",
                function.name
            );
        }
    }

    #[test]
    fn topics_are_those_of_the_template() {
        let template = include_str!("../../../../template.yaml");
        let mut of_template: Vec<&str> = template
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Topics: [")?.strip_suffix(']'))
            .collect();
        let mut of_functions: Vec<&str> = FUNCTIONS.iter().flat_map(Function::topics).copied().collect();
        of_template.sort_unstable();
        of_functions.sort_unstable();
        assert_eq!(of_functions, of_template);
    }

    #[test]
    fn every_queue_has_a_reader_and_its_dead_letters() {
        let read: Vec<&str> = FUNCTIONS
            .iter()
            .flat_map(|function| function.reads)
            .copied()
            .collect();
        for ((queue, _), dead) in QUEUES.iter().zip(DEAD_LETTER_QUEUES) {
            assert_eq!(dead, format!("{queue}-dlq"));
            assert!(read.contains(&dead), "{dead}");
            // The shop's mailer is no function of ours; the driver reads it.
            assert!(read.contains(queue) || *queue == "order-confirmed", "{queue}");
        }
    }
}
