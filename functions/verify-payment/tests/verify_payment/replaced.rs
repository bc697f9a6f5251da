//! Two tabs of one buyer: whichever intent is paid, in whatever order it is heard of, becomes the one order of the checkout, or a
//! refund that a person owes.

use crate::tabs::Tabs;
use makegood::gateway::Provider;
use makegood_local::gateway::{Behaviour, PaymentState};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn the_tab_that_was_replaced_is_paid_and_gets_the_last_piece_that_the_other_tab_holds() {
    // GIVEN one piece, which moved to the second tab
    let tabs = Tabs::open().await;
    tabs.left_of_the_first(1).await;
    let (first, second) = tabs.two_tabs().await;
    assert_eq!(tabs.reserved().await, 2);
    // WHEN the first tab is paid
    tabs.pay_and_verify(&first).await;
    tabs.work().await;
    // THEN it is the order: the buyer's own reservation does not count against them
    assert_eq!(tabs.ordered().await, first.intent);
    assert_eq!(tabs.status(&first).await, "succeeded");
    // AND the second tab is over, and holds nothing
    assert_eq!(
        (tabs.status(&second).await.as_str(), tabs.reserved().await),
        ("cancelled", 0)
    );
    // WHEN the second is paid as well THEN that money is owed back
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    tabs.assert_one_order_and_one_refund(&first, &second).await;
    tabs.close().await;
}

#[tokio::test]
async fn the_newer_tab_is_paid_first_and_the_replaced_one_late() {
    let tabs = Tabs::open().await;
    let (first, second) = tabs.two_tabs().await;
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    assert_eq!(tabs.ordered().await, second.intent);
    // WHEN the buyer does not come back from the first tab, and the sweep hears that it was paid
    tabs.pay(&first);
    tabs.time_passes("6 minutes").await;
    assert_eq!(tabs.reconcile().await["verified"], 1);
    tabs.work().await;
    tabs.assert_one_order_and_one_refund(&second, &first).await;
    tabs.close().await;
}

#[tokio::test]
async fn both_tabs_are_paid_before_any_order_is_made() {
    for first_comes_first in [true, false] {
        let tabs = Tabs::open().await;
        let (first, second) = tabs.two_tabs().await;
        // WHEN both are verified, in either order, and two workers make orders at once, of goods that there are enough of
        let order = if first_comes_first {
            [&first, &second]
        } else {
            [&second, &first]
        };
        for checkout in order {
            tabs.pay_and_verify(checkout).await;
        }
        tokio::join!(tabs.work(), tabs.work());
        // THEN one of them is the order, and the other is owed back, whichever worker was the first
        if tabs.ordered().await == first.intent {
            tabs.assert_one_order_and_one_refund(&first, &second).await;
        } else {
            tabs.assert_one_order_and_one_refund(&second, &first).await;
        }
        tabs.close().await;
    }
}

#[tokio::test]
async fn both_tabs_are_paid_for_the_last_piece() {
    let tabs = Tabs::open().await;
    tabs.left_of_the_first(1).await;
    let (first, second) = tabs.two_tabs().await;
    // GIVEN that the replaced tab was paid first, and the piece is the other tab's, which was paid too
    tabs.pay_and_verify(&first).await;
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    // THEN the first finds no piece that is not paid for, and the second is the order
    assert_eq!(tabs.case(&first).await, "refund_due stock_gone");
    assert_eq!(tabs.ordered().await, second.intent);
    assert_eq!(
        (tabs.case(&second).await, tabs.reserved().await),
        (String::new(), 0)
    );
    tabs.assert_sound().await;
    tabs.close().await;
}

#[tokio::test]
async fn a_payment_that_was_verified_before_the_other_tab_checks_out_is_not_replaced() {
    let tabs = Tabs::open().await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Esewa).await;
    tabs.pay_and_verify(&first).await;
    // WHEN another tab checks out before the order is made THEN it is told to wait
    let (status, answer) = tabs.ask_to_check_out(1, Provider::Khalti).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (409, &json!("order_being_made"))
    );
    tabs.work().await;
    assert_eq!(tabs.ordered().await, first.intent);
    // AND afterwards what was bought is not in the cart any more, and what comes next is a checkout of its own
    let (status, answer) = tabs.ask_to_check_out(1, Provider::Khalti).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("cart_empty")));
    tabs.fill(1, &[(1, 1)]).await;
    let next = tabs.tab(1, Provider::Khalti).await;
    tabs.pay_and_verify(&next).await;
    tabs.work().await;
    assert_eq!(tabs.rows("orders").await, 2);
    tabs.assert_sound().await;
    tabs.close().await;
}

#[tokio::test]
async fn a_payment_that_is_being_asked_about_while_it_is_replaced_is_fulfilled() {
    // GIVEN a gateway that takes its time with an answer
    let tabs = Tabs::open().await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Esewa).await;
    tabs.pay(&first);
    tabs.gateway.set_latency(Duration::from_millis(400));
    // WHEN the other tab replaces the first between the question and the answer
    let replace = async {
        while tabs.gateway.questions(&first.external) == 0 {
            tokio::task::yield_now().await;
        }
        tabs.fill(1, &[(1, 1), (3, 1)]).await;
        tabs.tab(1, Provider::Esewa).await
    };
    let ((status, answer), second) = tokio::join!(tabs.verify(&first), replace);
    assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    tabs.work().await;
    // THEN the payment counts
    assert_eq!(tabs.ordered().await, first.intent);
    assert_eq!(
        (tabs.status(&second).await.as_str(), tabs.reserved().await),
        ("cancelled", 0)
    );
    tabs.assert_sound().await;
    tabs.close().await;
}

