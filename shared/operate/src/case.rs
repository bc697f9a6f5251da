//! Cases as the person on call handles them: list, assign, note, resolve. Each change is one transaction of the caller,
//! with its audit row in it.
//!
//! `payment_cases` has no column for who works on a case: `details.assignee` says so, and `details.notes` holds
//! `[{at, by, text}]`, the oldest first.

use crate::audit::{self, Act, Action, Actor};
use crate::page::{Cursor, Page, PageRequest};
use chrono::{DateTime, Utc};
use makegood::case::CaseKind;
use makegood::db::Connection;
use makegood::money::money;
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt;
use uuid::Uuid;

/// A row of `payment_cases`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct CaseId(pub Uuid);

impl CaseId {
    /// As the audit log names it.
    #[must_use]
    pub fn subject(self) -> String {
        format!("case:{}", self.0)
    }
}

/// Whether a person must still decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum CaseStatus {
    /// A person must.
    Open,
    /// A person or a program did.
    Resolved,
}

impl CaseStatus {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Open, Self::Resolved];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    /// The status of this wire name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.wire_name() == name)
    }
}

/// A case as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaseRow {
    /// Which.
    pub id: Uuid,
    /// Why it was opened; see [`CaseKind::wire_name`].
    pub kind: String,
    /// Whether it is still open.
    pub status: CaseStatus,
    /// What it is about.
    pub subject: String,
    /// The payment, in the course pipeline.
    pub payment_id: Option<Uuid>,
    /// The intent, in the order pipeline.
    pub payment_intent_id: Option<String>,
    /// The amount in minor units; the column is `amount_cents`.
    pub amount_minor: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// What is needed to decide, and `assignee` and `notes`.
    pub details: Value,
    /// Since when.
    pub opened_at: DateTime<Utc>,
    /// Until when.
    pub resolved_at: Option<DateTime<Utc>>,
    /// By whom.
    pub resolved_by: Option<String>,
    /// How.
    pub note: Option<String>,
}

impl CaseRow {
    /// The amount as people write it; it says so when the currency was not recorded.
    #[must_use]
    pub fn amount(&self) -> Option<String> {
        let currency = self.currency.as_deref().map(str::trim).unwrap_or_default();
        let amount = money(self.amount_minor?, currency);
        Some(if currency.is_empty() {
            format!("{amount} (currency not recorded)")
        } else {
            amount
        })
    }

    /// Who works on it.
    #[must_use]
    pub fn assignee(&self) -> Option<&str> {
        self.details.get("assignee").and_then(Value::as_str)
    }
}

/// Which cases to list; all of them by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// Of this status.
    pub status: Option<CaseStatus>,
    /// Of this kind.
    pub kind: Option<CaseKind>,
}

/// What became of a change to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum CaseChange {
    /// It is made, and on the record.
    Done,
    /// There is no such case.
    NotFound,
    /// It is resolved, and stays so: nothing was changed.
    ResolvedAlready,
}

impl fmt::Display for CaseChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Done => "done",
            Self::NotFound => "there is no such case; `makegood cases list` shows those that are open",
            Self::ResolvedAlready => "it is resolved already; nothing was changed",
        })
    }
}

/// Lists cases, the newest first.
///
/// # Errors
/// Those of the database.
pub async fn list(
    connection: &mut Connection,
    filter: CaseFilter,
    request: &PageRequest,
) -> Result<Page<CaseRow>, sqlx::Error> {
    let before = request.after.unwrap_or(Cursor::NEWEST);
    let statuses: Vec<String> = CaseStatus::ALL
        .into_iter()
        .filter(|status| filter.status.is_none_or(|wanted| wanted == *status))
        .map(|status| status.wire_name().to_owned())
        .collect();
    let rows = sqlx::query_file_as!(
        CaseRow,
        "src/case/list.sql",
        &statuses,
        before.at,
        before.id,
        filter.kind.map(CaseKind::wire_name),
        request.reading(),
    )
    .fetch_all(connection)
    .await?;
    Ok(request.page(rows, |row| Cursor {
        at: row.opened_at,
        id: row.id,
    }))
}

