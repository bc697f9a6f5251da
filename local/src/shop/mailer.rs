//! The shop's mailer, which reads `order-confirmed` and would write to the buyers: the last step of an order, and not ours.

use anyhow::{Context, Result};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use aws_sdk_sqs::types::Message;
use makegood::event::Event;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use uuid::Uuid;

const MESSAGES_AT_ONCE: i32 = 10;
/// SQS holds a question for this long when there is nothing.
const HOLD_SECONDS: i32 = 1;

/// Reads the queue until these orders have been published, or nothing new has come for `patience`; gives back those that
/// have not. What else is in the queue, from earlier runs, is taken out as well.
pub(super) async fn not_told(queue_url: &str, orders: &[Uuid], patience: Duration) -> Result<BTreeSet<Uuid>> {
    let client = Client::new(&makegood::runtime::aws().await);
    let mut missing: BTreeSet<Uuid> = orders.iter().copied().collect();
    let mut heard = Instant::now();
    while !missing.is_empty() && heard.elapsed() < patience {
        let messages = receive(&client, queue_url).await?;
        for message in &messages {
            if let Some(order) = order_of(message) {
                missing.remove(&order);
            }
            delete(&client, queue_url, message).await?;
        }
        if !messages.is_empty() {
            heard = Instant::now();
        }
    }
    Ok(missing)
}

fn order_of(message: &Message) -> Option<Uuid> {
    match Event::parse(message.body()?) {
        Ok(Event::OrderConfirmed(event)) => Some(event.order_id.0),
        _ => None,
    }
}

async fn receive(client: &Client, queue_url: &str) -> Result<Vec<Message>> {
    let received = client
        .receive_message()
        .queue_url(queue_url)
        .max_number_of_messages(MESSAGES_AT_ONCE)
        .wait_time_seconds(HOLD_SECONDS);
    let received = received.send().await.map_err(refused);
    let received = received.with_context(|| format!("the queue {queue_url} can't be read"))?;
    Ok(received.messages.unwrap_or_default())
}

async fn delete(client: &Client, queue_url: &str, message: &Message) -> Result<()> {
    let delete = client.delete_message().queue_url(queue_url);
    let receipt = message.receipt_handle().unwrap_or_default();
    delete
        .receipt_handle(receipt)
        .send()
        .await
        .map_err(refused)
        .context("a message can't be deleted")?;
    Ok(())
}

fn refused<E: std::error::Error + Send + Sync + 'static>(error: E) -> anyhow::Error {
    anyhow::anyhow!("{}", DisplayErrorContext(&error))
}
