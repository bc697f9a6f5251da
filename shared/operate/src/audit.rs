//! `audit_log`: who changed what by hand, and why. Written in the transaction of the change, so that neither is there
//! without the other.

use crate::page::{Page, PageRequest};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// Why a text is no actor or no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActError {
    /// Empty, or nothing but blanks.
    #[error("{0} is missing; the audit log must say who did what, and why")]
    Missing(&'static str),
    /// Longer than anybody reads, or with characters that no text column can hold.
    #[error("{what} must be printable text of at most {most} characters")]
    Unusable {
        /// Which.
        what: &'static str,
        /// The most characters.
        most: usize,
    },
}

/// Who acts: never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Actor(String);

/// Why: never empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Reason(String);

impl Actor {
    const MOST: usize = 200;

    /// The actor of this name, trimmed.
    ///
    /// # Errors
    /// When it is empty, longer than 200 characters, or holds control characters.
    pub fn new(name: &str) -> Result<Self, ActError> {
        checked(name, "the actor", Self::MOST).map(Self)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Reason {
    const MOST: usize = 1_000;

    /// The reason of this text, trimmed.
    ///
    /// # Errors
    /// When it is empty, longer than 1,000 characters, or holds control characters other than line ends and tabs.
    pub fn new(text: &str) -> Result<Self, ActError> {
        checked(text, "the reason", Self::MOST).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn checked(text: &str, what: &'static str, most: usize) -> Result<String, ActError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ActError::Missing(what));
    }
    let is_printable = |character: char| !character.is_control() || matches!(character, '\n' | '\r' | '\t');
    if text.chars().count() > most || !text.chars().all(is_printable) {
        return Err(ActError::Unusable { what, most });
    }
    Ok(text.to_owned())
}

/// As what a person acts that is known without being typed: the subject of a login, or the caller that AWS names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Caller(String);

impl Caller {
    /// What the text of a login begins with.
    pub(crate) const LOGIN: &'static str = "login:";
    const AWS: &'static str = "aws:";

    /// Of the console: the issuer's own id of the person.
    #[must_use]
    pub fn login(subject: &str) -> Self {
        Self(format!("{}{subject}", Self::LOGIN))
    }

    /// Of the command line: the ARN that AWS answers for its credentials.
    #[must_use]
    pub fn aws(arn: &str) -> Self {
        Self(format!("{}{arn}", Self::AWS))
    }

    /// `login:<subject>` or `aws:<ARN>`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who does it, and why: every change by hand asks for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who, as they are called or call themselves.
    pub actor: Actor,
    /// Why.
    pub reason: Reason,
    /// As what they are known, where that is known. The audit log has it beside the name.
    pub caller: Option<Caller>,
}

impl Act {
    /// Of these two texts; as what the person is known is added by whoever knows it.
    ///
    /// # Errors
    /// When one of them is empty or can't be kept.
    pub fn new(actor: &str, reason: &str) -> Result<Self, ActError> {
        Ok(Self {
            actor: Actor::new(actor)?,
            reason: Reason::new(reason)?,
            caller: None,
        })
    }
}

/// What can be done by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A dead letter was to be sent back to its source. Written when it is claimed, before it is sent.
    ReplayDeadLetter,
    /// It could not be sent after all.
    FailedToReplayDeadLetter,
    /// A dead letter was discarded.
    DiscardDeadLetter,
    /// A discarded dead letter was parked again.
    RestoreDeadLetter,
    /// A failed or cancelled job was made runnable.
    RetryJob,
    /// A pending job was cancelled.
    CancelJob,
    /// A case was given to a person.
    AssignCase,
    /// A note was added to a case.
    NoteOnCase,
    /// A case was resolved.
    ResolveCase,
    /// A sweep was run out of turn.
    RunSweep,
    /// An event from a file was to be sent. Written before it is sent.
    ReplayEvent,
    /// A refund was recorded that its provider does not report.
    RecordRefund,
    /// A provider's statement was taken in from a file. Written before its first entry.
    ImportStatement,
    /// An edit was proposed that another operator must confirm. Confirming it is a replay.
    ProposeEdit,
    /// A proposed edit was taken back, or not wanted.
    WithdrawEdit,
    /// A person was to be erased. Written before the first row is changed; the subject is a pseudonym.
    ErasePerson,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 16] = [
        Self::ReplayDeadLetter,
        Self::FailedToReplayDeadLetter,
        Self::DiscardDeadLetter,
        Self::RestoreDeadLetter,
        Self::RetryJob,
        Self::CancelJob,
        Self::AssignCase,
        Self::NoteOnCase,
        Self::ResolveCase,
        Self::RunSweep,
        Self::ReplayEvent,
        Self::RecordRefund,
        Self::ImportStatement,
        Self::ProposeEdit,
        Self::WithdrawEdit,
        Self::ErasePerson,
    ];

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::ReplayDeadLetter => "dead_letter.replay",
            Self::FailedToReplayDeadLetter => "dead_letter.replay_failed",
            Self::DiscardDeadLetter => "dead_letter.discard",
            Self::RestoreDeadLetter => "dead_letter.restore",
            Self::RetryJob => "job.retry",
            Self::CancelJob => "job.cancel",
            Self::AssignCase => "case.assign",
            Self::NoteOnCase => "case.note",
            Self::ResolveCase => "case.resolve",
            Self::RunSweep => "sweep.run",
            Self::ReplayEvent => "event.replay",
            Self::RecordRefund => "refund.record",
            Self::ImportStatement => "statement.import",
            Self::ProposeEdit => "edit.propose",
            Self::WithdrawEdit => "edit.withdraw",
            Self::ErasePerson => "person.erase",
        }
    }

    /// The action of this wire name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.wire_name() == name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.wire_name())
    }
}

