//! All that the database knows of a person, as one document by table.

use super::{Footprint, Person};
use chrono::{DateTime, Utc};
use makegood::db::Connection;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The form of the document.
pub const SCHEMA: &str = "makegood-privacy-export-1";
/// What its reader must know.
pub const NOTE: &str = "One list a table; each row is as the database has it, with the column's names. docs/privacy.md says what each column \
                        is for and how long it is kept. Amounts are in minor units; times have their zone. audit_log.actor, \
                        payment_cases.resolved_by and details.assignee name staff: take them out before you hand this over. What other \
                        services know (names, logins, the directory of students) is not here.";

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// [`NOTE`].
    pub note: &'static str,
    /// Whose.
    pub person: Person,
    /// As of when.
    pub exported_at: DateTime<Utc>,
    /// The rows, by table.
    pub tables: BTreeMap<String, Vec<Value>>,
}

impl Export {
    /// Whether nothing is known of the person.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }
}

/// Reads what is there under the person's own id. Changes nothing; run it in a transaction of one snapshot.
///
/// # Errors
/// Those of the database.
pub async fn export(
    connection: &mut Connection,
    person: Person,
    now: DateTime<Utc>,
) -> Result<Export, sqlx::Error> {
    let footprint = Footprint::load(&mut *connection, person, &[person.id()]).await?;
    let mut tables: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let own = match person {
        Person::Student(_) => of_student(&mut *connection, person, &footprint).await?,
        Person::Buyer(_) => of_buyer(&mut *connection, person, &footprint).await?,
    };
    for (table, row) in own.into_iter().chain(shared(connection, &footprint).await?) {
        tables.entry(table).or_default().push(row);
    }
    Ok(Export {
        schema: SCHEMA,
        note: NOTE,
        person,
        exported_at: now,
        tables,
    })
}

type Rows = Vec<(String, Value)>;

async fn of_student(
    connection: &mut Connection,
    person: Person,
    footprint: &Footprint,
) -> Result<Rows, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/privacy/sql/export_course.sql",
        person.id(),
        &footprint.payments,
        &footprint.allocations,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.table, row.row)).collect())
}

async fn of_buyer(
    connection: &mut Connection,
    person: Person,
    footprint: &Footprint,
) -> Result<Rows, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/privacy/sql/export_shop.sql",
        person.id(),
        &footprint.intents,
        &footprint.orders,
        &footprint.carts,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.table, row.row)).collect())
}

async fn shared(connection: &mut Connection, footprint: &Footprint) -> Result<Rows, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/privacy/sql/export_shared.sql",
        &footprint.cases,
        &footprint.dead_letters,
        &footprint.outbox,
        &footprint.marks,
        &footprint.jobs,
        &footprint.refunds,
        &footprint.disputes,
        &footprint.audits,
        &footprint.provider_payments,
        &footprint.edits,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.table, row.row)).collect())
}
