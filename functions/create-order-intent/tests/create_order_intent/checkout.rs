//! What a checkout reserves, keeps and answers, and what it refuses.

use crate::shop::{Shop, body, noon, request, variant};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a text").parse().expect("an instant")
}

#[tokio::test]
async fn a_checkout_reserves_the_cart_at_todays_prices_and_says_where_to_pay() {
    // GIVEN a cart of which one price fell since it was filled
    let shop = Shop::open(&[('A', 5), ('B', 5)]).await;
    let buyer = shop.buyer(&[('B', 1), ('A', 2)]).await;
    shop.database
        .run_sql("UPDATE product_variants SET price_cents = 9345 WHERE sku = 'SKU-A'")
        .await;
    // WHEN the buyer checks out with eSewa
    let (status, answer) = shop.check_out(buyer).await;
    // THEN the answer says what to pay, where, and until when: five minutes after eSewa's thirty
    assert_eq!(status, 200, "{answer}");
    let id = answer["payment_intent_id"].as_str().unwrap();
    assert!(
        id.starts_with(&format!("pi_esewa_{}_", noon().timestamp_millis())),
        "{id}"
    );
    assert_eq!(id.len(), "pi_esewa_1767817344753_00000000".len());
    assert_eq!(
        (&answer["success"], &answer["provider"]),
        (&json!(true), &json!("esewa"))
    );
    assert_eq!(answer["amount_cents"], json!(2 * 9_345 + 10_000));
    assert_eq!(instant(&answer["expires_at"]), noon() + TimeDelta::minutes(35));
    assert!(
        answer["payment_url"]
            .as_str()
            .unwrap()
            .starts_with("https://esewa.test/")
    );
    let transaction = &answer["form_fields"]["transaction_uuid"];
    assert!(answer["form_fields"]["signature"].is_string(), "{answer}");
    // AND the intent keeps items, prices and address as they are now
    let intent = shop.json("SELECT to_jsonb(p) FROM payment_intents p").await;
    assert_eq!(
        (&intent["status"], &intent["user_id"]),
        (&json!("pending"), &json!(buyer))
    );
    assert_eq!(
        (&intent["external_transaction_id"], &intent["cart_id"]),
        (transaction, &json!(buyer))
    );
    assert_eq!(
        (&intent["amount_cents"], &intent["currency"]),
        (&answer["amount_cents"], &json!("NPR"))
    );
    assert_eq!(intent["shipping_address"], body("esewa")["shipping_address"]);
    assert_eq!(instant(&intent["expires_at"]), noon() + TimeDelta::minutes(35));
    let item = &intent["items"][1];
    assert_eq!(
        (
            &item["variant_id"],
            &item["sku"],
            &item["name"],
            &item["quantity"],
            &item["unit_price_cents"]
        ),
        (
            &json!(variant('A')),
            &json!("SKU-A"),
            &json!("Cup"),
            &json!(2),
            &json!(9_345)
        )
    );
    assert!(
        item["product_id"].is_string() && item["vendor_id"].is_string(),
        "{item}"
    );
    // AND the goods are reserved as long as the intent lasts
    assert_eq!(shop.levels().await, (10, 3));
    let together =
        "SELECT count(*) FROM inventory_reservations r JOIN payment_intents p USING (payment_intent_id)
                    WHERE r.status = 'active' AND r.expires_at = p.expires_at";
    assert_eq!(shop.count(together).await, 2);
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn khaltis_link_decides_how_long_the_goods_are_held() {
    let shop = Shop::open(&[('A', 1)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    // WHEN Khalti opens a link of 45 minutes, and not its usual 60
    let (status, answer) = shop.send(request(buyer, None, &body("khalti"))).await;
    // THEN intent and reservation end five minutes after it
    assert_eq!(
        (status, &answer["payment_url"]),
        (200, &json!("https://khalti.test/?pidx=pidx1")),
        "{answer}"
    );
    assert_eq!(answer.get("form_fields"), None);
    assert_eq!(instant(&answer["expires_at"]), noon() + TimeDelta::minutes(50));
    let reservation = shop
        .json("SELECT to_jsonb(r) FROM inventory_reservations r")
        .await;
    assert_eq!(
        instant(&reservation["expires_at"]),
        noon() + TimeDelta::minutes(50)
    );
    // AND Khalti was asked for the sum in whole paisa, under the intent's id
    let asked = &shop.khalti.asked()[0];
    assert_eq!(
        (&asked["amount"], &asked["purchase_order_id"]),
        (&json!(10_000), &answer["payment_intent_id"])
    );
    assert_eq!(
        shop.count("SELECT count(*) FROM payment_intents WHERE external_transaction_id = 'pidx1'")
            .await,
        1
    );
    shop.close().await;
}

#[tokio::test]
async fn a_shortage_reserves_nothing_and_names_every_variant_that_is_short() {
    // GIVEN five A of which three are reserved, plenty of B, no C, and no stock row for D
    let shop = Shop::open(&[('A', 5), ('B', 5), ('C', 0), ('D', 1)]).await;
    shop.database
        .run_sql(&format!(
            "DELETE FROM inventory WHERE variant_id = '{}'",
            variant('D')
        ))
        .await;
    let first = shop.buyer(&[('A', 3)]).await;
    shop.intent_of(first).await;
    let buyer = shop.buyer(&[('D', 1), ('C', 2), ('B', 1), ('A', 3)]).await;
    // WHEN a buyer wants more A than is free, and some of each other
    let (status, answer) = shop.check_out(buyer).await;
    // THEN A, C and D are named with what is wanted and what is free
    assert_eq!(
        (status, &answer["error"]["code"]),
        (409, &json!("insufficient_stock"))
    );
    let items = answer["error"]["items"].as_array().unwrap();
    let named: Vec<_> = items
        .iter()
        .map(|item| (&item["sku"], &item["wanted"], &item["available"]))
        .collect();
    assert_eq!(
        named,
        [
            (&json!("SKU-A"), &json!(3), &json!(2)),
            (&json!("SKU-C"), &json!(2), &json!(0)),
            (&json!("SKU-D"), &json!(1), &json!(0)),
        ]
    );
    // AND nothing of theirs is left, while what is free can still be had
    assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 1);
    assert_eq!(shop.levels().await, (10, 3));
    let modest = shop.buyer(&[('A', 2)]).await;
    shop.intent_of(modest).await;
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn a_cart_that_can_not_be_bought_is_refused_and_leaves_nothing() {
    let shop = Shop::open(&[('A', 5), ('B', 5), ('C', 5), ('D', 5)]).await;
    shop.database
        .run_sql(
            "UPDATE product_variants SET is_active = false WHERE sku = 'SKU-A';
             INSERT INTO products (id, vendor_id, name, slug, is_active)
             VALUES (md5('gone')::uuid, md5('vendor')::uuid, 'Gone', 'gone', false);
             UPDATE product_variants SET product_id = md5('gone')::uuid WHERE sku = 'SKU-B'",
        )
        .await;
    let no_cart = uuid::Uuid::new_v4();
    let cases = [
        (no_cart, 400, "cart_empty", json!(null)),
        (shop.buyer(&[]).await, 400, "cart_empty", json!(null)),
        (
            shop.buyer(&[('A', 1), ('C', 1), ('B', 1)]).await,
            409,
            "not_for_sale",
            json!([{"variant_id": variant('A'), "sku": "SKU-A"}, {"variant_id": variant('B'), "sku": "SKU-B"}]),
        ),
    ];
    for (buyer, expected, code, items) in cases {
        let (status, answer) = shop.check_out(buyer).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (expected, &json!(code)),
            "{answer}"
        );
        assert_eq!(
            (&answer["error"]["items"], &answer["error"]["field"]),
            (&items, &json!("cart")),
            "{answer}"
        );
    }
    assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 0);
    assert_eq!(shop.levels().await, (20, 0));
    shop.close().await;
}

#[tokio::test]
async fn an_article_that_vanished_from_the_catalogue_is_named() {
    // GIVEN a cart with a variant that is not there any more, on a database that let it go
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let gone = uuid::Uuid::new_v4();
    shop.database
        .run_sql(&format!(
            "ALTER TABLE cart_items DROP CONSTRAINT cart_items_variant_id_fkey;
             UPDATE cart_items SET variant_id = '{gone}'"
        ))
        .await;
    let (status, answer) = shop.check_out(buyer).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (409, &json!("not_for_sale")),
        "{answer}"
    );
    assert_eq!(
        answer["error"]["items"],
        json!([{"variant_id": gone, "sku": null}])
    );
    shop.close().await;
}

