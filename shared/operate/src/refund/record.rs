//! A refund that a person knows of, since its provider does not report it: written with who says so and why.

use crate::audit::{self, Act, Action};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::ids::PaymentId;
use makegood::money::{minor, money};
use makegood::refund::{self, NewRefund};
use makegood::stock;
use serde_json::json;
use uuid::Uuid;

/// What a refund is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A payment intent of a shop.
    Intent(String),
    /// A shop's order, by its number or id.
    Order(String),
    /// A payment for a course.
    Payment(Uuid),
}

/// A refund as a person tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldRefund<'a> {
    /// What it is of.
    pub of: Of,
    /// The provider's id of it.
    pub reference: &'a str,
    /// How much, in the currency's main unit: `1500.00`.
    pub amount: &'a str,
}

/// What a refund is of, as its row says; the row is locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The payment, in the course pipeline.
    pub payment: Option<PaymentId>,
    /// The intent, in the order pipeline.
    pub payment_intent_id: Option<String>,
    provider: String,
    provider_payment_id: Option<String>,
    currency: String,
    paid_minor: i64,
    given_back_minor: i64,
}

/// A refund that is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// What it is of.
    pub target: Target,
    /// Its row.
    pub id: Uuid,
    /// Whether it was not known before.
    pub is_new: bool,
}

/// Why a refund does not fit what is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such row.
    #[error("there is no {what} {id}; `makegood trace {id}` finds what else it may be")]
    Unknown {
        /// Which kind of row.
        what: &'static str,
        /// As it was given.
        id: String,
    },
    /// Nothing was paid.
    #[error("the payment is {0}: nothing of it can be back")]
    Unpaid(String),
    /// No amount of the currency.
    #[error("{amount:?} is no amount of {currency} above 0; write it like {example}")]
    Amount {
        /// As it was given.
        amount: String,
        /// Of the payment.
        currency: String,
        /// What is left to give back.
        example: String,
    },
    /// More than is left.
    #[error(
        "{amount} is more than is left: {given_back} of {paid} is back already; `makegood refunds show {of}` lists what is known"
    )]
    TooMuch {
        /// As it was given.
        amount: String,
        /// What is back.
        given_back: String,
        /// What was paid.
        paid: String,
        /// Of what.
        of: String,
    },
    /// The reference is taken.
    #[error(
        "{provider}'s refund {reference} is recorded already, as {amount} of {of}; every refund has a reference of its own"
    )]
    Taken {
        /// Whose.
        provider: String,
        /// As it was given.
        reference: String,
        /// What the row says.
        amount: String,
        /// What the row is of.
        of: String,
    },
}

impl Target {
    /// The id that a person knows it by.
    #[must_use]
    pub fn id(&self) -> String {
        let payment = self.payment.map(|id| id.to_string());
        payment
            .or_else(|| self.payment_intent_id.clone())
            .unwrap_or_default()
    }

    fn money(&self, minor: i64) -> String {
        money(minor, &self.currency)
    }
}