/// Records that something was done to `subject` (`job:<id>`, `case:<id>`, `dead_letter:<id>`, `sweep:<name>`, `event:<id>`,
/// `refund:<provider>:<id>`, `statement:<provider>`, `student:<pseudonym>`, `buyer:<pseudonym>`). Belongs into the transaction of the change.
///
/// # Errors
/// Those of the database.
pub async fn record(
    connection: &mut Connection,
    act: &Act,
    action: Action,
    subject: &str,
    details: &Value,
) -> Result<(), sqlx::Error> {
    record_all(connection, act, action, &[(subject.to_owned(), details.clone())]).await
}

/// As [`record`], for many subjects in one statement: each with its details, and as what the person is known.
///
/// # Errors
/// Those of the database.
pub async fn record_all(
    connection: &mut Connection,
    act: &Act,
    action: Action,
    subjects: &[(String, Value)],
) -> Result<(), sqlx::Error> {
    if subjects.is_empty() {
        return Ok(());
    }
    let (names, mut details): (Vec<String>, Vec<Value>) = subjects.iter().cloned().unzip();
    if let Some(caller) = &act.caller {
        for details in details.iter_mut().filter_map(Value::as_object_mut) {
            details.insert("caller".to_owned(), Value::from(caller.as_str()));
        }
    }
    sqlx::query!(
        "INSERT INTO audit_log (actor, action, reason, subject, details)
         SELECT $1, $2, $3, s.subject, s.details
         FROM unnest($4::text[], $5::jsonb[]) WITH ORDINALITY AS s (subject, details, position)
         ORDER BY s.position",
        act.actor.as_str(),
        action.wire_name(),
        act.reason.as_str(),
        &names,
        &details,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// A row of `audit_log`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its number, ascending.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// What; see [`Action::wire_name`].
    pub action: String,
    /// To what.
    pub subject: String,
    /// Why.
    pub reason: Option<String>,
    /// What else is worth keeping.
    pub details: Value,
}

/// Which entries to list; all of them by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this actor.
    pub actor: Option<String>,
    /// Of this action, by its wire name.
    pub action: Option<String>,
    /// To this subject.
    pub subject: Option<String>,
}

/// Lists entries, the newest first. One statement for each leading filter, so that each page is a walk along one index.
///
/// # Errors
/// Those of the database.
pub async fn list(
    connection: &mut Connection,
    filter: &AuditFilter,
    request: &PageRequest<i64>,
) -> Result<Page<AuditEntry, i64>, sqlx::Error> {
    let before = request.after.unwrap_or(i64::MAX);
    let limit = request.reading();
    let rows = match (&filter.subject, &filter.actor, &filter.action) {
        (Some(subject), actor, action) => {
            sqlx::query_file_as!(
                AuditEntry,
                "src/audit/of_subject.sql",
                subject,
                actor.as_deref(),
                action.as_deref(),
                before,
                limit
            )
            .fetch_all(connection)
            .await?
        }
        (None, Some(actor), action) => {
            sqlx::query_file_as!(
                AuditEntry,
                "src/audit/of_actor.sql",
                actor,
                action.as_deref(),
                before,
                limit
            )
            .fetch_all(connection)
            .await?
        }
        (None, None, Some(action)) => {
            sqlx::query_file_as!(AuditEntry, "src/audit/of_action.sql", action, before, limit)
                .fetch_all(connection)
                .await?
        }
        (None, None, None) => {
            sqlx::query_file_as!(AuditEntry, "src/audit/newest.sql", before, limit)
                .fetch_all(connection)
                .await?
        }
    };
    Ok(request.page(rows, |entry| entry.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_without_actor_or_reason_is_refused_by_name() {
        assert_eq!(Act::new(" ", "why"), Err(ActError::Missing("the actor")));
        assert_eq!(Act::new("asha", "\n"), Err(ActError::Missing("the reason")));
        assert!(Act::new("asha", &"x".repeat(1_001)).is_err());
        assert!(Act::new("as\0ha", "why").is_err());
        assert_eq!(Act::new(" asha ", " why ").unwrap().actor.as_str(), "asha");
    }

    #[test]
    fn every_action_is_found_by_its_name() {
        for action in Action::ALL {
            assert_eq!(Action::from_wire_name(action.wire_name()), Some(action));
        }
    }
}
