//! What is missing of an order, in text. Pure, as its other half in `gap` is.

use super::entry::Status;
use super::facts::{JobFacts, OrderFacts};
use super::gap::{GRACE, Gap, GapText, RECONCILE, STALE_JOBS, gap};
use chrono::{DateTime, Utc};

impl GapText<'_> {
    pub(super) fn order(&self, order: &OrderFacts) -> Option<Gap> {
        let paid = match (order.paid_at, order.mismatch_at) {
            (Some(at), _) => format!("paid {}", self.tell(at)),
            (None, Some(at)) => format!("another amount was paid {}", self.tell(at)),
            (None, None) => format!("checkout {}", self.tell(order.created_at)),
        };
        if let Some(case) = order.case.as_ref().filter(|case| case.is_open) {
            return Some(self.case(&paid, case));
        }
        if let Some((made_at, items)) = order.order {
            return self.incomplete_order(order, made_at, items);
        }
        if order.case.is_some() || order.given_back_at.is_some() {
            return None;
        }
        if let Some(paid_at) = order.paid_at {
            return Some(self.no_order(&paid, order.job.as_ref(), paid_at));
        }
        if order.mismatch_at.is_some() {
            return Some(Gap {
                code: "case-missing",
                status: Status::Failed,
                sentence: format!("{paid}, and no case says so"),
                next_step: "compare with the gateway; deliver or refund".to_owned(),
            });
        }
        self.undecided(order)
    }

    fn incomplete_order(&self, order: &OrderFacts, made_at: DateTime<Utc>, items: i64) -> Option<Gap> {
        let made = format!("order made {}", self.tell(made_at));
        if items == 0 {
            return Some(Gap {
                code: "order-without-items",
                status: Status::Failed,
                sentence: format!("{made}, without items"),
                next_step: "compare the order with the intent's items; deliver or refund".to_owned(),
            });
        }
        if let Some(since) = order.held_since {
            return Some(Gap {
                code: "stock-still-reserved",
                status: Status::Missing,
                sentence: format!("{made}, its stock is still reserved since {}", self.tell(since)),
                next_step: "`makegood doctor --only G6`; compare movements and reservations".to_owned(),
            });
        }
        let event = order
            .published
            .as_ref()
            .filter(|event| event.published_at.is_none())?;
        let stuck = self.waiting(event);
        Some(gap(
            "order-not-announced",
            &format!("{made}, not published yet"),
            stuck,
        ))
    }

    fn no_order(&self, paid: &str, job: Option<&JobFacts>, paid_at: DateTime<Utc>) -> Gap {
        match job {
            Some(job) => self.job(&format!("{paid}, no order yet"), job),
            None => Gap {
                code: "no-order",
                status: self.late(paid_at),
                sentence: format!("{paid}, no order yet, no job on record"),
                next_step: RECONCILE.to_owned(),
            },
        }
    }

    pub(super) fn job(&self, before: &str, job: &JobFacts) -> Gap {
        let error = job.last_error.as_deref().unwrap_or("no reason on record");
        let attempts = format!("attempt {} of {}", job.attempts, job.max_attempts);
        let is_over = job.locked_until.is_none_or(|until| until < self.moment.now);
        let (status, text, next_step) = match job.status.as_str() {
            "pending" if job.scheduled_for > self.moment.now => (
                Status::Pending,
                format!(
                    "the job runs again {} ({attempts}): {error}",
                    self.tell(job.scheduled_for)
                ),
                "wait, or fix the cause".to_owned(),
            ),
            "pending" => (
                self.late(job.scheduled_for),
                format!(
                    "the job is due since {} and no worker took it",
                    self.tell(job.scheduled_for)
                ),
                STALE_JOBS.to_owned(),
            ),
            "processing" if is_over => (
                Status::Missing,
                format!(
                    "the job's worker died: its lease ended {}",
                    self.tell(job.locked_until.unwrap_or(job.updated_at))
                ),
                STALE_JOBS.to_owned(),
            ),
            "processing" => (
                Status::Pending,
                format!("the job is running ({attempts})"),
                "wait".to_owned(),
            ),
            "completed" => (
                Status::Failed,
                format!("though the job completed {}", self.tell(job.updated_at)),
                RECONCILE.to_owned(),
            ),
            ended => (
                Status::Failed,
                format!(
                    "the job {} {}: {error}",
                    ended_words(ended),
                    self.tell(job.updated_at)
                ),
                format!("fix the cause, then `makegood jobs retry {} --reason …`", job.id),
            ),
        };
        Gap {
            code: "no-order",
            status,
            sentence: format!("{before}, {text}"),
            next_step,
        }
    }

    /// It is not paid, as far as the gateway told us.
    fn undecided(&self, order: &OrderFacts) -> Option<Gap> {
        let expired = order.expires_at.filter(|at| self.moment.now - *at > GRACE);
        let begun = format!("checkout {}", self.tell(order.created_at));
        match (order.intent.as_str(), expired) {
            ("pending" | "processing", Some(at)) => Some(Gap {
                code: "undecided",
                status: Status::Missing,
                sentence: format!(
                    "{begun}, ended {}, and the gateway has given no final answer",
                    self.tell(at)
                ),
                next_step: RECONCILE.to_owned(),
            }),
            (status, _) => order.held_since.map(|since| Gap {
                code: "stock-still-reserved",
                status: Status::Missing,
                sentence: format!(
                    "{begun}, {status}, and its stock is still reserved since {}",
                    self.tell(since)
                ),
                next_step: "invoke `sweep` with {\"sweep\": \"reservations\"}".to_owned(),
            }),
        }
    }
}

fn ended_words(status: &str) -> &str {
    if status == "cancelled" {
        "was cancelled"
    } else {
        status
    }
}
