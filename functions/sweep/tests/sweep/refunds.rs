//! `reconcile` asks the gateways whether they gave a payment back that is long fulfilled, and carries out what they say.

use crate::counter::{Counter, numbers};
use chrono::Utc;
use makegood::delivery::Deadline;
use makegood::gateway::Provider;
use makegood::refund::{self, NewRefund, PartialRefund, Settling};
use makegood_local::gateway::{Behaviour, PaymentState};
use makegood_tests::shop::Checkout;
use serde_json::json;
use std::time::Duration;

const FOUND: [&str; 3] = ["refundQuestions", "refundsFound", "partRefundsFound"];
const CASES: &str = "SELECT string_agg(concat_ws(' ', kind, status, details ->> 'code', resolved_by), ', ' ORDER BY kind) FROM payment_cases";

/// A buyer who has paid and has the order.
async fn bought(counter: &Counter, number: u32, provider: Provider) -> Checkout {
    let checkout = counter.buyer(number, provider, &[(1, 2)]).await;
    counter.gateway.pay(&checkout.external).unwrap();
    counter.time_passes("6 minutes").await;
    assert_eq!(counter.reconcile().await["verified"], 1);
    counter.work().await;
    assert_eq!(counter.status(&checkout).await, "succeeded");
    checkout
}

async fn order_of(counter: &Counter, checkout: &Checkout) -> String {
    counter
        .text(&format!(
            "SELECT status FROM orders WHERE payment_intent_id = '{}'",
            checkout.intent
        ))
        .await
}

async fn refunds(counter: &Counter) -> String {
    counter
        .text("SELECT string_agg(concat_ws(' ', provider_refund_id, amount_minor, status), ', ' ORDER BY provider_refund_id) FROM refunds")
        .await
}

#[tokio::test]
async fn a_refund_at_the_gateway_cancels_the_order_and_puts_the_goods_back() {
    for provider in Provider::ALL {
        // GIVEN two orders, of which the gateway gave one back
        let counter = Counter::open().await;
        let stock = counter
            .count("SELECT sum(quantity_available)::bigint FROM inventory")
            .await;
        let returned = bought(&counter, 1, provider).await;
        let kept = bought(&counter, 2, provider).await;
        counter
            .gateway
            .set(&returned.external, PaymentState::Refunded)
            .unwrap();
        assert_eq!(numbers(&counter.reconcile().await, FOUND), [0, 0, 0]);
        counter.time_passes("25 hours").await;
        // WHEN two runs ask at once THEN each payment is asked about once
        let (first, second) = tokio::join!(counter.reconcile(), counter.reconcile());
        let (first, second) = (numbers(&first, FOUND), numbers(&second, FOUND));
        assert_eq!(
            [first[0] + second[0], first[1] + second[1]],
            [2, 1],
            "{first:?} {second:?}"
        );
        // AND what was given back is carried out: the order, the stock, the event
        assert_eq!(order_of(&counter, &returned).await, "cancelled");
        assert_eq!(order_of(&counter, &kept).await, "confirmed");
        assert_eq!(
            refunds(&counter).await,
            format!("{}-full {} processed", returned.external, returned.amount_minor)
        );
        assert_eq!(
            counter.rows("outbox WHERE event_type = 'ORDER_REFUNDED'").await,
            1
        );
        let now = counter
            .count("SELECT sum(quantity_available)::bigint FROM inventory")
            .await;
        assert_eq!(now, stock - 2, "only the kept order's pieces are out");
        counter.assert_sound().await;
        // AND nothing happens again
        let before = counter.everything().await;
        assert_eq!(numbers(&counter.reconcile().await, FOUND), [0, 0, 0]);
        assert_eq!(counter.everything().await, before);
        counter.time_passes("60 days").await;
        counter
            .gateway
            .set(&kept.external, PaymentState::Refunded)
            .unwrap();
        assert_eq!(numbers(&counter.reconcile().await, FOUND), [1, 1, 0]);
        assert_eq!(numbers(&counter.reconcile().await, FOUND), [0, 0, 0]);
        counter.shop.close().await;
    }
}

#[tokio::test]
async fn a_payment_is_asked_about_ever_less_often_and_not_for_ever() {
    let counter = Counter::open().await;
    let checkout = bought(&counter, 1, Provider::Khalti).await;
    let mut days = Vec::new();
    for day in 1..=60 {
        counter.time_passes("24 hours").await;
        if counter.reconcile().await["refundQuestions"] == 1 {
            days.push(day);
        }
    }
    assert_eq!(days, [1, 3, 7, 14, 30, 45]);
    assert_eq!(order_of(&counter, &checkout).await, "confirmed");
    counter.shop.close().await;
}

