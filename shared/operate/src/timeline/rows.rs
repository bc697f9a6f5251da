//! The rows that both pipelines have: events, dead letters, cases, refunds and disputes, and what people did. Columns with personal data are not read.

use super::entry::{Entry, EntryKind, Status};
use super::moment::attempts;
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use makegood::money::money;
use uuid::Uuid;

/// The most rows of a kind that a line of time shows.
const MOST: i64 = 200;

/// An event in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EventRow {
    pub(super) event_id: String,
    pub(super) event_type: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) published_at: Option<DateTime<Utc>>,
    pub(super) attempts: i32,
    pub(super) last_error: Option<String>,
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeadLetterRow {
    pub(super) id: Uuid,
    pub(super) source: String,
    pub(super) function_name: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) event_id: Option<String>,
    pub(super) reason: String,
    pub(super) attempts: i32,
    pub(super) status: String,
    pub(super) parked_at: DateTime<Utc>,
    pub(super) replayed_at: Option<DateTime<Utc>>,
}

/// A payment case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CaseRow {
    pub(super) id: Uuid,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) resolved_at: Option<DateTime<Utc>>,
    pub(super) resolved_by: Option<String>,
}

/// What a person did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AuditRow {
    pub(super) at: DateTime<Utc>,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) subject: String,
    pub(super) reason: Option<String>,
}

/// A refund or a dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReturnedRow {
    pub(super) is_dispute: bool,
    pub(super) provider_id: String,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) respond_by: Option<DateTime<Utc>>,
    pub(super) told_at: DateTime<Utc>,
}

/// What both pipelines have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Common {
    pub(super) events: Vec<EventRow>,
    pub(super) dead_letters: Vec<DeadLetterRow>,
    pub(super) cases: Vec<CaseRow>,
    pub(super) returned: Vec<ReturnedRow>,
    pub(super) audit: Vec<AuditRow>,
}

/// By what the rows are found.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    pub(super) event_ids: Vec<String>,
    pub(super) correlation: Option<Uuid>,
    pub(super) dead_letter: Option<Uuid>,
    pub(super) payment: Option<Uuid>,
    pub(super) intent: Option<String>,
    pub(super) jobs: Vec<Uuid>,
}

