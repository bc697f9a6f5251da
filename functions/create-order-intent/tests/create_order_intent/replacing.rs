//! One open intent for a buyer and a cart: the same again, or the newer in place of the older with what it holds.

use crate::khalti::{Meeting, Mood};
use crate::shop::{Shop, body, noon, request, send, variant};
use chrono::TimeDelta;
use create_order_intent::CreateOrderIntent;
use futures::future::{join_all, select};
use makegood::clock::Clock;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Barrier;
use uuid::Uuid;

const OPEN: &str = "SELECT count(*) FROM payment_intents WHERE status IN ('pending', 'processing')";

/// The function, so many minutes after noon.
fn later(shop: &Shop, minutes: i64) -> CreateOrderIntent {
    CreateOrderIntent {
        database: shop.function.database.clone(),
        gateways: shop.function.gateways.clone(),
        limits: shop.function.limits,
        price_grace: shop.function.price_grace,
        clock: Clock::Fixed(noon() + TimeDelta::minutes(minutes)),
    }
}

/// Pieces in the buyer's cart from now on.
async fn fill(shop: &Shop, buyer: Uuid, cart: &[(char, i32)]) {
    let mut sql = format!("DELETE FROM cart_items WHERE cart_id = '{buyer}';");
    for (article, pieces) in cart {
        sql += &format!(
            "INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents) VALUES ('{buyer}', '{}', {pieces}, 10000);",
            variant(*article)
        );
    }
    shop.database.run_sql(&sql).await;
}

fn id(answer: &(u64, Value)) -> String {
    assert_eq!(answer.0, 200, "{}", answer.1);
    answer.1["payment_intent_id"].as_str().expect("an id").to_owned()
}

/// The status of an intent, and what took its place.
async fn end_of(shop: &Shop, intent: &str) -> (String, Value) {
    let row = shop
        .json(&format!(
            "SELECT to_jsonb(p) FROM payment_intents p WHERE payment_intent_id = '{intent}'"
        ))
        .await;
    let status = row["status"].as_str().expect("a status").to_owned();
    (status, row["metadata"]["replaced_by"].clone())
}

#[tokio::test]
async fn the_same_cart_gateway_and_address_get_the_same_intent_and_link_again() {
    for method in ["esewa", "khalti"] {
        // GIVEN a buyer whose cart holds all there is, and who closed the tab of the gateway
        let shop = Shop::open(&[('A', 2), ('B', 1)]).await;
        let buyer = shop.buyer(&[('A', 2), ('B', 1)]).await;
        let first = shop.send(request(buyer, None, &body(method))).await;
        assert_eq!(first.0, 200, "{}", first.1);
        // WHEN they check out again: without a key, with one, and with the lines put in again in another order
        fill(&shop, buyer, &[('B', 1), ('A', 2)]).await;
        for key in [None, Some("key-1"), Some("key-2"), None] {
            let again = shop.send(request(buyer, key, &body(method))).await;
            // THEN it is the same checkout, to the last character
            assert_eq!(again, first, "{key:?}");
        }
        assert_eq!(shop.count("SELECT count(*) FROM payment_intents").await, 1);
        assert_eq!(shop.levels().await, (3, 3));
        assert_eq!(shop.khalti.asked().len(), usize::from(method == "khalti"));
        shop.assert_stock_adds_up().await;
        shop.close().await;
    }
}

