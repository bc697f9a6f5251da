//! Watches a run until everything has settled: bars on a terminal, one line a second elsewhere.

use crate::cache::SeededPages;
use anyhow::Result;
use chrono::{DateTime, Utc};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use sqlx::PgPool;
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use uuid::Uuid;

const LOOK_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Whom a run is about.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    pub(crate) students: Vec<Uuid>,
    pub(crate) references: Vec<String>,
    pub(crate) began: DateTime<Utc>,
}

/// How far a run has come, in rows and keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Progress {
    pub(crate) paid: i64,
    pub(crate) purchases: i64,
    pub(crate) allocated: i64,
    pub(crate) waiting: i64,
    pub(crate) calendars: i64,
    pub(crate) sessions: i64,
    pub(crate) events: i64,
    pub(crate) unpublished: i64,
    pub(crate) parked: i64,
    pub(crate) surplus: i64,
    pub(crate) pages_left: i64,
}

/// What a run must come to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) payments: i64,
    pub(crate) students: i64,
    pub(crate) pages: i64,
    pub(crate) may_wait: i64,
}

impl Goal {
    /// Whether nothing is left to happen. An event that is still in the outbox though what follows from it is there has
    /// been sent and not marked: the sweep's business, not worth a minute of waiting.
    pub(crate) fn is_reached(&self, progress: &Progress) -> bool {
        progress.paid == self.payments
            && progress.purchases == self.students
            && progress.surplus == self.payments - self.students
            && progress.waiting <= self.may_wait
            && progress.allocated + progress.waiting == self.students
            && progress.calendars == progress.allocated
            && progress.pages_left == 0
    }
}

/// How far it has come now.
pub(crate) async fn progress(pool: &PgPool, subject: &Subject, pages: &mut SeededPages) -> Result<Progress> {
    let row = sqlx::query_file!(
        "src/sql/progress.sql",
        &subject.students,
        subject.began,
        &subject.references
    );
    let row = row.fetch_one(pool).await?;
    Ok(Progress {
        paid: row.paid,
        purchases: row.purchases,
        allocated: row.allocated,
        waiting: row.waiting,
        calendars: row.calendars,
        sessions: row.sessions,
        events: row.events,
        unpublished: row.unpublished,
        parked: row.parked,
        surplus: row.surplus,
        pages_left: i64::try_from(pages.left().await?)?,
    })
}

/// Watches until the goal is reached, or nothing has moved for `patience`; true when it was reached.
pub(crate) async fn until_settled(
    pool: &PgPool,
    subject: &Subject,
    pages: &mut SeededPages,
    goal: Goal,
    patience: Duration,
) -> Result<(Progress, bool)> {
    let mut display = Display::for_goal(goal);
    let mut latest = Progress::default();
    let mut moved = Instant::now();
    loop {
        let progress = progress(pool, subject, pages).await?;
        if progress != latest {
            moved = Instant::now();
            latest = progress;
        }
        let settled = goal.is_reached(&latest);
        display.show(&latest, goal, settled);
        if settled || moved.elapsed() > patience {
            return Ok((latest, settled));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

enum Display {
    Bars(Box<[ProgressBar; 5]>),
    Lines { began: Instant, last: Option<Instant> },
}

impl Display {
    fn for_goal(goal: Goal) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines {
                began: Instant::now(),
                last: None,
            };
        }
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template("  {prefix:<10} {bar:40.green} {pos:>6}/{len} {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = |(prefix, length): (&'static str, i64)| {
            let bar = ProgressBar::new(u64::try_from(length).unwrap_or(0))
                .with_style(style.clone())
                .with_prefix(prefix);
            all.add(bar)
        };
        let of = goal.students;
        let stages = [
            ("payments", goal.payments),
            ("purchases", of),
            ("trainers", of),
            ("sessions", of),
            ("caches", goal.pages),
        ];
        Self::Bars(Box::new(stages.map(bar)))
    }

    fn show(&mut self, progress: &Progress, goal: Goal, last_look: bool) {
        match self {
            Self::Bars(bars) => {
                let cleared = goal.pages - progress.pages_left;
                let positions = [
                    progress.paid,
                    progress.purchases,
                    progress.allocated,
                    progress.calendars,
                    cleared,
                ];
                for (bar, position) in bars.iter().zip(positions) {
                    bar.set_position(u64::try_from(position).unwrap_or(0));
                }
                bars[2].set_message(waiting_note(progress));
                bars[3].set_message(format!("calendars, {} sessions", progress.sessions));
                if last_look {
                    bars.iter().for_each(ProgressBar::abandon);
                }
            }
            Self::Lines { began, last } => {
                if last_look || last.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
                    *last = Some(Instant::now());
                    eprintln!("{}", line(progress, goal, began.elapsed()));
                }
            }
        }
    }
}

fn line(progress: &Progress, goal: Goal, elapsed: Duration) -> String {
    format!(
        "{:>4} s  paid {}/{} → purchases {}/{} → trainers {}{} → calendars {} ({} sessions) → caches {}/{}  parked {}",
        elapsed.as_secs(),
        progress.paid,
        goal.payments,
        progress.purchases,
        goal.students,
        progress.allocated,
        waiting_note(progress),
        progress.calendars,
        progress.sessions,
        goal.pages - progress.pages_left,
        goal.pages,
        progress.parked,
    )
}

fn waiting_note(progress: &Progress) -> String {
    if progress.waiting == 0 {
        String::new()
    } else {
        format!(" (+{} waiting)", progress.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAL: Goal = Goal {
        payments: 40,
        students: 39,
        pages: 78,
        may_wait: 0,
    };

    fn done() -> Progress {
        Progress {
            paid: 40,
            purchases: 39,
            allocated: 39,
            calendars: 39,
            sessions: 273,
            surplus: 1,
            ..Progress::default()
        }
    }

    #[test]
    fn settled_means_that_every_stage_is_through() {
        assert!(GOAL.is_reached(&done()));
        for unfinished in [
            Progress { paid: 39, ..done() },
            Progress {
                purchases: 38,
                ..done()
            },
            Progress {
                purchases: 40,
                ..done()
            },
            Progress { surplus: 0, ..done() },
            Progress {
                allocated: 38,
                calendars: 38,
                ..done()
            },
            Progress {
                allocated: 38,
                calendars: 38,
                waiting: 1,
                ..done()
            },
            Progress {
                calendars: 38,
                ..done()
            },
            Progress {
                pages_left: 1,
                ..done()
            },
        ] {
            assert!(!GOAL.is_reached(&unfinished), "{unfinished:?}");
        }
    }

    #[test]
    fn one_may_wait_for_a_trainer_where_that_was_asked_for() {
        let waiting = Progress {
            allocated: 38,
            calendars: 38,
            waiting: 1,
            ..done()
        };
        assert!(Goal { may_wait: 1, ..GOAL }.is_reached(&waiting));
    }
}
