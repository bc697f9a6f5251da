//! The table `statement_entries`, and what is here of its entries. Borrows a connection and never commits.

use super::entry::SettledLine;
use super::{Entry, EntryKind, EntryState, Ours, Outcome};
use crate::case;
use crate::db::Connection;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use uuid::Uuid;

/// An entry with what comparing it came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What the provider says.
    pub entry: Entry,
    /// What that comes to.
    pub outcome: Outcome,
    /// Our row, where there is one.
    pub subject: Option<String>,
    /// What was done about a difference: `recorded`, `case`, or `imported` where the sweep acts.
    pub acted: Option<&'static str>,
}

/// A payment of ours that is looked for in the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// Its key.
    pub id: Uuid,
    /// When it was paid.
    pub paid_at: DateTime<Utc>,
    /// The provider's id of it.
    pub provider_payment_id: String,
    /// Minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// Whether the statement does not have it.
    pub is_missing: bool,
}

/// A settlement, and the sum of what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// The provider's id of it.
    pub settlement_id: String,
    /// What was paid out, in minor units.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// The sum of what it holds, in minor units.
    pub held_minor: i64,
    /// How many entries that is.
    pub entries: i64,
}

/// What is not answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gaps {
    /// How many entries.
    pub count: i64,
    /// Since when the oldest of them is known.
    pub oldest: Option<DateTime<Utc>>,
}

/// What is here of these payments of the provider, by its ids.
///
/// # Errors
/// Those of the database.
pub async fn of_payments(
    connection: &mut Connection,
    provider: &str,
    ids: &[String],
) -> Result<HashMap<String, Ours>, sqlx::Error> {
    let rows = sqlx::query_file_as!(Known, "src/statement/of_payments.sql", provider, ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Known::named).collect())
}

/// What is here of these payments of a shop's provider, by its transaction ids.
///
/// # Errors
/// Those of the database.
pub async fn of_intents(
    connection: &mut Connection,
    provider: &str,
    ids: &[String],
) -> Result<HashMap<String, Ours>, sqlx::Error> {
    let rows = sqlx::query_file_as!(Known, "src/statement/of_intents.sql", provider, ids)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Known::named).collect())
}

/// The next payments that a file told of and that are not settled with what is here, after this id; at most so many.
///
/// # Errors
/// Those of the database.
pub async fn imported(
    connection: &mut Connection,
    provider: &str,
    after: &str,
    most: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    let rows = sqlx::query_file!("src/statement/imported.sql", provider, after, most)
        .fetch_all(connection)
        .await?;
    let entries = rows.into_iter().map(|row| Entry {
        kind: EntryKind::Payment,
        id: row.entry_id,
        payment_id: row.pays,
        amount_minor: row.amount_minor,
        currency: row.currency,
        fee_minor: row.fee_minor,
        tax_minor: row.tax_minor,
        returned_minor: row.returned_minor,
        is_disputed: false,
        state: EntryState::from_wire_name(&row.state),
        occurred_at: row.occurred_at,
    });
    Ok(entries.collect())
}

/// A row of ours, and the entry that it is of.
struct Known {
    entry_id: String,
    subject: String,
    amount_minor: i64,
    currency: String,
    status: String,
    returned_minor: i64,
    is_disputed: bool,
}

impl Known {
    fn named(self) -> (String, Ours) {
        let ours = Ours {
            subject: self.subject,
            amount_minor: self.amount_minor,
            currency: self.currency,
            status: self.status,
            returned_minor: self.returned_minor,
            is_disputed: self.is_disputed,
        };
        (self.entry_id, ours)
    }
}

/// Those of these refunds of the provider that are processed here.
///
/// # Errors
/// Those of the database.
pub async fn of_refunds(
    connection: &mut Connection,
    provider: &str,
    ids: &[String],
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT provider_refund_id FROM refunds WHERE provider = $1 AND provider_refund_id = ANY($2) AND status = 'processed'",
        provider,
        ids,
    )
    .fetch_all(connection)
    .await
}

