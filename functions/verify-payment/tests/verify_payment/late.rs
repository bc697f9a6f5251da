//! The buyer pays when it is no longer expected: the order is made, or a person owes a refund. Never silence.

use crate::till::Till;
use makegood::gateway::Provider;
use makegood_local::gateway::Side;
use serde_json::json;

#[tokio::test]
async fn who_pays_after_the_reservation_expired_gets_the_goods_while_there_are_any() {
    for provider in Provider::ALL {
        // GIVEN a reservation that ran out and was freed
        let till = Till::open().await;
        let checkout = till.buyer(1, provider, &[(1, 2), (2, 1)]).await;
        till.time_passes("36 minutes").await;
        assert_eq!(till.sweep("reservations").await["pieces"], 3);
        assert_eq!(till.status(&checkout).await, "expired");
        // WHEN the buyer pays all the same, and comes back
        till.gateway.pay(&checkout.external).unwrap();
        let (status, answer) = till.verify(&checkout).await;
        assert_eq!((status, &answer["status"]), (200, &json!("success")));
        assert_eq!(till.status(&checkout).await, "processing");
        till.work().await;
        // THEN the goods were reserved again and sold
        assert_eq!(till.rows("orders").await, 1);
        assert_eq!(till.status(&checkout).await, "succeeded");
        assert_eq!(
            till.count("SELECT sum(quantity_available) FROM inventory").await,
            37
        );
        assert_eq!(till.reserved().await, 0);
        till.assert_sound().await;
        till.close().await;
    }
}

#[tokio::test]
async fn who_pays_when_others_have_bought_the_goods_is_owed_a_refund() {
    let till = Till::open().await;
    let late = till.buyer(1, Provider::Khalti, &[(1, 3)]).await;
    till.time_passes("36 minutes").await;
    till.sweep("reservations").await;
    // GIVEN others who bought eight of the ten since
    let other = till.buyer(2, Provider::Esewa, &[(1, 8)]).await;
    till.gateway.pay(&other.external).unwrap();
    till.verify(&other).await;
    till.work().await;
    // WHEN the late one pays
    till.gateway.pay(&late.external).unwrap();
    assert_eq!(till.verify(&late).await.0, 200);
    till.work().await;
    // THEN nothing is oversold, and a person owes the money
    let owed = format!(
        "payment_cases WHERE kind = 'refund_due' AND status = 'open' AND payment_intent_id = '{}'",
        late.intent
    );
    assert_eq!((till.rows(&owed).await, till.rows("orders").await), (1, 1));
    till.assert_sound().await;
    // AND the sweeps leave it to that person
    till.time_passes("10 minutes").await;
    let before = till.everything().await;
    till.reconcile().await;
    till.sweep("stale-jobs").await;
    till.work().await;
    assert_eq!(till.everything().await, before);
    till.close().await;
}

#[tokio::test]
async fn an_unknown_payment_is_waited_for_until_its_link_is_over_and_may_still_be_made_after_that() {
    // GIVEN a buyer on whose page eSewa's form waits, unsent: eSewa knows nothing
    let till = Till::open().await;
    let checkout = till.shop.check_out(1, Provider::Esewa, &[(1, 1)]).await;
    assert_eq!(till.verify(&checkout).await.0, 202);
    assert_eq!(
        (till.status(&checkout).await.as_str(), till.reserved().await),
        ("pending", 1)
    );
    // WHEN the link is over THEN the goods are for others, and nothing final is recorded
    till.time_passes("36 minutes").await;
    let over = till.verify(&checkout).await;
    assert_eq!((over.0, &over.1["status"]), (200, &json!("failed")));
    assert_eq!(
        till.verify(&checkout).await,
        over,
        "the next caller hears the same"
    );
    assert_eq!(
        (till.status(&checkout).await.as_str(), till.reserved().await),
        ("expired", 0)
    );
    till.assert_nothing_recorded("not final").await;
    // WHEN the buyer sends the form hours later, and pays THEN the order is made
    till.time_passes("3 hours").await;
    till.gateway
        .put(Side::Esewa, &checkout.external, checkout.amount_minor);
    till.gateway.pay(&checkout.external).unwrap();
    assert_eq!(till.verify(&checkout).await.0, 200);
    till.work().await;
    assert_eq!(till.rows("orders").await, 1);
    till.assert_sound().await;
    till.close().await;
}
