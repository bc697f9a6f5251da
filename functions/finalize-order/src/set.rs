//! One transaction makes the orders of a set of paid intents with all that belongs to them, and completes their jobs. Its round trips
//! are four, however many jobs and lines there are: begin and lock, read, write, commit.

use crate::decide::{Shelf, Verdict, decide};
use crate::facts::{Facts, load_locked};
use crate::handler::FinalizeOrder;
use crate::locks::lock_statements;
use crate::new_order::{NewOrder, outbox_event, outbox_row};
use crate::number::order_number;
use crate::payload::intent_id;
use crate::refusal::Refusal;
use crate::write::{Columns, Written, write};
use chrono::{DateTime, Utc};
use makegood::db::Transaction;
use makegood::job::{Job, JobId};
use makegood::outbox::{OutboxEvent, OutboxRow};
use makegood::telemetry::millis;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// What became of one job of a set that was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Made {
    /// Committed together with the job's completion.
    Done,
    /// Nothing was made for it: the lease had been taken away.
    LostLease,
    /// Nothing was made for it: this job will never succeed as it is.
    Refused(Refusal),
    /// Nothing was made for it yet: another job of the set has the same buyer, and what that one changes decides about this one.
    Later,
}

/// Whether the stock's rows are believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stock {
    /// An intent that holds what it wants gets it.
    Trusted,
    /// Less is there than was held, so each order is held against what the row has.
    Counted,
}

/// Why a set is rolled back as a whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RolledBack {
    #[error(
        "the leases of some jobs were taken away, and others were decided by what these would have changed"
    )]
    LostLeases(Vec<JobId>),
    #[error("there is less than an intent holds")]
    LacksStock,
    #[error("no free order number was drawn")]
    NoNumber,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// An order that is to be made, with what is told of it.
struct Planned {
    order: NewOrder,
    event: OutboxEvent,
    verified_at: Option<DateTime<Utc>>,
}

/// What a set comes to, before anything is written.
struct Plan {
    /// One a job, in order; [`Made::Done`] as far as the job is still this worker's.
    outcomes: Vec<Made>,
    orders: HashMap<JobId, Planned>,
    columns: Columns,
    /// Whether what becomes of one job was decided by what another one takes of the stock, or may have been.
    shares_stock: bool,
}

