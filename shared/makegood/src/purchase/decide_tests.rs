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
        over: None,
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
            Difference::Erased | Difference::Student | Difference::Course => {
                PurchaseOutcome::Refused(difference)
            }
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
fn a_payment_for_what_is_over_renews_it_and_one_for_what_runs_is_surplus() {
    for end in [End::Expired, End::Consumed] {
        let over = ExistingPurchase {
            over: Some(end),
            ..purchase(Some(OTHER))
        };
        let evidence = Evidence {
            purchases: vec![over],
            ..Evidence::default()
        };
        assert_eq!(decide(THIS, &evidence), PurchaseOutcome::Over(BOUGHT), "{end:?}");
        // the payment that bought it is a replay all the same
        let replay = decide(OTHER, &evidence);
        assert!(
            matches!(replay, PurchaseOutcome::AlreadyFulfilled { .. }),
            "{replay:?}"
        );
        // and while another one of the pair runs, nothing is renewed
        let running = ExistingPurchase {
            id: PurchaseId(Uuid::from_u128(12)),
            ..purchase(Some(OTHER))
        };
        let evidence = Evidence {
            purchases: vec![over, running],
            ..Evidence::default()
        };
        assert_eq!(decide(THIS, &evidence), PurchaseOutcome::Surplus(running.id));
    }
}

#[test]
fn a_payment_that_was_found_to_be_surplus_renews_nothing_later() {
    let over = ExistingPurchase {
        over: Some(End::Expired),
        ..purchase(Some(OTHER))
    };
    let evidence = Evidence {
        purchases: vec![over],
        surplus_before: true,
        ..Evidence::default()
    };
    assert_eq!(decide(THIS, &evidence), PurchaseOutcome::SurplusBefore);
}

#[test]
fn a_payment_that_extended_a_purchase_is_a_replay_whatever_came_of_that_since() {
    let evidence = Evidence {
        extended: Some(BOUGHT),
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
fn the_owner_of_a_legacy_purchase_is_noted_when_another_payment_renews_it() {
    let over = ExistingPurchase {
        over: Some(End::Expired),
        ..purchase(None)
    };
    let evidence = Evidence {
        purchases: vec![over],
        payments: vec![payment(OTHER, true, 2), payment(THIS, false, 40)],
        ..Evidence::default()
    };
    assert_eq!(decide(THIS, &evidence), PurchaseOutcome::Over(BOUGHT));
    assert_eq!(legacy_owners(THIS, &evidence), vec![(BOUGHT, OTHER)]);
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
fn an_unknown_payment_is_never_called_surplus_of_an_ownerless_purchase() {
    assert_eq!(decide(THIS, &legacy(&[])), PurchaseOutcome::Undecidable(BOUGHT));
    // Another payment is the owner, so this one bought nothing, known or not.
    let owned = legacy(&[payment(OTHER, false, 1)]);
    assert_eq!(decide(THIS, &owned), PurchaseOutcome::Surplus(BOUGHT));
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

#[test]
fn an_end_has_the_name_that_its_column_takes() {
    assert_eq!(
        [End::Expired, End::Consumed].map(End::wire_name),
        ["expired", "consumed"]
    );
}
