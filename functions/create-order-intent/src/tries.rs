//! A transaction that lost to another one is made again.

use crate::NAME;
use makegood::db::{ErrorClass, classify, describe};
use std::time::Duration;
use uuid::Uuid;

/// How often a transaction is made anew that lost to another one (a deadlock, a serialization failure, a lock).
const MORE_TRIES: u64 = 2;
/// The pause before the next try, at most, for each try before.
const PAUSE_MILLIS: u64 = 50;

/// The tries of one transaction. Each makes the whole of it anew: what was lost was rolled back, and the other one is through.
#[derive(Default)]
pub(crate) struct Tries {
    lost: u64,
}

impl Tries {
    /// Waits for a moment when the transaction lost to another one and may be made again; gives the error back otherwise.
    pub(crate) async fn again_after(&mut self, error: sqlx::Error) -> Result<(), sqlx::Error> {
        let class = classify(&error);
        if class != ErrorClass::Contention || self.lost == MORE_TRIES {
            return Err(error);
        }
        self.lost += 1;
        tracing::warn!(
            function = NAME,
            code = class.code(),
            error = describe(&error),
            "the transaction lost to another one and is made again"
        );
        // Two that met once don't meet again at the same moment.
        let random = u64::from(Uuid::new_v4().as_fields().0);
        let pause = Duration::from_millis(random % (PAUSE_MILLIS * self.lost));
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
