//! A sweep run out of turn. The sweep's own function is invoked, so that the console needs none of its rights: no gateway's
//! secret, no other queue.

use crate::http::{Answer, Form};
use crate::page::sweep_summary;
use crate::visit::{Fault, Said, Visit};
use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::limits;
use operate::audit::{self, Action};
use serde_json::{Value, json};

/// A sweep as the console knows it.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub what: &'static str,
    /// How often its schedule runs it.
    pub every: TimeDelta,
}

/// The sweeps.
pub const SWEEPS: [Sweep; 6] = [
    Sweep {
        name: "reconcile",
        what: "Compares what is paid with what is there, heals what is safe, opens a case for the rest.",
        every: TimeDelta::minutes(5),
    },
    Sweep {
        name: "compare",
        what: "Compares all history of what is paid with what is there: each week, a part in each run.",
        every: TimeDelta::minutes(15),
    },
    Sweep {
        name: "stale-jobs",
        what: "Takes jobs from workers that died, and wakes a worker for those that nobody took.",
        every: TimeDelta::minutes(5),
    },
    Sweep {
        name: "outbox",
        what: "Publishes what a crash left unpublished.",
        every: TimeDelta::minutes(1),
    },
    Sweep {
        name: "reservations",
        what: "Frees stock that was reserved and not paid in time.",
        every: TimeDelta::minutes(1),
    },
    Sweep {
        name: "health",
        what: "Samples what waits and counts what was made, for the plots.",
        every: TimeDelta::minutes(1),
    },
];
/// What a schedule may be late beside the runs that it may miss; with them, a sweep of each minute is silent after five
/// minutes, as for the alarm.
const SLACK: TimeDelta = TimeDelta::minutes(2);
const MAY_MISS: i32 = 3;

/// Whether a sweep whose last run began then should have run again long ago. Of one that the console does not know nobody
/// can tell.
pub fn is_silent(name: &str, last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let known = SWEEPS.into_iter().find(|sweep| sweep.name == name);
    known.is_some_and(|sweep| now - last > sweep.every * MAY_MISS + SLACK)
}

const PAGE: &str = "/admin/sweeps";

/// What invokes the sweep's function.
#[derive(Debug, Clone)]
pub struct SweepRunner {
    /// Lambda.
    pub client: Client,
    /// `SWEEP_FUNCTION`; none when no sweep can be run from here.
    pub function: Option<String>,
}

/// Lambda's client, which repeats nothing: a second call would run the sweep twice.
#[must_use]
pub fn invoker(aws: &SdkConfig) -> Client {
    let config = aws_sdk_lambda::config::Builder::from(&limits::invoking(aws));
    Client::from_conf(config.interceptor(limits::EndsWithInvocation).build())
}

/// Why a sweep did not run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum SweepRunError {
    /// The console does not know the function.
    #[error("SWEEP_FUNCTION is not set, so no sweep can be run from here; its schedule runs it")]
    NotConfigured,
    /// Lambda did not take or finish the invocation.
    #[error("the function {function} could not be invoked: {reason}")]
    NotInvoked {
        /// Its name.
        function: String,
        /// What Lambda said.
        reason: String,
    },
    /// Lambda took it and said nothing of what it did.
    #[error("Lambda answered without saying what the sweep did; its run is listed below once it ended")]
    Silent,
    /// It failed by itself.
    #[error("the sweep stopped: {0}")]
    Stopped(String),
}

impl SweepRunner {
    /// Runs one sweep to its end, and gives back what it did.
    async fn run(&self, name: &str) -> Result<Value, SweepRunError> {
        let function = self.function.clone().ok_or(SweepRunError::NotConfigured)?;
        let payload = Blob::new(json!({"sweep": name}).to_string());
        let sent = self
            .client
            .invoke()
            .function_name(&function)
            .payload(payload)
            .send()
            .await;
        let answer = sent.map_err(|error| SweepRunError::NotInvoked {
            function,
            reason: DisplayErrorContext(error).to_string(),
        })?;
        let said: Value = answer
            .payload
            .and_then(|blob| serde_json::from_slice(blob.as_ref()).ok())
            .unwrap_or_default();
        if answer.function_error.is_none() && said.is_object() {
            return Ok(said);
        }
        if answer.function_error.is_none() {
            // A run that ended says what it did; an answer that says nothing is not the function's.
            return Err(SweepRunError::Silent);
        }
        let message = said
            .get("errorMessage")
            .and_then(Value::as_str)
            .unwrap_or("look into its log");
        Err(SweepRunError::Stopped(message.to_owned()))
    }
}

/// Runs a sweep now. The record is written first: no network call inside a transaction, and no run without a record.
pub async fn run(visit: &Visit<'_>, name: &str, form: &Form) -> Result<Answer, Fault> {
    let act = visit.act(form)?;
    let Sweep { name, .. } = SWEEPS
        .into_iter()
        .find(|known| known.name == name)
        .ok_or(Fault::NotFound("sweep"))?;
    let mut transaction = visit.admin.database.begin().await?;
    audit::record(
        &mut transaction,
        &act,
        Action::RunSweep,
        &format!("sweep:{name}"),
        &json!({}),
    )
    .await?;
    transaction.commit().await?;
    let ran = tokio::time::timeout_at(visit.deadline.instant(), visit.admin.sweeps.run(name)).await;
    let said = match ran {
        Ok(Ok(done)) => Said::done(format!("{name} ran: {}.", sweep_summary(&done))),
        Ok(Err(error)) => {
            tracing::error!(function = crate::NAME, sweep = name, %error, "a sweep was not run from the console");
            Said::not_done(format!("{error}."))
        }
        Err(_) => Said::not_done(format!("{name} still runs; look again below in a minute.")),
    };
    Ok(visit.go_on(PAGE, &said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use makegood_tests::misbehaving::{Manner, Misbehaving};
    use makegood_tests::queues;
    use std::time::Duration;
    use tokio::time::Instant;

    async fn run_against(manner: Manner) -> Result<Value, SweepRunError> {
        let lambda = Misbehaving::start(manner).await;
        let aws = queues::aws_at(lambda.url()).await;
        let runner = SweepRunner {
            client: invoker(&aws),
            function: Some("sweep".to_owned()),
        };
        runner.run("outbox").await
    }

    #[tokio::test]
    async fn a_lambda_that_says_nothing_of_what_was_done_has_not_run_the_sweep() {
        let said = run_against(Manner::SaysNothing).await;
        assert!(matches!(said, Err(SweepRunError::Silent)), "{said:?}");
    }

    #[tokio::test]
    async fn a_lambda_that_does_not_answer_is_left_when_the_invocation_ends() {
        const LEFT: Duration = Duration::from_secs(1);
        for manner in Manner::ENDLESS {
            let began = Instant::now();
            let said = limits::ending_by(began + LEFT, run_against(manner)).await;
            assert!(
                matches!(said, Err(SweepRunError::NotInvoked { .. })),
                "{manner:?}: {said:?}"
            );
            assert!(began.elapsed() < LEFT * 2, "{manner:?}: {:?}", began.elapsed());
        }
    }

    #[test]
    fn a_sweep_is_silent_when_several_of_its_runs_are_missing() {
        let now = DateTime::UNIX_EPOCH;
        let silent = |name, minutes| is_silent(name, now - TimeDelta::minutes(minutes), now);
        assert_eq!((silent("outbox", 5), silent("outbox", 6)), (false, true));
        assert_eq!((silent("reconcile", 17), silent("reconcile", 18)), (false, true));
        assert!(!silent("a sweep of another version", 1_000));
    }
}