#[tokio::test]
async fn who_pays_a_replaced_tab_whose_goods_are_gone_is_owed_a_refund_and_may_pay_the_other() {
    // GIVEN a buyer who put the last piece back, and another buyer who bought it
    let tabs = Tabs::open().await;
    tabs.left_of_the_first(1).await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Khalti).await;
    tabs.fill(1, &[(2, 1)]).await;
    let second = tabs.tab(1, Provider::Esewa).await;
    tabs.fill(2, &[(1, 1)]).await;
    let other = tabs.tab(2, Provider::Esewa).await;
    tabs.pay_and_verify(&other).await;
    tabs.work().await;
    // WHEN the first tab is paid all the same
    tabs.pay_and_verify(&first).await;
    tabs.work().await;
    // THEN that is owed back, and the second tab is as open as it was
    assert_eq!(tabs.case(&first).await, "refund_due stock_gone");
    assert_eq!(
        (tabs.status(&second).await.as_str(), tabs.reserved().await),
        ("pending", 1)
    );
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    assert_eq!(tabs.rows("orders").await, 2);
    assert_eq!(tabs.case(&second).await, "");
    tabs.assert_sound().await;
    tabs.close().await;
}

#[tokio::test]
async fn a_tab_that_eases_from_ambiguous_to_paid_after_it_was_replaced_is_fulfilled() {
    // GIVEN a payment of which eSewa does not know yet what became
    let tabs = Tabs::open().await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Esewa).await;
    tabs.gateway
        .set(&first.external, PaymentState::Ambiguous)
        .unwrap();
    assert_eq!(tabs.verify(&first).await.0, 202);
    assert_eq!(tabs.status(&first).await, "processing");
    // WHEN the buyer pays another way meanwhile, and the first comes out as paid as well
    let second = tabs.tab(1, Provider::Khalti).await;
    assert_eq!(
        (tabs.status(&first).await.as_str(), tabs.reserved().await),
        ("cancelled", 1)
    );
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    tabs.pay(&first);
    tabs.time_passes("6 minutes").await;
    tabs.reconcile().await;
    tabs.work().await;
    tabs.assert_one_order_and_one_refund(&second, &first).await;
    tabs.close().await;
}

#[tokio::test]
async fn a_checkout_that_expired_belongs_to_the_next_one_of_the_same_goods_and_not_to_another() {
    // GIVEN a tab whose time is over, and two later checkouts: of the same goods, and of others
    for (later, is_same) in [([(1, 2)], true), ([(3, 1)], false)] {
        let tabs = Tabs::open().await;
        tabs.fill(1, &[(1, 1)]).await;
        let first = tabs.tab(1, Provider::Khalti).await;
        tabs.time_passes("66 minutes").await;
        tabs.sweep("reservations").await;
        assert_eq!(tabs.status(&first).await, "expired");
        tabs.fill(1, &later).await;
        let second = tabs.tab(1, Provider::Esewa).await;
        tabs.pay_and_verify(&second).await;
        tabs.work().await;
        // WHEN the first tab is paid from its page that stayed open
        tabs.pay_and_verify(&first).await;
        tabs.work().await;
        // THEN the same goods are not sent twice, and others are
        if is_same {
            tabs.assert_one_order_and_one_refund(&second, &first).await;
        } else {
            assert_eq!(
                (tabs.rows("orders").await, tabs.case(&first).await),
                (2, String::new())
            );
            tabs.assert_sound().await;
        }
        tabs.close().await;
    }
}

#[tokio::test]
async fn a_checkout_goes_on_behind_one_that_the_gateway_did_not_open() {
    // GIVEN a tab that was replaced by one that Khalti did not open, and a third one
    let tabs = Tabs::open().await;
    tabs.fill(1, &[(1, 1)]).await;
    let first = tabs.tab(1, Provider::Esewa).await;
    tabs.gateway
        .script([Behaviour::ServerError, Behaviour::ServerError]);
    let (status, answer) = tabs.ask_to_check_out(1, Provider::Khalti).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (502, &json!("gateway_failed"))
    );
    tabs.gateway.end_script();
    let third = tabs.tab(1, Provider::Khalti).await;
    // WHEN first and third are paid THEN it is one checkout all the same
    tabs.pay_and_verify(&third).await;
    tabs.work().await;
    tabs.pay_and_verify(&first).await;
    tabs.work().await;
    tabs.assert_one_order_and_one_refund(&third, &first).await;
    tabs.close().await;
}

#[tokio::test]
async fn a_person_who_knows_that_the_buyer_wants_both_can_have_the_second_order_made() {
    // GIVEN a checkout that was paid twice
    let tabs = Tabs::open().await;
    let (first, second) = tabs.two_tabs().await;
    tabs.pay_and_verify(&second).await;
    tabs.work().await;
    tabs.pay_and_verify(&first).await;
    tabs.work().await;
    assert_eq!(tabs.case(&first).await, "refund_due bought_already");
    // WHEN a person does what docs/operations.md says
    tabs.shop
        .database
        .run_sql(&format!(
            "UPDATE payment_intents SET metadata = metadata - 'checkout' WHERE payment_intent_id = '{}';
             UPDATE job_queue SET status = 'pending', attempts = 0, failed_at = NULL, scheduled_for = now() WHERE status = 'failed'",
            first.intent
        ))
        .await;
    tabs.work().await;
    // THEN both are orders, and the case is closed
    assert_eq!(
        (tabs.rows("orders").await, tabs.case(&first).await),
        (2, String::new())
    );
    assert_eq!(tabs.reserved().await, 0);
    tabs.assert_sound().await;
    tabs.close().await;
}
