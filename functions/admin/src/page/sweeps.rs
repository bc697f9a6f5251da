//! The sweeps: what each did last, and running one now.

use super::frame::{Section, page as framed};
use super::parts::{self, Tone};
use super::text::{millis, span};
use crate::http::{Answer, Asked};
use crate::sweeps::is_silent;
use crate::sweeps::{SWEEPS, Sweep};
use crate::visit::{Fault, Visit};
use makegood::health::SweepRun;
use maud::{Markup, html};
use operate::health::{last_runs, latest_runs};
use serde_json::Value;

const PATH: &str = "/admin/sweeps";
const ROWS: i64 = 50;
pub const FIELDS: [&str; 2] = ["sweep", "after"];

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let names = SWEEPS.map(|sweep| sweep.name);
    let sweep = query.one_of(
        "sweep",
        |text| names.into_iter().find(|name| *name == text),
        &names,
    );
    let before = super::place::<i64>(&mut query).after;
    if !query.wrong().is_empty() {
        let filter = parts::filter(PATH, &fields(&query));
        return Ok(super::refused(visit, Section::Sweeps, "Sweeps", &filter, &query));
    }
    let mut connection = visit.admin.database.acquire().await?;
    let latest = latest_runs(&mut connection).await?;
    let runs = last_runs(&mut connection, sweep, before, ROWS).await?;
    drop(connection);
    let is_full = runs.len() >= usize::try_from(ROWS).unwrap_or(usize::MAX);
    let next = runs.last().filter(|_| is_full).map(|run| run.id.to_string());
    let rows: Vec<_> = runs.iter().map(|run| row(visit, run)).collect();
    let body = html! {
        h1 { "Sweeps" }
        div.cards { @for sweep in SWEEPS { (card(visit, &sweep, latest.iter().find(|run| run.sweep == sweep.name))) } }
        h2 { "Last runs" }
        (parts::filter(PATH, &fields(&query)))
        @if rows.is_empty() {
            p.nothing { "No run is on record. Each sweep runs by its schedule within five minutes; if none does: " (parts::runbook(visit, "alarm-sweep-silent", "Runbook")) }
        }
        @else { (parts::table("Runs", &["Sweep", "State", "Began", "Took", "Did"], &rows)) }
        (parts::pager(PATH, &query, next))
    };
    Ok(framed(visit, Section::Sweeps, "Sweeps", &body))
}

fn fields(query: &Asked) -> Markup {
    parts::choice(
        query,
        "sweep",
        "Sweep",
        &SWEEPS.map(|sweep| (sweep.name, sweep.name)),
    )
}

fn card(visit: &Visit<'_>, sweep: &Sweep, latest: Option<&SweepRun>) -> Markup {
    let name = sweep.name;
    html! {
        article.panel id=(name) {
            h2 { (name) }
            p { (sweep.what) }
            p.hint {
                "Every " (span(sweep.every)) ". "
                @match latest { Some(run) => { "Last " (parts::when(visit, run.started_at)) " " (badge(run)) " " (silence(visit, run)) } None => { "No run is on record." } }
            }
            @if visit.admin.sweeps.function.is_some() && visit.may_act() {
                form.change.inline method="post" action=(format!("{PATH}/{name}/run")) {
                    (parts::csrf(visit))
                    (parts::reason(&format!("reason-{name}")))
                    button { "Run " (name) " now" }
                }
            }
        }
    }
}

/// That its schedule does not run it any more.
pub fn silence(visit: &Visit<'_>, run: &SweepRun) -> Markup {
    html! {
        @if is_silent(&run.sweep, run.started_at, visit.now) {
            (parts::badge(Tone::Bad, "silent")) " " (parts::runbook(visit, "alarm-sweep-silent", "Runbook"))
        }
    }
}

fn badge(run: &SweepRun) -> Markup {
    if run.error.is_some() {
        parts::badge(Tone::Bad, "failed")
    } else {
        parts::badge(Tone::Good, "done")
    }
}

fn row(visit: &Visit<'_>, run: &SweepRun) -> Vec<Markup> {
    vec![
        html! { (run.sweep) },
        badge(run),
        parts::when(visit, run.started_at),
        html! { (millis(run.millis)) },
        html! {
            @if let Some(error) = &run.error { (error) }
            @if let Some(done) = &run.done { (summary(done)) }
        },
    ]
}

/// What a sweep did, in one line: each figure that is not nothing, by its name.
pub fn summary(done: &Value) -> String {
    let mut figures = Vec::new();
    collect("", done, &mut figures);
    if figures.is_empty() {
        "nothing to do".to_owned()
    } else {
        figures.join(" · ")
    }
}

fn collect(name: &str, value: &Value, figures: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(field, value)| collect(field, value, figures)),
        Value::Array(items) if !items.is_empty() => figures.push(format!("{name} {}", items.len())),
        Value::Number(number) if number.as_i64() != Some(0) => figures.push(format!("{name} {number}")),
        Value::Bool(true) => figures.push(name.to_owned()),
        Value::String(text) if name != "sweep" => figures.push(format!("{name} {text}")),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_sweep_did_is_said_without_its_noughts() {
        let done =
            json!({"sweep": "reconcile", "published": 3, "failed": 0, "course": {"healed": 1, "cases": []}});
        assert_eq!(summary(&done), "healed 1 · published 3");
        assert_eq!(summary(&json!({"freed": 0})), "nothing to do");
    }
}
