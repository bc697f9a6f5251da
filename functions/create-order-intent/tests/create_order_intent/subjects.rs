//! A buyer whose token's subject is no UUID checks out as any other.

use crate::shop::{Shop, body, request};
use makegood::ids::UserId;
use serde_json::{Value, json};

const SUBJECT: &str = "auth0|6502c1d8e2";

fn asked_by(subject: &str, key: Option<&str>) -> Value {
    let mut asked = request(uuid::Uuid::nil(), key, &body("esewa"));
    asked["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] = json!(subject);
    asked
}

/// The cart of a buyer whom the shop knows under their derived id.
async fn filled(shop: &Shop, buyer: UserId) {
    shop.database
        .run_sql(&format!(
            "INSERT INTO carts (id, user_id) VALUES ('{buyer}', '{buyer}');
             INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
             SELECT '{buyer}', id, 1, price_cents FROM product_variants"
        ))
        .await;
}

#[tokio::test]
async fn a_subject_that_is_no_uuid_checks_out_and_is_kept_with_the_intent_on_both_ways() {
    for has_call in [true, false] {
        let shop = Shop::open(&[('A', 5)]).await;
        if !has_call {
            shop.drop_call().await;
        }
        let buyer = UserId::of_subject(SUBJECT).unwrap();
        filled(&shop, buyer).await;
        let (status, answer) = shop.send(asked_by(SUBJECT, Some("a"))).await;
        assert_eq!(status, 200, "{answer}");
        let again = shop.send(asked_by(SUBJECT, Some("a"))).await;
        assert_eq!(again, (200, answer.clone()));
        // The buyer's id, which the shop may put into its tokens one day, is the same buyer.
        let by_id = shop.send(asked_by(&buyer.to_string(), Some("a"))).await;
        assert_eq!(by_id, (200, answer));
        let kept = shop
            .json("SELECT jsonb_build_array(user_id, metadata -> 'subject') FROM payment_intents")
            .await;
        assert_eq!(kept, json!([buyer, SUBJECT]));
        // Not `close`: the server logs that the call is not there.
        shop.function.database.close();
        shop.database.drop().await;
    }
}

#[tokio::test]
async fn a_subject_that_is_a_uuid_is_kept_once() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    shop.intent_of(buyer).await;
    let kept = shop.json("SELECT metadata FROM payment_intents").await;
    assert_eq!(kept.get("subject"), None, "{kept}");
    shop.close().await;
}
