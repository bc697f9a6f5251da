//! The order of things: verify the index, write what is free, settle the rest. The only place that begins and commits.

use super::decide::PurchaseOutcome;
use super::extend::SecondPayment;
use super::fallback::create_under_locks;
use super::fast::{Columns, Written, create_committed};
use super::index_guard::IndexGuard;
use super::prorate::{Prorating, prorate};
use super::renew::renew;
use super::request::{PurchaseRequest, SOURCE};
use super::row::PaymentFacts;
use super::settle::{Settlement, settle};
use crate::clock::Clock;
use crate::db::{Database, ErrorClass, Transaction, classify};
use crate::delivery::Failure;
use crate::event::PurchaseConfirmed;
use crate::ids::{CorrelationId, PaymentId, PurchaseId};
use crate::outbox::OutboxRow;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use std::collections::HashMap;
use uuid::Uuid;

/// How many advisory locks one transaction of the fallback takes at most; the shared lock table is finite.
const LOCKS_A_TRANSACTION: usize = 100;
/// How often what is left is settled: the second time by what the first round's renewals have made, the last by what others made since.
const ROUNDS: usize = 3;

/// Makes purchases.
#[derive(Debug)]
pub struct Purchases {
    /// The database.
    pub database: Database,
    /// Whether the arbiter index is there.
    pub guard: IndexGuard,
    /// The time.
    pub clock: Clock,
    /// Where the school is: when a purchase ends.
    pub timezone: Tz,
    /// What becomes of a second payment for a purchase that runs.
    pub second_payment: SecondPayment,
    /// Whether a part of a payment that went back takes its sessions with it (`PARTIAL_REFUND=prorate`).
    pub prorates: bool,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Fulfilment {
    /// One for each event, in order.
    pub outcomes: Vec<Result<PurchaseOutcome, Failure>>,
    /// Committed events, to publish now.
    pub published: Vec<OutboxRow>,
}

impl Purchases {
    /// Makes the purchases of these confirmed payments. Everything is committed when this returns; what fails is not.
    ///
    /// # Errors
    /// When nothing can be said of any single event: the database is away, or the batch must be split to find the one
    /// that fails.
    pub async fn fulfil(&self, events: &[&PurchaseConfirmed]) -> Result<Fulfilment, Failure> {
        let now = self.clock.now();
        let facts = {
            let mut connection = self.database.acquire().await?;
            PaymentFacts::load(&mut connection, events, self.timezone).await?
        };
        let mut fulfilment = Fulfilment::default();
        let mut requests = Vec::with_capacity(events.len());
        let mut positions = HashMap::with_capacity(events.len());
        for (position, event) in events.iter().enumerate() {
            match PurchaseRequest::of(event, &facts, now) {
                Ok(request) => {
                    positions.insert(request.purchase_id, position);
                    requests.push(request);
                    fulfilment.outcomes.push(Ok(PurchaseOutcome::TryAgain));
                }
                Err(refusal) => fulfilment.outcomes.push(Err(refusal.into())),
            }
        }
        for mut turn in in_turns(requests) {
            turn.sort_by_key(PurchaseRequest::key);
            for (purchase_id, outcome) in self
                .write_and_settle(&turn, &facts, now, &mut fulfilment.published)
                .await?
            {
                if let Some(position) = positions.get(&purchase_id) {
                    fulfilment.outcomes[*position] = Ok(outcome);
                }
            }
        }
        if self.prorates {
            let payments: Vec<Uuid> = events.iter().map(|event| event.payment_id.0).collect();
            self.prorate_returned(&payments, now).await?;
        }
        Ok(fulfilment)
    }

    /// A part of a payment may have gone back before its purchase was made. Asked for what was made before too, so that a delivery that
    /// comes again carries out what an interrupted one did not.
    async fn prorate_returned(&self, payments: &[Uuid], now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let returned = {
            let mut connection = self.database.acquire().await?;
            sqlx::query_scalar!(
                r#"SELECT payment_id AS "payment_id!" FROM refunds WHERE payment_id = ANY($1) AND status = 'processed'
                   UNION SELECT payment_id FROM disputes WHERE payment_id = ANY($1) AND status = 'lost'
                   ORDER BY 1"#,
                payments
            )
            .fetch_all(&mut connection)
            .await?
        };
        let prorating = Prorating {
            now,
            timezone: self.timezone,
            source: SOURCE,
        };
        for payment in returned {
            let mut transaction = self.database.begin().await?;
            sqlx::query!("SELECT id FROM payments WHERE id = $1 FOR NO KEY UPDATE", payment)
                .fetch_optional(&mut *transaction)
                .await?;
            let result = prorate(&mut transaction, PaymentId(payment), &prorating).await;
            end(transaction, result).await?;
        }
        Ok(())
    }

