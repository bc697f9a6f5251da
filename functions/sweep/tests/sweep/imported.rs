//! What a merchant's file says was paid: the gateway is asked, and its word is carried out, or a person decides.

use crate::counter::Counter;
use makegood::delivery::Deadline;
use makegood::gateway::Provider;
use makegood_local::gateway::Behaviour;
use makegood_tests::shop::Checkout;
use serde_json::{Value, json};
use std::time::Duration;

async fn sweep(counter: &Counter) -> Value {
    let input = json!({"sweep": "statement"});
    let deadline = Deadline::after(Duration::from_secs(60));
    counter.sweeps().handle(&input, deadline).await.unwrap()["imported"].clone()
}

/// A line of eSewa's file, as the command keeps it.
async fn imported(counter: &Counter, id: &str, amount: i64, state: &str) {
    counter
        .database
        .run_sql(&format!(
            "INSERT INTO statement_entries (provider, kind, entry_id, pays, amount_cents, currency, state, occurred_at, outcome, first_seen_at, seen_at)
             VALUES ('esewa', 'payment', '{id}', '{id}', {amount}, 'NPR', '{state}', now() - interval '3 hours', 'theirs_only', now(), now())"
        ))
        .await;
}

async fn outcome(counter: &Counter, id: &str) -> i64 {
    let matched =
        format!("SELECT count(*) FROM statement_entries WHERE entry_id = '{id}' AND outcome = 'matched'");
    counter.database.count(&matched).await
}

/// A buyer whose link is over; the sweep asks about it no more.
async fn lapsed(counter: &Counter, number: u32) -> Checkout {
    let checkout = counter.buyer(number, Provider::Esewa, &[(1, 1)]).await;
    counter.gateway.expire(&checkout.external).unwrap();
    counter.time_passes("2 hours").await;
    counter.reconcile().await;
    assert_eq!(counter.status(&checkout).await, "expired");
    counter.time_passes("6 minutes").await;
    checkout
}

#[tokio::test]
async fn who_paid_after_the_link_was_over_has_the_order_once_the_file_is_there() {
    let counter = Counter::open().await;
    let checkout = lapsed(&counter, 1).await;
    counter.gateway.pay(&checkout.external).unwrap();
    imported(&counter, &checkout.external, checkout.amount_minor, "moved").await;
    // GIVEN a gateway that is away at first: nothing is decided, and no person is asked
    counter.gateway.script([Behaviour::Unavailable]);
    let away = sweep(&counter).await;
    assert_eq!((&away["asked"], &away["cases"]), (&json!(1), &json!(0)), "{away}");
    // WHEN two runs ask
    counter.time_passes("6 minutes").await;
    let (first, second) = tokio::join!(sweep(&counter), sweep(&counter));
    let verified = |done: &Value| done["verified"].as_u64().unwrap();
    assert_eq!(verified(&first) + verified(&second), 1, "{first} {second}");
    counter.work().await;
    // THEN there is one order, and both say the same
    assert_eq!(counter.rows("orders").await, 1);
    assert_eq!(outcome(&counter, &checkout.external).await, 1);
    counter.assert_sound().await;
    assert_eq!(sweep(&counter).await["asked"], 0);
    counter.shop.close().await;
}

#[tokio::test]
async fn what_the_gateway_does_not_confirm_or_no_checkout_began_is_a_case() {
    let counter = Counter::open().await;
    let unpaid = lapsed(&counter, 1).await;
    imported(&counter, &unpaid.external, unpaid.amount_minor, "moved").await;
    imported(&counter, "never-begun", 100, "moved").await;
    imported(&counter, "pending-there", 100, "waiting").await;
    sweep(&counter).await;
    let cases =
        "SELECT count(*) FROM payment_cases WHERE kind = 'statement_gap' AND status = 'open' AND subject = ";
    for (id, expected) in [
        (unpaid.external.as_str(), 1),
        ("never-begun", 1),
        ("pending-there", 0),
    ] {
        assert_eq!(
            counter.database.count(&format!("{cases}'{id}'")).await,
            expected,
            "{id}"
        );
    }
    // WHEN it is paid after all THEN the case is closed by the next file
    counter.gateway.pay(&unpaid.external).unwrap();
    counter.time_passes("6 minutes").await;
    counter
        .database
        .run_sql("UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = 'sweep'")
        .await;
    sweep(&counter).await;
    counter.work().await;
    assert_eq!(outcome(&counter, &unpaid.external).await, 1);
    counter.shop.close().await;
}
