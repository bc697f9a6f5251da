//! A shop's day against a shop that keeps its promises, and against shops that break one each: it must be that promise which
//! is called broken.

use crate::bazaar::{self, Flaw};
use makegood::clock::Clock;
use makegood_local::gateway::{self, Gateways};
use makegood_local::settings::Settings;
use makegood_local::shop::{Wanted, run};
use makegood_tests::database::TestDatabase;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The promises that a day with this flaw calls broken.
async fn broken_by(flaw: Flaw) -> Vec<String> {
    let database = TestDatabase::create().await;
    let state = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut outside = crate::outside(state.path()).await;
    outside.gateways_port = listener.local_addr().unwrap().port();
    let gateways = Gateways::at(&outside.gateways_url(), outside.credentials.clone());
    tokio::spawn(gateway::serve(listener, Arc::new(gateways)));
    let (api_url, order_confirmed_queue_url) = bazaar::open(&database, &outside, flaw).await;
    let settings = Settings {
        sweep_url: format!("{api_url}/sweep"),
        api_url,
        order_confirmed_queue_url,
        database_url: database.direct_url(),
        redis_url: String::new(),
        webhook_secret: String::new(),
        confirmation_secret: String::new(),
        outside,
    };
    // All stories for the shop that keeps its promises; of the others, a day half as long shows enough.
    let wanted = Wanted {
        buyers: if flaw == Flaw::None { 24 } else { 12 },
        at_once: 4,
        patience: Duration::from_secs(2),
    };
    let broken = run(&settings, wanted, &database.direct(), Clock::System).await;
    database.drop().await;
    broken.unwrap()
}

/// A day after which this is done to the database must be called broken by a promise that begins so.
async fn damage_breaks(sql: &'static str, promise: &str) {
    let broken = broken_by(Flaw::Damage(sql)).await;
    assert!(
        broken.iter().any(|text| text.starts_with(promise)),
        "{promise:?} is not among {broken:?}"
    );
}

#[tokio::test]
async fn a_day_is_content_with_a_shop_that_keeps_its_promises() {
    assert_eq!(broken_by(Flaw::None).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_paid_order_that_vanishes_is_noticed() {
    let vanishes = "DELETE FROM orders WHERE id = (SELECT id FROM orders ORDER BY created_at LIMIT 1)";
    damage_breaks(vanishes, "G5  every payment").await;
}

#[tokio::test]
async fn an_order_without_a_payment_is_noticed() {
    let invented = "WITH o AS (
          INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
          SELECT 'ORD-invented', user_id, payment_intent_id, provider, amount_cents, amount_cents
          FROM payment_intents WHERE status IN ('cancelled', 'failed') LIMIT 1 RETURNING id)
        INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id)
        SELECT 'order-confirmed-' || id, 'ORDER_CONFIRMED', 'x', '{}', id FROM o";
    damage_breaks(invented, "G5  nothing was ordered").await;
}

#[tokio::test]
async fn an_order_over_another_amount_than_was_paid_is_noticed() {
    let dearer = "UPDATE orders SET total_cents = total_cents + 1 WHERE id = (SELECT id FROM orders LIMIT 1)";
    damage_breaks(dearer, "G5  nothing was ordered").await;
}

#[tokio::test]
async fn another_article_than_was_paid_for_is_noticed() {
    let swapped = "UPDATE order_items SET variant_id = gen_random_uuid() WHERE id = (SELECT id FROM order_items LIMIT 1)";
    damage_breaks(swapped, "G5  nothing was ordered").await;
}

#[tokio::test]
async fn a_piece_that_was_sold_and_is_still_there_is_noticed() {
    let back = "UPDATE inventory SET quantity_available = quantity_available + 1
                WHERE variant_id = (SELECT variant_id FROM order_items LIMIT 1)";
    damage_breaks(back, "G6").await;
}

#[tokio::test]
async fn a_piece_that_stays_reserved_is_noticed() {
    let held = "UPDATE inventory SET quantity_reserved = 1 WHERE variant_id = (SELECT variant_id FROM order_items LIMIT 1)";
    damage_breaks(held, "G6").await;
}

#[tokio::test]
async fn an_order_that_was_never_published_is_noticed() {
    let silent =
        "DELETE FROM outbox WHERE id = (SELECT id FROM outbox WHERE event_type = 'ORDER_CONFIRMED' LIMIT 1)";
    damage_breaks(silent, "G4").await;
}

#[tokio::test]
async fn a_job_whose_worker_is_dead_is_noticed() {
    let dead = "UPDATE job_queue SET status = 'processing', locked_by = 'dead', locked_until = now() - interval '1 hour'
                WHERE id = (SELECT id FROM job_queue WHERE status = 'completed' LIMIT 1)";
    damage_breaks(dead, "G7").await;
}

#[tokio::test]
async fn a_wrong_amount_without_a_case_is_noticed() {
    let closed = "DELETE FROM payment_cases WHERE kind = 'amount_mismatch'";
    damage_breaks(closed, "G5  every payment").await;
}

#[tokio::test]
async fn a_cart_that_lost_what_was_not_bought_is_noticed() {
    damage_breaks("DELETE FROM cart_items", "    carts").await;
}

#[tokio::test]
async fn a_closed_tab_that_no_sweep_heals_is_noticed() {
    let broken = broken_by(Flaw::NeverReconciles).await;
    assert!(
        broken.iter().any(|text| text.starts_with("G5  every payment")),
        "{broken:?}"
    );
}

#[tokio::test]
async fn a_shop_that_believes_any_token_is_noticed() {
    let broken = broken_by(Flaw::BelievesEverybody).await;
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(broken[0].contains("strangers nothing"), "{broken:?}");
}

#[tokio::test]
async fn a_mailer_that_hears_of_no_order_is_noticed() {
    let broken = broken_by(Flaw::ForgetsMailer).await;
    assert_eq!(broken, ["G4  the shop's mailer has heard of every order"]);
}
