//! What is missing, in words. Pure: what the rows say goes in, a sentence comes out.

use super::entry::{EntryKind, Status};
use super::words::Moment;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use uuid::Uuid;

/// What is younger is under way, not missing: reconcile leaves it alone for as long (SPEC 4).
const GRACE: TimeDelta = TimeDelta::minutes(2);
/// `top-up-sessions` refills windows with fewer sessions ahead (SPEC 3).
const REFILL_BELOW: i64 = 3;

const RECONCILE: &str = "invoke `sweep` with {\"sweep\": \"reconcile\"}";
const SWEEP_OUTBOX: &str = "mend what it says, then invoke `sweep` with {\"sweep\": \"outbox\"}";
const STALE_JOBS: &str = "invoke `sweep` with {\"sweep\": \"stale-jobs\"}";

/// What is missing, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Stable, for scripts.
    pub code: &'static str,
    /// Pending while it comes by itself, failed when a person must look, else missing.
    pub status: Status,
    /// In words, such as `paid 12:01:03, no purchase yet, event parked 12:01:05: <reason>`. May hold a failure's reason.
    pub sentence: String,
    /// A command, or whom to ask.
    pub next_step: String,
}

/// A payment case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseSight {
    /// Its id.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Whether it waits for a person.
    pub is_open: bool,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
}

/// A dead letter that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterSight {
    /// Its id.
    pub id: Uuid,
    /// Since when.
    pub parked_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// An event in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSight {
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// When it left.
    pub published_at: Option<DateTime<Utc>>,
    /// How often it was tried.
    pub attempts: i32,
    /// What the queue said last.
    pub last_error: Option<String>,
}

/// How far an event has come on its way to the next stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hop {
    /// It waits for a person.
    pub parked: Option<LetterSight>,
    /// It is in the outbox.
    pub event: Option<EventSight>,
    /// It was marked as processed.
    pub marked: bool,
}

/// The allocation that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllocationSight {
    /// The column `status`.
    pub status: String,
    /// Since when it is so.
    pub since: DateTime<Utc>,
    /// Scheduled sessions from today on.
    pub ahead: i64,
    /// Sessions that were not cancelled.
    pub used: i64,
    /// Sessions bought.
    pub bought: i64,
}

/// What the rows of a course payment say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CourseSight {
    /// `payments.status`; none when it is not on record.
    pub payment: Option<String>,
    /// When the money was received.
    pub paid_at: Option<DateTime<Utc>>,
    /// The payment names no course, or one that is no UUID.
    pub course_unreadable: bool,
    /// The case about it: an open one before a resolved one.
    pub case: Option<CaseSight>,
    /// When its purchase was made, and whether it is active.
    pub purchase: Option<(DateTime<Utc>, bool)>,
    /// The allocation that counts.
    pub allocation: Option<AllocationSight>,
    /// `PURCHASE_CONFIRMED`.
    pub confirmed: Hop,
    /// `PURCHASE_CREATED`.
    pub created: Hop,
    /// `TRAINER_ALLOCATED`.
    pub allocated: Hop,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSight {
    /// Its id.
    pub id: Uuid,
    /// The column `status`.
    pub status: String,
    /// How often it was tried.
    pub attempts: i32,
    /// After how many attempts it fails.
    pub max_attempts: i32,
    /// When it may run.
    pub scheduled_for: DateTime<Utc>,
    /// Until when its worker holds it.
    pub locked_until: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// Why it failed last.
    pub last_error: Option<String>,
}

/// What the rows of a payment intent say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderSight {
    /// `payment_intents.status`.
    pub intent: String,
    /// When the checkout began.
    pub created_at: DateTime<Utc>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the gateway called it paid.
    pub paid_at: Option<DateTime<Utc>>,
    /// When the gateway named another amount.
    pub mismatch_at: Option<DateTime<Utc>>,
    /// The case about it: an open one before a resolved one.
    pub case: Option<CaseSight>,
    /// When the order was made, and its items.
    pub order: Option<(DateTime<Utc>, i64)>,
    /// The latest `finalize_order`.
    pub job: Option<JobSight>,
    /// `ORDER_CONFIRMED`.
    pub announced: Option<EventSight>,
    /// Since when a reservation should no longer hold stock, and does.
    pub held_since: Option<DateTime<Utc>>,
}

/// What the rows say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Of a course payment, or an older purchase.
    Course(CourseSight),
    /// Of a payment intent.
    Order(OrderSight),
    /// Of a dead letter that names nothing else.
    Letter(LetterSight),
    /// Of a job that names no intent.
    Job(JobSight),
}

impl Gap {
    /// What it is that is missing.
    pub(super) fn kind(&self) -> EntryKind {
        match self.code {
            "no-purchase" => EntryKind::Purchase,
            "no-allocation" | "allocation-pending" => EntryKind::Allocation,
            "no-sessions" => EntryKind::Sessions,
            "case-open" | "case-missing" => EntryKind::Case,
            "stock-still-reserved" => EntryKind::Reservation,
            "undecided" => EntryKind::Verification,
            "order-not-announced" => EntryKind::Event,
            "letter-parked" => EntryKind::DeadLetter,
            _ => EntryKind::Order,
        }
    }
}

