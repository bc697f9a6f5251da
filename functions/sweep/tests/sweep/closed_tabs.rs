//! `reconcile` asks about payments whose buyer did not come back: in turn, not too often, and not for ever.

use crate::counter::{Counter, numbers, reconcile};
use makegood::delivery::Deadline;
use makegood::gateway::Provider;
use makegood_local::gateway::{Behaviour, PaymentState, Side};
use serde_json::json;
use std::time::Duration;

const ASKED: [&str; 5] = ["asked", "verified", "mismatched", "freed", "undecided"];

#[tokio::test]
async fn who_pays_and_closes_the_tab_has_the_order_after_the_next_reconcile() {
    for provider in Provider::ALL {
        // GIVEN a buyer who paid and closed the tab, one who cancelled, one whose link ended, one who is at the page still,
        // and one who
        // went there four minutes ago
        let counter = Counter::open().await;
        let paid = counter.buyer(1, provider, &[(1, 2), (2, 1)]).await;
        let cancelled = counter.buyer(2, Provider::Khalti, &[(1, 1)]).await;
        let expired = counter.buyer(3, Provider::Khalti, &[(1, 1)]).await;
        counter.buyer(4, provider, &[(1, 1)]).await;
        counter.time_passes("6 minutes").await;
        let fresh = counter.buyer(5, provider, &[(1, 1)]).await;
        let four_minutes_ago = format!(
            "UPDATE payment_intents SET created_at = now() - interval '4 minutes' WHERE payment_intent_id = '{}'",
            fresh.intent
        );
        counter.database.run_sql(&four_minutes_ago).await;
        for checkout in [&paid, &fresh] {
            counter.gateway.pay(&checkout.external).unwrap();
        }
        counter.gateway.cancel(&cancelled.external).unwrap();
        counter.gateway.expire(&expired.external).unwrap();
        // WHEN reconciled, by two at once
        let (first, second) = tokio::join!(counter.reconcile(), counter.reconcile());
        let (first, second) = (numbers(&first, ASKED), numbers(&second, ASKED));
        let both: Vec<i64> = (1..5).map(|place| first[place] + second[place]).collect();
        assert_eq!(both[..3], [1, 0, 2], "{first:?} {second:?}");
        // THEN a worker was woken, and the order is there
        assert_eq!(counter.jobs.drain().await.len(), 1);
        counter.work().await;
        assert_eq!(counter.rows("orders").await, 1);
        assert_eq!(counter.status(&paid).await, "succeeded");
        assert_eq!(counter.status(&cancelled).await, "cancelled");
        assert_eq!(counter.status(&expired).await, "expired");
        assert_eq!(counter.status(&fresh).await, "pending");
        assert_eq!(counter.gateway.questions(&fresh.external), 0);
        counter.assert_sound().await;
        // AND reconciling again changes nothing
        let before = counter.everything().await;
        assert_eq!(numbers(&counter.reconcile().await, ASKED), [0; 5]);
        counter.work().await;
        assert_eq!(counter.everything().await, before);
        counter.shop.close().await;
    }
}

#[tokio::test]
async fn a_wrong_amount_behind_a_closed_tab_is_a_case_too() {
    let counter = Counter::open().await;
    let checkout = counter.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    counter
        .gateway
        .script_for(&checkout.external, [Behaviour::WrongAmount]);
    counter.time_passes("6 minutes").await;
    assert_eq!(numbers(&counter.reconcile().await, ASKED), [1, 0, 1, 0, 0]);
    counter.work().await;
    let case = "payment_cases WHERE kind = 'amount_mismatch' AND status = 'open'";
    assert_eq!((counter.rows(case).await, counter.rows("orders").await), (1, 0));
    // AND that was the gateway's last word
    counter.time_passes("3 hours").await;
    assert_eq!(numbers(&counter.reconcile().await, ASKED), [0; 5]);
    counter.assert_sound().await;
    counter.shop.close().await;
}

