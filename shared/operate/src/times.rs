//! Brings the days and times that were chosen in older rows to their normal form (docs/decisions/0055): what runs or is ahead, in the
//! order of ids, a few hundred rows a transaction, so that no statement waits for long. Safe to run any number of times.

use chrono::NaiveDate;
use chrono_tz::Tz;
use makegood::chosen;
use makegood::db::{Connection, Database};
use makegood::event::{Metadata, NOT_UNDERSTOOD};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// How many rows one transaction looks at.
const ROWS: i64 = 500;

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Normalised {
    /// Purchases that were rewritten.
    pub purchases: u64,
    /// Allocations that were rewritten.
    pub allocations: u64,
    /// Sessions that were rewritten.
    pub sessions: u64,
    /// What can't be read; left as it is.
    pub unread: Vec<Unread>,
}

/// One field that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// The table.
    pub table: &'static str,
    /// The row.
    pub id: Uuid,
    /// Which field.
    pub field: String,
    /// What stands there.
    pub value: String,
}

/// Rewrites active purchases, allocations that stand or wait, and scheduled sessions from today on.
///
/// # Errors
/// Those of the database; what was committed before stays.
pub async fn normalise(
    database: &Database,
    timezone: Tz,
    today: NaiveDate,
) -> Result<Normalised, sqlx::Error> {
    let mut done = Normalised::default();
    done.purchases = rewrite(database, Table::Purchases, timezone, &mut done.unread).await?;
    done.allocations = rewrite(database, Table::Allocations, timezone, &mut done.unread).await?;
    done.sessions = sessions(database, today, &mut done.unread).await?;
    Ok(done)
}

/// A row with what was chosen.
struct Row {
    id: Uuid,
    metadata: Option<Value>,
}

/// The rows to rewrite: ids, what they hold, and what they are to hold.
#[derive(Default)]
struct Changes {
    ids: Vec<Uuid>,
    old: Vec<Value>,
    new: Vec<Value>,
}

impl Changes {
    fn of(table: &'static str, rows: &[Row], timezone: Tz, unread: &mut Vec<Unread>) -> Self {
        let mut changes = Self::default();
        for row in rows {
            // What is no object is of another service's making and stays.
            let Ok(metadata) = Metadata::read(row.metadata.as_ref()) else {
                continue;
            };
            let normalised = metadata.normalised(timezone);
            if let Some(Value::Object(fields)) = normalised.0.get(NOT_UNDERSTOOD) {
                unread.extend(fields.iter().map(|(field, value)| Unread {
                    table,
                    id: row.id,
                    field: field.clone(),
                    value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                }));
            }
            let (Some(old), new) = (row.metadata.clone(), normalised.to_json()) else {
                continue;
            };
            if old != new {
                changes.ids.push(row.id);
                changes.old.push(old);
                changes.new.push(new);
            }
        }
        changes
    }
}

/// The tables whose metadata holds what was chosen.
#[derive(Debug, Clone, Copy)]
enum Table {
    Purchases,
    Allocations,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Purchases => "student_course_purchases",
            Self::Allocations => "trainer_allocations",
        }
    }

    /// The next rows after this id.
    async fn read(self, connection: &mut Connection, after: Uuid) -> Result<Vec<Row>, sqlx::Error> {
        match self {
            Self::Purchases => {
                sqlx::query_as!(
                    Row,
                    "SELECT id, metadata FROM student_course_purchases
                     WHERE id > $1 AND is_active AND metadata IS NOT NULL ORDER BY id LIMIT $2",
                    after,
                    ROWS,
                )
                .fetch_all(connection)
                .await
            }
            Self::Allocations => {
                sqlx::query_as!(
                    Row,
                    "SELECT id, metadata FROM trainer_allocations
                     WHERE id > $1 AND status IN ('approved', 'active', 'pending') AND metadata IS NOT NULL ORDER BY id LIMIT $2",
                    after,
                    ROWS,
                )
                .fetch_all(connection)
                .await
            }
        }
    }

    /// Each row is compared with what was read: a change of another writer stays, and the next run looks again.
    async fn write(self, connection: &mut Connection, changes: &Changes) -> Result<u64, sqlx::Error> {
        let Changes { ids, old, new } = changes;
        let statement = match self {
            Self::Purchases => sqlx::query!(
                "WITH change AS (
                   SELECT c.* FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[]) AS c (id, old, new)
                   JOIN student_course_purchases p ON p.id = c.id ORDER BY p.id FOR UPDATE OF p)
                 UPDATE student_course_purchases p SET metadata = c.new, updated_at = now()
                 FROM change c WHERE p.id = c.id AND p.metadata = c.old",
                ids,
                old,
                new,
            ),
            Self::Allocations => sqlx::query!(
                "WITH change AS (
                   SELECT c.* FROM unnest($1::uuid[], $2::jsonb[], $3::jsonb[]) AS c (id, old, new)
                   JOIN trainer_allocations a ON a.id = c.id ORDER BY a.id FOR UPDATE OF a)
                 UPDATE trainer_allocations a SET metadata = c.new, updated_at = now()
                 FROM change c WHERE a.id = c.id AND a.metadata = c.old",
                ids,
                old,
                new,
            ),
        };
        Ok(statement.execute(connection).await?.rows_affected())
    }
}