impl Sight {
    /// How it stands when nothing is missing.
    pub(super) fn standing(&self) -> &'static str {
        match self {
            Self::Course(course) => match (course.payment.as_deref(), course.purchase) {
                (_, Some((_, true))) => "complete",
                (_, Some((_, false))) => "complete, the purchase has ended",
                (Some("succeeded") | None, None) => "nothing is owed: a person decided",
                (Some("refunded"), None) => "nothing is owed: refunded",
                (Some(_), None) => "nothing is owed: not paid",
            },
            Self::Order(order) => match (order.order, order.paid_at) {
                (Some(_), _) => "complete",
                (None, Some(_)) => "nothing is owed: a person decided",
                (None, None) => "nothing is owed: not paid",
            },
            Self::Letter(_) | Self::Job(_) => "nothing is missing",
        }
    }
}

/// What is missing; none when all is there, or nothing is owed.
#[must_use]
pub fn missing(sight: &Sight, moment: &Moment) -> Option<Gap> {
    let words = Words { moment };
    match sight {
        Sight::Course(course) => words.course(course),
        Sight::Order(order) => words.order(order),
        Sight::Letter(letter) => Some(words.letter(letter)),
        Sight::Job(job) => (job.status == "failed").then(|| words.job("the job names no intent", job)),
    }
}

struct Words<'a> {
    moment: &'a Moment,
}

/// Where something is stuck.
struct Stuck {
    status: Status,
    words: String,
    next_step: String,
}