#[tokio::test]
async fn a_request_that_can_not_be_used_is_refused_before_anything_is_read() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let good = request(buyer, None, &body("esewa"));
    let with = |pointer: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).expect("a field") = value;
        changed
    };
    let mut no_city = body("esewa");
    no_city["shipping_address"]["city"] = json!("");
    let long_key = "k".repeat(201);
    let cases = [
        (with("/requestContext/authorizer", json!(null)), 401, json!(null)),
        (
            with("/requestContext/authorizer/jwt/claims/sub", json!(" ")),
            401,
            json!(null),
        ),
        (with("/rawPath", json!("/orders")), 404, json!(null)),
        (
            with("/requestContext/http/method", json!("GET")),
            405,
            json!(null),
        ),
        (with("/body", json!("{")), 400, json!(null)),
        (with("/body", json!("x".repeat(65_537))), 413, json!(null)),
        (with("/isBase64Encoded", json!(true)), 400, json!(null)),
        (request(buyer, None, &body("cash")), 400, json!("payment_method")),
        (
            request(buyer, None, &no_city),
            400,
            json!("shipping_address.city"),
        ),
        (
            request(buyer, Some(" "), &body("esewa")),
            400,
            json!("Idempotency-Key"),
        ),
        (
            request(buyer, Some("a\u{e9}"), &body("esewa")),
            400,
            json!("Idempotency-Key"),
        ),
        (
            request(buyer, Some(&long_key), &body("esewa")),
            400,
            json!("Idempotency-Key"),
        ),
    ];
    for (request, expected, field) in cases {
        let (status, answer) = shop.send(request).await;
        assert_eq!(
            (status, &answer["error"]["field"]),
            (expected, &field),
            "{answer}"
        );
        assert!(answer["error"]["code"].is_string(), "{answer}");
    }
    assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 0);
    shop.close().await;
}
