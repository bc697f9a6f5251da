//! Publishes rows that this invocation owns, and marks them.

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
        if rows.is_empty() {
            return Published::default();
        }
        let results = self.transport.send(rows).await;
        let mut sent = Vec::with_capacity(rows.len());
        let mut failures = Vec::new();
        for (row, result) in rows.iter().zip(results) {
            match result {
                Ok(()) => sent.push(row.id),
                Err(reason) => failures.push((row.id, reason)),
            }
        }
        if let Some((_, reason)) = failures.first() {
            tracing::warn!(
                events = failures.len(),
                reason,
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

    async fn mark(&self, sent: &[i64], failures: &[(i64, String)]) -> Result<(), sqlx::Error> {
        let mut connection = self.database.acquire().await?;
        if !sent.is_empty() {
            store::mark_published_if_waiting(&mut connection, sent).await?;
        }
        if !failures.is_empty() {
            store::note_failures(&mut connection, failures).await?;
        }
        Ok(())
    }
}