impl Words<'_> {
    fn tell(&self, at: DateTime<Utc>) -> String {
        self.moment.tell(at)
    }

    fn late(&self, since: DateTime<Utc>) -> Status {
        if self.moment.now - since > GRACE {
            Status::Missing
        } else {
            Status::Pending
        }
    }

    fn course(&self, course: &CourseSight) -> Option<Gap> {
        if let Some(case) = course.case.as_ref().filter(|case| case.is_open) {
            let paid = course
                .paid_at
                .map_or("not paid".to_owned(), |at| format!("paid {}", self.tell(at)));
            return Some(self.case(&paid, case));
        }
        let Some((bought_at, is_active)) = course.purchase else {
            return self.no_purchase(course);
        };
        if !is_active {
            return None;
        }
        let bought = format!("bought {}", self.tell(bought_at));
        let Some(allocation) = &course.allocation else {
            let stuck = self.hop(&course.created, bought_at);
            return Some(gap("no-allocation", &format!("{bought}, no trainer yet"), stuck));
        };
        match allocation.status.as_str() {
            "approved" | "active" => self.no_sessions(course, allocation),
            "pending" => Some(Gap {
                code: "allocation-pending",
                status: Status::Pending,
                sentence: format!(
                    "{bought}, waiting for a free trainer since {}",
                    self.tell(allocation.since)
                ),
                next_step:
                    "free or add a trainer in the admin service; reconcile asks again every five minutes"
                        .to_owned(),
            }),
            "completed" => None,
            ended => Some(Gap {
                code: "no-allocation",
                status: Status::Failed,
                sentence: format!(
                    "{bought}, no trainer: the allocation was {ended} {}",
                    self.tell(allocation.since)
                ),
                next_step: format!("ask the admin service why; {RECONCILE} to ask for another trainer"),
            }),
        }
    }

    fn no_purchase(&self, course: &CourseSight) -> Option<Gap> {
        // Resolved by a person, not paid, or refunded: nothing is owed.
        let is_owed = course
            .payment
            .as_deref()
            .is_none_or(|status| status == "succeeded");
        if course.case.is_some() || !is_owed {
            return None;
        }
        let Some(paid_at) = course.paid_at else {
            return self.unrecorded(&course.confirmed);
        };
        let paid = format!("paid {}, no purchase yet", self.tell(paid_at));
        if course.course_unreadable {
            return Some(Gap {
                code: "no-purchase",
                status: Status::Failed,
                sentence: format!("{paid}: the payment does not say for which course"),
                next_step: format!("find out what was bought and mend `payments.metadata`, then {RECONCILE}"),
            });
        }
        Some(gap("no-purchase", &paid, self.hop(&course.confirmed, paid_at)))
    }

    /// `payments` does not know it; an event does.
    fn unrecorded(&self, confirmed: &Hop) -> Option<Gap> {
        let since = match (&confirmed.parked, &confirmed.event) {
            (Some(letter), _) => letter.parked_at,
            (None, Some(event)) => event.created_at,
            (None, None) => return None,
        };
        Some(gap(
            "no-purchase",
            "payment not on record, no purchase yet",
            self.hop(confirmed, since),
        ))
    }

    fn no_sessions(&self, course: &CourseSight, allocation: &AllocationSight) -> Option<Gap> {
        if allocation.ahead >= REFILL_BELOW || allocation.used >= allocation.bought {
            return None;
        }
        let allocated = format!("trainer allocated {}", self.tell(allocation.since));
        if allocation.used == 0 {
            let stuck = self.hop(&course.allocated, allocation.since);
            return Some(gap(
                "no-sessions",
                &format!("{allocated}, no sessions yet"),
                stuck,
            ));
        }
        Some(Gap {
            code: "no-sessions",
            status: Status::Missing,
            sentence: format!(
                "{allocated}, {} sessions ahead, though only {} of {} are used",
                allocation.ahead, allocation.used, allocation.bought
            ),
            next_step: "invoke `top-up-sessions`".to_owned(),
        })
    }

    fn order(&self, order: &OrderSight) -> Option<Gap> {
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
        if order.case.is_some() {
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

    fn incomplete_order(&self, order: &OrderSight, made_at: DateTime<Utc>, items: i64) -> Option<Gap> {
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
            .announced
            .as_ref()
            .filter(|event| event.published_at.is_none())?;
        let stuck = self.waiting(event);
        Some(gap(
            "order-not-announced",
            &format!("{made}, not announced yet"),
            stuck,
        ))
    }

    fn no_order(&self, paid: &str, job: Option<&JobSight>, paid_at: DateTime<Utc>) -> Gap {
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

    fn job(&self, before: &str, job: &JobSight) -> Gap {
        let error = job.last_error.as_deref().unwrap_or("no reason on record");
        let attempts = format!("attempt {} of {}", job.attempts, job.max_attempts);
        let is_over = job.locked_until.is_none_or(|until| until < self.moment.now);
        let (status, words, next_step) = match job.status.as_str() {
            "pending" if job.scheduled_for > self.moment.now => (
                Status::Pending,
                format!(
                    "the job runs again {} ({attempts}): {error}",
                    self.tell(job.scheduled_for)
                ),
                "wait, or mend the cause".to_owned(),
            ),
            "pending" => (
                self.late(job.scheduled_for),
                format!(
                    "the job is due since {} and nobody took it",
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
                format!("mend the cause, then `makegood jobs retry {} --reason …`", job.id),
            ),
        };
        Gap {
            code: "no-order",
            status,
            sentence: format!("{before}, {words}"),
            next_step,
        }
    }

    /// Nobody has paid, as far as the gateway told us.
    fn undecided(&self, order: &OrderSight) -> Option<Gap> {
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

    fn case(&self, before: &str, case: &CaseSight) -> Gap {
        Gap {
            code: "case-open",
            status: Status::Pending,
            sentence: format!(
                "{before}, case {} open since {}: a person decides",
                case.kind,
                self.tell(case.opened_at)
            ),
            next_step: format!("`makegood cases show {}`", case.id),
        }
    }

    fn letter(&self, letter: &LetterSight) -> Gap {
        let stuck = self.parked(letter);
        gap("letter-parked", "what it is about can't be read", stuck)
    }

    fn parked(&self, letter: &LetterSight) -> Stuck {
        Stuck {
            status: Status::Failed,
            words: format!("event parked {}: {}", self.tell(letter.parked_at), letter.reason),
            next_step: format!(
                "`makegood dead-letters show {id}`; mend the cause, then `makegood dead-letters replay {id} --reason …`",
                id = letter.id
            ),
        }
    }

    fn waiting(&self, event: &EventSight) -> Stuck {
        let since = self.tell(event.created_at);
        match &event.last_error {
            Some(error) => Stuck {
                status: Status::Failed,
                words: format!(
                    "event written {since}, not published after {} attempts: {error}",
                    event.attempts
                ),
                next_step: SWEEP_OUTBOX.to_owned(),
            },
            None => Stuck {
                status: self.late(event.created_at),
                words: format!("event waits in the outbox since {since}"),
                next_step: "invoke `sweep` with {\"sweep\": \"outbox\"}".to_owned(),
            },
        }
    }

    /// Where the event is that should have led on; `since` is when it was due.
    fn hop(&self, hop: &Hop, since: DateTime<Utc>) -> Stuck {
        if let Some(letter) = &hop.parked {
            return self.parked(letter);
        }
        match &hop.event {
            Some(event) if event.published_at.is_none() => return self.waiting(event),
            _ => {}
        }
        let (since, words) = match hop.event.as_ref().and_then(|event| event.published_at) {
            _ if hop.marked => (since, "event marked as processed all the same".to_owned()),
            Some(at) => (at, format!("event published {} and not processed", self.tell(at))),
            None => (since, "no event on record".to_owned()),
        };
        Stuck {
            status: self.late(since),
            words,
            next_step: RECONCILE.to_owned(),
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

fn gap(code: &'static str, before: &str, stuck: Stuck) -> Gap {
    Gap {
        code,
        status: stuck.status,
        sentence: format!("{before}, {}", stuck.words),
        next_step: stuck.next_step,
    }
}

#[cfg(test)]
#[path = "gap_tests.rs"]
mod tests;
