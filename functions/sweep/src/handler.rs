//! From a schedule's input to what the sweep did.

use crate::context::Sweep;
use crate::name::{NoInstant, SweepName, UnknownSweep, read_since};
use crate::{compare, health, outbox, reconcile, reservations, stale_jobs, statement};
use chrono::{DateTime, Utc};
use makegood::delivery::Deadline;
use makegood::health::{SweepRun, record_run};
use makegood::runtime::Coded;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long before the deadline a sweep is stopped, and how long it waits then to be kept in `sweep_runs`; a quarter of the time
/// where that is less. By then every sweep has ended by itself, unless something hangs.
const KEEPING: Duration = Duration::from_secs(1);

/// Why a sweep did not run to its end. What it did until then is committed; the next run goes on.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The input names no sweep.
    #[error(transparent)]
    Unknown(#[from] UnknownSweep),
    /// The input has a `since` that is none.
    #[error(transparent)]
    Since(#[from] NoInstant),
    /// The database failed.
    #[error("the {sweep} sweep stopped at the database: {source}; the next run goes on from there")]
    Database {
        /// Which sweep.
        sweep: &'static str,
        /// What the database said.
        source: sqlx::Error,
    },
    /// It did not end by itself before its time was up.
    #[error("the {sweep} sweep was stopped because its time was up; the next run goes on from there")]
    TimeUp {
        /// Which sweep.
        sweep: &'static str,
    },
}

impl Coded for SweepError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_sweep",
            Self::Since(_) => "since_unreadable",
            Self::Database { source, .. } => source.code(),
            Self::TimeUp { .. } => "out_of_time",
        }
    }
}

impl Sweep {
    /// Runs the sweep that the input names, keeps what it did in `sweep_runs`, counts it in
    /// `SweepRuns` when it came to its end, and answers with it. A sweep that does not end in time is stopped, so that the run is
    /// kept and answered all the same.
    ///
    /// # Errors
    /// When there is no such sweep, the database fails, or the time is up.
    pub async fn handle(&self, event: &Value, deadline: Deadline) -> Result<Value, SweepError> {
        let sweep = SweepName::read(event)?;
        let since = read_since(sweep, event)?;
        let started_at = self.clock.now();
        let started = Instant::now();
        let time = deadline.remaining();
        let keeping = KEEPING.min(time / 4);
        let time = time.saturating_sub(keeping);
        let result = self.run_in_time(sweep, since, deadline, time).await;
        let run = SweepRun {
            id: 0,
            sweep: sweep.wire_name().to_owned(),
            started_at,
            millis: i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX),
            done: result.as_ref().ok().cloned(),
            error: result.as_ref().err().map(ToString::to_string),
        };
        self.keep(&run, keeping).await;
        let done = result?;
        // Only here: a run that failed has not done its work, and the alarms on silence must hear nothing of it.
        metrics::counter!("SweepRuns", "Sweep" => sweep.wire_name()).increment(1);
        tracing::info!(function = Self::NAME, sweep = sweep.wire_name(), %done, "swept");
        Ok(done)
    }

    async fn run_in_time(
        &self,
        sweep: SweepName,
        since: Option<DateTime<Utc>>,
        deadline: Deadline,
        time: Duration,
    ) -> Result<Value, SweepError> {
        let running = self.run(sweep, since, deadline, Deadline::after(time));
        let ran = tokio::time::timeout(time, running).await;
        let sweep = sweep.wire_name();
        ran.map_err(|_| SweepError::TimeUp { sweep })?
            .map_err(|source| SweepError::Database { sweep, source })
    }

    /// `until` is when it is stopped. The outbox divides the time until then; the others keep a fixed part of the whole.
    async fn run(
        &self,
        sweep: SweepName,
        since: Option<DateTime<Utc>>,
        deadline: Deadline,
        until: Deadline,
    ) -> Result<Value, sqlx::Error> {
        Ok(match sweep {
            SweepName::Outbox => json!(outbox::run(&self.publisher, until).await?),
            SweepName::StaleJobs => json!(stale_jobs::run(self, deadline).await?),
            SweepName::Reservations => json!(reservations::run(self, deadline).await?),
            SweepName::Reconcile => json!(reconcile::run(self, deadline).await?),
            SweepName::Compare => json!(compare::run(self, deadline).await?),
            SweepName::Statement => json!(statement::run(self, until, since).await?),
            SweepName::Health => json!(health::run(self).await?),
        })
    }

    /// A run that can't be kept has run all the same: it is only missing from the console.
    async fn keep(&self, run: &SweepRun, time: Duration) {
        let keeping = async {
            let mut connection = self.publisher.database.acquire().await?;
            record_run(&mut connection, run).await
        };
        let kept = tokio::time::timeout(time, keeping).await;
        if let Err(error) = kept.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
            tracing::warn!(function = Self::NAME, sweep = run.sweep, %error, "the run was not kept in sweep_runs");
        }
    }
}