/// Records a refund, its line in the audit log first. One that is recorded already is recorded again without a change, so that what
/// follows from it can be carried out again. Locks the payment's or intent's row.
///
/// # Errors
/// Those of the database.
pub async fn record(
    connection: &mut Connection,
    told: &ToldRefund<'_>,
    act: &Act,
    now: DateTime<Utc>,
) -> Result<Result<Recorded, Refusal>, sqlx::Error> {
    let target = match lock_target(connection, &told.of).await? {
        Ok(target) => target,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let amount_minor = match amount(&target, told.amount) {
        Ok(amount_minor) => amount_minor,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let known = known(connection, &target.provider, told.reference).await?;
    if let Some(refusal) = misfit(&target, told, amount_minor, known.as_ref()) {
        return Ok(Err(refusal));
    }
    let subject = format!("refund:{}:{}", target.provider, told.reference);
    let is_new = known.is_none_or(|known| known.status != "processed");
    let details =
        json!({"of": target.id(), "amountMinor": amount_minor, "currency": target.currency, "isNew": is_new});
    audit::record(connection, act, Action::RecordRefund, &subject, &details).await?;
    let refund = NewRefund {
        provider: target.provider.clone(),
        provider_refund_id: told.reference.to_owned(),
        payment: target.payment,
        payment_intent_id: target.payment_intent_id.clone(),
        provider_payment_id: target.provider_payment_id.clone(),
        amount_minor,
        currency: target.currency.clone(),
        payment_refunded_minor: None,
        reason: Some(act.reason.as_str().to_owned()),
        told_at: now,
    };
    refund::note(connection, &refund, now).await?;
    let id = sqlx::query_scalar!(
        "SELECT id FROM refunds WHERE provider = $1 AND provider_refund_id = $2",
        target.provider,
        told.reference,
    )
    .fetch_one(connection)
    .await?;
    Ok(Ok(Recorded { target, id, is_new }))
}

fn amount(target: &Target, text: &str) -> Result<i64, Refusal> {
    let amount_minor = minor(text, &target.currency).filter(|amount| *amount > 0);
    amount_minor.ok_or_else(|| {
        let left = target.paid_minor.saturating_sub(target.given_back_minor).max(0);
        let example = target.money(left).replace(',', "");
        Refusal::Amount {
            amount: text.to_owned(),
            currency: target.currency.trim().to_owned(),
            example: example.split_whitespace().last().unwrap_or_default().to_owned(),
        }
    })
}

/// A row of `refunds` with the same reference.
struct Known {
    payment_id: Option<Uuid>,
    payment_intent_id: Option<String>,
    provider_payment_id: Option<String>,
    amount_minor: i64,
    currency: String,
    status: String,
}

async fn known(
    connection: &mut Connection,
    provider: &str,
    reference: &str,
) -> Result<Option<Known>, sqlx::Error> {
    sqlx::query_as!(
        Known,
        "SELECT payment_id, payment_intent_id, provider_payment_id, amount_minor, currency, status
         FROM refunds WHERE provider = $1 AND provider_refund_id = $2 FOR UPDATE",
        provider,
        reference,
    )
    .fetch_optional(connection)
    .await
}

/// Why it does not fit; none where it does.
fn misfit(
    target: &Target,
    told: &ToldRefund<'_>,
    amount_minor: i64,
    known: Option<&Known>,
) -> Option<Refusal> {
    if let Some(known) = known {
        let is_of_none = known.payment_id.is_none() && known.payment_intent_id.is_none();
        let is_same = match is_of_none {
            true => known.provider_payment_id == target.provider_payment_id,
            false => {
                known.payment_id == target.payment.map(|id| id.0)
                    && known.payment_intent_id == target.payment_intent_id
            }
        };
        if is_same && known.amount_minor == amount_minor && known.currency.trim() == target.currency.trim() {
            return None;
        }
        let of = known.payment_id.map(|id| id.to_string());
        let of = of
            .or_else(|| known.payment_intent_id.clone())
            .or_else(|| known.provider_payment_id.clone());
        return Some(Refusal::Taken {
            provider: target.provider.clone(),
            reference: told.reference.to_owned(),
            amount: money(known.amount_minor, &known.currency),
            of: of.unwrap_or_else(|| "a payment that is not known here".to_owned()),
        });
    }
    let left = target.paid_minor.saturating_sub(target.given_back_minor);
    (amount_minor > left).then(|| Refusal::TooMuch {
        amount: target.money(amount_minor),
        given_back: target.money(target.given_back_minor),
        paid: target.money(target.paid_minor),
        of: target.id(),
    })
}

async fn lock_target(connection: &mut Connection, of: &Of) -> Result<Result<Target, Refusal>, sqlx::Error> {
    match of {
        Of::Payment(id) => lock_payment(connection, *id).await,
        Of::Intent(id) => lock_intent(connection, id).await,
        Of::Order(id) => {
            let intent = sqlx::query_scalar!(
                "SELECT payment_intent_id FROM orders WHERE order_number = $1 OR id = $2",
                id,
                Uuid::parse_str(id).ok(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            match intent {
                Some(intent) => lock_intent(connection, &intent).await,
                None => Ok(Err(unknown("order", id))),
            }
        }
    }
}

fn unknown(what: &'static str, id: &str) -> Refusal {
    Refusal::Unknown {
        what,
        id: id.to_owned(),
    }
}

async fn lock_intent(connection: &mut Connection, id: &str) -> Result<Result<Target, Refusal>, sqlx::Error> {
    stock::lock_intent(connection, id).await?;
    let books = refund::books(connection, id).await?;
    Ok(books
        .ok_or_else(|| unknown("payment intent", id))
        .map(|books| Target {
            payment: None,
            payment_intent_id: Some(id.to_owned()),
            paid_minor: books.paid_minor,
            given_back_minor: books.given_back_minor(),
            provider: books.provider,
            provider_payment_id: books.external_transaction_id,
            currency: books.currency,
        }))
}

async fn lock_payment(connection: &mut Connection, id: Uuid) -> Result<Result<Target, Refusal>, sqlx::Error> {
    sqlx::query!("SELECT id FROM payments WHERE id = $1 FOR UPDATE", id)
        .fetch_optional(&mut *connection)
        .await?;
    let row = sqlx::query_file!("src/refund/payment.sql", id)
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(Err(unknown("payment", &id.to_string())));
    };
    if !matches!(row.status.as_str(), "succeeded" | "refunded") {
        return Ok(Err(Refusal::Unpaid(row.status)));
    }
    Ok(Ok(Target {
        payment: Some(PaymentId(id)),
        payment_intent_id: None,
        provider: row.provider,
        provider_payment_id: row.provider_payment_id,
        currency: row.currency,
        paid_minor: row.paid_minor,
        given_back_minor: row.given_back_minor,
    }))
}
