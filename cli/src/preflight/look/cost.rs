//! What the parts cost in a month without a sale. The prices are those of docs/scale.md, written by docs/scale/cost.py.

use super::Looked;
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;
use anyhow::Context;
use serde::Deserialize;

/// A part of the stack, and its price at the least.
#[derive(Debug, Deserialize)]
struct Part {
    kind: String,
    is: String,
    cents_a_month: u64,
}

/// Counts what is made, and what this deployment adds to it.
pub fn look(plan: &Plan<'_>) -> Looked {
    let parts: Vec<Part> = serde_json::from_str(include_str!("../prices.json")).context("prices.json")?;
    let (mut rows, mut together, mut more) = (Vec::new(), 0, 0);
    for part in parts {
        let (count, new) = plan.paid(&part.kind)?;
        if count == 0 {
            continue;
        }
        together += count * part.cents_a_month;
        more += new * part.cents_a_month;
        rows.push(Row::costs(format!(
            "{}: {count}, {} a month",
            part.is,
            dollars(count * part.cents_a_month)
        )));
    }
    let added = if plan.before.is_some() {
        format!(", {} of it new", dollars(more))
    } else {
        String::new()
    };
    rows.push(Row::costs(format!(
        "together about {} a month while it is idle{added} (us-east-1; what is given is not counted; docs/scale.md)",
        dollars(together)
    )));
    Ok(rows)
}

fn dollars(cents: u64) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}
