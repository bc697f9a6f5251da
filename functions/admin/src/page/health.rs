//! Health at a glance: what waits now, and how it went over the last day or week.

use super::frame::{Section, page as framed};
use super::parts;
use super::plot::{Line, Plot};
use super::text::{count, millis, span};
use crate::http::{Answer, Asked, Form};
use crate::sweeps::is_silent;
use crate::visit::{Fault, Visit};
use chrono::TimeDelta;
use makegood::health::{Gauges, SweepRun};
use maud::{Markup, html};
use operate::health::{Health, Latency, Range, Series, history, latest_runs};

pub const FIELDS: [&str; 1] = ["range"];

pub async fn page(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let range = query.one_of("range", range_of, &["day", "week"]);
    super::understood(&query)?;
    let range = range.unwrap_or(Range::Day);
    let mut connection = visit.admin.database.acquire().await?;
    let health = history(&mut connection, range, visit.now).await?;
    let runs = latest_runs(&mut connection).await?;
    drop(connection);
    let tiles = tiles(&health.now);
    let needs_an_operator =
        |run: &SweepRun| run.error.is_some() || is_silent(&run.sweep, run.started_at, visit.now);
    let is_calm = !tiles.iter().any(|tile| tile.is_alarming) && !runs.iter().any(needs_an_operator);
    let body = html! {
        h1 { "Health" }
        (tiles_of(&tiles))
        section aria-label="What to do next" {
            ul.links {
                li { a.button href="/admin/doctor" { "Check every guarantee" } }
                @if is_calm { li { (parts::badge(parts::Tone::Good, "calm")) " Nothing needs you now." } }
                @for run in runs.iter().filter(|run| run.error.is_some()) { li { (failed_sweep(visit, run)) } }
                @for run in runs.iter().filter(|run| is_silent(&run.sweep, run.started_at, visit.now)) { li { (silent_sweep(visit, run)) } }
            }
        }
        (ranges(range))
        section.plots aria-label="Over time" {
            @for latency in &health.latency { (latency_plot(visit, latency)) }
            @for series in &health.gauges { @if let Some(title) = gauge_title(series.name) { (gauge_plot(visit, series, title)) } }
            @for series in &health.throughput { (throughput_plot(visit, &health, series)) }
        }
    };
    Ok(framed(visit, Section::Health, "Health", &body))
}

fn range_of(name: &str) -> Option<Range> {
    match name {
        "day" => Some(Range::Day),
        "week" => Some(Range::Week),
        _ => None,
    }
}

fn failed_sweep(visit: &Visit<'_>, run: &SweepRun) -> Markup {
    html! { (parts::badge(parts::Tone::Bad, "failed")) " the sweep " a href="/admin/sweeps" { (run.sweep) } " " (parts::when(visit, run.started_at)) }
}

fn silent_sweep(visit: &Visit<'_>, run: &SweepRun) -> Markup {
    html! { (parts::badge(parts::Tone::Bad, "silent")) " the sweep " a href="/admin/sweeps" { (run.sweep) } ", last " (parts::when(visit, run.started_at)) }
}

fn ranges(range: Range) -> Markup {
    let choice = |value: Range, address: &str, name: &str| html! { a href=(address) aria-current=[(value == range).then_some("true")] { (name) } };
    html! {
        nav.ranges aria-label="Range" {
            (choice(Range::Day, "/admin/health", "Last 24 hours"))
            (choice(Range::Week, "/admin/health?range=week", "Last 7 days"))
        }
    }
}

/// One figure, what it is, and where its rows are. A person has to act on the first kind, wait on the second.
struct Tile {
    value: String,
    name: &'static str,
    notes: Vec<String>,
    address: String,
    is_alarming: bool,
}

