//! Events to SQS, fanned out to every queue that subscribes to their topic.

use super::OutboxRow;
use super::fan_out::{Resting, Sent};
use crate::{limits, message, queue};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The most messages of one `SendMessageBatch`.
const BATCH: usize = 10;
/// The most bytes of one `SendMessageBatch`, less room for its frame.
const BATCH_BYTES: usize = 1_000_000;
/// How many requests are under way at once.
const REQUESTS_AT_ONCE: usize = 8;

/// SQS, with the queues of each topic.
#[derive(Debug, Clone)]
pub struct SqsTransport {
    /// SQS.
    pub client: Client,
    /// The queues that subscribe to each topic.
    pub routes: HashMap<String, Vec<String>>,
    left_alone: LeftAlone,
}

/// Since when SQS has not answered; shared by all clones. All queues have one endpoint, so silence is of all of them: a queue that
/// fails by itself is answered for by SQS.
#[derive(Debug, Clone, Default)]
struct LeftAlone(Arc<Mutex<Option<Instant>>>);

impl LeftAlone {
    fn holds(&self) -> bool {
        let silent_since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        silent_since.is_some_and(|at| at.elapsed() < limits::QUEUE_LEFT_ALONE)
    }

    fn note(&self, is_silent: bool) {
        let mut silent_since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *silent_since = is_silent.then(Instant::now);
    }
}

impl SqsTransport {
    /// SQS with the queues of each topic.
    #[must_use]
    pub fn new(client: Client, routes: HashMap<String, Vec<String>>) -> Self {
        Self {
            client,
            routes,
            left_alone: LeftAlone::default(),
        }
    }

    pub(super) async fn send(
        &self,
        rows: &[OutboxRow],
        taken_by: &[Vec<String>],
        resting: &mut Resting,
    ) -> Vec<Sent> {
        let mut results = vec![Sent::default(); rows.len()];
        let bodies: Vec<String> = rows
            .iter()
            .map(|row| message::escaped(row.payload.to_string()))
            .collect();
        let mut queues: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            let Some(urls) = self.routes.get(&row.topic) else {
                results[index].failure = Some(format!("no queue is configured for topic {}", row.topic));
                resting.rest_topic(&row.topic);
                continue;
            };
            let taken = taken_by.get(index).map_or(&[][..], Vec::as_slice);
            let wanted = urls.iter().filter(|url| !taken.contains(url));
            if let Err(unsendable) = message::check_size(&bodies[index], 0) {
                results[index].failure = Some(unsendable.to_string());
                results[index].refused_by = wanted.cloned().collect();
                continue;
            }
            for url in wanted {
                if resting.has_queue(url) {
                    results[index].failure = Some(format!("the queue {url} was down earlier in this run"));
                } else {
                    queues.entry(url).or_default().push(index);
                }
            }
        }
        let mut requests = Vec::new();
        for (url, indexes) in queues {
            for chunk in chunks(&bodies, &indexes) {
                requests.push(self.send_batch(url, &bodies, chunk).boxed());
            }
        }
        let answers: Vec<BatchAnswer> = stream::iter(requests)
            .buffer_unordered(REQUESTS_AT_ONCE)
            .collect()
            .await;
        for answer in answers {
            if answer.is_down {
                resting.rest_queue(answer.url);
            }
            for index in answer.taken {
                results[index].taken_by.push(answer.url.to_owned());
            }
            for (index, reason) in answer.failed {
                results[index].failure = Some(reason);
            }
            for index in answer.refused {
                results[index].refused_by.push(answer.url.to_owned());
            }
        }
        for (topic, urls) in &self.routes {
            if !urls.is_empty() && urls.iter().all(|url| resting.has_queue(url)) {
                resting.rest_topic(topic);
            }
        }
        results
    }

    /// One request; where SQS refuses it as a whole for what one of its messages holds, one request for each of them.
    async fn send_batch<'a>(&self, url: &'a str, bodies: &[String], chunk: Vec<usize>) -> BatchAnswer<'a> {
        let answer = self.send_once(url, bodies, chunk.clone()).await;
        if !answer.is_refused_whole || chunk.len() == 1 {
            return answer;
        }
        let mut all = BatchAnswer::partial(url, Vec::new(), Vec::new());
        for index in chunk {
            let one = self.send_once(url, bodies, vec![index]).await;
            all.taken.extend(one.taken);
            all.failed.extend(one.failed);
            all.refused.extend(one.refused);
            all.is_down |= one.is_down;
        }
        all
    }

    async fn send_once<'a>(&self, url: &'a str, bodies: &[String], chunk: Vec<usize>) -> BatchAnswer<'a> {
        let entries: Result<Vec<_>, _> = chunk
            .iter()
            .map(|index| {
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(&bodies[*index])
                    .build()
            })
            .collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let failed = chunk
                    .into_iter()
                    .map(|index| (index, error.to_string()))
                    .collect();
                return BatchAnswer::partial(url, Vec::new(), failed);
            }
        };
        let all_failed = |reason: String| {
            let failed = chunk.iter().map(|index| (*index, reason.clone())).collect();
            let mut answer = BatchAnswer::partial(url, Vec::new(), failed);
            answer.is_down = true;
            answer
        };
        if self.left_alone.holds() {
            return all_failed(
                "SQS did not answer a moment ago, and is asked again in a few seconds".to_owned(),
            );
        }
        // One that had hardly any time left says nothing about SQS.
        let had_time = limits::at_most(limits::QUEUE.attempt) == limits::QUEUE.attempt;
        let request = self.client.send_message_batch().queue_url(url);
        let answer = request.set_entries(Some(entries)).send().await;
        self.left_alone
            .note(had_time && answer.as_ref().is_err_and(is_silence));
        match answer {
            Ok(answer) => {
                let ids: Vec<String> = chunk.iter().map(ToString::to_string).collect();
                let verdicts = queue::verdicts(&answer, &ids).into_iter().zip(&chunk);
                let failed = verdicts
                    .filter_map(|(verdict, index)| verdict.err().map(|reason| (*index, reason)))
                    .collect();
                let refused = chunk.iter().copied();
                let refused = refused
                    .filter(|index| queue::refuses_content(&answer, &index.to_string()))
                    .collect();
                let mut answer = BatchAnswer::partial(url, chunk, failed);
                answer.refused = refused;
                answer
            }
            Err(error) => {
                let is_refused = error.code().is_some_and(queue::is_about_content);
                let mut answer = all_failed(DisplayErrorContext(error).to_string());
                if is_refused {
                    answer.is_down = false;
                    answer.is_refused_whole = true;
                    answer
                        .refused
                        .extend(chunk.iter().take(1).filter(|_| chunk.len() == 1));
                }
                answer
            }
        }
    }
}