    async fn write_and_settle(
        &self,
        requests: &[PurchaseRequest],
        facts: &PaymentFacts,
        now: DateTime<Utc>,
        published: &mut Vec<OutboxRow>,
    ) -> Result<Vec<(PurchaseId, PurchaseOutcome)>, Failure> {
        let owed: Vec<PurchaseRequest> = requests
            .iter()
            .filter(|request| request.difference.is_none() && !facts.refunded(&request.event))
            .cloned()
            .collect();
        let written: HashMap<Uuid, Written> = self
            .write(&owed, now)
            .await?
            .into_iter()
            .filter(|written| written.made)
            .map(|written| (written.purchase_id, written))
            .collect();

        let mut outcomes = Vec::with_capacity(requests.len());
        let mut rest = Vec::new();
        for request in requests {
            match written.get(&request.purchase_id.0) {
                Some(written) => {
                    published.extend(outbox_row(request, written, now));
                    outcomes.push((request.purchase_id, made(request, written)));
                }
                None => rest.push(request.clone()),
            }
        }
        outcomes.extend(self.settle_rest(rest, facts, now, published).await?);
        Ok(outcomes)
    }

    /// Settles what was not made. What is over is renewed, one payment a student and course; those that came too late for it are settled
    /// by what they find then.
    async fn settle_rest(
        &self,
        mut rest: Vec<PurchaseRequest>,
        facts: &PaymentFacts,
        now: DateTime<Utc>,
        published: &mut Vec<OutboxRow>,
    ) -> Result<Vec<(PurchaseId, PurchaseOutcome)>, Failure> {
        let mut outcomes = Vec::with_capacity(rest.len());
        for _ in 0..ROUNDS {
            if rest.is_empty() {
                break;
            }
            let settlement = self.settle_in_transaction(&rest, facts, now).await?;
            metrics::counter!("SurplusPayments").increment(settlement.surplus_opened);
            published.extend(settlement.published);
            let (mut over, mut again) = (Vec::new(), Vec::new());
            for (request, outcome) in rest.into_iter().zip(settlement.outcomes) {
                match outcome {
                    PurchaseOutcome::Over(_) => over.push(request),
                    // What was in the way may be renewed by now: looked at once more before it is delivered once more.
                    PurchaseOutcome::TryAgain => again.push(request),
                    settled => outcomes.push((request.purchase_id, settled)),
                }
            }
            rest = self
                .renew_in_transaction(over, facts, now, &mut outcomes, published)
                .await?;
            rest.extend(again);
        }
        outcomes.extend(
            rest.iter()
                .map(|request| (request.purchase_id, PurchaseOutcome::TryAgain)),
        );
        Ok(outcomes)
    }

    /// Renews what is over; gives back the requests for which nothing was made.
    async fn renew_in_transaction(
        &self,
        over: Vec<PurchaseRequest>,
        facts: &PaymentFacts,
        now: DateTime<Utc>,
        outcomes: &mut Vec<(PurchaseId, PurchaseOutcome)>,
        published: &mut Vec<OutboxRow>,
    ) -> Result<Vec<PurchaseRequest>, Failure> {
        let mut rest = Vec::new();
        let mut over = over.into_iter().peekable();
        while over.peek().is_some() {
            let chunk: Vec<PurchaseRequest> = over.by_ref().take(LOCKS_A_TRANSACTION).collect();
            let mut transaction = self.database.begin().await?;
            let result = renew(&mut transaction, &chunk, facts, now).await;
            let renewed = end(transaction, result).await?;
            published.extend(renewed.published);
            let written: HashMap<Uuid, Written> = renewed
                .written
                .into_iter()
                .map(|written| (written.purchase_id, written))
                .collect();
            for request in chunk {
                match written.get(&request.purchase_id.0) {
                    Some(written) => {
                        published.extend(outbox_row(&request, written, now));
                        let purchase = request.purchase_id;
                        let recovered = !written.newly_marked;
                        outcomes.push((purchase, PurchaseOutcome::Renewed { purchase, recovered }));
                    }
                    None => rest.push(request),
                }
            }
        }
        Ok(rest)
    }

