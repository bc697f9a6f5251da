//! Whether the index that arbitrates the fast path is really there: asked of the catalogue, remembered for a while.

use crate::db::Database;
use crate::schema::{IndexState, UNIQUE_ACTIVE_PURCHASE, index_state};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an answer of the catalogue is believed.
const BELIEVED: Duration = Duration::from_secs(300);
/// At most one warning a minute.
const WARNING_PAUSE: Duration = Duration::from_secs(60);

/// The remembered answer of one environment; clones share it.
#[derive(Debug, Clone, Default)]
pub struct IndexGuard {
    memory: Arc<Mutex<Memory>>,
}

#[derive(Debug, Default)]
struct Memory {
    enforced: Option<(bool, Instant)>,
    warned: Option<Instant>,
}

impl IndexGuard {
    /// Whether the fast path may be taken. An error while asking counts as missing, and is asked again next time.
    pub async fn is_enforced(&self, database: &Database) -> bool {
        if let Some(answer) = self.remembered() {
            self.warn_unless(answer);
            return answer;
        }
        let answer = match ask(database).await {
            Ok(answer) => {
                self.memory().enforced = Some((answer, Instant::now()));
                answer
            }
            Err(error) => {
                tracing::warn!(%error, "unique_active_purchase can't be verified; taken for missing");
                false
            }
        };
        self.warn_unless(answer);
        answer
    }

    /// Forgets the answer: a statement has just proved it wrong.
    pub fn forget(&self) {
        self.memory().enforced = None;
    }

    fn remembered(&self) -> Option<bool> {
        let (answer, asked) = self.memory().enforced?;
        (asked.elapsed() < BELIEVED).then_some(answer)
    }

    fn warn_unless(&self, enforced: bool) {
        if enforced {
            return;
        }
        metrics::counter!("IndexMissing").increment(1);
        let mut memory = self.memory();
        if memory
            .warned
            .is_none_or(|warned| warned.elapsed() >= WARNING_PAUSE)
        {
            memory.warned = Some(Instant::now());
            tracing::warn!(
                "unique_active_purchase is missing or invalid: purchases go on under advisory locks, slower; \
                 run `makegood ensure-index`"
            );
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(database: &Database) -> Result<bool, sqlx::Error> {
    let mut connection = database.acquire().await?;
    Ok(matches!(
        index_state(&mut connection, &UNIQUE_ACTIVE_PURCHASE).await?,
        IndexState::Valid { .. }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_believed_for_five_minutes() {
        let guard = IndexGuard::default();
        for (age, believed) in [(BELIEVED / 2, Some(true)), (BELIEVED, None)] {
            guard.memory().enforced = Instant::now().checked_sub(age).map(|asked| (true, asked));
            assert_eq!(guard.remembered(), believed);
        }
    }
}
