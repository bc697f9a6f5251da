//! The clients of AWS, all made here, with limits on everything: the SDK's own defaults wait for ever.

use super::{INVOKE, Limits, QUEUE, SECRET, at_most};
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_sqs::config::interceptors::BeforeSerializationInterceptorContextRef;
use aws_sdk_sqs::config::{ConfigBag, Intercept};
use aws_sdk_sqs::error::BoxError;
use std::time::Duration;

/// The longest pause between two tries; the SDK's own 20 s are longer than most invocations.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// AWS as the environment describes it: region, credentials, endpoint; with the limits of [`QUEUE`] unless a client below
/// has its own.
///
/// Stalled-stream protection is off: it ends an answer that stalls for 20 s, and an attempt's limit, which covers the
/// answer's body too, ends it long before. One clock for one thing.
pub async fn sdk() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts(QUEUE))
        .retry_config(retries(QUEUE))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .load()
        .await
}

/// SQS under [`QUEUE`].
#[must_use]
pub fn queues(aws: &SdkConfig) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::config::Builder::from(aws)
        .timeout_config(timeouts(QUEUE))
        .retry_config(retries(QUEUE))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(EndsWithInvocation);
    aws_sdk_sqs::Client::from_conf(config.build())
}

/// Secrets Manager under [`SECRET`].
#[must_use]
pub fn secrets(aws: &SdkConfig) -> aws_sdk_secretsmanager::Client {
    let config = aws_sdk_secretsmanager::config::Builder::from(aws)
        .timeout_config(timeouts(SECRET))
        .retry_config(retries(SECRET))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .interceptor(EndsWithInvocation);
    aws_sdk_secretsmanager::Client::from_conf(config.build())
}

/// What Lambda's client is told, under [`INVOKE`]; the console alone has that client, and adds [`EndsWithInvocation`].
#[must_use]
pub fn invoking(aws: &SdkConfig) -> SdkConfig {
    aws.to_builder()
        .timeout_config(timeouts(INVOKE))
        .retry_config(retries(INVOKE))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

fn timeouts(limits: Limits) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(limits.connect)
        .read_timeout(limits.attempt)
        .operation_attempt_timeout(limits.attempt)
        .operation_timeout(limits.operation)
        .build()
}

/// Standard mode: the SDK's own list of what may pass (500, 502, 503, throttling, lost links, time-outs), exponential with
/// jitter, under a budget of the client that ends repeating when everything fails.
fn retries(limits: Limits) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(limits.attempts)
        .with_max_backoff(LONGEST_PAUSE)
}

/// Cuts an operation, and each attempt of it, to what is left of the invocation.
#[derive(Debug)]
pub struct EndsWithInvocation;

impl Intercept for EndsWithInvocation {
    fn name(&self) -> &'static str {
        "EndsWithInvocation"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(configured) = cfg.load::<TimeoutConfig>().cloned() else {
            return Ok(());
        };
        let cut = |limit: Option<Duration>| limit.map(at_most);
        let mut timeouts = configured.to_builder();
        timeouts
            .set_operation_timeout(cut(configured.operation_timeout()))
            .set_operation_attempt_timeout(cut(configured.operation_attempt_timeout()));
        cfg.interceptor_state().store_put(timeouts.build());
        Ok(())
    }
}