/// Keeps entries as they are now; the same again changes nothing but when they were seen.
///
/// # Errors
/// Those of the database.
pub(super) async fn keep(
    connection: &mut Connection,
    provider: &str,
    judged: &[Judged],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let entries = || judged.iter().map(|judged| &judged.entry);
    let texts = |of: fn(&Entry) -> &str| entries().map(|entry| of(entry).to_owned()).collect::<Vec<_>>();
    sqlx::query_file!(
        "src/statement/keep.sql",
        provider,
        &texts(|entry| entry.kind.wire_name()),
        &texts(|entry| &entry.id),
        &texts(|entry| &entry.payment_id),
        &entries().map(|entry| entry.amount_minor).collect::<Vec<_>>(),
        &texts(|entry| &entry.currency),
        &entries().map(|entry| entry.fee_minor).collect::<Vec<_>>() as &[Option<i64>],
        &entries().map(|entry| entry.tax_minor).collect::<Vec<_>>() as &[Option<i64>],
        &entries().map(|entry| entry.returned_minor).collect::<Vec<_>>(),
        &texts(|entry| entry.state.wire_name()),
        &entries().map(|entry| entry.occurred_at).collect::<Vec<_>>(),
        &judged
            .iter()
            .map(|judged| judged.outcome.wire_name().to_owned())
            .collect::<Vec<_>>(),
        &judged
            .iter()
            .map(|judged| judged.subject.clone())
            .collect::<Vec<_>>() as &[Option<String>],
        &judged
            .iter()
            .map(|judged| judged.acted.map(str::to_owned))
            .collect::<Vec<_>>() as &[Option<String>],
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes in which settlement entries are, with what each adds to it.
///
/// # Errors
/// Those of the database.
pub async fn note_settled(
    connection: &mut Connection,
    provider: &str,
    lines: &[SettledLine],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let entries = || lines.iter().map(|line| &line.entry);
    let texts = |of: fn(&Entry) -> &str| entries().map(|entry| of(entry).to_owned()).collect::<Vec<_>>();
    sqlx::query_file!(
        "src/statement/note_settled.sql",
        provider,
        &texts(|entry| entry.kind.wire_name()),
        &texts(|entry| &entry.id),
        &texts(|entry| &entry.payment_id),
        &entries().map(|entry| entry.amount_minor).collect::<Vec<_>>(),
        &texts(|entry| &entry.currency),
        &entries().map(|entry| entry.fee_minor).collect::<Vec<_>>() as &[Option<i64>],
        &entries().map(|entry| entry.tax_minor).collect::<Vec<_>>() as &[Option<i64>],
        &entries().map(|entry| entry.occurred_at).collect::<Vec<_>>(),
        &lines
            .iter()
            .map(|line| line.settlement_id.clone())
            .collect::<Vec<_>>(),
        &lines.iter().map(|line| line.net_minor).collect::<Vec<_>>(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The next payments that were too young to judge when they were seen last, before this instant; at most so many, by id.
///
/// # Errors
/// Those of the database.
pub async fn waiting(
    connection: &mut Connection,
    provider: &str,
    seen_before: DateTime<Utc>,
    after: &str,
    most: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_file_scalar!("src/statement/waiting.sql", provider, seen_before, after, most)
        .fetch_all(connection)
        .await
}

/// The next disputes of this provider that are open here, after this id; at most so many.
///
/// # Errors
/// Those of the database.
pub async fn open_disputes(
    connection: &mut Connection,
    provider: &str,
    after: &str,
    most: i64,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT provider_dispute_id FROM disputes
         WHERE provider = $1 AND provider_dispute_id > $2 AND status IN ('open', 'under_review', 'action_required')
         ORDER BY provider_dispute_id
         LIMIT $3",
        provider,
        after,
        most,
    )
    .fetch_all(connection)
    .await
}

/// The next payments of ours after this one and before that instant, each with whether the statement has it.
///
/// # Errors
/// Those of the database.
pub async fn paid(
    connection: &mut Connection,
    provider: &str,
    after: (DateTime<Utc>, Uuid),
    before: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Paid>, sqlx::Error> {
    sqlx::query_file_as!(
        Paid,
        "src/statement/paid.sql",
        provider,
        after.0,
        after.1,
        before,
        most
    )
    .fetch_all(connection)
    .await
}

/// Settlements since this instant that do not add up, or that an open case says so of; at most a hundred.
///
/// # Errors
/// Those of the database.
pub async fn settlements(
    connection: &mut Connection,
    provider: &str,
    since: DateTime<Utc>,
) -> Result<Vec<Settlement>, sqlx::Error> {
    sqlx::query_file_as!(Settlement, "src/statement/settlements.sql", provider, since)
        .fetch_all(connection)
        .await
}

/// Closes the open cases `statement_gap` of these entries: what the statement and the books say is the same by now. Gives back how many.
///
/// # Errors
/// Those of the database.
pub async fn close_cases(
    connection: &mut Connection,
    entries: &[String],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "WITH resolved AS (
           UPDATE payment_cases
           SET status = 'resolved', resolved_at = $2, resolved_by = 'sweep', note = 'the provider and Makegood say the same of it by now'
           WHERE kind = 'statement_gap' AND status = 'open' AND subject = ANY($1)
           RETURNING id, kind, note)
         INSERT INTO audit_log (at, actor, action, subject, reason, details)
         SELECT $2, 'sweep', 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind)
         FROM resolved r",
        entries,
        now,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Entries that differ from what is here, and that neither an open case nor a person's word answers for.
///
/// # Errors
/// Those of the database.
pub async fn open_gaps(connection: &mut Connection) -> Result<Gaps, sqlx::Error> {
    sqlx::query_file_as!(Gaps, "src/statement/open_gaps.sql", &case::programs())
        .fetch_one(connection)
        .await
}
