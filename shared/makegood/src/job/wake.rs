//! Wake-ups: messages that say that a job is runnable. They may get lost; the job's row is the truth.

use super::JobId;
use crate::config::Environment;
use crate::{limits, message, queue};
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde_json::json;
use std::time::Duration;

/// The most messages of one `SendMessageBatch`.
const BATCH: usize = 10;
/// The longest delay that SQS takes.
const LONGEST_DELAY_SECONDS: u64 = 900;

/// The jobs queue.
#[derive(Debug, Clone)]
pub struct Waker {
    /// SQS.
    pub client: Client,
    /// `JOBS_QUEUE_URL`.
    pub queue_url: String,
}

impl Waker {
    /// The queue of `JOBS_QUEUE_URL`; none when it is not set.
    #[must_use]
    pub fn read(environment: &Environment, aws: &SdkConfig) -> Option<Self> {
        environment.optional("JOBS_QUEUE_URL").map(|queue_url| Self {
            client: limits::queues(aws),
            queue_url,
        })
    }

    /// Sends `{"jobId"}` for each of these, to arrive after this delay (whole seconds, rounded up). Called after the commit.
    /// Never fails: what is not sent is found by the `stale-jobs` sweep. Gives back how many were sent.
    pub async fn wake(&self, jobs: &[JobId], delay: Duration) -> usize {
        let mut sent = 0;
        for chunk in jobs.chunks(BATCH) {
            match self.send(chunk, delay).await {
                Some(taken) => sent += taken,
                // A queue that does not answer is not waited for once more for each batch.
                None => break,
            }
        }
        if sent < jobs.len() {
            tracing::warn!(
                jobs = jobs.len() - sent,
                "wake-ups not sent; the stale-jobs sweep will"
            );
        }
        sent
    }

    /// How many were sent; none when the queue did not answer.
    async fn send(&self, jobs: &[JobId], delay: Duration) -> Option<usize> {
        let whole_seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        let delay_seconds = i32::try_from(whole_seconds.min(LONGEST_DELAY_SECONDS)).unwrap_or(0);
        let entries: Result<Vec<_>, _> = jobs
            .iter()
            .enumerate()
            .map(|(index, job)| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(message::escaped(json!({"jobId": job.0}).to_string()))
                    .delay_seconds(delay_seconds)
                    .build()
            })
            .collect();
        let Ok(entries) = entries else { return Some(0) };
        let request = self.client.send_message_batch().queue_url(&self.queue_url);
        match request.set_entries(Some(entries)).send().await {
            Ok(answer) => {
                let ids: Vec<String> = (0..jobs.len()).map(|index| index.to_string()).collect();
                let verdicts = queue::verdicts(&answer, &ids);
                Some(verdicts.iter().filter(|verdict| verdict.is_ok()).count())
            }
            Err(error) => {
                tracing::warn!(error = %DisplayErrorContext(&error), "the jobs queue took no wake-ups");
                None
            }
        }
    }
}
