//! Entries are kept together with the cases that answer for what differs.

use super::{EntryKind, Judged, Outcome, store};
use crate::case::{self, CaseKind, NewCase};
use crate::db::Connection;
use crate::ids::PaymentId;
use chrono::{DateTime, Utc};
use serde_json::json;

/// Keeps entries of this provider, opens a case `statement_gap` for each difference that nothing was done about, and closes the case of what
/// is right by now. `source` is who compared. Gives back how many cases were opened. An entry that is there twice counts as its last.
///
/// # Errors
/// Those of the database.
pub async fn keep_with_cases(
    connection: &mut Connection,
    provider: &str,
    judged: Vec<Judged>,
    source: &str,
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let mut judged = last_of_each(judged);
    let mut opened = 0;
    for judged in &mut judged {
        let is_left = judged.outcome.is_gap() && judged.acted.is_none();
        if is_left && case::open(&mut *connection, &gap(provider, source, judged)).await? {
            judged.acted = Some("case");
            opened += 1;
        }
    }
    // Whether a settlement adds up is seen once its lines are read.
    let right = judged
        .iter()
        .filter(|judged| !judged.outcome.is_gap() && judged.entry.kind != EntryKind::Settlement);
    let right: Vec<String> = right.map(|judged| judged.entry.id.clone()).collect();
    store::close_cases(&mut *connection, &right, now).await?;
    store::keep(connection, provider, &judged, now).await?;
    Ok(opened)
}

/// A list that moved, or a file, may have an entry twice.
fn last_of_each(mut judged: Vec<Judged>) -> Vec<Judged> {
    judged.reverse();
    judged.sort_by(|one, other| one.entry.id.cmp(&other.entry.id));
    judged.dedup_by(|one, other| one.entry.id == other.entry.id);
    judged
}

fn gap(provider: &str, source: &str, judged: &Judged) -> NewCase {
    let entry = &judged.entry;
    let reason = match judged.outcome {
        Outcome::OursOnly => "it is paid here, and the provider does not know it",
        Outcome::TheirsOnly => "the provider took it, and it could not be recorded here",
        Outcome::AmountDiffers => "the provider and Makegood have another amount or currency of it",
        Outcome::RefundedThereOnly => "it was given back at the provider, and that is not recorded here",
        _ => "it was given back here, and not at the provider",
    };
    let payment = judged.subject.as_deref().and_then(|id| id.parse().ok());
    NewCase {
        kind: CaseKind::StatementGap,
        subject: entry.id.clone(),
        payment_id: payment.map(PaymentId),
        payment_intent_id: judged.subject.clone().filter(|_| payment.is_none()),
        amount_minor: Some(entry.amount_minor),
        currency: Some(entry.currency.clone()),
        details: json!({
            "source": source,
            "provider": provider,
            "entry": entry.kind.wire_name(),
            "outcome": judged.outcome.wire_name(),
            "reason": reason,
            "occurredAt": entry.occurred_at,
        }),
    }
}
