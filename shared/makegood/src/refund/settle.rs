//! What follows from what went back of an intent: a function of its rows alone, so that the order of arrival does not count.

use super::PartialRefund;
use super::cases::{Question, given_back};
use super::store::{self, Books, OrderRow};
use crate::case::{self, NewCase};
use crate::db::Connection;
use crate::event::{Envelope, EventType, OrderRefunded};
use crate::ids::{CorrelationId, OrderId, RefundId, UserId};
use crate::outbox::{self, OutboxEvent, OutboxRow};
use crate::stock::{self, ReleasedAs};
use chrono::{DateTime, Utc};

/// By which rule an intent is settled, when, and who publishes.
#[derive(Debug, Clone, Copy)]
pub struct Settling {
    /// What a refund of a part comes to.
    pub partial_refund: PartialRefund,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// Who publishes.
    pub source: &'static str,
}

/// What settling an intent came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Settled {
    /// Nothing of it went back, or there is no such intent.
    Nothing,
    /// A part went back: what was bought stays as it is.
    Part,
    /// All of it went back, and no order will be made.
    NoOrder,
    /// All of it went back, and the order is cancelled, its goods back in the stock: now, with the events to publish after the commit,
    /// or before.
    Cancelled(Vec<OutboxRow>),
    /// All of it went back, and a person says what becomes of the goods.
    PersonAsked,
}

/// Carries out what is true of an intent by its refunds. Locks the intent's row, its order with the items, and the stock of either.
///
/// # Errors
/// Those of the database.
pub async fn settle(
    connection: &mut Connection,
    intent_id: &str,
    settling: &Settling,
) -> Result<Settled, sqlx::Error> {
    stock::lock_intent(connection, intent_id).await?;
    let Some(books) = store::books(connection, intent_id).await? else {
        return Ok(Settled::Nothing);
    };
    if !books.is_all_back() {
        return settle_part(connection, intent_id, &books, settling).await;
    }
    let order = store::lock_order(connection, intent_id).await?;
    store::mark_given_back(connection, intent_id, order.is_some(), settling.now).await?;
    let question = match &order {
        Some(order) => question(connection, order).await?,
        None => None,
    };
    store::close_answered_cases(connection, intent_id, &books, question.is_none(), settling.now).await?;
    match (order, question) {
        (None, _) => {
            stock::release_if_active(connection, intent_id, ReleasedAs::Released).await?;
            store::cancel_waiting_job(connection, intent_id, settling.now).await?;
            Ok(Settled::NoOrder)
        }
        (Some(order), Some(question)) => {
            ask(connection, &given_back(intent_id, &books, Some(&order), question)).await
        }
        (Some(order), None) if order.is_over() => Ok(Settled::Cancelled(Vec::new())),
        (Some(order), None) => cancel(connection, intent_id, &books, &order, settling).await,
    }
}

/// What a person must say about an order whose money is all back; none where nothing is open.
async fn question(connection: &mut Connection, order: &OrderRow) -> Result<Option<Question>, sqlx::Error> {
    if order.is_sent() {
        return Ok(Some(Question::Shipped));
    }
    let is_stock_out = order.is_over() && stock::is_any_out(connection, OrderId(order.id)).await?;
    Ok(is_stock_out.then_some(Question::Stock))
}

async fn settle_part(
    connection: &mut Connection,
    intent_id: &str,
    books: &Books,
    settling: &Settling,
) -> Result<Settled, sqlx::Error> {
    store::unmark_given_back(connection, intent_id, books).await?;
    if books.last_refund.is_none() {
        return Ok(Settled::Nothing);
    }
    match settling.partial_refund {
        PartialRefund::Case => {
            ask(connection, &given_back(intent_id, books, None, Question::Part)).await?;
        }
        PartialRefund::Keep | PartialRefund::Prorate => {
            let code = Question::UnrecordedPart.code();
            store::close_answered_case(connection, intent_id, books, code, settling.now).await?;
        }
    }
    Ok(Settled::Part)
}

async fn cancel(
    connection: &mut Connection,
    intent_id: &str,
    books: &Books,
    order: &OrderRow,
    settling: &Settling,
) -> Result<Settled, sqlx::Error> {
    store::cancel_order(connection, order.id).await?;
    stock::put_back(connection, OrderId(order.id)).await?;
    let Some(refund) = books.last_refund else {
        return Ok(Settled::Cancelled(Vec::new()));
    };
    let outbox_event = outbox_event(intent_id, books, order, RefundId(refund), settling);
    Ok(Settled::Cancelled(
        outbox::enqueue(connection, &[outbox_event]).await?,
    ))
}

/// A case that asked about a part before asks about the whole now.
async fn ask(connection: &mut Connection, case: &NewCase) -> Result<Settled, sqlx::Error> {
    if !case::open(connection, case).await? {
        store::reword_open_case(connection, case).await?;
    }
    Ok(Settled::PersonAsked)
}

fn outbox_event(
    intent_id: &str,
    books: &Books,
    order: &OrderRow,
    refund: RefundId,
    settling: &Settling,
) -> OutboxEvent {
    let event_id = OrderRefunded::event_id(refund);
    let event = OrderRefunded {
        refund_id: refund,
        order_id: OrderId(order.id),
        order_number: order.order_number.clone(),
        payment_intent_id: intent_id.to_owned(),
        user_id: UserId(order.user_id),
        amount_cents: books.given_back_minor(),
        currency: books.currency.clone(),
        envelope: Envelope::published(
            event_id.clone(),
            intent_id.to_owned(),
            settling.source,
            settling.now,
        ),
    };
    OutboxEvent {
        event_id,
        event_type: EventType::OrderRefunded,
        correlation: CorrelationId::from_text(intent_id),
        payload: event.to_json(),
    }
}
