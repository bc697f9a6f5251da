//! `makegood ensure-index`.

use crate::database;
use crate::exit;
use crate::output::{Output, show_progress};
use makegood::schema::{self, Duplicates, IndexOutcome, IndexReport, IndexSpec, MANAGED_INDEXES};
use sqlx::postgres::PgConnectOptions;
use std::process::ExitCode;

/// Make sure of the unique indexes that keep purchases, allocations, sessions and payments single.
///
/// Looks in the catalogue for a valid index that does the work, under any name. If there is none: lists
/// duplicates that forbid it, or drops what a failed build left behind and builds it CONCURRENTLY. An index
/// that has the name but another definition is never touched: the right one is built as NAME_makegood beside
/// it, with a warning. Writers are not blocked. Safe to run any number of times and by two at once.
///
/// Example: `makegood ensure-index unique_active_purchase`
///
/// Exit code: 0 every index asked for is valid, now or already; 1 duplicates forbid one; 2 wrong usage; 3 it
/// could not look or build.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The index; all of them unless given.
    #[arg(value_parser = names())]
    name: Option<String>,
    /// All of them.
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

fn names() -> clap::builder::PossibleValuesParser {
    MANAGED_INDEXES.map(|spec| spec.name).into()
}

impl Arguments {
    fn specs(&self) -> Vec<&'static IndexSpec> {
        match &self.name {
            Some(name) => schema::managed_index(name).into_iter().collect(),
            None => MANAGED_INDEXES.iter().collect(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and of [`schema::ensure_index`].
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let options = database::options().await?;
    let mut reports = Vec::new();
    for spec in arguments.specs() {
        reports.push(ensure(&options, spec, output).await?);
    }
    output.answer(&reports, &reports.iter().flat_map(lines).collect::<Vec<_>>())?;
    output.warn(&reports.iter().flat_map(IndexReport::warnings).collect::<Vec<_>>());
    let forbidden = reports.iter().any(|report| {
        matches!(
            report.outcome,
            IndexOutcome::Duplicates | IndexOutcome::Partitioned
        )
    });
    Ok(exit::of(!forbidden))
}

async fn ensure(options: &PgConnectOptions, spec: &IndexSpec, output: Output) -> anyhow::Result<IndexReport> {
    let bar = output.build_progress()?;
    bar.set_message(format!("{}: looking", spec.name));
    let report = schema::ensure_index(options, spec, &|progress| show_progress(&bar, &progress)).await;
    bar.finish_and_clear();
    Ok(report?)
}

fn lines(report: &IndexReport) -> Vec<String> {
    let serving = report
        .serving
        .as_deref()
        .filter(|serving| *serving != report.index);
    let serving = serving
        .map(|serving| format!(" as {serving}"))
        .unwrap_or_default();
    let outcome = match report.outcome {
        IndexOutcome::AlreadyValid => "valid",
        IndexOutcome::Built => "built",
        IndexOutcome::Rebuilt => "dropped unfinished, built",
        IndexOutcome::Duplicates => "forbidden by duplicates",
        IndexOutcome::Partitioned => "forbidden by the partitions",
    };
    let first = format!("{} on {}: {outcome}{serving}", report.index, report.table);
    [first]
        .into_iter()
        .chain(report.duplicates.iter().flat_map(duplicate_lines))
        .collect()
}

fn duplicate_lines(duplicates: &Duplicates) -> Vec<String> {
    let listed = duplicates.listed.iter().map(|group| {
        format!(
            "  {}: {} rows, {}",
            group.key.join(" "),
            group.rows,
            group.ids.join(" ")
        )
    });
    let shown = i64::try_from(duplicates.listed.len()).unwrap_or(duplicates.groups);
    let more =
        (shown < duplicates.groups).then(|| format!("  … and {} keys more", duplicates.groups - shown));
    listed.chain(more).collect()
}
