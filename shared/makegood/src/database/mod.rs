//! What our SQL relies on in a database that others use and change too: `makegood check-database`, a part of the doctor, of
//! `makegood migrate` and of the sweep `health`. Reads the catalogue and a sample of rows, in one connection; takes no lock beyond a
//! reader's, and writes nothing.

mod kinds;
mod zone;

pub use kinds::{KINDS, Kind, Weight};
pub use zone::check_zone;

use crate::db::Connection;
use serde::Serialize;

/// Table, column and type of what a migrated empty database has, one a line; the test `database` of `cli` holds it to the migrations.
const EXPECTED: &str = include_str!("expected.tsv");
/// How many rows of `payments` are looked at for text in jsonb.
const SAMPLE: i64 = 1_000;

/// One thing that is other than our SQL relies on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable, for scripts.
    pub code: &'static str,
    /// How bad it is.
    pub weight: Weight,
    /// The table, `table.column`, or the database.
    pub at: String,
    /// What was found there.
    pub detail: Option<String>,
    /// What would go wrong.
    pub means: &'static str,
    /// What to do.
    pub cure: &'static str,
    /// The statement that does it, to be read before it is run. None where there is no single one.
    pub statement: Option<String>,
}

impl Finding {
    fn of(code: &str, at: String, detail: Option<String>, statement: Option<String>) -> Option<Self> {
        let kind = KINDS.iter().find(|kind| kind.code == code)?;
        Some(Self {
            code: kind.code,
            weight: kind.weight,
            at,
            detail,
            means: kind.means,
            cure: kind.cure,
            statement,
        })
    }

    /// For a person, on one line.
    #[must_use]
    pub fn line(&self) -> String {
        let detail = self.detail.as_ref().map(|detail| format!(" ({detail})"));
        let statement = self.statement.as_ref().map(|statement| format!(": {statement};"));
        format!(
            "{} {}{}: {}. To cure it, {}{}",
            self.code,
            self.at,
            detail.unwrap_or_default(),
            self.means,
            self.cure,
            statement.unwrap_or_default()
        )
    }
}

/// Looks, and gives back what it found, the worst first. Empty: everything is as our SQL relies on.
///
/// # Errors
/// Those of the database.
pub async fn check(connection: &mut Connection) -> Result<Vec<Finding>, sqlx::Error> {
    let mut findings = of_catalogue(connection).await?;
    let can_read = !findings
        .iter()
        .any(|finding| finding.at == "payments" || finding.at == "payments.metadata");
    if can_read {
        let texts = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM (SELECT metadata FROM payments LIMIT $1) s
               WHERE jsonb_typeof(metadata) = 'string'"#,
            SAMPLE
        )
        .fetch_one(connection)
        .await?;
        if texts > 0 {
            let detail = Some(format!("{texts} of the first {SAMPLE} rows"));
            findings.extend(Finding::of(
                "text-in-jsonb",
                "payments.metadata".to_owned(),
                detail,
                None,
            ));
        }
    }
    let rank = |finding: &Finding| KINDS.iter().position(|kind| kind.code == finding.code);
    findings.sort_by_key(rank);
    Ok(findings)
}

/// What of it makes readers miss rows and call that well. Reads the catalogue alone.
///
/// # Errors
/// Those of the database.
pub async fn blinding(connection: &mut Connection) -> Result<Vec<Finding>, sqlx::Error> {
    let findings = of_catalogue(connection).await?.into_iter();
    Ok(findings
        .filter(|finding| finding.weight == Weight::Blinds)
        .collect())
}

/// The findings that make statements of ours fail, or readers miss rows: until they are cured, what is paid waits or is missed. Reads
/// the catalogue alone.
///
/// # Errors
/// Those of the database.
pub async fn faults(connection: &mut Connection) -> Result<Vec<Finding>, sqlx::Error> {
    let findings = of_catalogue(connection).await?.into_iter();
    Ok(findings
        .filter(|finding| matches!(finding.weight, Weight::Blinds | Weight::Breaks))
        .collect())
}

async fn of_catalogue(connection: &mut Connection) -> Result<Vec<Finding>, sqlx::Error> {
    let (mut tables, mut columns, mut types) = (Vec::new(), Vec::new(), Vec::new());
    for line in EXPECTED.lines() {
        let mut fields = line.split('\t').map(str::to_owned);
        if let (Some(table), Some(column), Some(kind)) = (fields.next(), fields.next(), fields.next()) {
            tables.push(table);
            columns.push(column);
            types.push(kind);
        }
    }
    let rows = sqlx::query_file!("src/database/findings.sql", &tables, &columns, &types)
        .fetch_all(connection)
        .await?;
    let findings = rows
        .into_iter()
        .filter_map(|row| Finding::of(&row.code, row.at, row.detail, row.cure));
    Ok(findings.collect())
}