    async fn write(&self, requests: &[PurchaseRequest], now: DateTime<Utc>) -> Result<Vec<Written>, Failure> {
        if requests.is_empty() {
            return Ok(Vec::new());
        }
        if self.guard.is_enforced(&self.database).await {
            let mut statement = self.database.one_statement().await?;
            let result = create_committed(&mut statement, &Columns::of(requests, now)).await;
            match statement.end(result).await {
                Err(error) if classify(&error) == ErrorClass::NoArbiter => {
                    tracing::warn!("the index was dropped since it was verified; taking the fallback");
                    self.guard.forget();
                }
                Err(error) => {
                    count_aborted(&error);
                    return Err(error.into());
                }
                Ok(written) => return Ok(written),
            }
        }
        let mut written = Vec::with_capacity(requests.len());
        for chunk in requests.chunks(LOCKS_A_TRANSACTION) {
            written.extend(self.write_under_locks(chunk, now).await?);
        }
        let made = written.iter().filter(|written| written.made).count();
        metrics::counter!("FallbackUsed").increment(made.try_into().unwrap_or(u64::MAX));
        Ok(written)
    }

    async fn write_under_locks(
        &self,
        requests: &[PurchaseRequest],
        now: DateTime<Utc>,
    ) -> Result<Vec<Written>, Failure> {
        let mut transaction = self.database.begin().await?;
        let result = create_under_locks(&mut transaction, requests, now).await;
        match end(transaction, result).await {
            // The index is back and a writer on the fast path was faster: its success, which settling finds.
            Err(error) if is_purchase_there_already(&error) && requests.len() == 1 => Ok(Vec::new()),
            other => Ok(other?),
        }
    }

    async fn settle_in_transaction(
        &self,
        requests: &[PurchaseRequest],
        facts: &PaymentFacts,
        now: DateTime<Utc>,
    ) -> Result<Settlement, Failure> {
        let mut transaction = self.database.begin().await?;
        let result = settle(&mut transaction, requests, facts, now, self.second_payment).await;
        Ok(end(transaction, result).await?)
    }
}

/// The requests in turns, each of which sees what those before it came to. One turn, unless a payment names several courses:
/// the course that came first is decided first, as if each had come in a batch of its own.
fn in_turns(requests: Vec<PurchaseRequest>) -> Vec<Vec<PurchaseRequest>> {
    let mut pairs_of: HashMap<PaymentId, Vec<(Uuid, Uuid)>> = HashMap::with_capacity(requests.len());
    let mut turns: Vec<Vec<PurchaseRequest>> = Vec::new();
    for request in requests {
        let pairs = pairs_of.entry(request.event.payment_id).or_default();
        let turn = match pairs.iter().position(|pair| *pair == request.key()) {
            Some(turn) => turn,
            None => {
                pairs.push(request.key());
                pairs.len() - 1
            }
        };
        if turn >= turns.len() {
            turns.resize_with(turn + 1, Vec::new);
        }
        turns[turn].push(request);
    }
    turns
}

/// Commits what was done, or rolls it back at once: others wait for its rows.
async fn end<T>(transaction: Transaction, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
    match result {
        Ok(done) => transaction.commit().await.map(|()| done),
        Err(error) => {
            count_aborted(&error);
            // What can't be rolled back is closed, which rolls it back too.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

/// A statement reached an aborted transaction: a defect, counted and logged. Its connection is closed.
fn count_aborted(error: &sqlx::Error) {
    if classify(error) == ErrorClass::Aborted {
        metrics::counter!("TransactionsAborted").increment(1);
        tracing::error!(%error, "a statement met an aborted transaction; the connection is closed");
    }
}

/// By table and state, never by index name: `REINDEX CONCURRENTLY` reports another one (FACTS).
fn is_purchase_there_already(error: &sqlx::Error) -> bool {
    classify(error) == ErrorClass::UniqueViolation
        && error.as_database_error().and_then(|error| error.table()) == Some("student_course_purchases")
}

/// An event that was marked before its purchase was made had been lost: a recovery.
fn made(request: &PurchaseRequest, written: &Written) -> PurchaseOutcome {
    if written.newly_marked {
        return PurchaseOutcome::Created(request.purchase_id);
    }
    PurchaseOutcome::Recovered(request.purchase_id)
}

fn outbox_row(request: &PurchaseRequest, written: &Written, now: DateTime<Utc>) -> Option<OutboxRow> {
    let outbox_event = request.outbox_event(request.purchase_id, now);
    Some(OutboxRow {
        id: written.outbox_id?,
        event_id: outbox_event.event_id,
        event_type: outbox_event.event_type.wire_name().to_owned(),
        topic: outbox_event.event_type.topic().to_owned(),
        correlation: CorrelationId(request.event.payment_id.0),
        payload: outbox_event.payload,
    })
}