#[tokio::test]
async fn payments_from_before_the_update_are_asked_about_and_older_ones_are_not() {
    let counter = Counter::open().await;
    counter.verified(1, "44 days", None).await;
    counter.verified(2, "47 days", None).await;
    counter.verified(3, "23 hours", None).await;
    assert_eq!(counter.reconcile().await["refundQuestions"], 1);
    // AND a stack that asks never asks about none
    let mut sweeps = counter.sweeps();
    sweeps.refund_question_days = 0;
    counter.time_passes("2 days").await;
    assert_eq!(crate::counter::reconcile(&sweeps).await["refundQuestions"], 0);
    assert_eq!(counter.reconcile().await["refundQuestions"], 2);
    counter.shop.close().await;
}

#[tokio::test]
async fn a_shipped_order_whose_money_is_back_is_a_persons() {
    let counter = Counter::open().await;
    let checkout = bought(&counter, 1, Provider::Esewa).await;
    counter
        .database
        .run_sql("UPDATE orders SET status = 'shipped'")
        .await;
    counter
        .gateway
        .set(&checkout.external, PaymentState::Refunded)
        .unwrap();
    counter.time_passes("25 hours").await;
    assert_eq!(numbers(&counter.reconcile().await, FOUND), [1, 1, 0]);
    assert_eq!(order_of(&counter, &checkout).await, "shipped");
    assert_eq!(counter.text(CASES).await, "given_back open shipped");
    counter.shop.close().await;
}

#[tokio::test]
async fn a_part_is_a_persons_to_record_and_the_rest_follows() {
    // GIVEN an order of which the gateway gave a part back
    let counter = Counter::open().await;
    let checkout = bought(&counter, 1, Provider::Esewa).await;
    counter
        .gateway
        .set(&checkout.external, PaymentState::PartiallyRefunded)
        .unwrap();
    counter.time_passes("25 hours").await;
    assert_eq!(numbers(&counter.reconcile().await, FOUND), [1, 0, 1]);
    assert_eq!(counter.text(CASES).await, "given_back open unrecorded_part");
    // WHEN a person says that it is known THEN the same answer opens nothing again
    counter
        .database
        .run_sql("UPDATE payment_cases SET status = 'resolved', resolved_by = 'asha', resolved_at = now()")
        .await;
    counter.time_passes("3 days").await;
    assert_eq!(numbers(&counter.reconcile().await, FOUND), [1, 0, 0]);
    assert_eq!(
        counter.text(CASES).await,
        "given_back resolved unrecorded_part asha"
    );
    assert_eq!(order_of(&counter, &checkout).await, "confirmed");
    // AND when a person records the part, the rest is what the gateway's last word adds
    record(&counter, &checkout, "4711", 300, PartialRefund::Keep).await;
    counter.time_passes("5 days").await;
    counter
        .gateway
        .set(&checkout.external, PaymentState::Refunded)
        .unwrap();
    assert_eq!(numbers(&counter.reconcile().await, FOUND), [1, 1, 0]);
    assert_eq!(
        refunds(&counter).await,
        format!(
            "4711 300 processed, {}-full {} processed",
            checkout.external,
            checkout.amount_minor - 300
        )
    );
    assert_eq!(order_of(&counter, &checkout).await, "cancelled");
    counter.shop.close().await;
}

#[tokio::test]
async fn money_back_for_a_wrong_amount_closes_the_case_that_asked_for_it() {
    let counter = Counter::open().await;
    let checkout = counter.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    counter
        .gateway
        .script_for(&checkout.external, [Behaviour::WrongAmount]);
    counter.time_passes("6 minutes").await;
    assert_eq!(counter.reconcile().await["mismatched"], 1);
    counter
        .gateway
        .set(&checkout.external, PaymentState::Refunded)
        .unwrap();
    counter.time_passes("25 hours").await;
    assert_eq!(numbers(&counter.reconcile().await, FOUND), [1, 1, 0]);
    assert_eq!(
        counter.text(CASES).await,
        "amount_mismatch resolved amount_mismatch makegood"
    );
    counter.shop.close().await;
}

#[tokio::test]
async fn a_question_without_an_answer_is_asked_again_after_an_hour() {
    let counter = Counter::open().await;
    let checkout = bought(&counter, 1, Provider::Esewa).await;
    counter
        .gateway
        .set(&checkout.external, PaymentState::Refunded)
        .unwrap();
    counter.time_passes("25 hours").await;
    counter
        .gateway
        .script_for(&checkout.external, [Behaviour::ServerError]);
    assert_eq!(numbers(&counter.reconcile().await, FOUND), [0, 0, 0]);
    counter.time_passes("55 minutes").await;
    assert_eq!(numbers(&counter.reconcile().await, FOUND), [0, 0, 0]);
    counter.time_passes("6 minutes").await;
    assert_eq!(numbers(&counter.reconcile().await, FOUND), [1, 1, 0]);
    counter.shop.close().await;
}

