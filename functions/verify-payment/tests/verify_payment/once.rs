//! However many ask at once, a payment is verified once, and all of them hear the same.

use crate::till::{Till, question, said, send};
use futures::future::join_all;
use makegood::gateway::Provider;
use makegood_local::gateway::{Behaviour, PaymentState};
use makegood_tests::shop::Checkout;
use serde_json::{Value, json};
use std::time::Duration;

/// Fifty callers at once, each with one of these bodies in turn.
async fn fifty(till: &Till, bodies: &[Value]) -> Vec<(u64, Value)> {
    let callers = (0..50).map(|number| {
        let function = till.function.clone();
        let body = bodies[number % bodies.len()].to_string();
        tokio::spawn(async move { send(&function, &body).await })
    });
    let answers = join_all(callers).await;
    answers.into_iter().map(|answer| answer.unwrap()).collect()
}

async fn assert_one_order(till: &Till, checkout: &Checkout) {
    assert_eq!(till.rows("payment_gateway_verifications").await, 1);
    assert_eq!(till.rows("job_queue").await, 1);
    till.work().await;
    assert_eq!(till.rows("orders").await, 1);
    assert_eq!(till.status(checkout).await, "succeeded");
    till.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_make_one_verification_one_job_and_one_order_and_hear_the_same() {
    for provider in Provider::ALL {
        // GIVEN a buyer who paid some minutes ago, and a gateway that takes its time
        let till = Till::open().await;
        let checkout = till.buyer(1, provider, &[(1, 2), (2, 1)]).await;
        till.gateway.pay(&checkout.external).unwrap();
        till.gateway.set_latency(Duration::from_millis(300));
        till.time_passes("6 minutes").await;
        let mut bodies = vec![question(&checkout)];
        if let Some(data) = till.gateway.callback(&checkout.external) {
            bodies.push(json!({"provider": "esewa", "data": data}));
        }
        // WHEN the redirect, its repeats, other tabs and two sweeps come at once
        let (answers, first, second) =
            tokio::join!(fifty(&till, &bodies), till.reconcile(), till.reconcile());
        // THEN the gateway was asked once, and everybody heard that it is paid
        assert_eq!(till.gateway.questions(&checkout.external), 1);
        let expected = json!({"success": true, "status": "success", "payment_intent_id": checkout.intent, "provider": provider});
        for answer in &answers {
            assert_eq!(said(answer), (200, expected.clone()));
        }
        let first_ones = answers
            .iter()
            .filter(|(_, body)| body["already_verified"] == json!(false))
            .count();
        let swept = first["verified"].as_u64().unwrap() + second["verified"].as_u64().unwrap();
        assert_eq!(u64::try_from(first_ones).unwrap() + swept, 1, "{first} {second}");
        // AND one worker was woken, for one order
        assert_eq!(till.jobs.drain().await.len(), 1);
        assert_one_order(&till, &checkout).await;
        till.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_at_once_while_nothing_is_decided_ask_the_gateway_once_and_hear_the_same() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    till.gateway.set_latency(Duration::from_millis(300));
    let pending = json!({"success": false, "status": "pending", "payment_intent_id": checkout.intent,
                         "provider": "khalti", "retry_after_ms": 2_000});
    let answers = fifty(&till, &[question(&checkout)]).await;
    assert!(
        answers.iter().all(|answer| *answer == (202, pending.clone())),
        "{answers:?}"
    );
    assert_eq!(till.gateway.questions(&checkout.external), 1);
    // AND who asks within two seconds hears it again, and later the gateway is asked again
    assert_eq!(till.verify(&checkout).await, (202, pending.clone()));
    assert_eq!(till.gateway.questions(&checkout.external), 1);
    till.time_passes("3 seconds").await;
    assert_eq!(till.verify(&checkout).await, (202, pending));
    assert_eq!(till.gateway.questions(&checkout.external), 2);
    till.assert_nothing_recorded("still pending").await;
    till.close().await;
}

#[tokio::test]
async fn what_is_verified_is_answered_again_and_the_gateway_is_not_asked_again() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    let first = till.verify(&checkout).await;
    assert_eq!((first.0, &first.1["already_verified"]), (200, &json!(false)));
    // GIVEN a gateway that would say something else by now, and an order that is there
    till.work().await;
    till.gateway
        .set(&checkout.external, PaymentState::Refunded)
        .unwrap();
    till.time_passes("1 hour").await;
    // WHEN asked again
    let second = till.verify(&checkout).await;
    // THEN the answer is the first one
    assert_eq!(said(&second), said(&first));
    assert_eq!(second.1["already_verified"], json!(true));
    assert_eq!(till.gateway.questions(&checkout.external), 1);
    assert_one_order(&till, &checkout).await;
    till.close().await;
}

#[tokio::test]
async fn the_question_of_an_asker_that_died_is_asked_by_another() {
    // GIVEN an asker that took the question and never came back with an answer
    let till = Till::with_patience(Duration::from_millis(300)).await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    let take = format!(
        "UPDATE payment_intents SET metadata = metadata || jsonb_build_object('gateway',
           jsonb_build_object('asks', 1, 'asked_at', now() - interval '14 seconds'))
         WHERE payment_intent_id = '{}'",
        checkout.intent
    );
    till.database.run_sql(&take).await;
    // WHEN another asks, it waits for the first until that must be dead, and asks itself
    let answer = till.verify(&checkout).await;
    assert_eq!((answer.0, &answer.1["status"]), (200, &json!("success")));
    assert_eq!(till.gateway.questions(&checkout.external), 1);
    assert_one_order(&till, &checkout).await;
    till.close().await;
}