async fn rewrite(
    database: &Database,
    table: Table,
    timezone: Tz,
    unread: &mut Vec<Unread>,
) -> Result<u64, sqlx::Error> {
    let (mut after, mut rewritten) = (Uuid::nil(), 0);
    loop {
        let mut transaction = database.begin().await?;
        let rows = table.read(&mut transaction, after).await?;
        let changes = Changes::of(table.name(), &rows, timezone, unread);
        rewritten += table.write(&mut transaction, &changes).await?;
        transaction.commit().await?;
        match rows.last() {
            Some(last) => after = last.id,
            None => return Ok(rewritten),
        }
    }
}

/// A slot that another session of the allocation has already, in the normal form, stays as it is.
async fn sessions(
    database: &Database,
    today: NaiveDate,
    unread: &mut Vec<Unread>,
) -> Result<u64, sqlx::Error> {
    let (mut after, mut rewritten) = (Uuid::nil(), 0);
    loop {
        let mut transaction = database.begin().await?;
        let rows = sqlx::query!(
            r#"SELECT id, scheduled_time::text AS "time!" FROM tutoring_sessions
               WHERE id > $1 AND status = 'scheduled' AND scheduled_date >= $2
                 AND scheduled_time !~ '^([1-9]|1[0-2]):[0-5][0-9] [AP]M$'
               ORDER BY id LIMIT $3"#,
            after,
            today,
            ROWS,
        )
        .fetch_all(&mut *transaction)
        .await?;
        let (mut ids, mut old, mut new) = (Vec::new(), Vec::new(), Vec::new());
        for row in &rows {
            match chosen::slot(&row.time) {
                Some(time) => {
                    ids.push(row.id);
                    old.push(row.time.clone());
                    new.push(chosen::write_slot(time));
                }
                None => unread.push(Unread {
                    table: "tutoring_sessions",
                    id: row.id,
                    field: "scheduled_time".to_owned(),
                    value: row.time.clone(),
                }),
            }
        }
        let written = sqlx::query!(
            "WITH change AS (
               SELECT c.* FROM unnest($1::uuid[], $2::text[], $3::text[]) AS c (id, old, new)
               JOIN tutoring_sessions s ON s.id = c.id ORDER BY s.id FOR UPDATE OF s)
             UPDATE tutoring_sessions s
             SET scheduled_time = c.new, updated_at = now(),
                 -- What nobody has moved is as it was planned still.
                 planned_date = CASE WHEN s.planned_date IS NULL AND s.updated_at = s.created_at THEN s.scheduled_date ELSE s.planned_date END,
                 planned_time = CASE WHEN coalesce(s.planned_time = c.old, s.updated_at = s.created_at) THEN c.new ELSE s.planned_time END
             FROM change c
             WHERE s.id = c.id AND s.scheduled_time = c.old
               AND NOT EXISTS (SELECT FROM tutoring_sessions o
                               WHERE o.allocation_id = s.allocation_id AND o.scheduled_date = s.scheduled_date AND o.id <> s.id)",
            &ids,
            &old,
            &new,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        rewritten += written.rows_affected();
        match rows.last() {
            Some(last) => after = last.id,
            None => return Ok(rewritten),
        }
    }
}