fn tiles(now: &Gauges) -> [Tile; 6] {
    let oldest = |seconds: i64| {
        let note = (seconds > 0).then(|| format!("oldest {}", span(TimeDelta::seconds(seconds))));
        Vec::from_iter(note)
    };
    // Who has just fixed one must not think that it did not help.
    let sampled = (now.paid_unfulfilled > 0).then(|| "counted each minute".to_owned());
    let list = |path: &str, name: &str, value: &str| parts::address(path, &Form::default().with(name, value));
    let tile = |value: i64, name, notes, address, is_alarming| Tile {
        value: count(value),
        name,
        notes,
        address,
        is_alarming,
    };
    [
        tile(
            now.paid_unfulfilled,
            "Paid, not fulfilled",
            [
                oldest(now.paid_unfulfilled_oldest_seconds),
                Vec::from_iter(sampled),
            ]
            .concat(),
            "/admin/doctor".to_owned(),
            now.paid_unfulfilled > 0,
        ),
        tile(
            now.parked,
            "Dead letters parked",
            Vec::new(),
            list("/admin/dead-letters", "status", "parked"),
            now.parked > 0,
        ),
        tile(
            now.cases_open,
            "Cases open",
            Vec::new(),
            list("/admin/cases", "status", "open"),
            now.cases_open > 0,
        ),
        tile(
            now.outbox_backlog,
            "Events to publish",
            oldest(now.outbox_oldest_seconds),
            "/admin/outbox".to_owned(),
            now.outbox_oldest_seconds > 300,
        ),
        tile(
            now.jobs_open,
            "Jobs due or running",
            Vec::new(),
            list("/admin/jobs", "status", "pending"),
            false,
        ),
        tile(
            now.allocations_pending,
            "Waiting for a trainer",
            Vec::new(),
            "/admin/doctor".to_owned(),
            false,
        ),
    ]
}

fn tiles_of(tiles: &[Tile]) -> Markup {
    html! {
        ul.tiles {
            @for tile in tiles {
                li {
                    a href=(tile.address) data-alarm[tile.is_alarming] {
                        span.value { (tile.value) }
                        span.name { (tile.name) }
                        span.note { @if tile.is_alarming { span { "▲ needs you" } " " } @for note in &tile.notes { span { (note) } " " } }
                    }
                }
            }
        }
    }
}

fn latency_plot(visit: &Visit<'_>, latency: &Latency) -> Markup {
    let title = match latency.name {
        "payment_to_purchase" => "From payment to purchase",
        "payment_to_order" => "From payment to order",
        other => other,
    };
    let plot = Plot {
        title,
        at: latency.points.iter().map(|point| point.at).collect(),
        lines: vec![
            Line {
                name: "p95",
                values: latency.points.iter().map(|point| point.p95_millis).collect(),
            },
            Line {
                name: "median",
                values: latency.points.iter().map(|point| point.p50_millis).collect(),
            },
        ],
        write: millis,
    };
    plot.lines(visit)
}

/// The gauges that are worth a plot.
fn gauge_title(name: &str) -> Option<&'static str> {
    match name {
        "paid_unfulfilled" => Some("Paid, not fulfilled"),
        "parked" => Some("Dead letters parked"),
        "outbox_backlog" => Some("Events to publish"),
        "jobs_open" => Some("Jobs due or running"),
        "allocations_pending" => Some("Waiting for a trainer"),
        "cases_open" => Some("Cases open"),
        _ => None,
    }
}

fn gauge_plot(visit: &Visit<'_>, series: &Series, title: &str) -> Markup {
    of_series(series, title).lines(visit)
}

fn throughput_plot(visit: &Visit<'_>, health: &Health, series: &Series) -> Markup {
    let what = match series.name {
        "payments" => "Payments",
        "purchases" => "Purchases",
        "allocations" => "Allocations",
        "sessions" => "Sessions",
        "orders" => "Orders",
        other => other,
    };
    let title = format!("{what} per {}", span(health.range.step()));
    of_series(series, &title).bars(visit)
}

fn of_series<'a>(series: &Series, title: &'a str) -> Plot<'a> {
    Plot {
        title,
        at: series.points.iter().map(|point| point.at).collect(),
        lines: vec![Line {
            name: title,
            values: series.points.iter().map(|point| point.value).collect(),
        }],
        write: count,
    }
}
