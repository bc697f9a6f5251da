//! What a confirmed payment means for a student and course who have something already. Pure.

use super::row::Difference;
use crate::ids::{PaymentId, PurchaseId};
use chrono::{DateTime, Utc};

/// What became of one confirmed payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PurchaseOutcome {
    /// Its purchase was made now.
    Created(PurchaseId),
    /// Its purchase was made now, although the event was marked as processed before.
    Recovered(PurchaseId),
    /// Its purchase was there: a replay.
    AlreadyFulfilled {
        /// The purchase.
        purchase: PurchaseId,
        /// It has no payment id yet and is this payment's (a legacy row): note it.
        adopt: bool,
        /// It is active, was never published, and has no allocation: publish it.
        publish: bool,
    },
    /// What the student had is over, and so was never in the way: the payment renews it.
    Over(PurchaseId),
    /// Its purchase was made now, and the one that was over was closed.
    Renewed {
        /// The new purchase.
        purchase: PurchaseId,
        /// Whether its event was marked as processed before.
        recovered: bool,
    },
    /// It extends the purchase that runs.
    Extended(PurchaseId),
    /// Another payment fulfilled the purchase: this one is to be refunded by a person.
    Surplus(PurchaseId),
    /// It can't be made out whose the purchase is: a person decides.
    Undecidable(PurchaseId),
    /// It was found to be surplus before: the case is open, or a person has resolved it.
    SurplusBefore,
    /// The money went back before the event came: nothing is owed.
    Refunded,
    /// The event is not what the payment's row says: nothing is made.
    Refused(Difference),
    /// What stood in the way is gone again: deliver once more.
    TryAgain,
}

/// How a purchase that is still active is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its time has passed.
    Expired,
    /// All that was bought was held.
    Consumed,
}

impl End {
    /// As `end_reason` has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Consumed => "consumed",
        }
    }
}

/// A purchase of the student and course, or of the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExistingPurchase {
    /// Its id.
    pub id: PurchaseId,
    /// Whose it is; none on legacy rows.
    pub payment_id: Option<PaymentId>,
    /// Whether it counts.
    pub active: bool,
    /// How it is over although it is active; none while it runs.
    pub over: Option<End>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Whether `PURCHASE_CREATED` stands in the outbox.
    pub published: bool,
}

/// A succeeded payment of the student for the course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownPayment {
    /// Its id.
    pub id: PaymentId,
    /// Whether its `PURCHASE_CONFIRMED` was marked as processed before this delivery.
    pub marked: bool,
    /// When it was recorded.
    pub created_at: DateTime<Utc>,
}

/// All that the decision rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Purchases of the student and course, and of the payment.
    pub purchases: Vec<ExistingPurchase>,
    /// Succeeded payments of the student for the course.
    pub payments: Vec<KnownPayment>,
    /// Whether the pair has an allocation, pending ones included.
    pub allocated: bool,
    /// Whether the payment was found to be surplus before; the case may be open or resolved.
    pub surplus_before: bool,
    /// The purchase that the payment extended before.
    pub extended: Option<PurchaseId>,
    /// Whether the money went back.
    pub refunded: bool,
    /// In what the event is not what the payment's row says.
    pub difference: Option<Difference>,
}

/// Whose the purchase is. The source of truth is the purchase, never the mark alone; and an event that differs from its payment's row
/// is at most a replay.
#[must_use]
pub fn decide(payment: PaymentId, evidence: &Evidence) -> PurchaseOutcome {
    if let Some(difference) = evidence.difference.filter(|found| found.is_of_another_pair()) {
        return PurchaseOutcome::Refused(difference);
    }
    if let Some(purchase) = evidence.extended {
        return PurchaseOutcome::AlreadyFulfilled {
            purchase,
            adopt: false,
            publish: false,
        };
    }
    let own = evidence
        .purchases
        .iter()
        .find(|purchase| purchase.payment_id == Some(payment));
    match (own, evidence.difference) {
        (Some(own), None) => return fulfilled(own, false, evidence.allocated),
        (Some(own), Some(_)) => {
            return PurchaseOutcome::AlreadyFulfilled {
                purchase: own.id,
                adopt: false,
                publish: false,
            };
        }
        (None, Some(difference)) => return PurchaseOutcome::Refused(difference),
        (None, None) => {}
    }
    if evidence.surplus_before {
        return PurchaseOutcome::SurplusBefore;
    }
    if evidence.refunded {
        return PurchaseOutcome::Refunded;
    }
    let active: Vec<&ExistingPurchase> = evidence
        .purchases
        .iter()
        .filter(|purchase| purchase.active)
        .collect();
    let Some(first) = active.first() else {
        return PurchaseOutcome::TryAgain;
    };
    let unowned = unowned(evidence);
    let outcome = if unowned.is_empty() {
        PurchaseOutcome::Surplus(first.id)
    } else {
        legacy_owner(payment, &unowned, evidence)
    };
    match outcome {
        PurchaseOutcome::Surplus(_) => second_payment(first, &active),
        other => other,
    }
}

