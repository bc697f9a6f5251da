//! Settles what was not made: replays, surplus payments, refunds. One transaction for all of them; does not commit.

use super::decide::{PurchaseOutcome, decide};
use super::evidence::gather;
use super::extend::{SecondPayment, extend};
use super::request::PurchaseRequest;
use super::row::PaymentFacts;
use crate::case::{self, CaseKind, NewCase};
use crate::db::Connection;
use crate::event::EventType;
use crate::idempotency;
use crate::ids::PurchaseId;
use crate::outbox::{self, OutboxRow};
use chrono::{DateTime, Utc};
use serde_json::json;
use std::collections::HashMap;
use uuid::Uuid;

/// What settling came to.
#[derive(Debug, Default)]
pub(super) struct Settlement {
    /// One for each request, in order.
    pub(super) outcomes: Vec<PurchaseOutcome>,
    /// Events that were never published, to publish after the commit.
    pub(super) published: Vec<OutboxRow>,
    /// How many surplus cases were opened now.
    pub(super) surplus_opened: u64,
}

/// Decides each request and writes what follows: marks, ownership of legacy purchases, lost events, cases.
///
/// Rows are written in the order of their keys, table by table, so that concurrent settlements can't deadlock.
pub(super) async fn settle(
    transaction: &mut Connection,
    requests: &[PurchaseRequest],
    facts: &PaymentFacts,
    now: DateTime<Utc>,
    second_payment: SecondPayment,
) -> Result<Settlement, sqlx::Error> {
    let evidence = gather(transaction, requests, facts, now).await?;
    let mut outcomes: Vec<PurchaseOutcome> = requests
        .iter()
        .zip(&evidence)
        .map(|(request, evidence)| decide(request.event.payment_id, evidence))
        .map(|outcome| under(second_payment, outcome))
        .collect();
    let tiers = hold_what_is_in_the_way(transaction, &mut outcomes).await?;
    extend(transaction, requests, &mut outcomes, tiers).await?;
    let decided = || requests.iter().zip(&outcomes);

    adopt_unowned(transaction, decided()).await?;
    let marks: Vec<_> = decided()
        .filter(|(_, outcome)| {
            !matches!(
                outcome,
                PurchaseOutcome::TryAgain | PurchaseOutcome::Over(_) | PurchaseOutcome::Refused(_)
            )
        })
        .map(|(request, _)| (&request.event.envelope, request.event.to_json()))
        .collect();
    idempotency::mark(transaction, EventType::PurchaseConfirmed, &marks).await?;

    let lost: Vec<_> = decided()
        .filter_map(|(request, outcome)| match outcome {
            PurchaseOutcome::AlreadyFulfilled {
                purchase,
                publish: true,
                ..
            } => Some(request.outbox_event(*purchase, now)),
            _ => None,
        })
        .collect();
    let published = outbox::enqueue(transaction, &lost).await?;
    let mut surplus_opened = 0;
    for (request, outcome) in decided() {
        let Some(case) = case_of(request, outcome) else {
            continue;
        };
        let opened = case::open(transaction, &case).await?;
        surplus_opened += u64::from(opened && case.kind == CaseKind::SurplusPayment);
    }
    Ok(Settlement {
        outcomes,
        published,
        surplus_opened,
    })
}

/// What a second payment for a purchase that runs comes to in this school.
fn under(second_payment: SecondPayment, outcome: PurchaseOutcome) -> PurchaseOutcome {
    match (second_payment, outcome) {
        (SecondPayment::Extend, PurchaseOutcome::Surplus(purchase)) => PurchaseOutcome::Extended(purchase),
        (_, outcome) => outcome,
    }
}

