//! Publishes rows that this invocation owns, and marks them.

use super::fan_out::Resting;
use super::store::Unpublished;
use super::{OutboxRow, Transport, store};
use crate::db::Database;

/// Publishes after a commit.
#[derive(Debug, Clone)]
pub struct Publisher {
    /// Where the outbox is.
    pub database: Database,
    /// How events leave.
    pub transport: Transport,
}

/// What publishing did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Published {
    /// Sent to everyone, and marked.
    pub sent: usize,
    /// Left to the sweep.
    pub left: usize,
}

impl Publisher {
    /// Sends the rows and marks those that went. Never fails: what it can't publish or mark now, the sweep will, and
    /// the business is committed already.
    pub async fn publish(&self, rows: &[OutboxRow]) -> Published {
        self.publish_the_rest(rows, &[], &mut Resting::default()).await
    }

    /// As [`Publisher::publish`], but to those only who did not take a row before (by index) and don't rest.
    pub(super) async fn publish_the_rest(
        &self,
        rows: &[OutboxRow],
        taken_by: &[Vec<String>],
        resting: &mut Resting,
    ) -> Published {
        if rows.is_empty() {
            return Published::default();
        }
        let results = self.transport.send_the_rest(rows, taken_by, resting).await;
        let mut sent = Vec::with_capacity(rows.len());
        let mut failures = Vec::new();
        for (index, (row, result)) in rows.iter().zip(results).enumerate() {
            match result.failure {
                None => sent.push(row.id),
                Some(reason) => failures.push(Unpublished {
                    id: row.id,
                    reason,
                    refused_by: result.refused_by,
                    taken_by: [taken_by.get(index).cloned().unwrap_or_default(), result.taken_by].concat(),
                }),
            }
        }
        if let Some(failed) = failures.first() {
            tracing::warn!(
                events = failures.len(),
                reason = failed.reason,
                "events not published; the outbox sweep will"
            );
        }
        let published = Published {
            sent: sent.len(),
            left: failures.len(),
        };
        if let Err(error) = self.mark(&sent, &failures).await {
            tracing::warn!(%error, events = sent.len(), "published events not marked; the outbox sweep repeats them");
        }
        published
    }

    async fn mark(&self, sent: &[i64], failures: &[Unpublished]) -> Result<(), sqlx::Error> {
        let mut connection = self.database.acquire().await?;
        if !sent.is_empty() {
            store::mark_published_if_waiting(&mut connection, sent).await?;
        }
        if !failures.is_empty() {
            store::note_failures(&mut connection, failures).await?;
        }
        if failures.iter().any(|failed| !failed.refused_by.is_empty()) {
            let parked = store::park_refused(&mut connection, failures).await?;
            metrics::counter!("DeadLettered").increment(parked);
        }
        Ok(())
    }
}
