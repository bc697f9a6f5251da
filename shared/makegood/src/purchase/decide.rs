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
    /// Somebody else's payment fulfilled the purchase: this one is to be refunded by a person.
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

/// A purchase of the student and course, or of the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExistingPurchase {
    /// Its id.
    pub id: PurchaseId,
    /// Whose it is; none on legacy rows.
    pub payment_id: Option<PaymentId>,
    /// Whether it counts.
    pub active: bool,
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
    let mut unowned: Vec<&ExistingPurchase> = active
        .iter()
        .copied()
        .filter(|purchase| purchase.payment_id.is_none())
        .collect();
    unowned.sort_by_key(|purchase| (purchase.created_at, purchase.id));
    if unowned.is_empty() {
        return PurchaseOutcome::Surplus(first.id);
    }
    legacy_owner(payment, &unowned, evidence)
}

/// A legacy purchase has no payment id. Its owners are the first of the pair's succeeded payments: marked ones before
/// others, then the oldest; as many as there are such purchases. A payment recorded after the purchase was made can't
/// have fulfilled it, unless its event was marked. See docs/decisions.
fn legacy_owner(payment: PaymentId, unowned: &[&ExistingPurchase], evidence: &Evidence) -> PurchaseOutcome {
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
    let rank = candidates.iter().position(|known| known.id == payment);
    if let Some(purchase) = rank.and_then(|rank| unowned.get(rank)) {
        return fulfilled(purchase, true, evidence.allocated);
    }
    let is_known = evidence.payments.iter().any(|known| known.id == payment);
    // Unknown to `payments`, and nobody else is the owner either: nothing proves that it is surplus.
    if !is_known && candidates.len() < unowned.len() {
        return PurchaseOutcome::Undecidable(unowned[0].id);
    }
    PurchaseOutcome::Surplus(unowned[0].id)
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
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use uuid::Uuid;

    const THIS: PaymentId = PaymentId(Uuid::from_u128(1));
    const OTHER: PaymentId = PaymentId(Uuid::from_u128(2));
    const BOUGHT: PurchaseId = PurchaseId(Uuid::from_u128(10));

    fn day(number: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(number)
    }

    fn purchase(payment_id: Option<PaymentId>) -> ExistingPurchase {
        ExistingPurchase {
            id: BOUGHT,
            payment_id,
            active: true,
            created_at: day(5),
            published: true,
        }
    }

    fn payment(id: PaymentId, marked: bool, made: i64) -> KnownPayment {
        KnownPayment {
            id,
            marked,
            created_at: day(made),
        }
    }

    fn legacy(payments: &[KnownPayment]) -> Evidence {
        Evidence {
            purchases: vec![purchase(None)],
            payments: payments.to_vec(),
            ..Evidence::default()
        }
    }

    const ADOPTED: PurchaseOutcome = PurchaseOutcome::AlreadyFulfilled {
        purchase: BOUGHT,
        adopt: true,
        publish: false,
    };

    #[test]
    fn an_event_that_differs_from_its_row_is_at_most_a_replay() {
        for difference in Difference::ALL {
            let nothing_there = Evidence {
                difference: Some(difference),
                ..Evidence::default()
            };
            assert_eq!(decide(THIS, &nothing_there), PurchaseOutcome::Refused(difference));
            let unpublished = ExistingPurchase {
                published: false,
                ..purchase(Some(THIS))
            };
            let made = Evidence {
                purchases: vec![unpublished],
                ..nothing_there
            };
            let expected = match difference {
                Difference::Student | Difference::Course => PurchaseOutcome::Refused(difference),
                _ => PurchaseOutcome::AlreadyFulfilled {
                    purchase: BOUGHT,
                    adopt: false,
                    publish: false,
                },
            };
            assert_eq!(decide(THIS, &made), expected, "{difference:?}");
        }
    }

    #[test]
    fn a_replay_meets_its_own_purchase() {
        let evidence = Evidence {
            purchases: vec![purchase(Some(THIS))],
            ..Evidence::default()
        };
        let expected = PurchaseOutcome::AlreadyFulfilled {
            purchase: BOUGHT,
            adopt: false,
            publish: false,
        };
        assert_eq!(decide(THIS, &evidence), expected);
    }

    #[test]
    fn a_replay_of_an_ended_purchase_makes_no_second_one_and_publishes_nothing() {
        let ended = ExistingPurchase {
            active: false,
            published: false,
            ..purchase(Some(THIS))
        };
        let evidence = Evidence {
            purchases: vec![ended],
            ..Evidence::default()
        };
        let expected = PurchaseOutcome::AlreadyFulfilled {
            purchase: BOUGHT,
            adopt: false,
            publish: false,
        };
        assert_eq!(decide(THIS, &evidence), expected);
    }

    #[test]
    fn a_lost_outbox_event_is_made_again_unless_the_allocation_is_there() {
        let silent = ExistingPurchase {
            published: false,
            ..purchase(Some(THIS))
        };
        for allocated in [false, true] {
            let evidence = Evidence {
                purchases: vec![silent],
                allocated,
                ..Evidence::default()
            };
            let expected = PurchaseOutcome::AlreadyFulfilled {
                purchase: BOUGHT,
                adopt: false,
                publish: !allocated,
            };
            assert_eq!(decide(THIS, &evidence), expected);
        }
    }

    #[test]
    fn a_second_payment_is_surplus() {
        let evidence = Evidence {
            purchases: vec![purchase(Some(OTHER))],
            ..Evidence::default()
        };
        assert_eq!(decide(THIS, &evidence), PurchaseOutcome::Surplus(BOUGHT));
    }

    #[test]
    fn the_payment_whose_event_is_marked_owns_the_legacy_purchase() {
        let evidence = legacy(&[payment(THIS, false, 1), payment(OTHER, true, 2)]);
        assert_eq!(decide(OTHER, &evidence), ADOPTED);
        assert_eq!(decide(THIS, &evidence), PurchaseOutcome::Surplus(BOUGHT));
    }

    #[test]
    fn the_only_payment_older_than_the_legacy_purchase_owns_it_though_its_mark_is_lost() {
        assert_eq!(decide(THIS, &legacy(&[payment(THIS, false, 4)])), ADOPTED);
    }

    #[test]
    fn a_payment_made_after_the_legacy_purchase_is_surplus() {
        assert_eq!(
            decide(THIS, &legacy(&[payment(THIS, false, 9)])),
            PurchaseOutcome::Surplus(BOUGHT)
        );
    }

    #[test]
    fn two_legacy_purchases_have_two_owners() {
        let second = PurchaseId(Uuid::from_u128(11));
        let later = ExistingPurchase {
            id: second,
            created_at: day(6),
            ..purchase(None)
        };
        let evidence = Evidence {
            purchases: vec![purchase(None), later],
            payments: vec![payment(THIS, true, 1), payment(OTHER, true, 2)],
            ..Evidence::default()
        };
        assert_eq!(decide(THIS, &evidence), ADOPTED);
        let expected = PurchaseOutcome::AlreadyFulfilled {
            purchase: second,
            adopt: true,
            publish: false,
        };
        assert_eq!(decide(OTHER, &evidence), expected);
    }

    #[test]
    fn a_payment_that_nobody_knows_is_never_called_surplus_of_an_ownerless_purchase() {
        assert_eq!(decide(THIS, &legacy(&[])), PurchaseOutcome::Undecidable(BOUGHT));
    }

    #[test]
    fn a_payment_under_a_case_and_a_refunded_one_make_nothing() {
        let case = Evidence {
            surplus_before: true,
            ..Evidence::default()
        };
        assert_eq!(decide(THIS, &case), PurchaseOutcome::SurplusBefore);
        let refunded = Evidence {
            refunded: true,
            ..Evidence::default()
        };
        assert_eq!(decide(THIS, &refunded), PurchaseOutcome::Refunded);
    }

    #[test]
    fn a_conflict_that_is_gone_again_is_tried_again() {
        assert_eq!(decide(THIS, &Evidence::default()), PurchaseOutcome::TryAgain);
    }
}
