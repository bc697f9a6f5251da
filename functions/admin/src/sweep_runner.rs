//! What runs a sweep out of turn: the sweep's own function is invoked, so that the console needs none of its rights: no gateway's
//! secret, no other queue.

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use makegood::limits;
use serde_json::{Value, json};

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
    pub async fn run(&self, name: &str) -> Result<Value, SweepRunError> {
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
}