/// What is told who asks about this checkout, when another takes the question while the gateway thinks.
async fn answered_late(till: &Till, checkout: &Checkout) -> (u64, Value) {
    till.gateway
        .script_for(&checkout.external, [Behaviour::Slow(1_000)]);
    let take = format!(
        "UPDATE payment_intents SET metadata = metadata || jsonb_build_object('gateway',
           jsonb_build_object('asks', 2, 'asked_at', now()))
         WHERE payment_intent_id = '{}'",
        checkout.intent
    );
    let taken = async {
        while till.gateway.report().questions.is_empty() {
            tokio::task::yield_now().await;
        }
        till.database.run_sql(&take).await;
    };
    let taken = tokio::time::timeout(Duration::from_secs(20), taken);
    let (answer, taken) = tokio::join!(till.verify(checkout), taken);
    taken.expect("the gateway is asked");
    answer
}

#[tokio::test]
async fn an_answer_that_comes_late_is_not_noted_under_the_question_of_another() {
    // GIVEN a payment whose gateway thinks, and another asker that took its question meanwhile
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Esewa, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    // WHEN the answer is there THEN the payment is recorded, and the other one's question is still open
    let answer = answered_late(&till, &checkout).await;
    assert_eq!((answer.0, &answer.1["status"]), (200, &json!("success")));
    let open = "payment_intents WHERE metadata #>> '{gateway,asks}' = '2' AND metadata #>> '{gateway,answer}' IS NULL";
    assert_eq!(till.rows(open).await, 1);
    assert_one_order(&till, &checkout).await;
    till.close().await;
}

#[tokio::test]
async fn a_late_answer_that_decides_nothing_is_not_noted_under_the_question_of_another_either() {
    // GIVEN a buyer who is at the gateway's page still, and another asker that took the question while the gateway thought
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    let answer = answered_late(&till, &checkout).await;
    // THEN who asked first hears what was answered, and the other one's question is still open
    assert_eq!((answer.0, &answer.1["status"]), (202, &json!("pending")));
    let open = "payment_intents WHERE metadata #>> '{gateway,asks}' = '2' AND metadata #>> '{gateway,answer}' IS NULL";
    assert_eq!(till.rows(open).await, 1);
    till.close().await;
}

#[tokio::test]
async fn no_connection_is_held_while_the_gateway_thinks() {
    // GIVEN a pool of four connections, and eight payments whose gateway answers late
    let till = Till::open().await;
    let mut checkouts = Vec::new();
    for number in 1..=8 {
        let checkout = till.buyer(number, Provider::Esewa, &[(1, 1)]).await;
        till.gateway.pay(&checkout.external).unwrap();
        till.gateway
            .script_for(&checkout.external, [Behaviour::Slow(1_000)]);
        checkouts.push(checkout);
    }
    let asked = async {
        while till.gateway.report().questions.len() < 8 {
            tokio::task::yield_now().await;
        }
        // THEN all eight are at the gateway at once, and the pool is free
        till.function.verifier.database.idle()
    };
    let asked = tokio::time::timeout(Duration::from_secs(20), asked);
    let (answers, idle) = tokio::join!(
        join_all(checkouts.iter().map(|checkout| till.verify(checkout))),
        asked
    );
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let idle = idle.expect("all eight come to the gateway");
    assert!(idle > 0, "no connection was idle");
    till.close().await;
}
