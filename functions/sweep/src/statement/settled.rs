//! What was paid out to the merchant: each settlement must be the sum of what it holds, to the paisa.

use super::page;
use super::source::{Page, by_number};
use super::stop::Stopped;
use crate::context::Sweep;
use chrono::TimeDelta;
use makegood::case::{self, CaseKind, NewCase};
use makegood::gateway::{GatewayError, Razorpay, RazorpayList};
use makegood::payment::provider::PROVIDER;
use makegood::statement::{
    self, Entry, EntryState, Judged, Outcome, Reading, SettledLine, Settlement, read_settled,
};
use serde_json::{Map, Value, json};

/// How long after it was paid out a settlement must add up: its lines may be listed a little later.
const ADDS_UP_AFTER: TimeDelta = TimeDelta::days(1);

/// How many days before the reading's first instant are read again: lines of a settlement that were listed late.
const LATE_LINES: TimeDelta = TimeDelta::days(3);
/// How long a settlement that does not add up is looked at again, so that its case closes when it does.
const LOOKED_AT: TimeDelta = TimeDelta::days(30);

/// A page of what the settlements of one day hold.
pub(super) async fn day(sweep: &Sweep, razorpay: &Razorpay, reading: &mut Reading) -> Result<(), Stopped> {
    let now = sweep.clock.now();
    let date = (reading.to - TimeDelta::days(reading.days_before.into()))
        .with_timezone(&sweep.timezone)
        .date_naive();
    if date
        < (reading.from - LATE_LINES)
            .with_timezone(&sweep.timezone)
            .date_naive()
    {
        reading.end_list(now);
        return Ok(());
    }
    let lines = match razorpay.settled_on(date, reading.skip).await {
        Ok(lines) => lines,
        // Not every account has this list; what it would tell is then left out, and nothing else.
        Err(error @ GatewayError::Refused { .. }) => {
            tracing::warn!(function = Sweep::NAME, %error, "the provider does not tell what its settlements hold");
            reading.end_list(now);
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let settled: Vec<SettledLine> = lines.iter().filter_map(readable).collect();
    let mut connection = sweep.publisher.database.acquire().await?;
    statement::note_settled(&mut connection, PROVIDER, &settled, now).await?;
    reading.advance(lines.len(), None);
    if lines.len() < Razorpay::PAGE {
        (reading.skip, reading.days_before) = (0, reading.days_before + 1);
    }
    Ok(())
}

fn readable(line: &Map<String, Value>) -> Option<SettledLine> {
    read_settled(line).unwrap_or_else(|refusal| {
        let id = line.get("entity_id").and_then(Value::as_str);
        tracing::error!(function = Sweep::NAME, id, reason = %refusal, "a line of a settlement can't be read");
        None
    })
}

/// A page of settlements; after the last one, those that do not add up.
pub(super) async fn settlements(
    sweep: &Sweep,
    razorpay: &Razorpay,
    reading: &mut Reading,
) -> Result<(), Stopped> {
    let page = match by_number(razorpay, RazorpayList::Settlements, reading).await {
        Ok(Some(page)) => page,
        Ok(None) => return Ok(()),
        Err(Stopped::Provider(error @ GatewayError::Refused { .. })) => {
            tracing::warn!(function = Sweep::NAME, %error, "the provider does not tell its settlements");
            Page {
                entries: Vec::new(),
                read: 0,
                last: None,
                is_end: true,
            }
        }
        Err(stopped) => return Err(stopped),
    };
    let judged = page.entries.iter().filter_map(judged);
    page::keep(sweep, PROVIDER, judged.collect()).await?;
    reading.advance(page.read, page.last);
    if page.is_end {
        unsettled(sweep, reading).await?;
        reading.end_list(sweep.clock.now());
    }
    Ok(())
}

fn judged(settlement: &Map<String, Value>) -> Option<Judged> {
    let entry = match Entry::read_settlement(settlement) {
        Ok(entry) => entry,
        Err(refusal) => {
            tracing::error!(function = Sweep::NAME, reason = %refusal, "a settlement can't be read");
            return None;
        }
    };
    Some(Judged {
        outcome: match entry.state {
            EntryState::Moved => Outcome::Matched,
            EntryState::Failed => Outcome::Failed,
            EntryState::Waiting | EntryState::Missing => Outcome::TooYoung,
        },
        subject: None,
        acted: None,
        entry,
    })
}

/// A settlement that is not the sum of what it holds is a case, with both, until it adds up.
async fn unsettled(sweep: &Sweep, reading: &mut Reading) -> Result<(), sqlx::Error> {
    let now = sweep.clock.now();
    let mut transaction = sweep.publisher.database.begin().await?;
    let since = reading.from - LOOKED_AT;
    let settlements = statement::settlements(&mut transaction, PROVIDER, since).await?;
    let (right, wrong): (Vec<_>, Vec<_>) = settlements
        .into_iter()
        .partition(|settlement| settlement.held_minor == settlement.amount_minor);
    let right: Vec<String> = right
        .into_iter()
        .map(|settlement| settlement.settlement_id)
        .collect();
    statement::close_cases(&mut transaction, &right, now).await?;
    let due = wrong
        .iter()
        .filter(|settlement| settlement.occurred_at + ADDS_UP_AFTER < now);
    for settlement in due {
        if case::open(&mut transaction, &does_not_add_up(settlement)).await? {
            reading.cases += 1;
        }
    }
    transaction.commit().await
}

fn does_not_add_up(settlement: &Settlement) -> NewCase {
    NewCase {
        kind: CaseKind::StatementGap,
        subject: settlement.settlement_id.clone(),
        payment_id: None,
        payment_intent_id: None,
        amount_minor: Some(settlement.amount_minor),
        currency: Some(settlement.currency.clone()),
        details: json!({
            "source": Sweep::NAME,
            "provider": PROVIDER,
            "entry": "settlement",
            "outcome": "amount_differs",
            "reason": "the settlement is not the sum of what it holds",
            "heldMinor": settlement.held_minor,
            "entries": settlement.entries,
        }),
    }
}
