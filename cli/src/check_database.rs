//! `makegood check-database`.

use crate::database;
use crate::exit;
use crate::output::Output;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use makegood::clock::Clock;
use makegood::database::{Finding, Weight, check, check_zone};
use serde_json::json;
use std::process::ExitCode;

/// Look whether the database is as our SQL relies on.
///
/// Other teams use and change it too. Reads the catalogue: types, columns without default, triggers and rules, row level security, views and
/// partitions, the search path, collations, privileges; a sample of rows; and the rules of BUSINESS_TIMEZONE, which the server and this program
/// each have of their own. Each finding says what would go wrong, and the statement that cures it: read it before you run it. It
/// changes nothing. What blinds readers makes `makegood doctor` say that it can't see. Run it with the role of the functions.
///
/// Examples:
///   makegood check-database
///   makegood check-database --json | jq -r '.findings[].statement'
///
/// Exit code: 0 nothing was found, or risks alone; 1 something blinds or breaks; 2 wrong usage; 3 it could not look.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(_: &Arguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    let findings = find(clock).await?;
    let is_well = findings.iter().all(|finding| finding.weight == Weight::Risk);
    output.answer(&json!({"findings": findings}), &lines(&findings))?;
    Ok(exit::of(is_well))
}

/// What is found in the database of the environment.
///
/// # Errors
/// Those of the environment and the database.
pub async fn find(clock: Clock) -> anyhow::Result<Vec<Finding>> {
    let (database, zone) = database::open_with_timezone().await?;
    let mut connection = database.acquire().await?;
    let mut findings = check(&mut connection).await?;
    findings.extend(check_zone(&mut connection, zone, clock.now()).await?);
    Ok(findings)
}

fn lines(findings: &[Finding]) -> Vec<String> {
    if findings.is_empty() {
        return vec!["the database is as our SQL relies on".to_owned()];
    }
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["", "finding", "at", "what would go wrong, and the cure"]);
    for finding in findings {
        let detail = finding.detail.as_ref().map(|detail| format!("\n({detail})"));
        let statement = finding
            .statement
            .as_ref()
            .map(|statement| format!(":\n{statement};"));
        table.add_row([
            finding.weight.text().to_owned(),
            finding.code.to_owned(),
            format!("{}{}", finding.at, detail.unwrap_or_default()),
            format!(
                "{}\n→ {}{}",
                finding.means,
                finding.cure,
                statement.unwrap_or_default()
            ),
        ]);
    }
    vec![table.to_string()]
}
