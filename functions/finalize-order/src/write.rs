//! What a set of orders changes, in one statement; never committed here.

use crate::handler::NAME;
use crate::new_order::NewOrder;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::event::EventType;
use makegood::job::Job;
use makegood::outbox::{LEASE_SECONDS, OutboxEvent};
use serde_json::Value;
use uuid::Uuid;

/// The columns of a set, as the statement takes them: one entry a job, in the order of the set.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    jobs: Vec<Uuid>,
    attempts: Vec<i32>,
    intents: Vec<String>,
    orders: Vec<Option<Uuid>>,
    numbers: Vec<Option<String>>,
    take_anew: Vec<bool>,
    event_ids: Vec<Option<String>>,
    events: Vec<Option<Value>>,
    correlations: Vec<Option<Uuid>>,
    /// Open intents whose place an order takes, and that order's intent.
    ended: Vec<String>,
    ended_by: Vec<String>,
    worker: String,
}

/// What became of one job of the set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    /// The job.
    pub(crate) job_id: Uuid,
    /// It was this worker's, and is completed.
    pub(crate) is_owner: bool,
    /// Its order was made.
    pub(crate) is_made: bool,
    /// The row of its event.
    pub(crate) outbox_id: Option<i64>,
    /// A variant of it has no stock row, or fewer pieces than are wanted of it: nothing may be kept.
    pub(crate) lacks_stock: bool,
}

impl Columns {
    /// For the jobs of this worker.
    pub(crate) fn of(worker: &str) -> Self {
        Self {
            worker: worker.to_owned(),
            ..Self::default()
        }
    }

    /// Nothing is to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// A job whose order is there already.
    pub(crate) fn push_done(&mut self, job: &Job, intent_id: &str) {
        self.push(job, intent_id, None, None);
    }

    /// A job whose order is made, with its event and the open intents whose place it takes.
    pub(crate) fn push_order(&mut self, job: &Job, order: &NewOrder, event: &OutboxEvent, open: &[String]) {
        self.push(job, &order.intent_id, Some(order), Some(event));
        for related in open {
            self.ended.push(related.clone());
            self.ended_by.push(order.intent_id.clone());
        }
    }

    fn push(&mut self, job: &Job, intent_id: &str, order: Option<&NewOrder>, event: Option<&OutboxEvent>) {
        self.jobs.push(job.lease.id.0);
        self.attempts.push(job.lease.attempts);
        self.intents.push(intent_id.to_owned());
        self.orders.push(order.map(|order| order.id));
        self.numbers.push(order.map(|order| order.order_number.clone()));
        self.take_anew.push(order.is_some_and(|order| order.takes_anew));
        self.event_ids.push(event.map(|event| event.event_id.clone()));
        self.events.push(event.map(|event| event.payload.clone()));
        self.correlations.push(event.map(|event| event.correlation.0));
    }
}

/// Makes the orders and completes the jobs of those that this worker still owns; of the others nothing is changed. An order whose
/// number is taken is not made although its job is completed: then the caller rolls back, as for one that lacks stock.
///
/// Locks the stock in variant order, then the jobs, then lines of carts. The intents are locked already.
pub(crate) async fn write(
    connection: &mut Connection,
    columns: &Columns,
    now: DateTime<Utc>,
) -> Result<Vec<Written>, sqlx::Error> {
    sqlx::query_file_as!(
        Written,
        "src/write.sql",
        &columns.jobs,
        &columns.attempts,
        &columns.intents,
        &columns.orders as &[Option<Uuid>],
        &columns.numbers as &[Option<String>],
        &columns.take_anew,
        &columns.event_ids as &[Option<String>],
        &columns.events as &[Option<Value>],
        &columns.correlations as &[Option<Uuid>],
        &columns.ended,
        &columns.ended_by,
        columns.worker,
        now,
        NAME,
        EventType::OrderConfirmed.wire_name(),
        EventType::OrderConfirmed.topic(),
        f64::from(LEASE_SECONDS),
    )
    .fetch_all(connection)
    .await
}
