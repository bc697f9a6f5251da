//! What people type into a checkout's form is kept as they meant it.

use crate::shop::{Shop, body, request};
use serde_json::{Value, json};

/// The handed case 20, and a phone number in another script.
#[tokio::test]
async fn two_lines_for_the_carrier_a_tab_and_another_scripts_digits_are_taken() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let mut typed = body("esewa");
    typed["shipping_address"]["notes"] = json!("Ring twice\r\nthen leave at the gate");
    typed["shipping_address"]["address_line1"] = json!("Thamel\tHouse १२");
    typed["shipping_address"]["phone"] = json!("९८००००००००");
    typed["shipping_address"]["postal_code"] = json!("४४६००");
    let (status, answer) = shop.send(request(buyer, None, &typed)).await;
    assert_eq!(status, 200, "{answer}");
    let kept = shop.json("SELECT shipping_address FROM payment_intents").await;
    let mut expected = body("esewa")["shipping_address"].clone();
    expected["notes"] = json!("Ring twice\nthen leave at the gate");
    expected["address_line1"] = json!("Thamel House १२");
    expected["postal_code"] = json!("44600");
    assert_eq!(kept, expected);
    shop.close().await;
}

#[tokio::test]
async fn the_same_text_from_another_system_is_the_same_checkout() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let ids = ["one\r\ntwo", "one\rtwo", " one\ntwo\n"].map(|notes| {
        let mut typed = body("esewa");
        typed["shipping_address"]["notes"] = json!(notes);
        request(buyer, Some("one-press"), &typed)
    });
    let mut told: Vec<Value> = Vec::new();
    for asked in ids {
        let (status, answer) = shop.send(asked).await;
        assert_eq!(status, 200, "{answer}");
        told.push(answer["payment_intent_id"].clone());
    }
    assert!(told.iter().all(|id| *id == told[0]), "{told:?}");
    shop.close().await;
}

#[tokio::test]
async fn a_control_character_is_refused_by_its_own_name_and_nothing_is_reserved() {
    let shop = Shop::open(&[('A', 5)]).await;
    let buyer = shop.buyer(&[('A', 1)]).await;
    let mut typed = body("esewa");
    typed["shipping_address"]["notes"] = json!("gate\u{1b}[31m");
    let (status, answer) = shop.send(request(buyer, None, &typed)).await;
    assert_eq!(
        (status, &answer["error"]["field"]),
        (400, &json!("shipping_address.notes"))
    );
    let message = "shipping_address.notes holds the control character U+001B at place 5; leave it out";
    assert_eq!(answer["error"]["message"], json!(message));
    assert_eq!(shop.levels().await, (5, 0));
    shop.close().await;
}