/// Locks the purchases that cases are about to rest on or that are about to grow, and gives back their tiers: none may end before its
/// case is committed, since another delivery of the same payment would then be fulfilled, and the case would ask to refund it
/// (tests/model, `SurplusHoldsThePurchase`). What has ended since it was seen is in no payment's way any more: that payment is
/// decided anew. Purchases that are about to be adopted are locked here too, so that all are locked in one order.
async fn hold_what_is_in_the_way(
    transaction: &mut Connection,
    outcomes: &mut [PurchaseOutcome],
) -> Result<HashMap<Uuid, i32>, sqlx::Error> {
    let rests_on = |outcome: &PurchaseOutcome| match outcome {
        PurchaseOutcome::Surplus(purchase)
        | PurchaseOutcome::Extended(purchase)
        | PurchaseOutcome::Undecidable(purchase) => Some(*purchase),
        _ => None,
    };
    if !outcomes.iter().any(|outcome| rests_on(outcome).is_some()) {
        return Ok(HashMap::new());
    }
    let adopted = outcomes.iter().filter_map(|outcome| match outcome {
        PurchaseOutcome::AlreadyFulfilled {
            purchase,
            adopt: true,
            ..
        } => Some(*purchase),
        _ => None,
    });
    let purchases: Vec<Uuid> = outcomes
        .iter()
        .filter_map(rests_on)
        .chain(adopted)
        .map(|purchase| purchase.0)
        .collect();
    let rows = sqlx::query!(
        "SELECT id, purchase_tier FROM student_course_purchases WHERE id = ANY($1) AND is_active ORDER BY id FOR NO KEY UPDATE",
        &purchases,
    )
    .fetch_all(transaction)
    .await?;
    let running: HashMap<Uuid, i32> = rows.into_iter().map(|row| (row.id, row.purchase_tier)).collect();
    for outcome in outcomes {
        if rests_on(outcome).is_some_and(|purchase| !running.contains_key(&purchase.0)) {
            *outcome = PurchaseOutcome::TryAgain;
        }
    }
    Ok(running)
}

/// Notes on legacy purchases whose payment they are, so that the question is decided once.
async fn adopt_unowned<'a>(
    transaction: &mut Connection,
    decided: impl Iterator<Item = (&'a PurchaseRequest, &'a PurchaseOutcome)>,
) -> Result<(), sqlx::Error> {
    let mut owners: Vec<(Uuid, Uuid)> = decided
        .filter_map(|(request, outcome)| match outcome {
            PurchaseOutcome::AlreadyFulfilled {
                purchase,
                adopt: true,
                ..
            } => Some((purchase.0, request.event.payment_id.0)),
            _ => None,
        })
        .collect();
    if owners.is_empty() {
        return Ok(());
    }
    owners.sort_unstable();
    let (purchases, payments): (Vec<Uuid>, Vec<Uuid>) = owners.into_iter().unzip();
    sqlx::query!(
        "WITH owner AS (
           SELECT o.purchase_id, o.payment_id FROM unnest($1::uuid[], $2::uuid[]) AS o (purchase_id, payment_id)
           JOIN student_course_purchases p ON p.id = o.purchase_id AND p.payment_id IS NULL
           ORDER BY p.id FOR UPDATE OF p)
         UPDATE student_course_purchases p SET payment_id = owner.payment_id, updated_at = now()
         FROM owner WHERE p.id = owner.purchase_id AND p.payment_id IS NULL",
        &purchases,
        &payments,
    )
    .execute(transaction)
    .await?;
    Ok(())
}

fn case_of(request: &PurchaseRequest, outcome: &PurchaseOutcome) -> Option<NewCase> {
    match outcome {
        PurchaseOutcome::Surplus(owned) => Some(new_case(
            request,
            CaseKind::SurplusPayment,
            *owned,
            "the student owns the course already, through another payment; refund this one, or end that purchase",
        )),
        PurchaseOutcome::Undecidable(owned) => Some(new_case(
            request,
            CaseKind::Unfulfillable,
            *owned,
            "the student owns the course already and no payment on record paid for it; find out whether this one did",
        )),
        PurchaseOutcome::Created(_)
        | PurchaseOutcome::Recovered(_)
        | PurchaseOutcome::Renewed { .. }
        | PurchaseOutcome::Over(_)
        | PurchaseOutcome::Extended(_)
        | PurchaseOutcome::AlreadyFulfilled { .. }
        | PurchaseOutcome::SurplusBefore
        | PurchaseOutcome::Refunded
        | PurchaseOutcome::Refused(_)
        | PurchaseOutcome::TryAgain => None,
    }
}

fn new_case(request: &PurchaseRequest, kind: CaseKind, owned: PurchaseId, what: &str) -> NewCase {
    let event = &request.event;
    NewCase {
        kind,
        subject: event.payment_id.to_string(),
        payment_id: Some(event.payment_id),
        payment_intent_id: None,
        amount_minor: Some(event.amount_cents),
        currency: None,
        details: json!({
            "what": what,
            "studentId": event.student_id,
            "courseId": event.course_id,
            "purchaseTier": request.tier,
            "ownedPurchaseId": owned,
            "eventId": event.envelope.event_id,
        }),
    }
}
