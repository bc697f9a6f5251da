//! Sends dead letters to their queues, each with its mark, in batches.

use super::decide::Ready;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{BuildError, DisplayErrorContext};
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use makegood::delivery::ReplayMark;
use makegood::queue;
use std::collections::BTreeMap;

/// The most messages of one `SendMessageBatch`.
const BATCH: usize = 10;
/// The most bytes of one `SendMessageBatch`, less room for its frame and the marks.
const BATCH_BYTES: usize = 1_000_000;
/// How many requests are under way at once.
const REQUESTS_AT_ONCE: usize = 4;

/// Sends each dead letter to its own queue. Gives back, for each in order, why it was not sent; one of which nothing is known
/// (a time-out) counts as not sent, and a second sending is safe.
pub(super) async fn send(client: &Client, dead_letters: &[Ready]) -> Vec<Result<(), String>> {
    let mut results: Vec<Result<(), String>> = dead_letters
        .iter()
        .map(|_| Err("SQS did not answer for this message".to_owned()))
        .collect();
    let requests: Vec<_> = batches(dead_letters)
        .into_iter()
        .map(|batch| send_batch(client, dead_letters, batch).boxed())
        .collect();
    let answers: Vec<Vec<(usize, Result<(), String>)>> = stream::iter(requests)
        .buffer_unordered(REQUESTS_AT_ONCE)
        .collect()
        .await;
    for (index, result) in answers.into_iter().flatten() {
        if let Some(slot) = results.get_mut(index) {
            *slot = result;
        }
    }
    results
}

async fn send_batch(
    client: &Client,
    dead_letters: &[Ready],
    batch: Vec<usize>,
) -> Vec<(usize, Result<(), String>)> {
    let all_failed = |reason: String| -> Vec<(usize, Result<(), String>)> {
        batch.iter().map(|index| (*index, Err(reason.clone()))).collect()
    };
    let Some(url) = batch.first().map(|index| &dead_letters[*index].destination.url) else {
        return Vec::new();
    };
    let entries: Result<Vec<_>, _> = batch
        .iter()
        .map(|index| entry(*index, &dead_letters[*index]))
        .collect();
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return all_failed(error.to_string()),
    };
    let request = client.send_message_batch().queue_url(url);
    match request.set_entries(Some(entries)).send().await {
        Ok(answer) => {
            let ids: Vec<String> = batch.iter().map(ToString::to_string).collect();
            batch
                .iter()
                .copied()
                .zip(queue::verdicts(&answer, &ids))
                .collect()
        }
        Err(error) => all_failed(DisplayErrorContext(error).to_string()),
    }
}

fn entry(index: usize, dead_letter: &Ready) -> Result<SendMessageBatchRequestEntry, BuildError> {
    let mark = ReplayMark {
        dead_letter_id: dead_letter.id,
        generation: dead_letter.generation,
    };
    let mark = MessageAttributeValue::builder()
        .data_type("String")
        .string_value(mark.to_string())
        .build()?;
    SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(&dead_letter.body)
        .message_attributes(ReplayMark::ATTRIBUTE, mark)
        .build()
}

/// Splits by queue, number and size; within a queue the order stays.
fn batches(dead_letters: &[Ready]) -> Vec<Vec<usize>> {
    let mut by_queue: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, dead_letter) in dead_letters.iter().enumerate() {
        by_queue
            .entry(&dead_letter.destination.url)
            .or_default()
            .push(index);
    }
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for indexes in by_queue.into_values() {
        let mut batch: Vec<usize> = Vec::new();
        let mut bytes = 0;
        for index in indexes {
            let size = dead_letters[index].body.len();
            if batch.len() == BATCH || (bytes + size > BATCH_BYTES && !batch.is_empty()) {
                batches.push(std::mem::take(&mut batch));
                bytes = 0;
            }
            batch.push(index);
            bytes += size;
        }
        batches.push(batch);
    }
    batches
}
