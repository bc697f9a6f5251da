//! A form that is kept open does not keep its price for ever.

use crate::tabs::Tabs;
use makegood::gateway::Provider;
use makegood_local::gateway::{Behaviour, PaymentState};
use makegood_tests::shop::Checkout;
use serde_json::json;

/// A checkout of two pieces whose form is kept open and not sent.
async fn kept_open() -> (Tabs, Checkout) {
    let tabs = Tabs::open().await;
    tabs.fill(1, &[(1, 2)]).await;
    let checkout = tabs.tab(1, Provider::Esewa).await;
    tabs.gateway
        .script_for(&checkout.external, [Behaviour::Answer(PaymentState::Expired); 40]);
    (tabs, checkout)
}

/// So much time passes, and the sweeps run in it.
async fn wait(tabs: &Tabs, pause: &str) {
    tabs.time_passes(pause).await;
    tabs.sweep("reservations").await;
    tabs.reconcile().await;
}

async fn costs(tabs: &Tabs, change: i64) {
    tabs.shop
        .database
        .run_sql(&format!(
            "UPDATE product_variants SET price_cents = price_cents + {change}"
        ))
        .await;
}

async fn pay(tabs: &Tabs, checkout: &Checkout) {
    tabs.gateway.end_script();
    tabs.time_passes("1 minute").await;
    tabs.pay_and_verify(checkout).await;
    tabs.work().await;
}

#[tokio::test]
async fn what_is_paid_after_its_price_has_ended_and_costs_more_now_is_owed_back() {
    let (tabs, checkout) = kept_open().await;
    for pause in ["40 minutes", "3 hours", "6 hours"] {
        wait(&tabs, pause).await;
    }
    // Sixty days later the goods cost a paisa more, and the form is sent.
    wait(&tabs, "60 days").await;
    costs(&tabs, 1).await;
    pay(&tabs, &checkout).await;
    assert_eq!((tabs.rows("orders").await, tabs.reserved().await), (0, 0));
    assert_eq!(tabs.case(&checkout).await, "refund_due price_ended");
    tabs.assert_sound().await;
    // WHEN a person does what docs/operations.md says THEN the order is made after all
    tabs.shop
        .database
        .run_sql(
            "UPDATE payment_intents SET price_until = NULL;
             UPDATE job_queue SET status = 'pending', attempts = 0, failed_at = NULL, scheduled_for = now() WHERE status = 'failed'",
        )
        .await;
    tabs.work().await;
    assert_eq!(
        (tabs.rows("orders").await, tabs.case(&checkout).await),
        (1, String::new())
    );
    tabs.assert_sound().await;
    tabs.close().await;
}

#[tokio::test]
async fn what_costs_no_more_or_was_paid_in_time_is_fulfilled_however_late_it_is_known() {
    // The pauses with a gateway that knows of nothing, those in which it is away, and the change of the price.
    for (unpaid, away, change) in [
        (["40 minutes", "3 hours", "60 days"].as_slice(), [].as_slice(), 0),
        (&["40 minutes", "3 hours", "60 days"], &[], -1),
        // The last word is from before the end.
        (&["40 minutes", "80 minutes"], &["3 hours", "2 days"], 1),
        (&[], &["3 hours", "2 days"], 1),
    ] {
        let (tabs, checkout) = kept_open().await;
        for pause in unpaid {
            wait(&tabs, pause).await;
        }
        tabs.gateway.end_script();
        for pause in away {
            tabs.gateway
                .script_for(&checkout.external, [Behaviour::ServerError]);
            wait(&tabs, pause).await;
        }
        costs(&tabs, change).await;
        pay(&tabs, &checkout).await;
        assert_eq!(tabs.rows("orders").await, 1, "{unpaid:?} {away:?} {change}");
        tabs.assert_sound().await;
        tabs.close().await;
    }
}

#[tokio::test]
async fn the_last_word_that_nothing_was_paid_outlives_later_questions() {
    // GIVEN an answer from after the price had ended, and a gateway in trouble since
    let (tabs, checkout) = kept_open().await;
    wait(&tabs, "40 minutes").await;
    wait(&tabs, "6 hours").await;
    tabs.gateway.end_script();
    tabs.gateway
        .script_for(&checkout.external, [Behaviour::ServerError; 2]);
    wait(&tabs, "12 hours").await;
    tabs.time_passes("1 minute").await;
    let (status, answer) = tabs.verify(&checkout).await;
    assert_eq!((status, &answer["status"]), (202, &json!("pending")), "{answer}");
    costs(&tabs, 1).await;
    pay(&tabs, &checkout).await;
    assert_eq!(tabs.case(&checkout).await, "refund_due price_ended");
    tabs.close().await;
}

#[tokio::test]
async fn a_checkout_says_until_when_its_prices_hold() {
    let (tabs, checkout) = kept_open().await;
    let holds = format!(
        "SELECT extract(epoch FROM price_until - expires_at)::bigint FROM payment_intents WHERE payment_intent_id = '{}'",
        checkout.intent
    );
    assert_eq!(tabs.count(&holds).await, 7_200);
    let khalti = {
        tabs.fill(2, &[(2, 1)]).await;
        tabs.tab(2, Provider::Khalti).await
    };
    let holds = holds.replace(&checkout.intent, &khalti.intent);
    assert_eq!(tabs.count(&holds).await, 7_200);
    tabs.close().await;
}
