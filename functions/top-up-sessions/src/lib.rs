//! The `top-up-sessions` function: refills to seven every window with fewer than three sessions left, and moves sessions whose day was closed,
//! or whose trainer, time or first day was changed.
//! It goes through the allocations in id order, page by page, and commits chunk by chunk.

mod chunk;
mod columns;
mod input;

pub use columns::COLUMNS;
pub use input::{Input, InputError};

use chrono_tz::Tz;
use makegood::clash_rules::ClashRules;
use makegood::clock::Clock;
use makegood::delivery::Deadline;
use makegood::ids::AllocationId;
use makegood::outbox::Publisher;
use makegood::school_days::TeachingDays;
use makegood::session::{Page, next_page};
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

/// The function's name, the dimension of its metrics.
pub const NAME: &str = "top-up-sessions";

/// A window with fewer future sessions than this is refilled (SPEC 3).
pub const REFILL_BELOW: usize = 3;

/// No page is begun with less time left: a chunk that is cut off costs its work.
const TIME_FOR_A_PAGE: Duration = Duration::from_secs(2);

/// Refills windows.
#[derive(Debug)]
pub struct TopUp {
    /// The database, and how events leave it.
    pub publisher: Publisher,
    /// The time.
    pub clock: Clock,
    /// Where the school is.
    pub timezone: Tz,
    /// The days of the week on which it teaches.
    pub teaching_days: TeachingDays,
    /// What it wants where two sessions would be at one time.
    pub clash_rules: ClashRules,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Allocations that got sessions.
    pub allocations: usize,
    /// Sessions added.
    pub sessions: usize,
    /// Sessions moved, handed to another trainer, or cancelled since there is no day for them.
    pub rescheduled: usize,
    /// Transactions committed.
    pub chunks: usize,
    /// Allocations without a trainer or a course, which can't have sessions.
    pub incomplete: usize,
    /// Allocations whose sessions can't be written; each is logged.
    pub failed: usize,
    /// Whether all allocations were looked at.
    pub finished: bool,
    /// Where to go on, when not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume_after: Option<AllocationId>,
}

impl TopUp {
    /// Refills from where the input says, until all allocations were looked at or the time is nearly up. What was
    /// committed stays: a run that begins at the start again passes over full windows, so a lost run loses nothing.
    ///
    /// # Errors
    /// When the database is away. A single allocation that can't be written is logged and passed over.
    pub async fn run(&self, input: Input, deadline: Deadline) -> Result<Report, sqlx::Error> {
        let publish_until = Instant::now() + deadline.remaining() / 2;
        let mut report = Report {
            resume_after: input.resume_after,
            ..Report::default()
        };
        while !report.finished && deadline.remaining() > TIME_FOR_A_PAGE {
            let page = self.next_page(report.resume_after).await?;
            if !self
                .refill(&page.low, deadline, publish_until, &mut report)
                .await?
            {
                break;
            }
            report.incomplete += page.incomplete;
            report.finished = page.last.is_none();
            report.resume_after = page.last;
        }
        tell(&report);
        Ok(report)
    }

    async fn next_page(&self, after: Option<AllocationId>) -> Result<Page, sqlx::Error> {
        let today = self.clock.today(self.timezone);
        let mut connection = self.publisher.database.acquire().await?;
        next_page(&mut connection, after, today, self.teaching_days, REFILL_BELOW).await
    }
}

fn tell(report: &Report) {
    if report.incomplete > 0 {
        tracing::warn!(
            function = NAME,
            allocations = report.incomplete,
            "approved allocations without a trainer or a course have no sessions; complete or cancel them"
        );
    }
    let Report {
        allocations,
        sessions,
        rescheduled,
        chunks,
        finished,
        ..
    } = report;
    tracing::info!(
        function = NAME,
        allocations,
        sessions,
        rescheduled,
        chunks,
        finished,
        "windows refilled"
    );
}
