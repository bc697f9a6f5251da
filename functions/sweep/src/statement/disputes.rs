//! Disputes: those that the provider lists, and ours that are open, each asked for by itself since it is over weeks after it was listed.
//! What is new of one is recorded as if its webhook had arrived. Razorpay's are told by its webhooks alone.

use super::act;
use super::source::{Object, Source, by_place};
use super::stop::{LEFT_FOR_A_PAGE, Stopped};
use crate::context::Sweep;
use chrono::{DateTime, Utc};
use makegood::delivery::Deadline;
use makegood::gateway::StripeList;
use makegood::payment::stripe::read_listed_dispute;
use makegood::statement::{self, RIPE_AFTER, Reading};
use serde_json::Value;

/// How many are looked at in a step.
const MOST: i64 = 100;

/// The next page of the list.
pub(super) async fn listed(sweep: &Sweep, source: Source<'_>, reading: &mut Reading) -> Result<(), Stopped> {
    let Source::Stripe(stripe) = source else {
        reading.end_list(sweep.clock.now());
        return Ok(());
    };
    let Some(page) = by_place(stripe, StripeList::Disputes, reading).await? else {
        return Ok(());
    };
    for dispute in &page.entries {
        record(sweep, source, reading, dispute).await?;
    }
    page.read_on(sweep, reading);
    Ok(())
}

/// The next of ours that are open.
pub(super) async fn open(
    sweep: &Sweep,
    source: Source<'_>,
    deadline: Deadline,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let Source::Stripe(stripe) = source else {
        reading.end_list(sweep.clock.now());
        return Ok(());
    };
    let after = reading.last.clone().unwrap_or_default();
    let ids = {
        let mut connection = sweep.publisher.database.acquire().await?;
        statement::open_disputes(&mut connection, source.provider(), &after, MOST).await?
    };
    for id in &ids {
        if deadline.remaining() <= LEFT_FOR_A_PAGE {
            return Ok(());
        }
        if let Some(dispute) = stripe.dispute(id).await? {
            record(sweep, source, reading, &dispute).await?;
        }
        reading.advance(1, Some(id.clone()));
    }
    if ids.is_empty() {
        reading.end_list(sweep.clock.now());
    }
    Ok(())
}

async fn record(
    sweep: &Sweep,
    source: Source<'_>,
    reading: &mut Reading,
    dispute: &Object,
) -> Result<(), sqlx::Error> {
    let now = sweep.clock.now();
    let is_young = made_at(dispute).is_some_and(|at| at + RIPE_AFTER > now);
    let read = source.not_for_us(dispute).and_then(|reason| match reason {
        None if !is_young => read_listed_dispute(dispute, now).map(Some),
        _ => Ok(None),
    });
    match read {
        Ok(Some(dispute)) => {
            if act::record_dispute(sweep, dispute).await? {
                reading.recorded += 1;
                reading.differed += 1;
            }
        }
        Ok(None) => {}
        Err(refusal) => {
            reading.cases += super::page::tell_unreadable(sweep, source, dispute, &refusal).await?
        }
    }
    Ok(())
}

fn made_at(dispute: &Object) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(dispute.get("created").and_then(Value::as_i64)?, 0)
}
