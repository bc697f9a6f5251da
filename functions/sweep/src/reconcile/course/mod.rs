//! The course pipeline's part: payments without purchase, purchases without allocation, allocations without trainer or
//! without sessions.
//!
//! Nothing is repaired here: the event that should have led to it is published once more, and the stage that owns the work
//! does it. An event is left alone while it waits in the outbox, for four minutes after it was published, while its dead
//! dead letter waits for a person (a permanent failure), and for an hour after it was parked (a passing one).

mod findings;
mod orders;

use super::survey::{Look, bound_statements, rule, share, time_to_work};
use crate::context::Sweep;
use crate::outbox::gauge_value;
use makegood::blackout;
use makegood::case;
use makegood::db::Connection;
use makegood::delivery::Deadline;
use makegood::outbox::{self, OutboxEvent, OutboxRow};
use makegood::unfulfilled::{self, Figures, Kind, Unfulfilled};
use serde::Serialize;
use std::collections::HashSet;

/// How many findings one transaction publishes again.
const CHUNK: usize = 200;
/// How many findings of a kind one run publishes again at most; the next run goes on.
const MOST_A_RUN: usize = 50_000;
/// How many cases one run closes at most.
const MOST_CLOSED: i64 = 1_000;
/// The first key of the advisory lock that keeps two runs apart while they look and publish.
const LOCK_SPACE: &str = "makegood.reconcile";

/// What a run did for the course pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CourseReconciliation {
    /// `PURCHASE_CONFIRMED` again: paid, and no purchase.
    #[serde(rename = "paymentsAnnounced")]
    pub payments_published: usize,
    /// `PURCHASE_CREATED` again: bought, and no allocation.
    #[serde(rename = "purchasesAnnounced")]
    pub purchases_published: usize,
    /// `PURCHASE_CREATED` again: the admin service is asked once more for a trainer.
    pub pending_asked_again: usize,
    /// `TRAINER_ALLOCATED` again: allocated, sessions left, and none ahead.
    #[serde(rename = "allocationsAnnounced")]
    pub allocations_published: usize,
    /// Succeeded payments without purchase and without case, older than two minutes, as this run found them.
    pub paid_unfulfilled: i64,
    /// The age of the oldest of them, in seconds.
    pub paid_unfulfilled_oldest_seconds: i64,
    /// Allocations for which no trainer is free.
    pub allocations_pending: i64,
    /// Cases that a program opened and that were closed because their purchase is there.
    pub cases_closed: u64,
    /// Whether the time was up before everything was looked at: then the figures are the least that there is.
    pub time_was_up: bool,
}

/// Publishes again what got lost, in pipeline order, and sets the gauges. Each kind has its share of the time, and one that fails
/// stops none of the others. Safe to run twice at once: whoever looks holds a lock until its events are committed, and what is
/// published is not found again.
pub(super) async fn reconcile(
    sweep: &Sweep,
    deadline: Deadline,
) -> Result<CourseReconciliation, sqlx::Error> {
    let deadline = time_to_work(deadline);
    let mut done = CourseReconciliation::default();
    let payments = of_kind(sweep, Kind::Payment, share(deadline, 4), &mut done).await;
    let payments = payments.map(|(published, figures)| {
        done.payments_published = published;
        report(&figures, sweep, &mut done);
    });
    let purchases = of_kind(sweep, Kind::Purchase, share(deadline, 3), &mut done).await;
    let purchases = purchases.map(|(published, _)| done.purchases_published = published);
    let allocations = of_kind(sweep, Kind::Allocation, share(deadline, 2), &mut done).await;
    let allocations = allocations.map(|(published, _)| done.allocations_published = published);
    let rest = rest(sweep, deadline, &mut done).await;
    payments.and(purchases).and(allocations).and(rest)?;
    Ok(done)
}

/// As this run found them, before it healed anything.
fn report(figures: &Figures, sweep: &Sweep, done: &mut CourseReconciliation) {
    done.paid_unfulfilled = figures.count;
    done.paid_unfulfilled_oldest_seconds = figures.oldest_seconds(sweep.clock.now());
    metrics::gauge!("PaidUnfulfilled", "Pipeline" => "course").set(gauge_value(done.paid_unfulfilled));
    metrics::gauge!("PaidUnfulfilledOldestSeconds", "Pipeline" => "course")
        .set(gauge_value(done.paid_unfulfilled_oldest_seconds));
}

/// What costs only what waits: allocations without trainer, and open cases.
async fn rest(sweep: &Sweep, deadline: Deadline, done: &mut CourseReconciliation) -> Result<(), sqlx::Error> {
    {
        let mut connection = sweep.publisher.database.acquire().await?;
        done.allocations_pending = count_pending(&mut connection).await?;
        metrics::gauge!("AllocationsPending").set(gauge_value(done.allocations_pending));
        done.cases_closed =
            case::close_made_purchases(&mut connection, Sweep::NAME, sweep.clock.now(), MOST_CLOSED).await?;
    }
    let priced = release_priced(sweep, deadline).await?;
    done.released(priced);
    while done.pending_asked_again < MOST_A_RUN && !deadline.remaining().is_zero() {
        let chunk = ask_pending_again(sweep, deadline).await?;
        done.pending_asked_again += chunk;
        if chunk == 0 {
            break;
        }
    }
    // Last: it waits for another company's answers, and what is left of the time may be all that they take.
    let confirmed = orders::release(sweep, deadline).await?;
    done.released(confirmed);
    Ok(())
}

