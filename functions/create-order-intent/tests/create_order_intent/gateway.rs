//! A gateway that refuses, fails or can't be reached costs no buyer their goods.

use crate::khalti::{Meeting, Mood};
use crate::shop::{Shop, body, request};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn a_gateway_that_refuses_or_fails_frees_the_stock() {
    for mood in [Mood::Refuse, Mood::Fail] {
        let shop = Shop::open(&[('A', 5), ('B', 5)]).await;
        let buyer = shop.buyer(&[('A', 5), ('B', 1)]).await;
        shop.khalti.set(mood);
        // WHEN the gateway does not open the payment
        let (status, answer) = shop.send(request(buyer, Some("key-1"), &body("khalti"))).await;
        // THEN the buyer is told, the intent has failed, and everything is free again
        assert_eq!(
            (status, &answer["error"]["code"]),
            (502, &json!("gateway_failed")),
            "{answer}"
        );
        let failed = "SELECT count(*) FROM payment_intents
                      WHERE status = 'failed' AND external_transaction_id IS NULL AND gateway_payment_url IS NULL";
        assert_eq!(shop.count(failed).await, 1);
        assert_eq!(shop.levels().await, (10, 0));
        assert_eq!(
            shop.count("SELECT count(*) FROM inventory_reservations WHERE status = 'released'")
                .await,
            2
        );
        shop.assert_stock_adds_up().await;
        // AND the same key can be used again, now that nothing came of it
        shop.khalti.set(Mood::Open);
        let (status, again) = shop.send(request(buyer, Some("key-1"), &body("khalti"))).await;
        assert_eq!(status, 200, "{again}");
        assert_eq!(shop.levels().await, (10, 6));
        shop.close().await;
    }
}

#[tokio::test]
async fn no_transaction_is_open_while_the_gateway_is_asked() {
    // GIVEN a pool of one connection, and a Khalti that answers when two ask at once
    let shop = Shop::open_with_connections(&[('A', 5)], 1).await;
    let buyers = shop.buyers(&[vec![('A', 1)], vec![('A', 1)]]).await;
    let meeting = Meeting::of(Mood::Open, Mood::Open);
    shop.khalti.set(Mood::Meet(Arc::clone(&meeting)));
    // WHEN two buyers check out: each could only get there with the connection that the other has given back
    let (one, two, ()) = tokio::join!(
        shop.send(request(buyers[0], None, &body("khalti"))),
        shop.send(request(buyers[1], None, &body("khalti"))),
        meeting.later()
    );
    // THEN both are opened
    assert_eq!((one.0, two.0), (200, 200), "{one:?} {two:?}");
    shop.close().await;
}
