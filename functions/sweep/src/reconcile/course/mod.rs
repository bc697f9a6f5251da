//! The course pipeline's part: payments without purchase, purchases without allocation, allocations without trainer or
//! without sessions.
//!
//! Nothing is mended here: the event that should have led to it is announced once more, and the stage that owns the work
//! does it. An event is left alone while it waits in the outbox, for four minutes after it was published, while its dead
//! letter waits for a person (a permanent failure), and for an hour after it was parked (a passing one).

mod findings;

use crate::handler::Sweep;
use crate::outbox::gauge_value;
use findings::Finding;
use makegood::db::Connection;
use makegood::delivery::Deadline;
use makegood::outbox::{self, Announcement};
use serde::Serialize;
use std::collections::HashSet;
use std::time::Duration;

/// How many findings one transaction announces.
const CHUNK: i64 = 200;
/// How many findings of a kind one run announces at most; the next run goes on.
const MOST_A_RUN: usize = 5_000;
/// Kept back for the gauges and the answer.
const RESERVE: Duration = Duration::from_secs(3);
/// The first key of the advisory lock that keeps two runs apart while they look and announce.
const LOCK_SPACE: &str = "makegood.reconcile";

/// What a run did for the course pipeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CourseReconciliation {
    /// `PURCHASE_CONFIRMED` again: paid, and no purchase.
    pub payments_announced: usize,
    /// `PURCHASE_CREATED` again: bought, and no allocation.
    pub purchases_announced: usize,
    /// `PURCHASE_CREATED` again: the admin service is asked once more for a trainer.
    pub pending_asked_again: usize,
    /// `TRAINER_ALLOCATED` again: allocated, sessions left, and none ahead.
    pub allocations_announced: usize,
    /// Succeeded payments without purchase and without case, older than two minutes, as this run found them.
    pub paid_unfulfilled: i64,
    /// The age of the oldest of them, in seconds.
    pub paid_unfulfilled_oldest_seconds: i64,
    /// Allocations for which no trainer is free.
    pub allocations_pending: i64,
}

/// Announces again what got lost, in pipeline order, and sets the gauges. Safe to run twice at once: whoever looks holds a
/// lock until its announcements are committed, and what is announced is not found again.
pub(super) async fn reconcile(
    sweep: &Sweep,
    deadline: Deadline,
) -> Result<CourseReconciliation, sqlx::Error> {
    let mut done = {
        let mut connection = sweep.publisher.database.acquire().await?;
        gauges(&mut connection).await?
    };
    done.payments_announced = announce(sweep, Finding::UnfulfilledPayments, deadline).await?;
    done.purchases_announced = announce(sweep, Finding::UnallocatedPurchases, deadline).await?;
    done.pending_asked_again = announce(sweep, Finding::PendingAllocations, deadline).await?;
    done.allocations_announced = announce(sweep, Finding::IdleAllocations, deadline).await?;
    Ok(done)
}

/// What is amiss before this run mends anything.
async fn gauges(connection: &mut Connection) -> Result<CourseReconciliation, sqlx::Error> {
    let unfulfilled = findings::count_unfulfilled(connection).await?;
    let pending = sqlx::query_scalar!(
        r#"SELECT count(*) AS "pending!" FROM trainer_allocations a
           WHERE a.status = 'pending'
             AND NOT EXISTS (SELECT FROM trainer_allocations h
                             WHERE h.student_id = a.student_id AND h.course_id = a.course_id
                               AND h.status IN ('approved', 'active'))"#
    )
    .fetch_one(connection)
    .await?;
    metrics::gauge!("PaidUnfulfilled", "Pipeline" => "course").set(gauge_value(unfulfilled.count));
    metrics::gauge!("PaidUnfulfilledOldestSeconds", "Pipeline" => "course")
        .set(gauge_value(unfulfilled.oldest_seconds));
    metrics::gauge!("AllocationsPending").set(gauge_value(pending));
    Ok(CourseReconciliation {
        paid_unfulfilled: unfulfilled.count,
        paid_unfulfilled_oldest_seconds: unfulfilled.oldest_seconds,
        allocations_pending: pending,
        ..CourseReconciliation::default()
    })
}

/// Chunk by chunk until nothing of the kind is left, the most of a run is reached, or the time is nearly up.
async fn announce(sweep: &Sweep, finding: Finding, deadline: Deadline) -> Result<usize, sqlx::Error> {
    let mut announced = 0;
    while announced < MOST_A_RUN && deadline.remaining() > RESERVE {
        let chunk = announce_chunk(sweep, finding).await?;
        announced += chunk;
        if chunk == 0 {
            break;
        }
    }
    if announced > 0 {
        tracing::warn!(
            function = Sweep::NAME,
            finding = finding.name(),
            events = announced,
            "announced again"
        );
    }
    Ok(announced)
}

async fn announce_chunk(sweep: &Sweep, finding: Finding) -> Result<usize, sqlx::Error> {
    let publisher = &sweep.publisher;
    let rows = {
        let mut transaction = publisher.database.begin().await?;
        lock(&mut transaction).await?;
        let today = sweep.clock.today(sweep.timezone);
        let found = finding
            .find(&mut transaction, sweep.clock.now(), today, CHUNK)
            .await?;
        let rows = outbox::announce_again(&mut transaction, &each_once(found)).await?;
        transaction.commit().await?;
        rows
    };
    publisher.publish(&rows).await;
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
fn each_once(found: Vec<Announcement>) -> Vec<Announcement> {
    let mut seen = HashSet::new();
    found
        .into_iter()
        .filter(|announcement| seen.insert(announcement.event_id.clone()))
        .collect()
}