#[tokio::test]
async fn what_we_cancelled_ourselves_is_asked_about_for_three_days() {
    // GIVEN a gateway that was away until the reservations had run out, and buyers who had paid there all the same
    let counter = Counter::open().await;
    let recent = counter.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    let cancelled_by_us = counter.buyer(2, Provider::Khalti, &[(1, 1)]).await;
    let old = counter.buyer(3, Provider::Esewa, &[(1, 1)]).await;
    for checkout in [&recent, &cancelled_by_us, &old] {
        counter.gateway.pay(&checkout.external).unwrap();
    }
    counter.time_passes("71 hours").await;
    let sweeps = counter.sweeps();
    let deadline = Deadline::after(Duration::from_secs(60));
    sweeps
        .handle(&json!({"sweep": "reservations"}), deadline)
        .await
        .unwrap();
    let update = format!(
        "UPDATE payment_intents SET status = 'cancelled' WHERE payment_intent_id = '{}';
         UPDATE payment_intents SET created_at = created_at - interval '2 hours' WHERE payment_intent_id = '{}'",
        cancelled_by_us.intent, old.intent
    );
    counter.database.run_sql(&update).await;
    assert_eq!(counter.status(&recent).await, "expired");
    // WHEN reconciled THEN those of the last three days are found, and their orders made
    assert_eq!(numbers(&counter.reconcile().await, ASKED), [2, 2, 0, 0, 0]);
    counter.work().await;
    assert_eq!(counter.rows("orders").await, 2);
    assert_eq!(counter.gateway.questions(&old.external), 0);
    counter.assert_sound().await;
    counter.shop.close().await;
}

#[tokio::test]
async fn an_unpaid_form_lapses_and_is_asked_about_ever_less_often() {
    // GIVEN a buyer who never sent eSewa's form
    let counter = Counter::open().await;
    let checkout = counter.shop.check_out(1, Provider::Esewa, &[(1, 1)]).await;
    // WHEN time passes, and reconcile with it, THEN it is asked about before and right after the link's end, and then at
    // double its age each time, for three days
    let steps = [
        ("6 minutes", 1),
        ("30 minutes", 1),
        ("35 minutes", 0),
        ("2 minutes", 1),
        ("72 minutes", 0),
        ("2 minutes", 1),
        ("48 hours", 1),
        ("22 hours", 0),
    ];
    for (pause, asked) in steps {
        counter.time_passes(pause).await;
        let done = counter.reconcile().await;
        assert_eq!(done["asked"], asked, "{pause}: {done}");
    }
    assert_eq!(counter.status(&checkout).await, "expired");
    assert_eq!(counter.reserved().await, 0);
    assert_eq!(counter.rows("payment_gateway_verifications").await, 0);
    counter.shop.close().await;
}

#[tokio::test]
async fn after_an_outage_no_buyer_waits_longer_than_a_quarter_of_an_hour() {
    // GIVEN a buyer who paid twelve hours ago, about whom a gateway in trouble was asked five minutes ago
    let counter = Counter::open().await;
    let checkout = counter.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    counter.gateway.pay(&checkout.external).unwrap();
    counter.time_passes("12 hours").await;
    counter
        .gateway
        .script_for(&checkout.external, [Behaviour::ServerError]);
    let done = counter.reconcile().await;
    assert_eq!(
        numbers(&done, ["asked", "undecided", "gatewayFailures"]),
        [1, 1, 1]
    );
    counter.time_passes("5 minutes").await;
    assert_eq!(counter.reconcile().await["asked"], 0);
    // WHEN a quarter of an hour has passed THEN it is asked again
    counter.time_passes("10 minutes").await;
    assert_eq!(numbers(&counter.reconcile().await, ASKED), [1, 1, 0, 0, 0]);
    counter.shop.close().await;
}

