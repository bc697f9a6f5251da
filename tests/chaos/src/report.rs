//! The table of a run.

use crate::run::Run;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use std::time::Duration;

/// So many of each kind are named.
const NAMED: usize = 10;

/// The whole report, for a person.
#[must_use]
pub fn report(run: &Run) -> String {
    let mut text = format!("{}\n{}\n", faults(run), totals(run));
    let verdict = &run.verdict;
    for (what, rows) in [
        ("lost", &verdict.lost),
        ("doubled", &verdict.doubled),
        ("stock differs", &verdict.stock),
        ("doctor", &verdict.breaches),
        ("left to a person", &verdict.left_to_a_person),
    ] {
        for row in rows.iter().take(NAMED) {
            text += &format!("{what}: {row}\n");
        }
        if rows.len() > NAMED {
            text += &format!("{what}: and {} more\n", rows.len() - NAMED);
        }
    }
    if !run.healed.is_at_rest {
        text += &format!("never came to rest: {}\n", run.healed.left);
    }
    text
}

fn faults(run: &Run) -> Table {
    let mut table = Table::new();
    table
        .load_preset(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header([
            "cell",
            "fault",
            "times",
            "payment acknowledged after",
            "could not be brought about",
        ]);
    for (fault, record) in run.world.ledger.faults() {
        table.add_row([
            fault.cell().name().to_owned(),
            fault.name().to_owned(),
            record.times.to_string(),
            seconds(record.served_again),
            record.failed.unwrap_or_default(),
        ]);
    }
    table
}

fn totals(run: &Run) -> Table {
    let (taken, delivered) = run.world.totals();
    let sent: u64 = run
        .world
        .ledger
        .payments()
        .iter()
        .map(|payment| payment.sent)
        .sum();
    let answers: Vec<String> = run
        .world
        .ledger
        .answers()
        .iter()
        .map(|((function, status), number)| format!("{function} {status}: {number}"))
        .collect();
    let (verdict, healed) = (&run.verdict, &run.healed);
    let times: u64 = run
        .world
        .ledger
        .faults()
        .values()
        .map(|record| record.times)
        .sum();
    let heals = if healed.is_at_rest {
        format!(
            "{} and {} minutes of waiting times skipped",
            seconds(healed.took),
            healed.skipped_minutes
        )
    } else {
        format!(
            "not within {} and {} minutes skipped",
            seconds(healed.took),
            healed.skipped_minutes
        )
    };
    let mut table = Table::new();
    table
        .load_preset(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["what", "count"]);
    for (what, count) in [
        (
            "payments and checkouts planned",
            (run.outside().plan.payments.len() + run.outside().plan.checkouts.len()).to_string(),
        ),
        ("webhooks sent", sent.to_string()),
        ("messages taken by queues and topics", taken.to_string()),
        ("deliveries to functions", delivered.to_string()),
        (
            "environments started",
            run.world.environments.started().to_string(),
        ),
        ("faults", times.to_string()),
        ("paid", verdict.paid.to_string()),
        ("fulfilled once", verdict.fulfilled.to_string()),
        ("LOST", verdict.lost.len().to_string()),
        ("DOUBLED", verdict.doubled.len().to_string()),
        ("left to a person", verdict.left_to_a_person.len().to_string()),
        ("never acknowledged", verdict.unacknowledged.to_string()),
        ("stock that differs", verdict.stock.len().to_string()),
        ("breaches found by doctor", verdict.breaches.len().to_string()),
        ("jobs still processing", verdict.processing.to_string()),
        ("time to heal", heals),
        ("whole run", seconds(run.took)),
        ("answers", answers.join("\n")),
    ] {
        table.add_row([what.to_owned(), count]);
    }
    table
}

fn seconds(duration: Duration) -> String {
    format!("{}.{} s", duration.as_secs(), duration.subsec_millis() / 100)
}
