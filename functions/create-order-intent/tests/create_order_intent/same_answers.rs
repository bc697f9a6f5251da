//! The call that makes a plain checkout and the transaction that makes any other say and write the same, whatever the situation.

use crate::khalti::Mood;
use crate::shop::{Shop, body, request, send};
use crate::situations::{BEFORE, CARTS, LIMITS, PRICES, STOCK, Situation};
use create_order_intent::CreateOrderIntent;
use create_order_intent::limits::{Limit, Limits};
use makegood::clock::Clock;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_cart_holds_both_ways_say_and_write_the_same() {
    compare(CARTS).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_in_stock_both_ways_say_and_write_the_same() {
    compare(STOCK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_cart_shows_both_ways_say_and_write_the_same() {
    compare(PRICES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_was_checked_out_before_both_ways_say_and_write_the_same() {
    compare(BEFORE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_limits_are_both_ways_say_and_write_the_same() {
    compare(LIMITS).await;
}

async fn compare(situations: &[Situation]) {
    for situation in situations {
        let (plain, older) = tokio::join!(what_comes_of(situation, true), what_comes_of(situation, false));
        assert_eq!(plain, older, "{}", situation.name);
    }
}

/// What the buyer is told, twice, and all that is in the database then. Without the call, every checkout takes the transaction.
async fn what_comes_of(situation: &Situation, has_call: bool) -> [String; 3] {
    let shop = Shop::open(&[('A', 5), ('B', 5), ('C', 0), ('D', 1)]).await;
    shop.database
        .run_sql(
            "DELETE FROM inventory i USING product_variants v WHERE v.id = i.variant_id AND sku = 'SKU-D'",
        )
        .await;
    if !has_call {
        shop.drop_call().await;
    }
    let buyer = shop.buyer(situation.cart).await;
    let function = limited(&shop, situation.limits);
    if situation.before {
        let before = send(&function, asked(buyer, "esewa", Some("first"))).await;
        assert_eq!(before.0, 200, "{}: {}", situation.name, before.1);
    }
    shop.database.run_sql(situation.sql).await;
    if situation.gateway_fails {
        shop.khalti.set(Mood::Fail);
    }
    let mut last = asked(buyer, situation.method, situation.key);
    if let Some(accepted) = situation.accepts {
        let mut asked = body(situation.method);
        asked["accepted_amount_cents"] = json!(accepted);
        last["body"] = json!(asked.to_string());
    }
    let first = send(&function, last.clone()).await;
    let code = first.1["error"]["code"].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (first.0, code.as_str()),
        situation.told,
        "{}: {}",
        situation.name,
        first.1
    );
    let again = send(&function, last).await;
    let rows = text(&shop, ROWS).await;
    let ids = text(
        &shop,
        "SELECT string_agg(payment_intent_id, ' ' ORDER BY created_at) FROM payment_intents",
    )
    .await;
    let known = [
        format!("{} {}", first.0, first.1),
        format!("{} {}", again.0, again.1),
        rows,
    ];
    let known = known.map(|told| without_names(&told, buyer, &ids));
    function.database.close();
    shop.database.drop().await;
    known
}

const ROWS: &str = "SELECT concat_ws(E'\n',
    (SELECT string_agg((to_jsonb(i) - 'created_at' - 'updated_at' #- '{metadata,form_fields,signature}')::text, E'\n'
                       ORDER BY created_at)
     FROM payment_intents i),
    (SELECT string_agg(concat_ws(' ', v.sku, r.payment_intent_id, r.quantity, r.status, r.expires_at), E'\n'
                       ORDER BY p.created_at, v.sku, r.status)
     FROM inventory_reservations r JOIN product_variants v ON v.id = r.variant_id JOIN payment_intents p USING (payment_intent_id)
     WHERE p.payment_intent_id <> 'pi_other'),
    (SELECT string_agg(concat_ws(' ', v.sku, i.quantity_available, i.quantity_reserved), E'\n' ORDER BY v.sku)
     FROM inventory i JOIN product_variants v ON v.id = i.variant_id))";

async fn text(shop: &Shop, query: &str) -> String {
    let pool = shop.database.direct();
    let text: Option<String> = sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_one(&pool)
        .await
        .expect("a text");
    text.unwrap_or_default()
}

fn limited(
    shop: &Shop,
    [buyer_intents, buyer_pieces, address_intents, address_pieces]: [u32; 4],
) -> CreateOrderIntent {
    let limit = |intents, pieces| Limit { intents, pieces };
    CreateOrderIntent {
        database: shop.function.database.clone(),
        gateways: shop.function.gateways.clone(),
        limits: Limits {
            buyer: limit(buyer_intents, buyer_pieces),
            address: limit(address_intents, address_pieces),
        },
        price_grace: create_order_intent::PRICE_GRACE,
        clock: Clock::Fixed(crate::shop::noon()),
    }
}

fn asked(buyer: Uuid, method: &str, key: Option<&str>) -> Value {
    let mut request = request(buyer, key, &body(method));
    request["requestContext"]["http"]["sourceIp"] = json!("192.0.2.1");
    request
}

/// The same text for every run: without the buyer, the ids of the intents, and what is signed over them.
fn without_names(text: &str, buyer: Uuid, ids: &str) -> String {
    let mut text = text.replace(&buyer.to_string(), "the buyer");
    for (number, id) in ids.split_whitespace().enumerate() {
        text = text.replace(id, &format!("intent {number}"));
        text = text.replace(&id.replace('_', "-"), &format!("payment {number}"));
    }
    let parts = text.split("\"signature\":\"").enumerate();
    let parts = parts.map(|(number, part)| match part.split_once('"') {
        Some((_, rest)) if number > 0 => rest.to_owned(),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("signed ")
}