#[tokio::test]
async fn a_gateway_that_is_away_costs_a_few_questions_and_the_other_is_asked_on() {
    // GIVEN sixty buyers of a gateway that is away, and one of the other who has paid
    let counter = Counter::open().await;
    let many = "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items)
                SELECT 'lost-' || n, gen_random_uuid(), 'esewa', 'lost-' || n, 1000, '[]' FROM generate_series(1, 60) n";
    counter.database.run_sql(many).await;
    let paid = counter.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    counter.gateway.pay(&paid.external).unwrap();
    counter.time_passes("6 minutes").await;
    for number in 1..=60 {
        counter
            .gateway
            .script_for(&format!("lost-{number}"), [Behaviour::ServerError]);
    }
    // WHEN reconciled THEN it is left alone soon, and the one who paid is found
    let done = counter.reconcile().await;
    assert_eq!(done["verified"], 1, "{done}");
    let failures = done["gatewayFailures"].as_i64().unwrap();
    assert!((8..=16).contains(&failures), "{done}");
    // AND each further run goes on where the last one stopped: all are asked about, and none twice
    let mut failures = failures;
    while failures < 60 {
        let done = counter.reconcile().await;
        let more = done["gatewayFailures"].as_i64().unwrap();
        assert!((1..=16).contains(&more), "{done}");
        failures += more;
    }
    let questions = counter.gateway.report().questions;
    let once = questions
        .iter()
        .filter(|(id, times)| id.starts_with("lost-") && **times == 1);
    assert_eq!(once.count(), 60, "{questions:?}");
    counter.database.clone().drop().await;
}

#[tokio::test]
async fn a_run_reads_once_whose_turn_it_is_however_many_are_due() {
    // GIVEN more buyers at the gateway's page than are asked about at once
    let counter = Counter::open().await;
    let many = "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items)
                SELECT 'many-' || n, gen_random_uuid(), 'esewa', 'many-' || n, 1000, '[]' FROM generate_series(1, 250) n";
    counter.database.run_sql(many).await;
    counter.time_passes("6 minutes").await;
    for number in 1..=250 {
        counter.gateway.put(Side::Esewa, &format!("many-{number}"), 1_000);
    }
    counter.database.log_statements().await;
    // WHEN reconciled THEN all are asked about, and the list was read once
    assert_eq!(counter.reconcile().await["asked"], 250);
    let listed = counter
        .database
        .carried_out("-- Intents that a gateway is to be asked about");
    assert_eq!(listed, 1);
    counter.database.clone().drop().await;
}

#[tokio::test]
async fn payments_of_a_gateway_that_is_away_take_no_turn_of_the_others() {
    // GIVEN more buyers of a gateway that is away than one run asks about, and among them one of the other gateway who has paid
    let counter = Counter::open().await;
    let paid = counter.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    counter.gateway.pay(&paid.external).unwrap();
    let many = "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, created_at)
                SELECT 'away-' || n, gen_random_uuid(), 'esewa', 'away-' || n, 1000, '[]', now() + (n - 1100.5) * interval '1 second'
                FROM generate_series(1, 2200) n";
    counter.database.run_sql(many).await;
    counter.time_passes("30 minutes").await;
    for number in 1..=2200 {
        counter
            .gateway
            .script_for(&format!("away-{number}"), [Behaviour::ServerError]);
    }
    // WHEN reconciled once THEN the one who paid is found
    let done = counter.reconcile().await;
    assert_eq!(done["verified"], 1, "{done}");
    let failures = done["gatewayFailures"].as_i64().unwrap();
    assert!((8..=16).contains(&failures), "{done}");
    counter.database.clone().drop().await;
}

