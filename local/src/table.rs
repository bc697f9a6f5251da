//! What a run came to, as a table.

use crate::outcome::Answers;
use crate::traffic::Traffic;
use crate::watch::{Goal, Progress, Subject};
use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use sqlx::PgPool;

/// What the table shows beside the progress.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// Open cases by kind.
    pub(crate) cases: Vec<(String, i64)>,
    /// From payment to sessions: p50, p95 and the longest, in milliseconds; none without any.
    pub(crate) durations: Option<[i64; 3]>,
}

/// Reads cases and durations of this run.
pub(crate) async fn figures(pool: &PgPool, subject: &Subject) -> Result<Figures> {
    let cases = sqlx::query!(
        r#"SELECT kind, count(*) AS "number!" FROM payment_cases
           WHERE subject = ANY($1) OR payment_id IN (SELECT id FROM payments WHERE provider_payment_id = ANY($1))
           GROUP BY kind ORDER BY kind"#,
        &subject.references,
    );
    let cases = cases
        .fetch_all(pool)
        .await?
        .into_iter()
        .map(|row| (row.kind, row.number))
        .collect();
    let durations = sqlx::query_file!("src/sql/durations.sql", &subject.students)
        .fetch_one(pool)
        .await?;
    let durations = match (durations.p50, durations.p95, durations.longest) {
        (Some(p50), Some(p95), Some(longest)) => Some([p50, p95, longest]),
        _ => None,
    };
    Ok(Figures { cases, durations })
}

/// The table.
pub(crate) fn render(
    traffic: &Traffic,
    answers: &Answers,
    progress: &Progress,
    goal: Goal,
    figures: &Figures,
) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    let sent = format!(
        "{}, {} of them twice, 1 forged, 1 malformed",
        traffic.payments(),
        traffic.repeats()
    );
    let answered = format!(
        "200 recorded {} · 200 duplicate {} · 401 {} · 200 held {} · other {}{}",
        answers.recorded,
        answers.duplicates,
        answers.unauthorized,
        answers.held,
        answers.unexpected.len(),
        if answers.tried_again == 0 {
            String::new()
        } else {
            format!(" · sent again {}", answers.tried_again)
        },
    );
    for (name, value) in [
        ("payments sent", sent),
        ("answers", answered),
        ("payments recorded", progress.paid.to_string()),
        ("purchases", progress.purchases.to_string()),
        (
            "allocations",
            format!("approved {} · pending {}", progress.allocated, progress.waiting),
        ),
        (
            "sessions",
            format!("{} on {} calendars", progress.sessions, progress.calendars),
        ),
        (
            "cached pages",
            format!("{} cleared of {}", goal.pages - progress.pages_left, goal.pages),
        ),
        ("events", events(progress)),
        ("parked messages", progress.parked.to_string()),
        ("payment cases", cases(&figures.cases)),
        ("payment to sessions", durations(figures.durations)),
    ] {
        table.add_row([name.to_owned(), value]);
    }
    table.to_string()
}

fn events(progress: &Progress) -> String {
    format!(
        "{} written · {} left to the sweep",
        progress.events, progress.unpublished
    )
}

fn cases(by_kind: &[(String, i64)]) -> String {
    if by_kind.is_empty() {
        return "none".to_owned();
    }
    by_kind
        .iter()
        .map(|(kind, number)| format!("{kind} {number}"))
        .collect::<Vec<_>>()
        .join(" · ")
}

fn durations(millis: Option<[i64; 3]>) -> String {
    match millis {
        Some([p50, p95, longest]) => format!("p50 {p50} ms · p95 {p95} ms · max {longest} ms"),
        None => "none".to_owned(),
    }
}
