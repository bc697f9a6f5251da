//! One key, one checkout: again, at once, with something else, and after its end.

use crate::khalti::{Meeting, Mood};
use crate::shop::{Shop, body, request, send};
use futures::future::{join_all, select};
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Barrier;

#[tokio::test]
async fn the_same_key_and_body_get_the_same_answer_again_whatever_the_cart_is_now() {
    for method in ["esewa", "khalti"] {
        let shop = Shop::open(&[('A', 5)]).await;
        let buyer = shop.buyer(&[('A', 2)]).await;
        let first = shop.send(request(buyer, Some("key-1"), &body(method))).await;
        assert_eq!(first.0, 200, "{}", first.1);
        // WHEN the cart changes and the same checkout is sent again
        shop.database.run_sql("UPDATE cart_items SET quantity = 5").await;
        let again = shop.send(request(buyer, Some("key-1"), &body(method))).await;
        // THEN it is the same intent, with the same place to pay
        assert_eq!(again, first);
        assert_eq!(shop.levels().await, (5, 2));
        assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 1);
        assert_eq!(shop.khalti.asked().len(), usize::from(method == "khalti"));
        shop.close().await;
    }
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused_and_reserves_nothing() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    shop.send(request(buyer, Some("key-1"), &body("esewa"))).await;
    let mut moved = body("esewa");
    moved["shipping_address"]["city"] = json!("Pokhara");
    for other in [body("khalti"), moved] {
        let (status, answer) = shop.send(request(buyer, Some("key-1"), &other)).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (409, &json!("idempotency_key_reused"))
        );
    }
    assert_eq!(shop.levels().await, (5, 1));
    shop.close().await;
}

#[tokio::test]
async fn a_key_is_its_buyers_own() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyers = shop.buyers(&[vec![('A', 1)], vec![('A', 1)]]).await;
    let mut intents = Vec::new();
    for buyer in &buyers {
        let (status, answer) = shop.send(request(*buyer, Some("key-1"), &body("esewa"))).await;
        assert_eq!(status, 200, "{answer}");
        intents.push(answer["payment_intent_id"].clone());
    }
    assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 2);
    // AND where a checkout is open already, so that the key is looked up in a transaction
    for (buyer, intent) in buyers.iter().zip(&intents) {
        let (_, answer) = shop.send(request(*buyer, Some("key-1"), &body("esewa"))).await;
        assert_eq!(&answer["payment_intent_id"], intent, "{answer}");
    }
    assert_eq!(shop.levels().await, (5, 2));
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_with_the_same_key_at_once_make_one_reservation() {
    let shop = Shop::open_with_connections(&[('A', 50)], 20).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let barrier = Arc::new(Barrier::new(20));
    let checkouts = (0..20).map(|_| {
        let (function, barrier) = (Arc::clone(&shop.function), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            send(&function, request(buyer, Some("key-1"), &body("khalti"))).await
        })
    });
    let answers: Vec<_> = join_all(checkouts)
        .await
        .into_iter()
        .map(|answer| answer.expect("no panic"))
        .collect();
    // THEN all are told the same, and one piece is reserved
    assert_eq!(answers[0].0, 200, "{}", answers[0].1);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 1);
    assert_eq!(shop.count("SELECT count(*) FROM inventory_reservations").await, 1);
    assert_eq!(shop.levels().await, (50, 1));
    shop.close().await;
}

#[tokio::test]
async fn two_who_open_the_same_intent_at_once_are_told_what_the_first_was() {
    // GIVEN a Khalti that gives no answer before two have asked
    for (first, other, expected) in [
        (Mood::Open, Mood::Open, 200),
        (Mood::Open, Mood::Fail, 200),
        (Mood::Fail, Mood::Open, 502),
    ] {
        let shop = Shop::open(&[('A', 5)]).await;
        let buyer = shop.buyer(&[('A', 1)]).await;
        let meeting = Meeting::of(first, other);
        shop.khalti.set(Mood::Meet(Arc::clone(&meeting)));
        // WHEN the same checkout is sent twice: the second finds the first reserved, and not opened
        let same = || Box::pin(shop.send(request(buyer, Some("key-1"), &body("khalti"))));
        let (one, slower) = select(same(), same()).await.factor_first();
        let (two, ()) = tokio::join!(slower, meeting.later());
        // THEN both are told what the gateway said first, and the stock goes with it
        assert_eq!((one.0, shop.khalti.asked().len()), (expected, 2), "{one:?}");
        assert_eq!(one, two);
        let live = i64::from(expected == 200);
        let pending = "SELECT count(*) FROM payment_intents WHERE status = 'pending'";
        assert_eq!(
            (shop.count(pending).await, shop.levels().await),
            (live, (5, live))
        );
        shop.assert_stock_adds_up().await;
        shop.close().await;
    }
}

#[tokio::test]
async fn a_checkout_whose_maker_died_before_the_gateway_answered_is_taken_up_again() {
    // GIVEN an intent that was reserved and never opened
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let first = shop.send(request(buyer, Some("key-1"), &body("khalti"))).await;
    shop.database
        .run_sql("UPDATE payment_intents SET external_transaction_id = NULL, gateway_payment_url = NULL")
        .await;
    // WHEN the buyer's page tries again
    let (status, again) = shop.send(request(buyer, Some("key-1"), &body("khalti"))).await;
    // THEN the same intent is opened, with a link of its own, and nothing is reserved twice
    assert_eq!(
        (status, &again["payment_intent_id"]),
        (200, &first.1["payment_intent_id"])
    );
    assert_eq!(again["payment_url"], json!("https://khalti.test/?pidx=pidx2"));
    assert_eq!(shop.levels().await, (5, 1));
    shop.close().await;
}

#[tokio::test]
async fn a_checkout_that_ended_is_not_given_again_as_if_it_could_be_paid() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let (_, first) = shop.send(request(buyer, Some("key-1"), &body("esewa"))).await;
    for (state, code) in [
        ("expired", "checkout_ended"),
        ("cancelled", "checkout_ended"),
        ("failed", "checkout_ended"),
        ("succeeded", "checkout_ended"),
        ("processing", "order_being_made"),
    ] {
        shop.database
            .run_sql(&format!("UPDATE payment_intents SET status = '{state}'"))
            .await;
        let (answered, answer) = shop.send(request(buyer, Some("key-1"), &body("esewa"))).await;
        // THEN nothing is handed out that could be paid once more, and the page can ask what became of the one that was paid
        assert_eq!(
            (answered, &answer["error"]["code"]),
            (409, &json!(code)),
            "{state}: {answer}"
        );
        let text = answer.to_string();
        assert!(!text.contains("form") && !text.contains("payment_url"), "{text}");
        assert_eq!(
            answer["error"]["payment_intent_id"], first["payment_intent_id"],
            "{state}"
        );
    }
    assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 1);
    shop.close().await;
}
