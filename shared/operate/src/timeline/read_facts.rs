//! From rows to what they say, which is all that the decision rests on. Pure.

use super::course::Course;
use super::facts::{
    AllocationFacts, CaseFacts, CourseFacts, DeadLetterFacts, EventFacts, Facts, Hop, JobFacts, OrderFacts,
};
use super::order::{JobRow, Order};
use super::rows::{CaseRow, Common, DeadLetterRow, EventRow};
use super::subject::Subject;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

/// The sweep `reservations` runs each minute (SPEC 4); one run may be missed.
const RESERVATION_GRACE: TimeDelta = TimeDelta::minutes(2);
/// Cases that one of our own functions resolved said that all would be well; they excuse nothing.
const OUR_OWN: [&str; 6] = [
    "receive-payment",
    "create-purchase",
    "verify-payment",
    "finalize-order",
    "sweep",
    "makegood",
];

pub(super) fn of_course(subject: &Subject, course: &Course) -> Facts {
    if let (Subject::DeadLetter(_), Some(dead_letter)) = (subject, course.common.dead_letters.first()) {
        return Facts::DeadLetter(dead_letter_facts(dead_letter));
    }
    let payment = course.payment.as_ref();
    let succeeded = payment.filter(|payment| payment.status == "succeeded");
    let unreadable =
        |course: &Option<String>| course.as_deref().is_none_or(|id| Uuid::try_parse(id).is_err());
    let allocation = course.allocation().map(|allocation| AllocationFacts {
        status: allocation.status.clone(),
        since: match allocation.status.as_str() {
            "pending" => allocation.requested_at,
            _ => allocation.allocated_at.unwrap_or(allocation.created_at),
        },
        ahead: allocation.ahead,
        used: allocation.used,
        bought: i64::from(allocation.bought),
    });
    let purchase = match subject {
        // It was not bought here; all that can be missing is on the calendar.
        Subject::Allocation(_) => allocation.as_ref().map(|allocation| (allocation.since, true)),
        _ => course
            .own_purchase(subject)
            .map(|purchase| (purchase.created_at, purchase.is_active)),
    };
    Facts::Course(CourseFacts {
        payment: payment.map(|payment| payment.status.clone()),
        paid_at: succeeded.map(|payment| payment.confirmed_at.unwrap_or(payment.created_at)),
        course_unreadable: payment.is_some_and(|payment| unreadable(&payment.course)),
        case: case(&course.common.cases),
        purchase,
        allocation,
        confirmed: hop(course, "PURCHASE_CONFIRMED"),
        created: hop(course, "PURCHASE_CREATED"),
        allocated: hop(course, "TRAINER_ALLOCATED"),
    })
}

fn hop(course: &Course, event_type: &str) -> Hop {
    Hop {
        marked: course.marks.iter().any(|mark| mark.event_type == event_type),
        ..hop_of(&course.common, event_type)
    }
}

fn hop_of(common: &Common, event_type: &str) -> Hop {
    Hop {
        parked: common.parked(event_type).map(dead_letter_facts),
        event: common.event(event_type).map(event_facts),
        marked: false,
    }
}

pub(super) fn of_order(order: &Order, now: DateTime<Utc>) -> Facts {
    let verified = |status: &str| {
        order
            .verifications
            .iter()
            .find(|verification| verification.status == status)
            .map(|verification| verification.verified_at)
    };
    let succeeded = (order.intent.status == "succeeded").then_some(order.intent.updated_at);
    let job = order
        .jobs
        .iter()
        .filter(|job| job.job_type == "finalize_order")
        .max_by_key(|job| job.created_at);
    Facts::Order(OrderFacts {
        intent: order.intent.status.clone(),
        created_at: order.intent.created_at,
        expires_at: order.intent.expires_at,
        paid_at: verified("success").or(succeeded),
        mismatch_at: verified("amount_mismatch"),
        case: case(&order.common.cases),
        order: order.orders.first().map(|row| (row.created_at, row.items)),
        job: job.map(of_job),
        published: order.common.event("ORDER_CONFIRMED").map(event_facts),
        held_since: held_since(order, now),
        given_back_at: order.intent.given_back_at,
    })
}

/// Since when an active reservation should have been taken or freed.
fn held_since(order: &Order, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let active = order.reservations.iter().find(|row| row.status == "active")?;
    if !order.orders.is_empty() {
        return active.created_at;
    }
    let is_paid = matches!(order.intent.status.as_str(), "succeeded" | "processing");
    active
        .expires_at
        .filter(|ended| !is_paid && now - *ended > RESERVATION_GRACE)
}

pub(super) fn of_job(job: &JobRow) -> JobFacts {
    JobFacts {
        id: job.id,
        status: job.status.clone(),
        attempts: job.attempts,
        max_attempts: job.max_attempts,
        scheduled_for: job.scheduled_for,
        locked_until: job.locked_until,
        updated_at: job.updated_at,
        last_error: job.last_error.clone(),
    }
}

/// An open one before one that a person resolved; others say nothing.
fn case(cases: &[CaseRow]) -> Option<CaseFacts> {
    let answers = |case: &&CaseRow| {
        case.status == "open" || !OUR_OWN.contains(&case.resolved_by.as_deref().unwrap_or_default())
    };
    let case = cases
        .iter()
        .filter(answers)
        .max_by_key(|case| (case.status == "open", case.opened_at))?;
    Some(CaseFacts {
        id: case.id,
        kind: case.kind.clone(),
        is_open: case.status == "open",
        opened_at: case.opened_at,
    })
}

fn dead_letter_facts(dead_letter: &DeadLetterRow) -> DeadLetterFacts {
    DeadLetterFacts {
        id: dead_letter.id,
        parked_at: dead_letter.parked_at,
        reason: dead_letter.reason.clone(),
    }
}

fn event_facts(event: &EventRow) -> EventFacts {
    EventFacts {
        created_at: event.created_at,
        published_at: event.published_at,
        attempts: event.attempts,
        last_error: event.last_error.clone(),
    }
}