impl FinalizeOrder {
    /// Makes what can be made of these jobs, and says what became of each, in order. Publishes after the commit.
    pub(crate) async fn make_set(&self, jobs: &[Job], stock: Stock) -> Result<Vec<Made>, RolledBack> {
        let named: Vec<&Job> = jobs
            .iter()
            .filter(|job| intent_id(&job.payload).is_some())
            .collect();
        if named.is_empty() {
            return Ok(vec![Made::Refused(Refusal::NoIntentNamed); jobs.len()]);
        }
        let statements = lock_statements(&named);
        let mut transaction = self.publisher.database.begin_and_lock(&statements).await?;
        let now = self.clock.now();
        match self.make_locked(&mut transaction, jobs, stock, now).await {
            Ok((mut plan, written)) => {
                transaction.commit().await?;
                let lost = written.iter().filter(|written| !written.is_owner);
                let lost: BTreeSet<Uuid> = lost.map(|written| written.job_id).collect();
                for (job, outcome) in jobs.iter().zip(&mut plan.outcomes) {
                    if lost.contains(&job.lease.id.0) {
                        *outcome = Made::LostLease;
                    }
                }
                self.tell(jobs, &plan, &written).await;
                Ok(plan.outcomes)
            }
            Err(error) => {
                // Others wait for its rows. What can't be rolled back is closed, which rolls it back too.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    async fn make_locked(
        &self,
        transaction: &mut Transaction,
        jobs: &[Job],
        stock: Stock,
        now: DateTime<Utc>,
    ) -> Result<(Plan, Vec<Written>), RolledBack> {
        let ids: BTreeSet<&str> = jobs.iter().filter_map(|job| intent_id(&job.payload)).collect();
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        let facts = load_locked(transaction, &ids, stock == Stock::Counted).await?;
        let plan = self.plan(jobs, &facts, now);
        if plan.columns.is_empty() {
            return Ok((plan, Vec::new()));
        }
        let written = write(transaction, &plan.columns, now).await?;
        let lost = written.iter().filter(|written| !written.is_owner);
        let lost: Vec<JobId> = lost.map(|written| JobId(written.job_id)).collect();
        if plan.shares_stock && !lost.is_empty() {
            return Err(RolledBack::LostLeases(lost));
        }
        if written.iter().any(|written| written.lacks_stock) {
            return Err(RolledBack::LacksStock);
        }
        let is_unmade = |written: &Written| {
            written.is_owner && !written.is_made && plan.orders.contains_key(&JobId(written.job_id))
        };
        if written.iter().any(is_unmade) {
            return Err(RolledBack::NoNumber);
        }
        Ok((plan, written))
    }

    /// Decides about each job, the first first. One buyer has one job in a set: what the first makes decides about the next.
    fn plan(&self, jobs: &[Job], facts: &HashMap<String, Facts>, now: DateTime<Utc>) -> Plan {
        let mut plan = Plan {
            outcomes: Vec::with_capacity(jobs.len()),
            orders: HashMap::with_capacity(jobs.len()),
            columns: Columns::of(&self.worker),
            shares_stock: false,
        };
        let mut shelf = Shelf::default();
        let mut buyers = BTreeSet::new();
        for job in jobs {
            let outcome = match intent_id(&job.payload) {
                None => Made::Refused(Refusal::NoIntentNamed),
                Some(intent_id) => match facts.get(intent_id) {
                    None => Made::Refused(Refusal::UnknownIntent(intent_id.to_owned())),
                    Some(facts) if !buyers.insert(facts.user_id) => Made::Later,
                    Some(facts) => self.plan_one(&mut plan, job, facts, &mut shelf, now),
                },
            };
            plan.outcomes.push(outcome);
        }
        plan
    }

    fn plan_one(
        &self,
        plan: &mut Plan,
        job: &Job,
        facts: &Facts,
        shelf: &mut Shelf,
        now: DateTime<Utc>,
    ) -> Made {
        match decide(facts, shelf) {
            Ok(Verdict::HasOrder) => plan.columns.push_done(job, &facts.payment_intent_id),
            Ok(Verdict::Make { lines, takes_anew }) => {
                let id = (self.new_id)();
                let order = NewOrder {
                    intent_id: facts.payment_intent_id.clone(),
                    id,
                    order_number: order_number(self.clock.today(self.timezone), id),
                    takes_anew,
                };
                let event = outbox_event(facts, &order, lines, now);
                plan.columns.push_order(job, &order, &event, &facts.open);
                plan.shares_stock |= takes_anew;
                let planned = Planned {
                    order,
                    event,
                    verified_at: facts.verified_at,
                };
                plan.orders.insert(job.lease.id, planned);
            }
            Err(refusal) => {
                plan.shares_stock |= matches!(refusal, Refusal::StockGone(_));
                return Made::Refused(refusal);
            }
        }
        Made::Done
    }

    /// Publishes what was committed, counts it and logs it.
    async fn tell(&self, jobs: &[Job], plan: &Plan, written: &[Written]) {
        let made_at = self.clock.now();
        let rows: Vec<OutboxRow> = written
            .iter()
            .filter_map(|written| {
                let event = &plan.orders.get(&JobId(written.job_id))?.event;
                Some(outbox_row(written.outbox_id?, event))
            })
            .collect();
        self.publisher.publish(&rows).await;
        for (job, outcome) in jobs.iter().zip(&plan.outcomes) {
            if *outcome != Made::Done {
                continue;
            }
            let (job_id, attempt) = (job.lease.id, job.lease.attempts);
            let correlation_id = intent_id(&job.payload).unwrap_or_default();
            let Some(planned) = plan.orders.get(&job_id) else {
                tracing::info!(%job_id, attempt, correlation_id, "the order was there already");
                continue;
            };
            metrics::counter!("OrdersConfirmed").increment(1);
            let elapsed = planned
                .verified_at
                .and_then(|verified_at| (made_at - verified_at).to_std().ok());
            if let Some(elapsed) = elapsed {
                metrics::histogram!("PaymentToOrderMillis").record(millis(elapsed));
            }
            let order_number = planned.order.order_number.as_str();
            tracing::info!(%job_id, attempt, correlation_id, order_number, "order made");
        }
    }
}
