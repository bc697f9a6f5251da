//! One run: seeds the caches, sends the payments, watches them go through, and checks what was promised.

use crate::cache::SeededPages;
use crate::outcome::Answers;
use crate::send::Sender;
use crate::settings::Settings;
use crate::stubs::{Running, let_one_wait};
use crate::traffic::{Kind, Message, PRICE_MINOR, TIERS, Traffic};
use crate::watch::{Goal, Progress, Subject, until_settled};
use crate::{course_stories, guarantees, shop, table};
use anyhow::{Context, Result};
use clap::Args;
use makegood::clock::Clock;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::time::Duration;
use uuid::Uuid;

/// What a run is asked for.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// How many payments to send to the school, the last for a course that its student owns already; 0 leaves the school out.
    #[arg(long, default_value_t = 40)]
    pub payments: usize,
    /// How many buyers come to the shop, besides three with a story of their own; 0 leaves the shop out.
    #[arg(long, default_value_t = 24)]
    pub buyers: usize,
    /// Leave the stubs running afterwards, beside a stack that is kept up.
    #[arg(long)]
    pub keep: bool,
    /// Let one payment meet an admin service where no trainer is free.
    #[arg(long)]
    pub pending: bool,
    /// Whether to tell of students whose money does not simply buy a course, too: a wrong price, a refund, a renewal, an order, parts,
    /// two children.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set)]
    pub stories: bool,
    /// How many messages are under way at once.
    #[arg(long, default_value_t = 4)]
    pub at_once: usize,
    /// For how many seconds nothing may move before the run fails; the sweeps run each minute.
    #[arg(long, default_value_t = 100)]
    pub patience: u64,
}

/// Runs it and prints what came of it; true when all was promised and kept.
///
/// # Errors
/// When the stack can't be reached.
pub async fn run(settings: &Settings, options: &Options, clock: Clock) -> Result<bool> {
    let pool = PgPoolOptions::new()
        .max_connections(4)
        .connect(&settings.database_url)
        .await;
    let pool = pool.context("the stack's database does not answer; see local/stack/status.sh")?;
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(30))
        .build()?;
    let _stubs = Running::ensure_all(&settings.outside, options.keep).await?;
    let course = options.payments == 0 || teach(settings, options, &pool, &http, clock).await?;
    if options.buyers == 0 {
        return Ok(course);
    }
    let wanted = shop::Wanted {
        buyers: options.buyers,
        at_once: options.at_once.max(1),
        patience: Duration::from_secs(options.patience),
    };
    let broken = shop::run(settings, wanted, &pool, clock).await?;
    Ok(course && broken.is_empty())
}

/// The course pipeline's half.
async fn teach(
    settings: &Settings,
    options: &Options,
    pool: &PgPool,
    http: &reqwest::Client,
    clock: Clock,
) -> Result<bool> {
    let traffic = Traffic::plan(Uuid::new_v4(), options.payments);
    if options.pending {
        let_one_wait(settings.outside.admin_port, http).await?;
    }
    price(&traffic, pool).await?;
    let subject = subject_of(&traffic, pool).await?;
    let mut pages = SeededPages::seed(&settings.redis_url, &subject.students).await?;
    let goal = goal_of(&traffic, &pages, options)?;

    let sender = Sender {
        settings,
        http: http.clone(),
        at_once: options.at_once.max(1),
        clock,
    };
    let patience = Duration::from_secs(options.patience);
    let (answers, watched) = tokio::join!(
        send(&sender, &traffic),
        until_settled(pool, &subject, &mut pages, goal, patience)
    );
    let (progress, settled) = watched?;
    let kept = report(
        pool,
        &subject,
        &Sent { traffic, answers },
        &progress,
        goal,
        settled,
    )
    .await?;
    if !options.stories {
        return Ok(kept);
    }
    let stories = course_stories::tell(settings, patience, pool, &sender).await?;
    stories.iter().for_each(|promise| println!("{}", promise.line()));
    Ok(kept && stories.iter().all(guarantees::Promise::is_kept))
}

