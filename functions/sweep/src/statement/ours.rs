//! Payments that are asked for one by one: those that were too young when they were read, and ours that the statement does not have.

use super::orders::Questions;
use super::page;
use super::stop::{LEFT_FOR_A_PAGE, Stopped};
use crate::context::Sweep;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::statement::{self, Entry, EntryKind, EntryState, Judged, Outcome, Paid, RIPE_AFTER, Reading};
use uuid::Uuid;

/// How many are looked at in a step.
const MOST: i64 = 100;
/// How long after a reading's beginning a payment here must have been paid to be looked for: what was begun at the provider before the
/// reading's first instant is not in its list.
const MARGIN: TimeDelta = TimeDelta::hours(12);

/// The next payments that had not moved yet when they were seen last.
pub(super) async fn waiting(
    sweep: &Sweep,
    questions: &mut Questions<'_>,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let after = reading.last.clone().unwrap_or_default();
    let ids = {
        let mut connection = sweep.publisher.database.acquire().await?;
        statement::waiting(
            &mut connection,
            questions.source.provider(),
            reading.to,
            &after,
            MOST,
        )
        .await?
    };
    for id in &ids {
        if questions.deadline.remaining() <= LEFT_FOR_A_PAGE {
            return Ok(());
        }
        if let Some(payment) = questions.source.payment(id).await? {
            page::compare_payments(sweep, questions, reading, &[payment]).await?;
        }
        reading.advance(1, Some(id.clone()));
    }
    if ids.is_empty() {
        reading.end_list(sweep.clock.now());
    }
    Ok(())
}

/// The next payments of ours, in the order in which they were paid: one that the statement does not have is asked for, and is a case
/// where the provider does not know it.
pub(super) async fn paid(
    sweep: &Sweep,
    questions: &mut Questions<'_>,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let source = questions.source;
    let after = place(reading.last.as_deref()).unwrap_or((reading.from + MARGIN, Uuid::nil()));
    let before = reading.to - RIPE_AFTER;
    let paid = {
        let mut connection = sweep.publisher.database.acquire().await?;
        statement::paid(&mut connection, source.provider(), after, before, MOST).await?
    };
    for ours in &paid {
        if ours.is_missing && source.can_ask_for(&ours.provider_payment_id) {
            if questions.deadline.remaining() <= LEFT_FOR_A_PAGE {
                return Ok(());
            }
            match source.payment(&ours.provider_payment_id).await? {
                Some(payment) => page::compare_payments(sweep, questions, reading, &[payment]).await?,
                None => reading.cases += page::keep(sweep, source.provider(), vec![missing(ours)]).await?,
            }
        }
        reading.advance(1, Some(format!("{} {}", ours.paid_at.to_rfc3339(), ours.id)));
    }
    if paid.is_empty() {
        reading.end_list(sweep.clock.now());
    }
    Ok(())
}

fn place(text: Option<&str>) -> Option<(DateTime<Utc>, Uuid)> {
    let (at, id) = text?.split_once(' ')?;
    Some((at.parse().ok()?, id.parse().ok()?))
}

fn missing(ours: &Paid) -> Judged {
    Judged {
        entry: Entry {
            kind: EntryKind::Payment,
            id: ours.provider_payment_id.clone(),
            payment_id: ours.provider_payment_id.clone(),
            amount_minor: ours.amount_minor,
            currency: ours.currency.clone(),
            fee_minor: None,
            tax_minor: None,
            returned_minor: 0,
            is_disputed: false,
            state: EntryState::Missing,
            occurred_at: ours.paid_at,
        },
        outcome: Outcome::OursOnly,
        subject: Some(ours.id.to_string()),
        acted: None,
    }
}