#[tokio::test]
async fn every_key_that_was_answered_is_answered_the_same_again_whatever_the_cart_is_now() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let of = |key: &str| request(buyer, Some(key), &body("esewa"));
    let first = shop.send(of("tab-1")).await;
    assert_eq!(shop.send(of("tab-2")).await, first);
    assert_eq!(shop.send(of("tab-3")).await, first);
    // WHEN the cart is something else, and each tab sends its request once more
    fill(&shop, buyer, &[('A', 3)]).await;
    for key in ["tab-1", "tab-2", "tab-3"] {
        assert_eq!(shop.send(of(key)).await, first, "{key}");
    }
    assert_eq!(shop.levels().await, (5, 1));
    // AND a key that stands for it is not taken for another address
    let mut moved = body("esewa");
    moved["shipping_address"]["city"] = json!("Pokhara");
    let (status, answer) = shop.send(request(buyer, Some("tab-2"), &moved)).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (409, &json!("idempotency_key_reused"))
    );
    // AND a page that draws a new key each time does not make the row grow without end
    fill(&shop, buyer, &[('A', 1)]).await;
    for number in 0..30 {
        assert_eq!(shop.send(of(&format!("drawn-{number}"))).await, first);
    }
    let kept = "SELECT jsonb_array_length(metadata -> 'idempotency_keys')::bigint FROM payment_intents";
    assert_eq!(shop.count(kept).await, 20);
    assert_eq!(shop.send(of("drawn-29")).await, first);
    shop.close().await;
}

