//! Asks the admin service for all pairs of a batch, several at a time, and never longer than the deadline allows.

use crate::answer::{Answer, Grant, classify, classify_listing};
use crate::breaker::{Breaker, Permit};
use crate::client::{AdminService, Reply};
use crate::purchase_state;
use crate::request::{Pair, TrainerRequest};
use futures::stream::{self, StreamExt};
use makegood::clock::Clock;
use makegood::db::Database;
use makegood::delivery::{Deadline, Failure, out_of_time};
use makegood::ids::AllocationId;
use std::collections::HashMap;
use std::time::Duration;

/// How many calls are under way at once.
const CALLS_AT_ONCE: usize = 8;
/// Kept back for recording what was answered: an answer that can't be recorded is asked for again.
const RECORDING_RESERVE: Duration = Duration::from_secs(3);

/// What the admin service is asked through.
pub(crate) struct Asking<'a> {
    pub service: &'a AdminService,
    pub breaker: &'a Breaker,
    pub database: &'a Database,
    pub clock: Clock,
    pub deadline: Deadline,
}

/// What there is to record for a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Granted(Grant),
    Pending(AllocationId),
}

impl Asking<'_> {
    /// One answer a pair. What stands already by the answer of the service (409) is read from the body, else from our
    /// own rows, else from the service.
    pub async fn ask_all(&self, requests: Vec<TrainerRequest>) -> HashMap<Pair, Result<Asked, Failure>> {
        let mut answers = HashMap::with_capacity(requests.len());
        let mut conflicts = Vec::new();
        let asked: Vec<(Pair, Result<Answer, Failure>)> = stream::iter(requests)
            .map(|requested| self.ask(requested))
            .buffer_unordered(CALLS_AT_ONCE)
            .collect()
            .await;
        for (pair, answer) in asked {
            match answer {
                Ok(Answer::Exists(None)) => conflicts.push(pair),
                other => {
                    answers.insert(pair, other.and_then(to_record));
                }
            }
        }
        answers.extend(self.read_existing(conflicts).await);
        answers
    }

    async fn ask(&self, requested: TrainerRequest) -> (Pair, Result<Answer, Failure>) {
        let asked = &requested;
        let call = |patience| async move { read(self.service.assign(asked, patience).await, classify) };
        let answer = self.guarded(call).await;
        (requested.pair, answer)
    }

    async fn read_existing(&self, pairs: Vec<Pair>) -> Vec<(Pair, Result<Asked, Failure>)> {
        if pairs.is_empty() {
            return Vec::new();
        }
        let held: HashMap<Pair, Grant> = match self.held(&pairs).await {
            Ok(held) => held.into_iter().collect(),
            Err(error) => {
                let failure = Failure::from(error);
                return pairs
                    .into_iter()
                    .map(|pair| (pair, Err(failure.clone())))
                    .collect();
            }
        };
        stream::iter(pairs)
            .map(|pair| {
                let known = held.get(&pair).copied();
                async move {
                    match known {
                        Some(grant) => (pair, Ok(Asked::Granted(grant))),
                        None => (pair, self.list(pair).await),
                    }
                }
            })
            .buffer_unordered(CALLS_AT_ONCE)
            .collect()
            .await
    }

    async fn held(&self, pairs: &[Pair]) -> Result<Vec<(Pair, Grant)>, sqlx::Error> {
        let mut connection = self.database.acquire().await?;
        purchase_state::held_by_now(&mut connection, pairs).await
    }

    async fn list(&self, pair: Pair) -> Result<Asked, Failure> {
        let call = |patience| async move { read(self.service.list(pair, patience).await, classify_listing) };
        self.guarded(call).await.and_then(to_record)
    }

    /// One call under the breaker and the deadline.
    async fn guarded<C, F>(&self, call: C) -> Result<Answer, Failure>
    where
        C: FnOnce(Duration) -> F,
        F: Future<Output = Result<Answer, Failure>>,
    {
        let left = self.deadline.remaining().saturating_sub(RECORDING_RESERVE);
        if left.is_zero() {
            return Err(out_of_time());
        }
        if let Permit::Refused { until } = self.breaker.permit(self.clock.now()) {
            let reason =
                format!("the admin service failed several times in a row; it is left alone until {until}");
            return Err(Failure::retry("admin_service_circuit_open", reason).of_outage());
        }
        let patience = left.min(self.service.timeout());
        let answer = call(patience).await;
        let cut_short = patience < self.service.timeout();
        match &answer {
            Err(failure) if failure.code == TIMED_OUT && cut_short => return Err(out_of_time()),
            Err(_) | Ok(Answer::Failing { .. } | Answer::Foreign { .. } | Answer::Unreadable { .. }) => {
                self.breaker.failed(self.clock.now())
            }
            // Busy is neither: it answers, and more calls would not help it.
            Ok(Answer::TooBusy { .. }) => {}
            Ok(Answer::Allocated(_) | Answer::Pending(_) | Answer::Exists(_) | Answer::Refused { .. }) => {
                self.breaker.succeeded();
            }
        }
        answer
    }
}

const TIMED_OUT: &str = "admin_service_timeout";

fn read(reply: Reply, meaning: impl Fn(u16, &[u8]) -> Answer) -> Result<Answer, Failure> {
    match reply {
        Reply::Answered { status, body } => Ok(meaning(status, &body)),
        Reply::TimedOut => {
            Err(Failure::retry(TIMED_OUT, "the admin service did not answer in time").of_outage())
        }
        Reply::Broken(reason) => {
            let reason = format!(
                "the admin service can't be reached: {reason}; check ADMIN_SERVICE_URL and the service"
            );
            Err(Failure::retry("admin_service_unreachable", reason).of_outage())
        }
    }
}

fn to_record(answer: Answer) -> Result<Asked, Failure> {
    match answer {
        Answer::Allocated(grant) | Answer::Exists(Some(grant)) => Ok(Asked::Granted(grant)),
        Answer::Pending(id) => Ok(Asked::Pending(id)),
        Answer::Exists(None) => Err(Failure::retry(
            "admin_service_unreadable",
            "an allocation exists that the admin service does not show",
        )),
        Answer::Refused { status, reason } => {
            let reason =
                format!("the admin service refused the request with {status}: {reason}; fix it and replay");
            Err(Failure::park("admin_service_refused", reason))
        }
        Answer::TooBusy { status } => Err(Failure::retry(
            "admin_service_busy",
            format!("the admin service answered {status}"),
        )
        .of_outage()),
        Answer::Failing { status } => Err(Failure::retry(
            "admin_service_failing",
            format!("the admin service answered {status}"),
        )
        .of_outage()),
        Answer::Foreign { status, reason } => {
            let reason = format!(
                "something else than the admin service answered ({status}): {reason}; check ADMIN_SERVICE_URL and what stands in front of the service"
            );
            Err(Failure::retry("admin_service_unreadable", reason).of_outage())
        }
        Answer::Unreadable { status, reason } => {
            let reason = format!("the admin service's answer ({status}) is not in the protocol: {reason}");
            Err(Failure::retry("admin_service_unreadable", reason))
        }
    }
}