#[tokio::test]
async fn a_gateway_that_is_away_is_left_alone_and_the_other_is_asked() {
    let counter = Counter::open().await;
    for number in 1..=40 {
        let lost = format!("lost-{number}");
        counter
            .database
            .run_sql(&format!(
                "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, status)
                 VALUES ('{lost}', gen_random_uuid(), 'esewa', '{lost}', 1000, '[]', 'failed');
                 INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified, verified_at)
                 VALUES ('esewa', '{lost}', '{lost}', 'amount_mismatch', 900, now() - interval '25 hours')"
            ))
            .await;
        counter.gateway.script_for(&lost, [Behaviour::ServerError]);
    }
    let paid = counter.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    counter.gateway.pay(&paid.external).unwrap();
    counter.time_passes("6 minutes").await;
    counter.reconcile().await;
    counter.work().await;
    counter
        .gateway
        .set(&paid.external, PaymentState::Refunded)
        .unwrap();
    counter.time_passes("25 hours").await;
    let asked_before: u64 = counter.gateway.report().questions.values().copied().sum();
    assert_eq!(counter.reconcile().await["refundsFound"], 1);
    let asked: u64 = counter.gateway.report().questions.values().copied().sum();
    assert!(
        (9..=32).contains(&(asked - asked_before)),
        "{asked_before} {asked}"
    );
    counter.database.clone().drop().await;
}

#[tokio::test]
async fn undecided_payments_leave_time_for_these_questions() {
    // GIVEN more undecided buyers of a slow gateway than a run can ask about, and a payment that was given back
    let counter = Counter::open().await;
    let returned = bought(&counter, 1, Provider::Khalti).await;
    counter
        .gateway
        .set(&returned.external, PaymentState::Refunded)
        .unwrap();
    counter.time_passes("25 hours").await;
    counter
        .database
        .run_sql(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, created_at)
             SELECT 'slow-' || n, gen_random_uuid(), 'esewa', 'slow-' || n, 1000, '[]', now() - interval '10 minutes'
             FROM generate_series(1, 600) n",
        )
        .await;
    counter.gateway.set_latency(Duration::from_millis(500));
    let done = counter
        .sweeps()
        .handle(
            &json!({"sweep": "reconcile"}),
            Deadline::after(Duration::from_secs(25)),
        )
        .await
        .unwrap();
    assert_eq!(numbers(&done["order"], FOUND), [1, 1, 0], "{done}");
    assert!(done["order"]["asked"].as_i64().unwrap() < 600, "{done}");
    counter.database.clone().drop().await;
}

#[tokio::test]
async fn a_recorded_part_answers_how_much_and_asks_what_it_ends_where_the_stack_wants_that() {
    for (policy, case) in [
        (
            PartialRefund::Keep,
            "given_back resolved unrecorded_part makegood",
        ),
        (PartialRefund::Case, "given_back open part"),
    ] {
        // GIVEN a case that asks how much went back
        let counter = Counter::open().await;
        let checkout = bought(&counter, 1, Provider::Esewa).await;
        counter
            .gateway
            .set(&checkout.external, PaymentState::PartiallyRefunded)
            .unwrap();
        counter.time_passes("25 hours").await;
        assert_eq!(counter.reconcile().await["partRefundsFound"], 1);
        // WHEN a part is recorded
        record(&counter, &checkout, "4711", 300, policy).await;
        // THEN it is closed, or asks the next question
        assert_eq!(counter.text(CASES).await, case);
        let details = counter
            .text("SELECT details ->> 'givenBackMinor' FROM payment_cases")
            .await;
        assert_eq!(details, if policy == PartialRefund::Case { "300" } else { "0" });
        // AND the gateway's same answer asks nothing more
        counter.time_passes("3 days").await;
        assert_eq!(numbers(&counter.reconcile().await, FOUND), [1, 0, 0]);
        assert_eq!(counter.text(CASES).await, case);
        assert_eq!(order_of(&counter, &checkout).await, "confirmed");
        counter.shop.close().await;
    }
}

async fn record(counter: &Counter, checkout: &Checkout, id: &str, amount_minor: i64, policy: PartialRefund) {
    let sweeps = counter.sweeps();
    let mut transaction = sweeps.publisher.database.begin().await.unwrap();
    let told = NewRefund {
        provider: "esewa".to_owned(),
        provider_refund_id: id.to_owned(),
        payment: None,
        payment_intent_id: Some(checkout.intent.clone()),
        provider_payment_id: None,
        amount_minor,
        currency: "NPR".to_owned(),
        payment_refunded_minor: None,
        reason: None,
        told_at: Utc::now(),
    };
    let settling = Settling {
        partial_refund: policy,
        now: Utc::now(),
        source: "test",
    };
    refund::note(&mut transaction, &told, settling.now).await.unwrap();
    refund::settle(&mut transaction, &checkout.intent, &settling)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}
