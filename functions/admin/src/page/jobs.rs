//! Jobs: listed, shown, retried, cancelled.

use super::frame::{Section, page as framed};
use super::parts::{self, Change, Empty, REASON, Tone};
use crate::http::{Answer, Asked};
use crate::visit::{Fault, Visit};
use makegood::job::{JobId, JobType};
use maud::{Markup, html};
use operate::job::{self, JobFilter, JobRow, JobStatus};
use uuid::Uuid;

const PATH: &str = "/admin/jobs";
const EMPTY: Empty<'_> = Empty {
    calm: "No job yet. The first one comes with the first paid order.",
    waiting: ("failed", "No job has failed, so none waits for you here."),
    filtered: "No job is like that.",
};
pub const FIELDS: [&str; 4] = ["status", "type", "intent", "after"];

pub async fn list(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let mut query = Asked::of(&visit.request.query, &FIELDS);
    let states = JobStatus::ALL.map(JobStatus::wire_name);
    let filter = JobFilter {
        status: query.one_of("status", JobStatus::from_wire_name, &states),
        job_type: query.words("type"),
        payment_intent_id: query.words("intent"),
    };
    let place = super::place(&mut query);
    if !query.wrong().is_empty() {
        let filter = parts::filter(PATH, &fields(&query));
        return Ok(super::refused(visit, Section::Jobs, "Jobs", &filter, &query));
    }
    let mut connection = visit.admin.database.acquire().await?;
    let page = job::list(&mut connection, &filter, &place).await?;
    drop(connection);
    let rows: Vec<_> = page.items.iter().map(|job| row(visit, job)).collect();
    let body = html! {
        h1 { "Jobs" }
        (parts::filter(PATH, &fields(&query)))
        @if rows.is_empty() { (parts::empty(PATH, &query, &EMPTY)) }
        @else { (parts::table("Jobs", &["Job", "State", "Tried", "Asked for", "About", "Last error"], &rows)) }
        (parts::pager(PATH, &query, page.next.map(|next| next.to_string())))
    };
    Ok(framed(visit, Section::Jobs, "Jobs", &body))
}

fn fields(query: &Asked) -> Markup {
    let states = JobStatus::ALL.map(|status| (status.wire_name(), status.wire_name()));
    let types = JobType::ALL.map(|job_type| (job_type.wire_name(), job_type.wire_name()));
    html! {
        (parts::choice(query, "status", "State", &states))
        (parts::choice(query, "type", "Type", &types))
        (parts::field(query, "intent", "Payment intent"))
    }
}

fn badge(status: JobStatus) -> Markup {
    let look = match status {
        JobStatus::Pending => Tone::Waiting,
        JobStatus::Processing => Tone::Busy,
        JobStatus::Completed => Tone::Good,
        JobStatus::Failed => Tone::Bad,
        JobStatus::Cancelled => Tone::Over,
    };
    parts::badge(look, status.wire_name())
}

fn row(visit: &Visit<'_>, job: &JobRow) -> Vec<Markup> {
    vec![
        html! { a href=(format!("{PATH}/{}", job.id)) { (parts::whole(&job.job_type)) } },
        badge(job.status),
        html! { span.whole { (job.attempts) " of " (job.max_attempts) } },
        parts::when(visit, job.created_at),
        html! { @match job.payment_intent_id() { Some(intent) => { (parts::find_short(intent)) } None => { span.none { "—" } } } },
        html! { span.clip { (job.last_error.as_deref().unwrap_or_default()) } },
    ]
}

pub async fn one(visit: &Visit<'_>, id: Uuid) -> Result<Answer, Fault> {
    let mut connection = visit.admin.database.acquire().await?;
    let found = job::show(&mut connection, JobId(id)).await?;
    drop(connection);
    let job = found.ok_or(Fault::NotFound("job"))?;
    let body = html! {
        p.trail { a href=(PATH) { "Jobs" } }
        h1 { (job.job_type) " " (badge(job.status)) }
        @if let Some(error) = &job.last_error { p.panel.reason { (error) } }
        div.split {
            section aria-label="What is known" { (facts(visit, &job)) h2 { "Parameters" } (parts::json(&job.payload)) }
            @if visit.may_act() { section aria-label="What can be done" { (changes(visit, &job)) } }
        }
    };
    Ok(framed(visit, Section::Jobs, &format!("Job {id}"), &body))
}

fn facts(visit: &Visit<'_>, job: &JobRow) -> Markup {
    let at = |at: Option<chrono::DateTime<chrono::Utc>>| html! { @match at { Some(at) => { (parts::when(visit, at)) } None => { span.none { "—" } } } };
    parts::facts(&[
        ("Id", html! { span.id { (job.id) } }),
        (
            "Tried",
            html! { (job.attempts) " of " (job.max_attempts) " times" },
        ),
        (
            "About",
            html! { @match job.payment_intent_id() { Some(intent) => { (parts::find(intent)) } None => { span.none { "—" } } } },
        ),
        ("Asked for", at(Some(job.created_at))),
        ("Runs from", at(Some(job.scheduled_for))),
        ("Worker", parts::or_dash(job.locked_by.as_deref())),
        ("Its lease ends", at(job.locked_until)),
        ("Completed", at(job.completed_at)),
        ("Failed", at(job.failed_at)),
        ("Priority", html! { (job.priority) }),
        (
            "Idempotency key",
            html! { span.id { (parts::or_dash(job.idempotency_key.as_deref())) } },
        ),
        ("On the record", parts::audit_of(&JobId(job.id).subject())),
        (
            "What it means",
            parts::runbook(visit, "a-job-failed-or-no-worker-takes-it", "Runbook"),
        ),
    ])
}

fn changes(visit: &Visit<'_>, job: &JobRow) -> Markup {
    let to = |action: &str| format!("{PATH}/{}/{action}", job.id);
    match job.status {
        JobStatus::Failed | JobStatus::Cancelled => Change {
            action: to("retry"),
            title: "Retry",
            hint: "Fix first what the error names. Then it becomes runnable at once, with three more attempts.",
            more: html! {},
            reason: REASON,
            button: "Retry this job",
            destructive: false,
        }
        .form(visit),
        JobStatus::Pending => Change {
            action: to("cancel"),
            title: "Cancel",
            hint: "If the buyer has paid, a case is opened, so that the payment does not vanish.",
            more: html! {},
            reason: REASON,
            button: "Cancel this job",
            destructive: true,
        }
        .form(visit),
        JobStatus::Processing => {
            parts::nothing("A worker has it. What it does decides; look again when its lease has ended.")
        }
        JobStatus::Completed => parts::nothing("It is done; there is nothing left to do."),
    }
}
