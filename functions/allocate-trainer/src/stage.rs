//! The order of things: see how the purchases stand, ask the admin service, record, publish.

use crate::asking::{Asked, Asking};
use crate::breaker::Breaker;
use crate::client::AdminService;
use crate::decide::{Step, decide};
use crate::purchase_state;
use crate::recording::{Entry, Moment, record_all};
use crate::request::{Pair, TrainerRequest};
use chrono_tz::Tz;
use makegood::clock::Clock;
use makegood::delivery::{Deadline, Failure, Record, Stage};
use makegood::event::{Envelope, EventError, PurchaseCreated};
use makegood::outbox::Publisher;
use makegood::school_days::TeachingDays;
use std::collections::{HashMap, HashSet};

/// Finds a trainer for each purchase.
#[derive(Debug)]
pub struct AllocateTrainer {
    /// The database and the way out.
    pub publisher: Publisher,
    /// Who knows the trainers.
    pub service: AdminService,
    /// Leaves the service alone while it is down.
    pub breaker: Breaker,
    /// The time.
    pub clock: Clock,
    /// Where the school is.
    pub timezone: Tz,
    /// The days of the week on which it teaches.
    pub teaching_days: TeachingDays,
}

impl Stage for AllocateTrainer {
    const NAME: &'static str = crate::NAME;
    const MAX_ATTEMPTS: u32 = 5;
    type Input = PurchaseCreated;

    fn read(&self, payload: &str) -> Result<PurchaseCreated, EventError> {
        PurchaseCreated::parse(payload)
    }

    fn envelope<'a>(&self, input: &'a PurchaseCreated) -> &'a Envelope {
        &input.envelope
    }

    async fn process(
        &self,
        records: &[Record<PurchaseCreated>],
        deadline: Deadline,
    ) -> Result<Vec<Result<(), Failure>>, Failure> {
        let moment = Moment {
            now: self.clock.now(),
            today: self.clock.today(self.timezone),
            teaching_days: self.teaching_days,
        };
        let steps = self.steps(records).await?;
        let asking = Asking {
            service: &self.service,
            breaker: &self.breaker,
            database: &self.publisher.database,
            clock: self.clock,
            deadline,
        };
        let mut results = asking.ask_all(requests(records, &steps, moment)).await;
        let entries = entries(records, &steps, &results);
        let recorded = record_all(&self.publisher.database, entries, moment).await;
        self.publisher.publish(&recorded.published).await;

        let mut outcomes: HashMap<Pair, Result<(), Failure>> = recorded.results;
        outcomes.extend(
            results
                .drain()
                .filter_map(|(pair, result)| Some((pair, Err(result.err()?)))),
        );
        Ok(records
            .iter()
            .zip(&steps)
            .map(|(record, step)| outcome(record, step, &outcomes))
            .collect())
    }
}

impl AllocateTrainer {
    async fn steps(&self, records: &[Record<PurchaseCreated>]) -> Result<Vec<Step>, Failure> {
        let events: Vec<&PurchaseCreated> = records.iter().map(|record| &record.input).collect();
        let mut connection = self.publisher.database.acquire().await?;
        let states = purchase_state::load(&mut connection, &events).await?;
        Ok(records
            .iter()
            .zip(&states)
            .map(|(record, state)| decide(&record.input, state, self.timezone))
            .collect())
    }
}

/// One request a pair: the first record of the pair asks, its duplicates share the answer.
fn requests(records: &[Record<PurchaseCreated>], steps: &[Step], moment: Moment) -> Vec<TrainerRequest> {
    let mut pairs = HashSet::new();
    let mut requests = Vec::new();
    for (record, step) in records.iter().zip(steps) {
        if let Step::Ask(candidate) = step
            && pairs.insert(candidate.pair)
        {
            let requested = TrainerRequest::of(candidate.pair, &record.input, &candidate.terms, moment.today);
            requests.push(TrainerRequest {
                idempotency_key: candidate.idempotency_key(&requested.idempotency_key),
                correlation_id: candidate.correlation_id.clone(),
                ..requested
            });
        }
    }
    requests
}

/// One entry a pair: what was answered, or what stands and lacks its event.
fn entries<'a>(
    records: &'a [Record<PurchaseCreated>],
    steps: &[Step],
    answers: &HashMap<Pair, Result<Asked, Failure>>,
) -> Vec<Entry<'a>> {
    let mut entries: HashMap<Pair, Entry<'a>> = HashMap::new();
    for (record, step) in records.iter().zip(steps) {
        let (candidate, allocation, trainer) = match step {
            Step::Publish(candidate, grant) => (candidate, grant.allocation, Some(grant.trainer)),
            Step::Ask(candidate) => match answers.get(&candidate.pair) {
                Some(Ok(Asked::Granted(grant))) => (candidate, grant.allocation, Some(grant.trainer)),
                Some(Ok(Asked::Pending(allocation))) => (candidate, *allocation, None),
                Some(Err(_)) | None => continue,
            },
            Step::Fail(_) | Step::Ended | Step::Done => continue,
        };
        let entry = Entry {
            event: &record.input,
            attempt: record.attempt,
            candidate: candidate.clone(),
            allocation,
            trainer,
        };
        entries.entry(candidate.pair).or_insert(entry);
    }
    entries.into_values().collect()
}

fn outcome(
    record: &Record<PurchaseCreated>,
    step: &Step,
    outcomes: &HashMap<Pair, Result<(), Failure>>,
) -> Result<(), Failure> {
    match step {
        Step::Fail(failure) => Err(failure.clone()),
        Step::Ended => {
            tracing::info!(
                function = AllocateTrainer::NAME,
                event_id = record.input.envelope.event_id,
                correlation_id = record.input.envelope.correlation_id,
                attempt = record.attempt,
                purchase = %record.input.purchase_id,
                "the purchase is no longer active; no trainer is sought"
            );
            Ok(())
        }
        Step::Done => {
            metrics::counter!("DuplicateEvents").increment(1);
            Ok(())
        }
        Step::Publish(candidate, _) | Step::Ask(candidate) => match outcomes.get(&candidate.pair) {
            Some(result) => result.clone(),
            None => Err(Failure::retry(
                "stage_defect",
                "the pair was neither asked for nor recorded",
            )),
        },
    }
}