/// What one request came to, by the rows' indexes.
struct BatchAnswer<'a> {
    url: &'a str,
    taken: Vec<usize>,
    failed: Vec<(usize, String)>,
    /// Those of them that it will never take.
    refused: Vec<usize>,
    /// The request failed as a whole.
    is_down: bool,
    /// The request was refused as a whole, for what one of its messages holds.
    is_refused_whole: bool,
}

impl<'a> BatchAnswer<'a> {
    /// Of this chunk these failed, and the queue took the others.
    fn partial(url: &'a str, chunk: Vec<usize>, failed: Vec<(usize, String)>) -> Self {
        let is_taken = |index: &usize| !failed.iter().any(|(failed, _)| failed == index);
        Self {
            url,
            taken: chunk.into_iter().filter(is_taken).collect(),
            failed,
            refused: Vec::new(),
            is_down: false,
            is_refused_whole: false,
        }
    }
}

/// Whether no answer came at all; a refusal is an answer.
fn is_silence<E>(error: &SdkError<E>) -> bool {
    matches!(error, SdkError::TimeoutError(_) | SdkError::DispatchFailure(_))
}

/// Splits by number and size.
fn chunks(bodies: &[String], indexes: &[usize]) -> Vec<Vec<usize>> {
    let mut chunks: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for index in indexes {
        let size = bodies[*index].len();
        match chunks.last_mut() {
            Some(chunk) if chunk.len() < BATCH && bytes + size <= BATCH_BYTES => {
                chunk.push(*index);
                bytes += size;
            }
            _ => {
                chunks.push(vec![*index]);
                bytes = size;
            }
        }
    }
    chunks
}