#[tokio::test]
async fn another_cart_price_gateway_or_address_takes_the_place_of_the_older_with_its_pieces() {
    // GIVEN a buyer who reserved the last piece of A
    let shop = Shop::open(&[('A', 1), ('B', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let mut older = shop.intent_of(buyer).await;
    let first = older.clone();
    let mut moved = body("khalti");
    moved["shipping_address"]["city"] = json!("Pokhara");
    fill(&shop, buyer, &[('A', 1), ('B', 2)]).await;
    let cheaper = "UPDATE product_variants SET price_cents = 9000 WHERE sku = 'SKU-A'";
    for (sql, asked) in [
        ("", body("esewa")),
        ("", body("khalti")),
        ("", moved.clone()),
        (cheaper, moved),
    ] {
        shop.database.run_sql(sql).await;
        // WHEN they check out something else
        let newer = id(&shop.send(request(buyer, None, &asked)).await);
        // THEN the newer has all its pieces, and the older none, and says what took its place
        assert_ne!(newer, older);
        assert_eq!(
            end_of(&shop, &older).await,
            ("cancelled".to_owned(), json!(newer))
        );
        assert_eq!(end_of(&shop, &newer).await, ("pending".to_owned(), json!(null)));
        assert_eq!(shop.levels().await, (6, 3));
        let held = format!(
            "SELECT coalesce(sum(quantity), 0)::bigint FROM inventory_reservations
             WHERE status = 'active' AND payment_intent_id = '{newer}'"
        );
        assert_eq!((shop.count(&held).await, shop.count(OPEN).await), (3, 1));
        shop.assert_stock_adds_up().await;
        older = newer;
    }
    // AND all of them are known to be one checkout
    let others = format!("SELECT count(*) FROM payment_intents WHERE metadata ->> 'checkout' = '{first}'");
    assert_eq!(shop.count(&others).await, 5);
    shop.close().await;
}

#[tokio::test]
async fn a_newer_checkout_that_is_short_leaves_the_older_as_it_was() {
    // GIVEN a buyer who reserved two of four A, of which another buyer has one
    let shop = Shop::open(&[('A', 4)]).await;
    let buyer = shop.buyer(&[('A', 2)]).await;
    let other = shop.buyer(&[('A', 1)]).await;
    let older = shop.intent_of(buyer).await;
    shop.intent_of(other).await;
    // WHEN they want four THEN their own two count as free, and nothing was changed
    fill(&shop, buyer, &[('A', 4)]).await;
    let (status, answer) = shop.check_out(buyer).await;
    assert_eq!(
        (status, &answer["error"]["items"][0]["available"]),
        (409, &json!(3)),
        "{answer}"
    );
    assert_eq!(end_of(&shop, &older).await, ("pending".to_owned(), json!(null)));
    assert_eq!((shop.levels().await, shop.count(OPEN).await), ((4, 3), 2));
    // AND three can be had
    fill(&shop, buyer, &[('A', 3)]).await;
    shop.intent_of(buyer).await;
    assert_eq!(shop.levels().await, (4, 4));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test]
async fn a_link_that_is_gone_is_opened_anew_and_a_key_of_before_is_told_so() {
    for method in ["esewa", "khalti"] {
        // GIVEN a checkout whose link ended a moment ago, and that no sweep has freed
        let shop = Shop::open(&[('A', 1)]).await;
        let buyer = shop.buyer(&[('A', 1)]).await;
        let of = |key| request(buyer, key, &body(method));
        let older = id(&shop.send(of(Some("key-1"))).await);
        let over = later(&shop, 46);
        // WHEN the buyer checks out again THEN the intent is a new one, with a link that lives
        let newer = send(&over, of(None)).await;
        assert_ne!(id(&newer), older);
        assert_eq!(
            end_of(&shop, &older).await,
            ("cancelled".to_owned(), json!(id(&newer)))
        );
        assert_eq!(shop.levels().await, (1, 1));
        // AND the first tab's key is told which took its place
        let (status, answer) = send(&over, of(Some("key-1"))).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (409, &json!("checkout_ended"))
        );
        assert_eq!(answer["error"]["replaced_by"], json!(id(&newer)));
        shop.assert_stock_adds_up().await;
        shop.close().await;
    }
}

#[tokio::test]
async fn a_buyer_whose_cart_is_paid_is_not_asked_to_pay_again_while_the_order_is_made() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let intent = shop.intent_of(buyer).await;
    // GIVEN a payment that the gateway confirmed, and whose order is being made
    shop.database
        .run_sql(
            "INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
             SELECT provider, external_transaction_id, payment_intent_id, 'success' FROM payment_intents;
             UPDATE payment_intents SET status = 'processing'",
        )
        .await;
    // WHEN the other tab checks out, the same or something else THEN it is sent to the order's page
    for cart in [[('A', 1)], [('A', 2)]] {
        fill(&shop, buyer, &cart).await;
        let (status, answer) = shop.check_out(buyer).await;
        assert_eq!(
            (
                status,
                &answer["error"]["code"],
                &answer["error"]["payment_intent_id"]
            ),
            (409, &json!("order_being_made"), &json!(intent))
        );
    }
    assert_eq!(shop.levels().await, (5, 1));
    // AND it does not block the buyer once it is a person's turn
    shop.database
        .run_sql(&format!(
            "INSERT INTO payment_cases (kind, subject, payment_intent_id) VALUES ('unfulfillable', '{intent}', '{intent}')"
        ))
        .await;
    shop.intent_of(buyer).await;
    assert_eq!(shop.levels().await, (5, 3));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

/// All at once, each with its own key; the answers.
async fn at_once(shop: &Shop, requests: Vec<Value>) -> Vec<(u64, Value)> {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let sent = requests.into_iter().map(|request| {
        let (function, barrier) = (Arc::clone(&shop.function), Arc::clone(&barrier));
        tokio::spawn(async move {
            barrier.wait().await;
            send(&function, request).await
        })
    });
    let answers = join_all(sent).await;
    answers
        .into_iter()
        .map(|answer| answer.expect("no panic"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_checkouts_of_one_buyer_reserve_the_cart_once() {
    // GIVEN twenty pieces, and a buyer with one in the cart
    let shop = Shop::open_with_connections(&[('A', 20)], 20).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let next = shop.buyer(&[('A', 19)]).await;
    // WHEN twenty tabs check out at the same instant
    let keys: Vec<String> = (0..20).map(|tab| format!("tab-{tab}")).collect();
    let tabs = keys.iter().map(|key| request(buyer, Some(key), &body("esewa")));
    let answers = at_once(&shop, tabs.collect()).await;
    // THEN all are told the same, and the next buyer gets the other nineteen
    id(&answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(shop.levels().await, (20, 1));
    shop.intent_of(next).await;
    assert_eq!(shop.levels().await, (20, 20));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_want_different_things_at_once_leave_one_open_intent() {
    for _ in 0..5 {
        // GIVEN one piece, and two tabs with two gateways
        let shop = Shop::open_with_connections(&[('A', 1)], 8).await;
        let buyer = shop.buyer(&[('A', 1)]).await;
        let of = |method: &str| request(buyer, Some(method), &body(method));
        let answers = at_once(&shop, vec![of("esewa"), of("khalti")]).await;
        // THEN whoever came second took the first one's place; the first got its link, or was told so while it opened
        for (status, answer) in &answers {
            let told = (*status, answer["error"]["code"].as_str());
            assert!(
                [(200, None), (409, Some("checkout_ended"))].contains(&told),
                "{answers:?}"
            );
        }
        assert!(answers.iter().any(|answer| answer.0 == 200), "{answers:?}");
        assert_eq!((shop.count(OPEN).await, shop.levels().await), (1, (1, 1)));
        shop.assert_stock_adds_up().await;
        shop.close().await;
    }
}

#[tokio::test]
async fn a_link_that_opens_after_its_intent_was_replaced_is_never_shown() {
    // GIVEN a tab that waits for Khalti to open its link
    let shop = Shop::open(&[('A', 1)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let meeting = Meeting::of(Mood::Open, Mood::Open);
    shop.khalti.set(Mood::Meet(Arc::clone(&meeting)));
    let mut moved = body("khalti");
    moved["shipping_address"]["city"] = json!("Pokhara");
    // WHEN another tab with another address takes its place meanwhile
    let one = Box::pin(shop.send(request(buyer, None, &body("khalti"))));
    let two = Box::pin(shop.send(request(buyer, None, &moved)));
    let (first, slower) = select(one, two).await.factor_first();
    let (second, ()) = tokio::join!(slower, meeting.later());
    // THEN one tab has the link of the open intent, the other is told to look again
    let mut told = [first, second].map(|(status, answer)| (status, answer["error"]["code"].clone()));
    told.sort_by_key(|(status, _)| *status);
    assert_eq!(told, [(200, json!(null)), (409, json!("checkout_ended"))]);
    let linked = "SELECT count(*) FROM payment_intents WHERE external_transaction_id IS NOT NULL AND status = 'pending'";
    assert_eq!((shop.count(linked).await, shop.count(OPEN).await), (1, 1));
    assert_eq!(shop.levels().await, (1, 1));
    shop.assert_stock_adds_up().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_never_loses_the_last_piece_to_another_while_changing_the_checkout() {
    // GIVEN a buyer who holds the last piece, and thirty others who want it all the time
    let shop = Shop::open_with_connections(&[('A', 1), ('B', 50)], 40).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    shop.intent_of(buyer).await;
    let others = shop.buyers(&vec![vec![('B', 1), ('A', 1)]; 30]).await;
    let rivals = async {
        for chunk in others.chunks(10) {
            let answers = join_all(chunk.iter().map(|other| shop.check_out(*other))).await;
            assert!(answers.iter().all(|answer| answer.0 == 409), "{answers:?}");
        }
    };
    // WHEN they change gateway and cart again and again
    let changes = async {
        for (number, method) in ["khalti", "esewa"].into_iter().cycle().take(12).enumerate() {
            let pieces = i32::try_from(number).unwrap() + 1;
            fill(&shop, buyer, &[('A', 1), ('B', pieces)]).await;
            id(&shop.send(request(buyer, None, &body(method))).await);
        }
    };
    tokio::join!(rivals, changes);
    // THEN they have it still
    assert_eq!(shop.levels().await, (51, 13));
    assert_eq!(shop.count(OPEN).await, 1);
    shop.assert_stock_adds_up().await;
    shop.close().await;
}
