//! `makegood doctor`.

use crate::database;
use crate::exit;
use crate::output::Output;
use chrono::{DateTime, Utc};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood::db::{ErrorClass, classify};
use operate::dead_letter::SINGLE_OPERATOR;
use operate::doctor::{self, Finding, Guarantee, Report, Scope, Severity};
use std::process::ExitCode;

/// How many ids of a finding the table shows; `--json` has up to twenty.
const SHOWN: usize = 3;

/// Look whether the guarantees G1 to G12 hold.
///
/// One reading of the database in one snapshot, in a read-only transaction; it changes and blocks nothing. Every kind of
/// breach has a code, which is also its section in docs/operations.md. What only waits (for a trainer, for a person) is listed as a
/// notice and is no breach. Where the database hides rows from this role (`makegood check-database`), nothing is said to hold.
/// What today is, and on which days the school teaches, is what BUSINESS_TIMEZONE and BUSINESS_WEEKDAYS say, as for the functions; whether
/// there is one operator alone, SINGLE_OPERATOR.
///
/// Examples:
///   makegood doctor
///   makegood doctor --only G5 --only G6
///   makegood doctor --json | jq '.findings[] | select(.severity == "breach")'
///
/// Exit code: 0 every guarantee holds; 1 at least one is broken; 2 wrong usage; 3 it could not look, or may have missed rows.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Only this guarantee, G1 to G12; may be given several times.
    #[arg(long, value_name = "G")]
    only: Vec<Guarantee>,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output, clock: Clock) -> anyhow::Result<ExitCode> {
    let (database, timezone, teaching_days) = database::open_with_calendar().await?;
    let single_operator = Environment::of_process().is_yes(SINGLE_OPERATOR);
    let scope = Scope {
        only: arguments.only.iter().copied().collect(),
        now: clock.now(),
        timezone,
        teaching_days,
        single_operator,
    };
    let bar = output.waiting_for("asking every guarantee of the whole database")?;
    let examined = doctor::check(&database, &scope).await;
    bar.finish_and_clear();
    let report = examined.map_err(explained)?;
    output.answer(&report, &lines(&report))?;
    Ok(exit_code(&report))
}

/// Where rows may be missed, nothing is said to hold.
fn exit_code(report: &Report) -> ExitCode {
    if report.breaches().next().is_none() && !report.unseen.is_empty() {
        return ExitCode::from(exit::AWAY);
    }
    exit::of(report.is_healthy())
}

/// With what to do about it.
fn explained(error: sqlx::Error) -> anyhow::Error {
    let next = match classify(&error) {
        ErrorClass::SchemaDrift => {
            "the schema is not this version's; run `makegood migrate`, then look again"
        }
        ErrorClass::Unavailable => "the database did not answer; check DATABASE_URL and try again",
        _ => "the doctor could not look",
    };
    anyhow::Error::new(error).context(next)
}

fn lines(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    if !report.findings.is_empty() {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(["", "finding", "rows", "oldest", "what, and the next step"]);
        for finding in &report.findings {
            table.add_row(row(finding, report.at));
        }
        lines.push(table.to_string());
    }
    lines.extend(report.examined.iter().map(|guarantee| {
        let broken = report.breaches().any(|finding| finding.guarantee == *guarantee);
        let mark = match (broken, report.unseen.is_empty()) {
            (true, _) => "✗ broken",
            (false, true) => "✓ holds ",
            (false, false) => "? unseen",
        };
        format!("{mark}  {guarantee:<3} {}", guarantee.promise())
    }));
    let unseen = report.unseen.iter();
    lines.extend(unseen.map(|why| format!("can't see: {}", why.line())));
    lines.push(format!(
        "days are those of {}, by the IANA database {} (the server's: makegood check-database)",
        report.time_zone, report.time_zone_rules
    ));
    lines.push(format!(
        "{} breaches, {} notices; read in {} ms. Runbook: docs/operations.md#<finding>",
        report.breaches().count(),
        report.findings.len() - report.breaches().count(),
        report.millis
    ));
    lines
}

fn row(finding: &Finding, now: DateTime<Utc>) -> [String; 5] {
    let mark = match finding.severity {
        Severity::Breach => "✗",
        Severity::Notice => "·",
    };
    let shown = finding.examples.iter().take(SHOWN).cloned();
    let more = (finding.examples.len() > SHOWN).then(|| "…".to_owned());
    let ids: Vec<String> = shown.chain(more).collect();
    [
        format!("{mark} {}", finding.guarantee),
        finding.code.to_owned(),
        finding.count.to_string(),
        finding.oldest_at.map(|at| age(now, at)).unwrap_or_default(),
        format!("{}\n{}\n→ {}", finding.title, ids.join("\n"), finding.next_step),
    ]
}

/// In the largest whole unit.
fn age(now: DateTime<Utc>, at: DateTime<Utc>) -> String {
    let minutes = (now - at).num_minutes();
    match minutes {
        ..120 => format!("{minutes} min"),
        120..2_880 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn an_age_is_told_in_the_largest_whole_unit() {
        let now = DateTime::UNIX_EPOCH;
        for (minutes, told) in [(3, "3 min"), (119, "119 min"), (120, "2 h"), (3_000, "2 days")] {
            assert_eq!(age(now, now - TimeDelta::minutes(minutes)), told);
        }
    }
}
