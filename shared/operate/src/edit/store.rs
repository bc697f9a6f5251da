//! The rows of `proposed_edits`. None of these commits.

use super::{Change, EditId, EditRefusal, EditStatus, ProposedEdit};
use crate::audit::{self, Act, Action};
use crate::page::{Cursor, Page, PageRequest};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use serde_json::{Value, json};
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// What is proposed.
pub(crate) struct NewEdit<'a> {
    /// `dead_letter:<id>` or `event:<event id>`.
    pub subject: &'a str,
    pub body: &'a str,
    pub replaces: Option<String>,
    pub changes: &'a [Change],
    pub forced: bool,
}

/// Keeps an edit with its row in the audit log; gives back which. When one of its subject waits already, that one, and nothing is written.
pub(crate) async fn propose(
    connection: &mut Connection,
    edit: &NewEdit<'_>,
    caller: &str,
    act: &Act,
) -> Result<Result<EditId, EditId>, sqlx::Error> {
    let made = sqlx::query_scalar!(
        "INSERT INTO proposed_edits (subject, body, replaces, changes, forced, proposed_by, caller, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (subject) WHERE status = 'pending' DO NOTHING
         RETURNING id",
        edit.subject,
        edit.body,
        edit.replaces,
        json!(edit.changes),
        edit.forced,
        act.actor.as_str(),
        caller,
        act.reason.as_str(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(id) = made.map(EditId) else {
        let waiting = pending_of(connection, edit.subject).await?;
        return waiting
            .map(|waiting| Err(EditId(waiting.id)))
            .ok_or(sqlx::Error::RowNotFound);
    };
    let details = json!({"edit": id.0, "changes": edit.changes, "body": edit.body});
    audit::record(connection, act, Action::ProposeEdit, edit.subject, &details).await?;
    Ok(Ok(id))
}

/// A row as it is kept.
struct Row {
    id: Uuid,
    subject: String,
    body: Option<String>,
    replaces: Option<String>,
    changes: Json<Vec<Change>>,
    forced: bool,
    status: EditStatus,
    proposed_by: String,
    caller: String,
    reason: String,
    proposed_at: DateTime<Utc>,
    decided_by: Option<String>,
    decided_at: Option<DateTime<Utc>>,
}

impl From<Row> for ProposedEdit {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            subject: row.subject,
            body: row.body,
            replaces: row.replaces,
            changes: row.changes.0,
            forced: row.forced,
            status: row.status,
            proposed_by: row.proposed_by,
            caller: row.caller,
            reason: row.reason,
            proposed_at: row.proposed_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
        }
    }
}

/// One edit; none when there is no such.
///
/// # Errors
/// Those of the database.
pub async fn show(connection: &mut Connection, id: EditId) -> Result<Option<ProposedEdit>, sqlx::Error> {
    let row = sqlx::query_file_as!(Row, "src/edit/one.sql", id.0)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(ProposedEdit::from))
}

/// The edit of this subject that waits, if one does.
///
/// # Errors
/// Those of the database.
pub async fn pending_of(
    connection: &mut Connection,
    subject: &str,
) -> Result<Option<ProposedEdit>, sqlx::Error> {
    let row = sqlx::query_file_as!(Row, "src/edit/of_subject.sql", subject)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(ProposedEdit::from))
}

/// Lists edits of this status, the newest first.
///
/// # Errors
/// Those of the database.
pub async fn list(
    connection: &mut Connection,
    status: EditStatus,
    request: &PageRequest,
) -> Result<Page<ProposedEdit>, sqlx::Error> {
    let before = request.after.unwrap_or(Cursor::NEWEST);
    let rows = sqlx::query_file_as!(
        Row,
        "src/edit/of_status.sql",
        status.wire_name(),
        before.at,
        before.id,
        request.reading(),
    )
    .fetch_all(connection)
    .await?;
    let edits = rows.into_iter().map(ProposedEdit::from).collect();
    Ok(request.page(edits, |edit| Cursor {
        at: edit.proposed_at,
        id: edit.id,
    }))
}

/// Locks an edit that waits.
pub(crate) async fn lock_pending(
    connection: &mut Connection,
    id: EditId,
) -> Result<Result<ProposedEdit, EditRefusal>, sqlx::Error> {
    let row = sqlx::query_file_as!(Row, "src/edit/lock.sql", id.0)
        .fetch_optional(connection)
        .await?;
    Ok(match row {
        None => Err(EditRefusal::NotFound),
        Some(row) if row.status != EditStatus::Pending => Err(EditRefusal::Decided { status: row.status }),
        Some(row) => Ok(row.into()),
    })
}

/// Notes what was decided of a locked edit; its body goes, and stays in the audit log.
pub(crate) async fn decide(
    connection: &mut Connection,
    id: EditId,
    status: EditStatus,
    act: &Act,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE proposed_edits SET status = $2, body = NULL, decided_by = $3, decided_at = now() WHERE id = $1",
        id.0,
        status.wire_name(),
        act.actor.as_str(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes an edit back. One transaction of the caller, with its row in the audit log; locks its row.
///
/// # Errors
/// Those of the database.
pub async fn withdraw(
    connection: &mut Connection,
    id: EditId,
    act: &Act,
) -> Result<Result<(), EditRefusal>, sqlx::Error> {
    let edit = match lock_pending(connection, id).await? {
        Ok(edit) => edit,
        Err(refusal) => return Ok(Err(refusal)),
    };
    decide(connection, id, EditStatus::Withdrawn, act).await?;
    let details: Value = json!({"edit": id.0, "proposedBy": edit.proposed_by});
    audit::record(connection, act, Action::WithdrawEdit, &edit.subject, &details).await?;
    Ok(Ok(()))
}

/// The payloads of those events that Makegood published itself, as the outbox keeps them, by event id.
///
/// # Errors
/// Those of the database.
pub async fn published(
    connection: &mut Connection,
    event_ids: &[String],
) -> Result<HashMap<String, Value>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT event_id, payload FROM outbox WHERE event_id = ANY($1)",
        event_ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.event_id, row.payload)).collect())
}
