//! The `schedule-sessions` stage: an allocated trainer becomes the next seven sessions, their mark and their event,
//! a batch in one commit. A replay finds the window full and adds nothing.

mod columns;
mod row;

pub use columns::COLUMNS;

use chrono_tz::Tz;
use makegood::clash_rules::ClashRules;
use makegood::clock::Clock;
use makegood::delivery::{Deadline, Failure, Record, Stage};
use makegood::event::{Envelope, EventError, EventType, TrainerAllocated};
use makegood::idempotency;
use makegood::ids::AllocationId;
use makegood::outbox::Publisher;
use makegood::school_days::TeachingDays;
use makegood::session::{Filled, Filling, Outcome, Told, WINDOW, fill};
use serde_json::Value;
use std::collections::HashMap;

/// The stage with what it needs.
#[derive(Debug)]
pub struct ScheduleSessions {
    /// The database, and how events leave it.
    pub publisher: Publisher,
    /// The time.
    pub clock: Clock,
    /// Where the school is.
    pub timezone: Tz,
    /// The days of the week on which it teaches.
    pub teaching_days: TeachingDays,
    /// What it wants where two sessions would be at one time.
    pub clash_rules: ClashRules,
}

impl Stage for ScheduleSessions {
    const NAME: &'static str = "schedule-sessions";
    const MAX_ATTEMPTS: u32 = 3;
    type Input = TrainerAllocated;

    fn read(&self, payload: &str) -> Result<TrainerAllocated, EventError> {
        TrainerAllocated::parse(payload)
    }

    fn envelope<'a>(&self, input: &'a TrainerAllocated) -> &'a Envelope {
        &input.envelope
    }

    async fn process(
        &self,
        records: &[Record<TrainerAllocated>],
        _deadline: Deadline,
    ) -> Result<Vec<Result<(), Failure>>, Failure> {
        let events: Vec<&TrainerAllocated> = records.iter().map(|record| &record.input).collect();
        let (filled, refusals) = self.fill_and_mark(&events).await?;
        metrics::counter!("SessionsCreated").increment(u64::try_from(filled.sessions).unwrap_or(u64::MAX));
        self.publisher.publish(&filled.published).await;
        Ok(records
            .iter()
            .zip(refusals)
            .map(|(record, refusal)| refusal.map_or_else(|| judge(record, &filled), Err))
            .collect())
    }
}

impl ScheduleSessions {
    /// One transaction. Fills only for events that say what their allocation's row says; for the others gives back why not, each at its
    /// record's place. Marks only what is done: a record that comes again is not processed.
    async fn fill_and_mark(
        &self,
        events: &[&TrainerAllocated],
    ) -> Result<(Filled, Vec<Option<Failure>>), sqlx::Error> {
        let ids: Vec<AllocationId> = events.iter().map(|event| event.allocation_id).collect();
        let mut transaction = self.publisher.database.begin().await?;
        let rows = row::load(&mut transaction, &ids).await?;
        let gone = row::gone(&mut transaction, events, &rows).await?;
        let refusals: Vec<Option<Failure>> = events
            .iter()
            .map(|event| match rows.get(&event.allocation_id) {
                Some(row) => row::refusal(event, row),
                None => gone.contains(&event.envelope.event_id).then(row::deleted),
            })
            .collect();
        let agreeing: Vec<&TrainerAllocated> = events
            .iter()
            .zip(&refusals)
            .filter_map(|(event, refusal)| refusal.is_none().then_some(*event))
            .collect();
        let ids: Vec<AllocationId> = agreeing.iter().map(|event| event.allocation_id).collect();
        let filled = fill(&mut transaction, &ids, &self.filling(&agreeing)).await?;
        let done = |event: &&&TrainerAllocated| {
            matches!(
                filled.outcomes.get(&event.allocation_id),
                Some(Outcome::Filled(_) | Outcome::Ended(_) | Outcome::PurchaseEnded | Outcome::Disputed)
            )
        };
        let marks: Vec<(&Envelope, Value)> = agreeing
            .iter()
            .filter(done)
            .map(|event| (&event.envelope, event.to_json()))
            .collect();
        idempotency::mark(&mut transaction, EventType::TrainerAllocated, &marks).await?;
        transaction.commit().await?;
        Ok((filled, refusals))
    }

    fn filling(&self, events: &[&TrainerAllocated]) -> Filling {
        let told: HashMap<AllocationId, Told> = events
            .iter()
            .map(|event| {
                let correlation_id = event.envelope.correlation_id.clone();
                (
                    event.allocation_id,
                    Told {
                        correlation_id,
                        starts_on: event.start_date,
                    },
                )
            })
            .collect();
        let now = self.clock.now().with_timezone(&self.timezone);
        Filling {
            now,
            teaching_days: self.teaching_days,
            clash_rules: self.clash_rules.clone(),
            source: Self::NAME,
            refill_below: WINDOW,
            told,
        }
    }
}

/// What a record's allocation says about the record.
fn judge(record: &Record<TrainerAllocated>, filled: &Filled) -> Result<(), Failure> {
    let event = &record.input;
    let id = event.allocation_id;
    match filled.outcomes.get(&id) {
        Some(Outcome::Filled(sessions)) => {
            tracing::info!(
                event_id = event.envelope.event_id,
                correlation_id = event.envelope.correlation_id,
                attempt = record.attempt,
                allocation_id = %id,
                sessions,
                "window filled"
            );
            Ok(())
        }
        Some(Outcome::Ended(status)) => {
            let reason = format!("allocation {id} is {status}; it gets no sessions");
            Err(Failure::acknowledge("allocation_ended", reason))
        }
        Some(Outcome::PurchaseEnded) => {
            let reason = format!("the purchase of allocation {id} has ended; it gets no sessions");
            Err(Failure::acknowledge("purchase_ended", reason))
        }
        Some(Outcome::Disputed) => {
            let reason = format!(
                "the payment for allocation {id} is disputed; the top-up plans sessions when it is decided"
            );
            Err(Failure::acknowledge("payment_disputed", reason))
        }
        Some(Outcome::Pending) => {
            let reason = format!("allocation {id} is pending; approve it, then replay this event");
            Err(Failure::retry("allocation_pending", reason))
        }
        Some(Outcome::Incomplete) => {
            let reason =
                format!("allocation {id} has no trainer or no course; complete it, then replay this event");
            Err(Failure::retry("allocation_incomplete", reason))
        }
        None => {
            let reason = format!(
                "allocation {id} does not exist (yet); if it never appears, replay its purchase's event"
            );
            Err(Failure::retry("allocation_missing", reason))
        }
    }
}