/// What the school's own office enters: every course of the run in every tier.
async fn price(traffic: &Traffic, pool: &PgPool) -> Result<()> {
    sqlx::query!(
        "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
         SELECT course, tier, 'INR', $3, 'epoch' FROM unnest($1::uuid[]) course, unnest($2::int[]) tier
         ON CONFLICT DO NOTHING",
        &traffic.courses,
        &TIERS,
        PRICE_MINOR,
    )
    .execute(pool)
    .await?;
    Ok(())
}

struct Sent {
    traffic: Traffic,
    answers: Answers,
}

/// First all but the surplus payment, then that one: its student then owns the course, or is about to.
async fn send(sender: &Sender<'_>, traffic: &Traffic) -> Answers {
    let (later, first): (Vec<Message>, Vec<Message>) = traffic
        .messages
        .iter()
        .cloned()
        .partition(|message| message.kind == Kind::Surplus);
    let answers = sender.send_all(&first).await;
    answers.with(sender.send_all(&later).await)
}

async fn subject_of(traffic: &Traffic, pool: &PgPool) -> Result<Subject> {
    let began = sqlx::query_scalar!(r#"SELECT now() AS "now!""#)
        .fetch_one(pool)
        .await?;
    Ok(Subject {
        students: traffic.students(),
        references: traffic.references(),
        began,
    })
}

fn goal_of(traffic: &Traffic, pages: &SeededPages, options: &Options) -> Result<Goal> {
    Ok(Goal {
        payments: i64::try_from(traffic.payments())?,
        students: i64::try_from(traffic.students().len())?,
        pages: i64::try_from(pages.seeded())?,
        may_wait: i64::from(options.pending),
    })
}

async fn report(
    pool: &PgPool,
    subject: &Subject,
    sent: &Sent,
    progress: &Progress,
    goal: Goal,
    settled: bool,
) -> Result<bool> {
    let figures = table::figures(pool, subject).await?;
    println!(
        "{}",
        table::render(&sent.traffic, &sent.answers, progress, goal, &figures)
    );
    let mut promises = guarantees::ask(pool, subject, &sent.traffic.strangers()).await?;
    promises.push(guarantees::answered(&sent.answers, &sent.traffic));
    for promise in &promises {
        println!("{}", promise.line());
    }
    sent.answers
        .unexpected
        .iter()
        .take(10)
        .for_each(|line| println!("  {line}"));
    if !settled {
        say_what_is_stuck(pool, subject, progress, goal).await?;
    }
    Ok(settled && promises.iter().all(guarantees::Promise::is_kept))
}

async fn say_what_is_stuck(pool: &PgPool, subject: &Subject, progress: &Progress, goal: Goal) -> Result<()> {
    println!("✗ It did not settle:");
    let unrecorded = goal.payments - progress.paid;
    if unrecorded > 0 {
        println!("  {unrecorded} payments were never recorded; see the log of receive-payment");
    }
    for row in sqlx::query_file!("src/sql/stuck.sql", &subject.students)
        .fetch_all(pool)
        .await?
    {
        let function = function_behind(&row.waits_for);
        println!(
            "  {} ({}) waits for its {}; see the log of {function}, its queue and its dead-letter queue",
            row.reference, row.payment_id, row.waits_for
        );
    }
    if progress.pages_left > 0 {
        println!(
            "  {} pages are still cached; see the log of invalidate-cache",
            progress.pages_left
        );
    }
    if progress.unpublished > 0 {
        println!(
            "  {} events are still in the outbox; see the log of sweep",
            progress.unpublished
        );
    }
    if progress.parked > 0 {
        println!(
            "  {} messages were parked: SELECT failure_reason FROM dead_letters ORDER BY parked_at DESC",
            progress.parked
        );
    }
    Ok(())
}

fn function_behind(waits_for: &str) -> &'static str {
    match waits_for {
        "purchase" => "create-purchase",
        "sessions" => "schedule-sessions",
        _ => "allocate-trainer",
    }
}
