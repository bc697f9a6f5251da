//! What our SQL relies on, in a database that is there already.

use super::row::{Row, Verdict};
use crate::check_database;
use makegood::clock::Clock;
use makegood::database::{Finding, Weight};

const ABOUT: &str = "tables";

/// A row for each finding; one that says so where nothing was found, or the database could not be asked.
pub(super) async fn rows(clock: Clock) -> Vec<Row> {
    match check_database::find(clock).await {
        Ok(findings) if findings.is_empty() => {
            vec![Row::fine(ABOUT, "the database is as our SQL relies on")]
        }
        Ok(findings) => findings.iter().map(row).collect(),
        Err(error) => vec![Row {
            verdict: Verdict::Unasked,
            about: ABOUT,
            says: format!("the database could not be asked: {error:#}"),
            next: "give DATABASE_URL, from where the database can be reached, or run `makegood check-database` there".to_owned(),
        }],
    }
}

fn row(finding: &Finding) -> Row {
    let says = format!("{} at {}: {}", finding.code, finding.at, finding.means);
    let next = match &finding.statement {
        Some(statement) => format!("{}: {statement};", finding.cure),
        None => finding.cure.to_owned(),
    };
    match finding.weight {
        Weight::Blinds | Weight::Breaks => Row::fails(ABOUT, says, next),
        Weight::Risk => Row::risk(ABOUT, says, next),
    }
}
