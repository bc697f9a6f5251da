//! A raised price is said before the buyer pays.

use crate::shop::{Shop, body, request, variant};
use serde_json::json;

#[tokio::test]
async fn a_raised_price_is_said_with_both_and_goes_through_once_it_is_accepted() {
    // GIVEN a cart of two A and one B, filled at 100 rupees each, and A at 123.45 now
    let shop = Shop::open(&[('A', 5), ('B', 5)]).await;
    let buyer = shop.buyer(&[('B', 1), ('A', 2)]).await;
    shop.database
        .run_sql("UPDATE product_variants SET price_cents = 12345 WHERE sku = 'SKU-A'")
        .await;
    // WHEN the buyer checks out
    let (status, answer) = shop.send(request(buyer, Some("press"), &body("esewa"))).await;
    // THEN they are told what it was and what it is, by line and in sum, and nothing is held for them
    let error = &answer["error"];
    assert_eq!(
        (status, &error["code"]),
        (409, &json!("price_changed")),
        "{answer}"
    );
    let line = json!({"variant_id": variant('A'), "sku": "SKU-A", "quantity": 2, "seen_price_cents": 10_000,
                      "price_cents": 12_345});
    assert_eq!(
        (&error["field"], &error["items"]),
        (&json!("cart"), &json!([line]))
    );
    let sums = (&error["seen_amount_cents"], &error["amount_cents"]);
    assert_eq!(sums, (&json!(30_000), &json!(34_690)));
    assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 0);
    assert_eq!(shop.levels().await, (10, 0));
    // AND with the new sum accepted, the same key goes through at that sum, and again without it
    let mut accepted = body("esewa");
    accepted["accepted_amount_cents"] = error["amount_cents"].clone();
    let (status, opened) = shop.send(request(buyer, Some("press"), &accepted)).await;
    assert_eq!(
        (status, &opened["amount_cents"]),
        (200, &json!(34_690)),
        "{opened}"
    );
    let again = shop.send(request(buyer, Some("press"), &body("esewa"))).await;
    assert_eq!(again, (200, opened.clone()));
    // AND the open checkout is the answer to the same cart from another tab
    let tab = shop.send(request(buyer, None, &body("esewa"))).await;
    assert_eq!(tab, (200, opened));
    shop.close().await;
}

#[tokio::test]
async fn a_price_that_rises_again_is_said_again_and_one_that_falls_is_not() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    for (price, accepted, expected) in [
        (12_345, Some(10_000), (409, "price_changed")),
        (12_346, Some(12_345), (409, "price_changed")),
        (12_346, None, (409, "price_changed")),
        (12_346, Some(12_346), (200, "")),
        (9_000, None, (200, "")),
    ] {
        shop.database
            .run_sql(&format!("UPDATE product_variants SET price_cents = {price}"))
            .await;
        let mut asked = body("esewa");
        asked["accepted_amount_cents"] = json!(accepted);
        let (status, answer) = shop.send(request(buyer, None, &asked)).await;
        let told = (status, answer["error"]["code"].as_str().unwrap_or_default());
        assert_eq!(told, expected, "{price}, {accepted:?}: {answer}");
    }
    // The buyer pays what it costs now.
    let open = "SELECT amount_cents FROM payment_intents WHERE status = 'pending'";
    assert_eq!(shop.count(open).await, 9_000);
    shop.close().await;
}
