//! What carries events away: SQS with fan-out to every subscribed queue.

use super::OutboxRow;
use crate::config::Environment;
use crate::event::EventType;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use std::collections::HashMap;

/// The most messages of one `SendMessageBatch`.
const BATCH: usize = 10;
/// The most bytes of one `SendMessageBatch`, less room for its frame.
const BATCH_BYTES: usize = 1_000_000;
/// How many requests are under way at once.
const REQUESTS_AT_ONCE: usize = 8;

/// How events leave the database.
#[derive(Debug, Clone)]
pub enum Transport {
    /// To SQS queues.
    Sqs(SqsTransport),
}

/// SQS, with the queues of each topic.
#[derive(Debug, Clone)]
pub struct SqsTransport {
    /// SQS.
    pub client: Client,
    /// The queues that subscribe to each topic.
    pub routes: HashMap<String, Vec<String>>,
}

/// Reads `QUEUE_URL_<TOPIC>` of these event types; each lists the subscribed queues.
pub fn read_routes(environment: &mut Environment, event_types: &[EventType]) -> HashMap<String, Vec<String>> {
    event_types
        .iter()
        .map(|event_type| {
            let topic = event_type.topic();
            let name = format!("QUEUE_URL_{}", topic.to_uppercase().replace('-', "_"));
            (topic.to_owned(), environment.list(&name))
        })
        .collect()
}

impl Transport {
    /// Sends rows to everyone who subscribes to their topics. Gives back, for each row in order, why it did not reach
    /// all of them; a row that reached some of them is sent again to all, which consumers must bear anyway.
    pub async fn send(&self, rows: &[OutboxRow]) -> Vec<Result<(), String>> {
        match self {
            Self::Sqs(sqs) => sqs.send(rows).await,
        }
    }
}

impl SqsTransport {
    async fn send(&self, rows: &[OutboxRow]) -> Vec<Result<(), String>> {
        let mut results: Vec<Result<(), String>> = rows.iter().map(|_| Ok(())).collect();
        let mut queues: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, row) in rows.iter().enumerate() {
            match self.routes.get(&row.topic) {
                Some(urls) => urls
                    .iter()
                    .for_each(|url| queues.entry(url).or_default().push(index)),
                None => results[index] = Err(format!("no queue is configured for topic {}", row.topic)),
            }
        }
        let mut requests = Vec::new();
        for (url, indexes) in queues {
            for chunk in chunks(rows, &indexes) {
                requests.push(self.send_batch(url, rows, chunk).boxed());
            }
        }
        let failed: Vec<Vec<(usize, String)>> = stream::iter(requests)
            .buffer_unordered(REQUESTS_AT_ONCE)
            .collect()
            .await;
        for (index, reason) in failed.into_iter().flatten() {
            results[index] = Err(reason);
        }
        results
    }

    async fn send_batch(&self, url: &str, rows: &[OutboxRow], chunk: Vec<usize>) -> Vec<(usize, String)> {
        let entries: Result<Vec<_>, _> = chunk
            .iter()
            .map(|index| {
                let body = rows[*index].payload.to_string();
                SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(body)
                    .build()
            })
            .collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                return chunk
                    .into_iter()
                    .map(|index| (index, error.to_string()))
                    .collect();
            }
        };
        match self
            .client
            .send_message_batch()
            .queue_url(url)
            .set_entries(Some(entries))
            .send()
            .await
        {
            Ok(answer) => answer
                .failed
                .into_iter()
                .filter_map(|entry| {
                    let reason = entry.message.unwrap_or_else(|| entry.code.clone());
                    entry.id.parse().ok().map(|index| (index, reason))
                })
                .collect(),
            Err(error) => {
                let reason = DisplayErrorContext(error).to_string();
                chunk.into_iter().map(|index| (index, reason.clone())).collect()
            }
        }
    }
}

/// Splits by number and size.
fn chunks(rows: &[OutboxRow], indexes: &[usize]) -> Vec<Vec<usize>> {
    let mut chunks: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for index in indexes {
        let size = rows[*index].payload.to_string().len();
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