#[tokio::test]
async fn answers_that_cannot_be_read_keep_no_other_buyer_of_the_gateway_waiting() {
    // GIVEN thirty buyers before and thirty after one who has paid, and a gateway whose answers about the sixty can't be read
    let counter = Counter::open().await;
    let paid = counter.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    counter.gateway.pay(&paid.external).unwrap();
    let many = "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, created_at)
                SELECT 'odd-' || n, gen_random_uuid(), 'esewa', 'odd-' || n, 1000, '[]', now() + (n - 30.5) * interval '1 second'
                FROM generate_series(1, 60) n";
    counter.database.run_sql(many).await;
    counter.time_passes("7 minutes").await;
    for number in 1..=60 {
        counter
            .gateway
            .script_for(&format!("odd-{number}"), [Behaviour::Garbage]);
    }
    // WHEN reconciled once THEN all are asked about, and the one who paid is found
    let done = counter.reconcile().await;
    assert_eq!(
        numbers(&done, ["asked", "verified", "gatewayFailures"]),
        [61, 1, 60],
        "{done}"
    );
    counter.database.clone().drop().await;
}

#[tokio::test]
async fn a_backlog_keeps_no_new_buyer_waiting() {
    // GIVEN hundreds of undecided intents that are due again, more that were never asked about, and a buyer who paid last
    let counter = Counter::open().await;
    let backlog = "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items,
                                                created_at, metadata)
                   SELECT 'old-' || n, gen_random_uuid(), 'esewa', 'old-' || n, 1000, '[]', now() - interval '2 days',
                          CASE WHEN n <= 200 THEN '{\"gateway\": {\"asks\": 9, \"asked_at\": \"2026-01-01T00:00:00Z\",
                                                    \"answered_at\": \"2026-01-01T00:00:00Z\", \"answer\": \"pending\"}}'::jsonb END
                   FROM generate_series(1, 400) n";
    counter.database.run_sql(backlog).await;
    let paid = counter.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    counter.gateway.pay(&paid.external).unwrap();
    counter.database.run_sql("UPDATE payment_intents SET created_at = now() - interval '6 minutes' WHERE payment_intent_id NOT LIKE 'old-%'").await;
    // WHEN a run has hardly any time, since every answer takes long
    counter.gateway.set_latency(Duration::from_millis(400));
    let sweeps = counter.sweeps();
    let deadline = Deadline::after(Duration::from_secs(14));
    let done = sweeps
        .handle(&json!({"sweep": "reconcile"}), deadline)
        .await
        .unwrap();
    // THEN the one who paid last is among the first who are asked about
    assert_eq!(done["order"]["verified"], 1, "{done}");
    assert!(done["order"]["asked"].as_i64().unwrap() < 100, "{done}");
    // AND later runs come to those that were asked longest ago
    counter.gateway.set_latency(Duration::ZERO);
    reconcile(&sweeps).await;
    let never = "payment_intents WHERE NOT coalesce(metadata, '{}') ? 'gateway'
                   OR metadata #>> '{gateway,asks}' = '9'";
    assert_eq!(counter.rows(never).await, 0);
    counter.database.clone().drop().await;
}

#[tokio::test]
async fn an_answer_that_is_no_last_word_is_asked_for_again_until_it_is_one() {
    let counter = Counter::open().await;
    let checkout = counter.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    counter.time_passes("6 minutes").await;
    assert_eq!(numbers(&counter.reconcile().await, ASKED), [1, 0, 0, 0, 1]);
    // AND not within four minutes
    counter.time_passes("3 minutes").await;
    assert_eq!(numbers(&counter.reconcile().await, ASKED), [0; 5]);
    for (pause, state) in [
        ("2 minutes", PaymentState::Pending),
        ("5 minutes", PaymentState::Ambiguous),
        ("40 minutes", PaymentState::Ambiguous),
    ] {
        counter.time_passes(pause).await;
        counter.gateway.set(&checkout.external, state).unwrap();
        assert_eq!(
            numbers(&counter.reconcile().await, ASKED),
            [1, 0, 0, 0, 1],
            "{pause}"
        );
    }
    counter.time_passes("10 minutes").await;
    counter.gateway.pay(&checkout.external).unwrap();
    assert_eq!(numbers(&counter.reconcile().await, ASKED), [1, 1, 0, 0, 0]);
    counter.work().await;
    assert_eq!(counter.rows("orders").await, 1);
    counter.assert_sound().await;
    counter.shop.close().await;
}