impl CourseReconciliation {
    /// Payments whose cases were closed and whose events were published.
    fn released(&mut self, payments: usize) {
        self.payments_published += payments;
        self.cases_closed += u64::try_from(payments).unwrap_or(u64::MAX);
    }
}

async fn count_pending(connection: &mut Connection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "pending!" FROM trainer_allocations a
           WHERE a.status = 'pending'
             AND NOT EXISTS (SELECT FROM trainer_allocations h
                             WHERE h.student_id = a.student_id AND h.course_id = a.course_id
                               AND h.status IN ('approved', 'active'))"#
    )
    .fetch_one(connection)
    .await
}

/// Batch by batch until everything of the kind was looked at, or its time is nearly up. Gives back how many events were published
/// again, and what there was.
async fn of_kind(
    sweep: &Sweep,
    kind: Kind,
    deadline: Deadline,
    done: &mut CourseReconciliation,
) -> Result<(usize, Figures), sqlx::Error> {
    let (mut published, mut figures) = (0, Figures::default());
    let mut look = Look::at(sweep, kind);
    loop {
        if deadline.remaining().is_zero() {
            done.time_was_up = true;
            break;
        }
        let Some(found) = look.next(deadline).await? else {
            break;
        };
        figures.add(&found);
        let due: Vec<String> = found
            .iter()
            .filter(|row| row.is_due())
            .map(Unfulfilled::id)
            .collect();
        for chunk in due.chunks(CHUNK) {
            if published < MOST_A_RUN && !deadline.remaining().is_zero() {
                published += publish_chunk(sweep, kind, chunk, deadline).await?;
            }
        }
    }
    if published > 0 {
        let finding = kind.title();
        tracing::warn!(
            function = Sweep::NAME,
            finding,
            events = published,
            "published again"
        );
    }
    Ok((published, figures))
}

/// Under the lock the rule is asked once more: another run may have published them.
async fn publish_chunk(
    sweep: &Sweep,
    kind: Kind,
    ids: &[String],
    deadline: Deadline,
) -> Result<usize, sqlx::Error> {
    let rule = rule(sweep);
    let rows = {
        let mut transaction = sweep.publisher.database.begin().await?;
        bound_statements(&mut transaction, deadline).await?;
        lock(&mut transaction).await?;
        let found = unfulfilled::find(&mut transaction, kind, ids, &rule).await?;
        let days = blackout::school_days(&mut transaction, rule.teaching_days, rule.today).await?;
        let due = found.into_iter().filter(Unfulfilled::is_due);
        let events = due.filter_map(|row| findings::event(row, &rule, &days));
        let rows = outbox::publish_again(&mut transaction, &each_once(events)).await?;
        transaction.commit().await?;
        rows
    };
    publish(sweep, &rows).await
}

async fn ask_pending_again(sweep: &Sweep, deadline: Deadline) -> Result<usize, sqlx::Error> {
    let rows = {
        let mut transaction = sweep.publisher.database.begin().await?;
        bound_statements(&mut transaction, deadline).await?;
        lock(&mut transaction).await?;
        let most = i64::try_from(CHUNK).unwrap_or(i64::MAX);
        let events = findings::pending_allocations(&mut transaction, sweep.clock.now(), most).await?;
        let rows = outbox::publish_again(&mut transaction, &each_once(events)).await?;
        transaction.commit().await?;
        rows
    };
    publish(sweep, &rows).await
}

/// Payments that were held for want of a price, and have one now. Their cases close in the transaction that writes their events.
async fn release_priced(sweep: &Sweep, deadline: Deadline) -> Result<usize, sqlx::Error> {
    let rows = {
        let mut transaction = sweep.publisher.database.begin().await?;
        bound_statements(&mut transaction, deadline).await?;
        let most = i64::try_from(CHUNK).unwrap_or(i64::MAX);
        let events = findings::priced_since(&mut transaction, sweep.clock.now(), most).await?;
        let rows = outbox::publish_again(&mut transaction, &events).await?;
        transaction.commit().await?;
        rows
    };
    publish(sweep, &rows).await
}

async fn publish(sweep: &Sweep, rows: &[OutboxRow]) -> Result<usize, sqlx::Error> {
    sweep.publisher.publish(rows).await;
    Ok(rows.len())
}

async fn lock(connection: &mut Connection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtext($1), 0)::text AS "locked?""#,
        LOCK_SPACE
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Older data may lead to the same event twice.
fn each_once(found: impl IntoIterator<Item = OutboxEvent>) -> Vec<OutboxEvent> {
    let mut seen = HashSet::new();
    found
        .into_iter()
        .filter(|outbox_event| seen.insert(outbox_event.event_id.clone()))
        .collect()
}
