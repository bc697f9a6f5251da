//! One chunk: a transaction that fills the windows of some allocations, halved until the one that can't be written stands
//! alone.

use super::{NAME, REFILL_BELOW, Report, TopUp};
use makegood::db::classify;
use makegood::delivery::Deadline;
use makegood::ids::AllocationId;
use makegood::session::{Filled, Filling, fill};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// How long a rollback may take before its connection is left to the pooler.
const TIME_FOR_A_ROLLBACK: Duration = Duration::from_secs(1);

/// How a chunk ended without error.
enum Chunk {
    Committed(Filled),
    /// The time was up first; nothing of it stays.
    CutOff,
}

impl TopUp {
    /// Fills the windows of these allocations. False when the time was up before all were done.
    ///
    /// # Errors
    /// When the database is away or lost to others; not when it is a single allocation's fault.
    pub(super) async fn refill(
        &self,
        allocations: &[AllocationId],
        deadline: Deadline,
        publish_until: Instant,
        report: &mut Report,
    ) -> Result<bool, sqlx::Error> {
        let mut waiting = vec![allocations];
        while let Some(chunk) = waiting.pop() {
            if chunk.is_empty() {
                continue;
            }
            match self.fill_chunk(chunk, deadline).await {
                Ok(Chunk::Committed(filled)) => self.committed(&filled, publish_until, report).await,
                Ok(Chunk::CutOff) => return Ok(false),
                Err(error) if !classify(&error).may_be_one_record() => return Err(error),
                Err(error) if chunk.len() == 1 => pass_over(chunk, &error, report),
                Err(_) => {
                    let (first, second) = chunk.split_at(chunk.len() / 2);
                    waiting.extend([second, first]);
                }
            }
        }
        Ok(true)
    }

    async fn fill_chunk(&self, chunk: &[AllocationId], deadline: Deadline) -> Result<Chunk, sqlx::Error> {
        let now = self.clock.now().with_timezone(&self.timezone);
        let filling = Filling {
            now,
            teaching_days: self.teaching_days,
            clash_rules: self.clash_rules.clone(),
            source: NAME,
            refill_below: REFILL_BELOW,
            told: HashMap::new(),
        };
        let mut transaction = self.publisher.database.begin().await?;
        match timeout_at(deadline.instant(), fill(&mut transaction, chunk, &filling)).await {
            Ok(filled) => {
                let filled = filled?;
                transaction.commit().await?;
                Ok(Chunk::Committed(filled))
            }
            Err(_) => {
                // Waited for, since Lambda freezes what is left to the background, locks included.
                let _ = timeout(TIME_FOR_A_ROLLBACK, transaction.rollback()).await;
                Ok(Chunk::CutOff)
            }
        }
    }

    /// Counts a chunk and publishes its events while there is time; the outbox sweep publishes the rest.
    async fn committed(&self, filled: &Filled, publish_until: Instant, report: &mut Report) {
        report.chunks += 1;
        report.allocations += filled.allocations;
        report.sessions += filled.sessions;
        report.rescheduled += filled.rescheduled;
        metrics::counter!("SessionsCreated").increment(u64::try_from(filled.sessions).unwrap_or(u64::MAX));
        let _ = timeout_at(publish_until, self.publisher.publish(&filled.published)).await;
    }
}

/// One allocation must not stop the others, now or in any later run.
fn pass_over(chunk: &[AllocationId], error: &sqlx::Error, report: &mut Report) {
    report.failed += chunk.len();
    for allocation_id in chunk {
        let code = classify(error).code();
        tracing::error!(function = NAME, %allocation_id, code, %error, "sessions not written; passed over");
    }
}
