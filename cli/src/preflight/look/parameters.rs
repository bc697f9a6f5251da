//! The parameters by themselves: what the template allows, what its rules refuse, and what is allowed and a risk.

use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use crate::preflight::template::{Template, Values};

const ABOUT: &str = "parameters";

/// Needs no account.
///
/// # Errors
/// When the template can't be understood.
pub fn look(template: &Template, plan: &Plan<'_>, given: &Values) -> anyhow::Result<Vec<Row>> {
    let mut whole = plan.after.values().clone();
    whole.extend(given.clone());
    let mut rows: Vec<Row> = template
        .misfits(&whole)
        .into_iter()
        .chain(plan.after.refusals()?)
        .map(|why| Row::fails(ABOUT, why, "correct --parameter-overrides"))
        .collect();
    rows.extend(name_row(plan)?);
    if rows.is_empty() {
        rows.push(Row::fine(ABOUT, "the template's rules take them"));
    }
    rows.extend(risks(plan)?);
    Ok(rows)
}

/// A database, proxy and cache have the stack's name, and rules of their own for it.
fn name_row(plan: &Plan<'_>) -> anyhow::Result<Option<Row>> {
    let name = plan.stack_name;
    let is_plain = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|character| matches!(character, 'a'..='z' | '0'..='9' | '-'))
        && !name.ends_with('-')
        && !name.contains("--")
        && name.len() <= 40;
    let gives_its_name = plan.after.holds("MakesDatabase")?
        || plan.after.holds("MakesProxy")?
        || plan.after.holds("MakesCache")?;
    let row = || {
        Row::fails(
            "names",
            format!("the stack's name {name:?} can't be the name of a database, proxy or cache"),
            "take a to z, digits and single hyphens, 40 characters at most, the first of a to z",
        )
    };
    Ok((gives_its_name && !is_plain).then(row))
}

fn risks(plan: &Plan<'_>) -> anyhow::Result<Vec<Row>> {
    let after = &plan.after;
    let mut rows = Vec::new();
    if after.holds("HasCourse")? && after.given("TrustWebhookNotes") == "yes" {
        rows.push(Row::risk(
            "money",
            "TrustWebhookNotes is yes: what a webhook's notes say is fulfilled without any price, and the buyer's browser writes them. \
             Anybody can buy any course for any amount",
            "enter prices in course_prices, or begin each payment in payments, and give TrustWebhookNotes=no \
             (docs/decisions/0040-whose-word-counts.md)",
        ));
    }
    if plan.before.is_some() && after.holds("MakesDatabase")? && !after.holds("ProtectsDatabase")? {
        rows.push(Row::risk(
            "database",
            "the stack's database is not protected against being deleted",
            "give ProtectDatabase=yes",
        ));
    }
    if after.holds("UseKafka")? {
        rows.push(Row::risk(
            "MSK",
            "Transport is kafka: functions that were built without it refuse to start",
            "build with CARGO_LAMBDA_BUILD='{features=[\"makegood/kafka-vendored\"]}' make build",
        ));
    }
    Ok(rows)
}
