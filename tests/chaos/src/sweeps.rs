//! The schedules of the template, on a faster clock.

use crate::broker::Broker;
use crate::environments::Api;
use crate::world::World;
use makegood_tests::environment::Outcome;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Each sweep with its pause; the template's minutes are seconds here.
const SCHEDULE: [(&str, Duration); 6] = [
    ("outbox", Duration::from_secs(5)),
    ("reservations", Duration::from_secs(5)),
    ("stale-jobs", Duration::from_secs(8)),
    ("reconcile", Duration::from_secs(10)),
    ("health", Duration::from_secs(5)),
    ("compare", Duration::from_secs(30)),
];
const TOP_UP: Duration = Duration::from_secs(15);
const MAILER: Duration = Duration::from_millis(500);
const MAIL_QUEUE: &str = "order-confirmed";

/// The sweep and the top-up, in front of their environments.
#[derive(Debug, Clone)]
pub struct Sweeps {
    sweep: Arc<Api>,
    top_up: Arc<Api>,
}

impl Sweeps {
    /// Those of this world.
    #[must_use]
    pub fn of(world: &World) -> Self {
        Self {
            sweep: Api::of(&world.environments, "sweep"),
            top_up: Api::of(&world.environments, "top-up-sessions"),
        }
    }

    /// Runs each on its schedule until the run is over.
    pub async fn run(&self, world: &World) {
        let each = SCHEDULE.iter().map(|(name, pause)| async move {
            while world.outside.goes_on_for(*pause).await {
                self.sweep.run(json!({"sweep": name})).await;
            }
        });
        let top_up = async {
            while world.outside.goes_on_for(TOP_UP).await {
                self.top_up.run(json!({})).await;
            }
        };
        tokio::join!(futures::future::join_all(each), top_up);
    }

    /// Runs all of them now, one after the other; what each answered.
    pub async fn run_all(&self) -> Vec<(&'static str, Option<Value>)> {
        let mut answers = Vec::new();
        for (name, _) in SCHEDULE {
            answers.push((name, answer(self.sweep.run(json!({"sweep": name})).await)));
        }
        answers.push(("top-up", answer(self.top_up.run(json!({})).await)));
        answers
    }
}

fn answer(outcome: Outcome) -> Option<Value> {
    match outcome {
        Outcome::Answered(answer) => Some(answer),
        Outcome::FunctionError(_) | Outcome::Died(_) | Outcome::TimedOut => None,
    }
}

/// The shop's mailer: takes what it is told of orders. What it was told is on the queues' record.
pub async fn read_mail(broker: &Broker) {
    loop {
        for message in broker.receive(MAIL_QUEUE, 10, Duration::from_secs(20)) {
            broker.delete(MAIL_QUEUE, &message.id);
        }
        tokio::time::sleep(MAILER).await;
    }
}