/// One case; none when there is no such.
///
/// # Errors
/// Those of the database.
pub async fn show(connection: &mut Connection, id: CaseId) -> Result<Option<CaseRow>, sqlx::Error> {
    sqlx::query_as!(
        CaseRow,
        r#"SELECT id, kind, status AS "status: CaseStatus", subject, payment_id, payment_intent_id,
                  amount_cents AS amount_minor, currency, details, opened_at, resolved_at, resolved_by, note
           FROM payment_cases WHERE id = $1"#,
        id.0,
    )
    .fetch_optional(connection)
    .await
}

/// The open cases of a payment, the oldest first: one of each kind at most.
///
/// # Errors
/// Those of the database.
pub async fn open_of_payment(
    connection: &mut Connection,
    payment: Uuid,
) -> Result<Vec<CaseRow>, sqlx::Error> {
    sqlx::query_as!(
        CaseRow,
        r#"SELECT id, kind, status AS "status: CaseStatus", subject, payment_id, payment_intent_id,
                  amount_cents AS amount_minor, currency, details, opened_at, resolved_at, resolved_by, note
           FROM payment_cases WHERE payment_id = $1 AND status = 'open' ORDER BY opened_at, id"#,
        payment,
    )
    .fetch_all(connection)
    .await
}

/// Gives an open case to a person. Locks its row.
///
/// # Errors
/// Those of the database.
pub async fn assign_open_case(
    connection: &mut Connection,
    id: CaseId,
    assignee: &Actor,
    act: &Act,
) -> Result<CaseChange, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE payment_cases SET details = details || jsonb_build_object('assignee', $2::text)
         WHERE id = $1 AND status = 'open'",
        id.0,
        assignee.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return why_not(connection, id).await;
    }
    let details = json!({"assignee": assignee});
    audit::record(connection, act, Action::AssignCase, &id.subject(), &details).await?;
    Ok(CaseChange::Done)
}

/// Adds the act's reason to the notes of a case, open or resolved, with who and when. Locks its row.
///
/// # Errors
/// Those of the database.
pub async fn note_on_case(
    connection: &mut Connection,
    id: CaseId,
    act: &Act,
) -> Result<CaseChange, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE payment_cases
         SET details = details || jsonb_build_object('notes', coalesce(details -> 'notes', '[]')
                         || jsonb_build_array(jsonb_build_object('at', now(), 'by', $2::text, 'text', $3::text)))
         WHERE id = $1",
        id.0,
        act.actor.as_str(),
        act.reason.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(CaseChange::NotFound);
    }
    audit::record(connection, act, Action::NoteOnCase, &id.subject(), &json!({})).await?;
    Ok(CaseChange::Done)
}

/// Resolves an open case: the act's actor is `resolved_by`, its reason the `note`. Locks its row.
///
/// # Errors
/// Those of the database.
pub async fn resolve_open_case(
    connection: &mut Connection,
    id: CaseId,
    act: &Act,
) -> Result<CaseChange, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = $2, note = $3
         WHERE id = $1 AND status = 'open'",
        id.0,
        act.actor.as_str(),
        act.reason.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return why_not(connection, id).await;
    }
    audit::record(connection, act, Action::ResolveCase, &id.subject(), &json!({})).await?;
    Ok(CaseChange::Done)
}

async fn why_not(connection: &mut Connection, id: CaseId) -> Result<CaseChange, sqlx::Error> {
    let found = sqlx::query_scalar!("SELECT id FROM payment_cases WHERE id = $1", id.0)
        .fetch_optional(connection)
        .await?;
    Ok(match found {
        Some(_) => CaseChange::ResolvedAlready,
        None => CaseChange::NotFound,
    })
}
