//! Removes what is personal when its time is over: a part of the sweep `health`, a few rows in each run.
//!
//! Rows stay; what is removed are bodies and addresses, on which no guarantee leans. Each statement is a transaction of its own and
//! skips what another transaction holds.

use crate::context::Sweep;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::db::{Database, Transaction};
use serde::Serialize;
use sqlx::postgres::PgQueryResult;

/// How many rows of a kind one run changes at most: the sweep runs each minute.
const MOST: i64 = 500;

/// How many rows lost what was personal in them, in one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// Bodies of dead letters.
    pub dead_letter_bodies: u64,
    /// Addresses of checkouts that came to nothing.
    pub checkout_addresses: u64,
    /// Addresses of closed orders.
    pub order_addresses: u64,
    /// Answers of gateways.
    pub gateway_responses: u64,
}

/// Removes what is over. Safe to run twice at once, and never waits for a row.
pub(crate) async fn run(sweep: &Sweep) -> Result<Removed, sqlx::Error> {
    let (database, now, kept) = (&sweep.publisher.database, sweep.clock.now(), sweep.retention);
    let before = |days: u16| (days > 0).then(|| now - TimeDelta::days(i64::from(days)));
    Ok(Removed {
        dead_letter_bodies: dead_letters(database, before(kept.dead_letter_body_days)).await?,
        checkout_addresses: checkouts(database, before(kept.abandoned_checkout_days)).await?,
        order_addresses: orders(database, before(kept.closed_order_address_days)).await?,
        gateway_responses: responses(database, before(kept.gateway_response_days)).await?,
    })
}

async fn dead_letters(database: &Database, before: Option<DateTime<Utc>>) -> Result<u64, sqlx::Error> {
    let Some(before) = before else { return Ok(0) };
    let mut transaction = database.begin().await?;
    let done = sqlx::query_file!("src/removal/dead_letters.sql", before, MOST);
    let done = done.execute(&mut *transaction).await?;
    end(transaction, done).await
}

async fn checkouts(database: &Database, before: Option<DateTime<Utc>>) -> Result<u64, sqlx::Error> {
    let Some(before) = before else { return Ok(0) };
    let mut transaction = database.begin().await?;
    let done = sqlx::query_file!("src/removal/checkouts.sql", before, MOST);
    let done = done.execute(&mut *transaction).await?;
    end(transaction, done).await
}

async fn orders(database: &Database, before: Option<DateTime<Utc>>) -> Result<u64, sqlx::Error> {
    let Some(before) = before else { return Ok(0) };
    let mut transaction = database.begin().await?;
    let done = sqlx::query_file!("src/removal/orders.sql", before, MOST);
    let done = done.execute(&mut *transaction).await?;
    end(transaction, done).await
}

async fn responses(database: &Database, before: Option<DateTime<Utc>>) -> Result<u64, sqlx::Error> {
    let Some(before) = before else { return Ok(0) };
    let mut transaction = database.begin().await?;
    let done = sqlx::query_file!("src/removal/responses.sql", before, MOST);
    let done = done.execute(&mut *transaction).await?;
    end(transaction, done).await
}

async fn end(transaction: Transaction, done: PgQueryResult) -> Result<u64, sqlx::Error> {
    transaction.commit().await?;
    Ok(done.rows_affected())
}
