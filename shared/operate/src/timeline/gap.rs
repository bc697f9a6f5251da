//! What is missing, in text. Pure: what the rows say goes in, a sentence comes out.

use super::entry::{EntryKind, Status};
use super::facts::{AllocationFacts, CaseFacts, CourseFacts, DeadLetterFacts, EventFacts, Facts, Hop};
use super::moment::{Moment, attempts};
use chrono::{DateTime, TimeDelta, Utc};
use makegood::case::CaseKind;
use serde::Serialize;

/// What is younger is under way, not missing: reconcile leaves it alone for as long (SPEC 4).
pub(super) const GRACE: TimeDelta = TimeDelta::minutes(2);
/// `top-up-sessions` refills windows with fewer sessions ahead (SPEC 3).
const REFILL_BELOW: i64 = 3;

pub(super) const RECONCILE: &str = "invoke `sweep` with {\"sweep\": \"reconcile\"}";
const UNFULFILLABLE: &str = CaseKind::Unfulfillable.wire_name();
const SWEEP_OUTBOX: &str = "fix what it says, then invoke `sweep` with {\"sweep\": \"outbox\"}";
pub(super) const STALE_JOBS: &str = "invoke `sweep` with {\"sweep\": \"stale-jobs\"}";

/// What is missing, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Stable, for scripts.
    pub code: &'static str,
    /// Pending while it comes by itself, failed when a person must look, else missing.
    pub status: Status,
    /// In text, such as `paid 12:01:03, no purchase yet, event parked 12:01:05: <reason>`. May hold a failure's reason.
    pub sentence: String,
    /// A command, or whom to ask.
    pub next_step: String,
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

/// What is missing; none when all is there, or nothing is owed.
#[must_use]
pub fn missing(facts: &Facts, moment: &Moment) -> Option<Gap> {
    let text = GapText { moment };
    match facts {
        Facts::Course(course) => text.course(course),
        Facts::Order(order) => text.order(order),
        Facts::DeadLetter(dead_letter) => Some(text.dead_letter(dead_letter)),
        Facts::Job(job) => (job.status == "failed").then(|| text.job("the job names no intent", job)),
    }
}

pub(super) struct GapText<'a> {
    pub(super) moment: &'a Moment,
}

/// Where something is stuck.
pub(super) struct Stuck {
    pub(super) status: Status,
    pub(super) text: String,
    pub(super) next_step: String,
}

impl GapText<'_> {
    pub(super) fn tell(&self, at: DateTime<Utc>) -> String {
        self.moment.tell(at)
    }

    pub(super) fn late(&self, since: DateTime<Utc>) -> Status {
        if self.moment.now - since > GRACE {
            Status::Missing
        } else {
            Status::Pending
        }
    }

    fn course(&self, course: &CourseFacts) -> Option<Gap> {
        // Once the purchase is there, reconcile closes the case that said that it could not be made.
        let asks =
            |case: &&CaseFacts| case.is_open && (course.purchase.is_none() || case.kind != UNFULFILLABLE);
        if let Some(case) = course.case.as_ref().filter(asks) {
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

    fn no_purchase(&self, course: &CourseFacts) -> Option<Gap> {
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
                next_step: format!("find out what was bought and fix `payments.metadata`, then {RECONCILE}"),
            });
        }
        Some(gap("no-purchase", &paid, self.hop(&course.confirmed, paid_at)))
    }

    /// `payments` does not know it; an event does.
    fn unrecorded(&self, confirmed: &Hop) -> Option<Gap> {
        let since = match (&confirmed.parked, &confirmed.event) {
            (Some(dead_letter), _) => dead_letter.parked_at,
            (None, Some(event)) => event.created_at,
            (None, None) => return None,
        };
        Some(gap(
            "no-purchase",
            "payment not on record, no purchase yet",
            self.hop(confirmed, since),
        ))
    }

    fn no_sessions(&self, course: &CourseFacts, allocation: &AllocationFacts) -> Option<Gap> {
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

    pub(super) fn case(&self, before: &str, case: &CaseFacts) -> Gap {
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

    pub(super) fn dead_letter(&self, dead_letter: &DeadLetterFacts) -> Gap {
        let stuck = self.parked(dead_letter);
        gap("letter-parked", "what it is about can't be read", stuck)
    }

    pub(super) fn parked(&self, dead_letter: &DeadLetterFacts) -> Stuck {
        Stuck {
            status: Status::Failed,
            text: format!(
                "event parked {}: {}",
                self.tell(dead_letter.parked_at),
                dead_letter.reason
            ),
            next_step: format!(
                "`makegood dead-letters show {id}`; fix the cause, then `makegood dead-letters replay {id} --reason …`",
                id = dead_letter.id
            ),
        }
    }

    pub(super) fn waiting(&self, event: &EventFacts) -> Stuck {
        let since = self.tell(event.created_at);
        match &event.last_error {
            Some(error) => Stuck {
                status: Status::Failed,
                text: format!(
                    "event written {since}, not published after {}: {error}",
                    attempts(event.attempts)
                ),
                next_step: SWEEP_OUTBOX.to_owned(),
            },
            None => Stuck {
                status: self.late(event.created_at),
                text: format!("event waits in the outbox since {since}"),
                next_step: "invoke `sweep` with {\"sweep\": \"outbox\"}".to_owned(),
            },
        }
    }

    /// Where the event is that should have led on; `since` is when it was due.
    pub(super) fn hop(&self, hop: &Hop, since: DateTime<Utc>) -> Stuck {
        if let Some(dead_letter) = &hop.parked {
            return self.parked(dead_letter);
        }
        match &hop.event {
            Some(event) if event.published_at.is_none() => return self.waiting(event),
            _ => {}
        }
        let (since, text) = match hop.event.as_ref().and_then(|event| event.published_at) {
            _ if hop.marked => (since, "event marked as processed all the same".to_owned()),
            Some(at) => (at, format!("event published {} and not processed", self.tell(at))),
            None => (since, "no event on record".to_owned()),
        };
        Stuck {
            status: self.late(since),
            text,
            next_step: RECONCILE.to_owned(),
        }
    }
}

pub(super) fn gap(code: &'static str, before: &str, stuck: Stuck) -> Gap {
    Gap {
        code,
        status: stuck.status,
        sentence: format!("{before}, {}", stuck.text),
        next_step: stuck.next_step,
    }
}

#[cfg(test)]
#[path = "gap_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "gap_order_tests.rs"]
mod order_tests;