/// Where all that the student has is over, a renewal; else surplus to the first that runs.
fn second_payment(first: &ExistingPurchase, active: &[&ExistingPurchase]) -> PurchaseOutcome {
    active
        .iter()
        .find(|purchase| purchase.over.is_none())
        .map_or(PurchaseOutcome::Over(first.id), |running| {
            PurchaseOutcome::Surplus(running.id)
        })
}

/// The active purchases that no payment id is noted on, the oldest first.
fn unowned(evidence: &Evidence) -> Vec<&ExistingPurchase> {
    let mut unowned: Vec<&ExistingPurchase> = evidence
        .purchases
        .iter()
        .filter(|purchase| purchase.active && purchase.payment_id.is_none())
        .collect();
    unowned.sort_by_key(|purchase| (purchase.created_at, purchase.id));
    unowned
}

/// Whose the active purchases without a payment id are, as far as a payment other than this one can be named: noted when they are
/// closed, since a payment whose purchase is no longer known would buy the course again.
#[must_use]
pub(super) fn legacy_owners(renewing: PaymentId, evidence: &Evidence) -> Vec<(PurchaseId, PaymentId)> {
    let unowned = unowned(evidence);
    let owners = candidates(&unowned, evidence);
    unowned
        .iter()
        .zip(owners.iter().filter(|known| known.id != renewing))
        .map(|(purchase, known)| (purchase.id, known.id))
        .collect()
}

/// A legacy purchase has no payment id. Its owners are the first of the pair's succeeded payments: marked ones before
/// others, then the oldest; as many as there are such purchases. A payment recorded after the purchase was made can't
/// have fulfilled it, unless its event was marked. See docs/decisions.
fn legacy_owner(payment: PaymentId, unowned: &[&ExistingPurchase], evidence: &Evidence) -> PurchaseOutcome {
    let candidates = candidates(unowned, evidence);
    let rank = candidates.iter().position(|known| known.id == payment);
    if let Some(purchase) = rank.and_then(|rank| unowned.get(rank)) {
        return fulfilled(purchase, true, evidence.allocated);
    }
    let is_known = evidence.payments.iter().any(|known| known.id == payment);
    // Unknown to `payments`, and no other payment is the owner either: nothing proves that it is surplus.
    if !is_known && candidates.len() < unowned.len() {
        return PurchaseOutcome::Undecidable(unowned[0].id);
    }
    PurchaseOutcome::Surplus(unowned[0].id)
}

/// Who may own these purchases, the likeliest first.
fn candidates<'a>(unowned: &[&ExistingPurchase], evidence: &'a Evidence) -> Vec<&'a KnownPayment> {
    let newest = unowned.iter().map(|purchase| purchase.created_at).max();
    let owned_already = |id: PaymentId| {
        evidence
            .purchases
            .iter()
            .any(|purchase| purchase.payment_id == Some(id))
    };
    let mut candidates: Vec<&KnownPayment> = evidence
        .payments
        .iter()
        .filter(|known| !owned_already(known.id))
        .filter(|known| known.marked || newest.is_some_and(|newest| known.created_at <= newest))
        .collect();
    candidates.sort_by_key(|known| (!known.marked, known.created_at, known.id));
    candidates
}

fn fulfilled(purchase: &ExistingPurchase, adopt: bool, allocated: bool) -> PurchaseOutcome {
    let publish = purchase.active && !purchase.published && !allocated;
    PurchaseOutcome::AlreadyFulfilled {
        purchase: purchase.id,
        adopt,
        publish,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