impl Common {
    pub(super) async fn load(connection: &mut Connection, keys: &Keys) -> Result<Self, sqlx::Error> {
        let events = events(&mut *connection, keys).await?;
        let dead_letters = dead_letters(&mut *connection, keys).await?;
        let cases = cases(&mut *connection, keys).await?;
        let returned = returned(&mut *connection, keys).await?;
        let jobs = keys.jobs.iter().map(|id| format!("job:{id}"));
        let subjects: Vec<String> = dead_letters
            .iter()
            .map(|dead_letter| format!("dead_letter:{}", dead_letter.id))
            .chain(cases.iter().map(|case| format!("case:{}", case.id)))
            .chain(jobs)
            .collect();
        let audit = audit(connection, &subjects).await?;
        Ok(Self {
            events,
            dead_letters,
            cases,
            returned,
            audit,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
            && self.dead_letters.is_empty()
            && self.cases.is_empty()
            && self.returned.is_empty()
    }

    /// The dead letter that waits for a person, of those about this type of event; the latest.
    pub(super) fn parked(&self, event_type: &str) -> Option<&DeadLetterRow> {
        self.dead_letters
            .iter()
            .filter(|dead_letter| {
                dead_letter.status == "parked" && dead_letter.event_type.as_deref() == Some(event_type)
            })
            .max_by_key(|dead_letter| dead_letter.parked_at)
    }

    /// The event of this type; the latest.
    pub(super) fn event(&self, event_type: &str) -> Option<&EventRow> {
        self.events
            .iter()
            .filter(|event| event.event_type == event_type)
            .max_by_key(|event| event.created_at)
    }

    pub(super) fn entries(&self) -> Vec<Entry> {
        let events = self.events.iter().flat_map(event_entries);
        let dead_letters = self.dead_letters.iter().flat_map(dead_letter_entries);
        let cases = self.cases.iter().flat_map(case_entries);
        let returned = self.returned.iter().map(returned_entry);
        let audit = self.audit.iter().map(audit_entry);
        events
            .chain(dead_letters)
            .chain(cases)
            .chain(returned)
            .chain(audit)
            .collect()
    }
}

fn event_entries(event: &EventRow) -> Vec<Entry> {
    let entry = |at, status, what: String| {
        Entry::new(at, EntryKind::Event, status, what).id("eventId", &event.event_id)
    };
    let name = &event.event_type;
    let written = entry(
        event.created_at,
        Status::Happened,
        format!("{name} written to the outbox"),
    );
    let sent = match (event.published_at, &event.last_error) {
        (Some(at), _) => entry(at, Status::Happened, format!("{name} published")),
        (None, Some(error)) => Entry::new(
            None,
            EntryKind::Event,
            Status::Failed,
            format!("{name} not published after {}: {error}", attempts(event.attempts)),
        )
        .id("eventId", &event.event_id),
        (None, None) => Entry::new(
            None,
            EntryKind::Event,
            Status::Pending,
            format!("{name} waits in the outbox"),
        )
        .id("eventId", &event.event_id),
    };
    vec![written, sent]
}

fn dead_letter_entries(dead_letter: &DeadLetterRow) -> Vec<Entry> {
    let name = dead_letter.event_type.as_deref().unwrap_or("message");
    let by = dead_letter
        .function_name
        .as_deref()
        .unwrap_or(&dead_letter.source);
    let status = if dead_letter.status == "parked" {
        Status::Failed
    } else {
        Status::Happened
    };
    let entry = |at, status, what: String| {
        let entry = Entry::new(at, EntryKind::DeadLetter, status, what).id("deadLetterId", dead_letter.id);
        match &dead_letter.event_id {
            Some(event_id) => entry.id("eventId", event_id),
            None => entry,
        }
    };
    let parked = entry(
        dead_letter.parked_at,
        status,
        format!(
            "{name} parked by {by} after {}: {}",
            attempts(dead_letter.attempts),
            dead_letter.reason
        ),
    );
    let ended = match (dead_letter.status.as_str(), dead_letter.replayed_at) {
        ("replayed", Some(at)) => Some(entry(at, Status::Happened, format!("{name} replayed"))),
        ("discarded", at) => Some(entry(
            at.unwrap_or(dead_letter.parked_at),
            Status::Happened,
            format!("{name} discarded"),
        )),
        _ => None,
    };
    std::iter::once(parked).chain(ended).collect()
}

fn case_entries(case: &CaseRow) -> Vec<Entry> {
    let status = if case.status == "open" {
        Status::Pending
    } else {
        Status::Happened
    };
    let entry =
        |at, status, what: String| Entry::new(at, EntryKind::Case, status, what).id("caseId", case.id);
    let opened = entry(case.opened_at, status, format!("case {} opened", case.kind));
    let resolved = case.resolved_at.map(|at| {
        let by = case.resolved_by.as_deref().unwrap_or("an unknown person");
        entry(
            at,
            Status::Happened,
            format!("case {} resolved by {by}", case.kind),
        )
    });
    std::iter::once(opened).chain(resolved).collect()
}

fn returned_entry(row: &ReturnedRow) -> Entry {
    let (kind, name, id) = if row.is_dispute {
        (EntryKind::Dispute, "dispute", "disputeId")
    } else {
        (EntryKind::Refund, "refund", "refundId")
    };
    let deadline = match row.respond_by {
        Some(at) if is_undecided(&row.status) => {
            format!("; answer the bank by {}", at.format("%Y-%m-%d %H:%M UTC"))
        }
        _ => String::new(),
    };
    let what = format!(
        "{name} {}: {}{deadline}",
        row.status.replace('_', " "),
        money(row.amount_minor, &row.currency)
    );
    let status = if is_undecided(&row.status) {
        Status::Pending
    } else {
        Status::Happened
    };
    Entry::new(row.told_at, kind, status, what).id(id, &row.provider_id)
}

fn is_undecided(status: &str) -> bool {
    matches!(status, "created" | "open" | "under_review" | "action_required")
}

fn audit_entry(row: &AuditRow) -> Entry {
    let reason = row.reason.as_deref().unwrap_or("no reason given");
    let what = format!("{} did {} on {}: {reason}", row.actor, row.action, row.subject);
    Entry::new(row.at, EntryKind::Audit, Status::Happened, what)
}

async fn events(connection: &mut Connection, keys: &Keys) -> Result<Vec<EventRow>, sqlx::Error> {
    sqlx::query_as!(
        EventRow,
        "SELECT event_id, event_type, created_at, published_at, attempts, last_error
         FROM (SELECT id, event_id, event_type, created_at, published_at, attempts, last_error
               FROM outbox WHERE event_id = ANY($1) OFFSET 0) o
         ORDER BY id LIMIT $2",
        &keys.event_ids,
        MOST,
    )
    .fetch_all(connection)
    .await
}

async fn dead_letters(connection: &mut Connection, keys: &Keys) -> Result<Vec<DeadLetterRow>, sqlx::Error> {
    sqlx::query_as!(
        DeadLetterRow,
        "SELECT id, source, function_name, event_type, event_id, failure_reason AS reason, attempts, status, parked_at,
                replayed_at
         FROM dead_letters WHERE event_id = ANY($1) OR correlation_id = $2 OR id = $3
         ORDER BY parked_at DESC, id LIMIT $4",
        &keys.event_ids,
        keys.correlation,
        keys.dead_letter,
        MOST,
    )
    .fetch_all(connection)
    .await
}

async fn cases(connection: &mut Connection, keys: &Keys) -> Result<Vec<CaseRow>, sqlx::Error> {
    sqlx::query_as!(
        CaseRow,
        "SELECT id, kind, status, opened_at, resolved_at, resolved_by
         FROM payment_cases WHERE payment_id = $1 OR payment_intent_id = $2
         ORDER BY opened_at, id LIMIT $3",
        keys.payment,
        keys.intent,
        MOST,
    )
    .fetch_all(connection)
    .await
}

async fn returned(connection: &mut Connection, keys: &Keys) -> Result<Vec<ReturnedRow>, sqlx::Error> {
    sqlx::query_file_as!(
        ReturnedRow,
        "src/timeline/sql/returned.sql",
        keys.payment,
        keys.intent,
        MOST
    )
    .fetch_all(connection)
    .await
}

async fn audit(connection: &mut Connection, subjects: &[String]) -> Result<Vec<AuditRow>, sqlx::Error> {
    sqlx::query_as!(
        AuditRow,
        "SELECT at, actor, action, subject, reason FROM audit_log WHERE subject = ANY($1) ORDER BY id DESC LIMIT $2",
        subjects,
        MOST,
    )
    .fetch_all(connection)
    .await
}
