//! What is personal is removed when its time is over, and nothing else: bodies of dead letters, addresses, answers of gateways.

use crate::bench::Bench;
use makegood::gateway::Provider;
use makegood_tests::shop::Shop;
use serde_json::json;
use sqlx::AssertSqlSafe;
use sweep::Retention;

/// Dead letters by what became of them, and when: 31 days ago, or lately.
const DEAD_LETTERS: &str = "
    INSERT INTO dead_letters (source, message_id, failure_reason, error_code, raw, document, status, parked_at, replayed_at, discarded_at)
    VALUES ('q', 'replayed', 'it said Binod', 'invalid_field', 'Binod', '{\"a\": 1}', 'replayed', now() - interval '40 days', now() - interval '31 days', NULL),
           ('q', 'discarded', 'it said Binod', NULL, 'Binod', NULL, 'discarded', now() - interval '40 days', NULL, now() - interval '31 days'),
           ('q', 'of-an-older-release', 'why', NULL, NULL, '{}', 'discarded', now() - interval '31 days', NULL, NULL),
           ('q', 'replayed-lately', 'why', NULL, 'Binod', '{}', 'replayed', now() - interval '40 days', now() - interval '29 days', NULL),
           ('q', 'discarded-lately', 'why', NULL, 'Binod', '{}', 'discarded', now() - interval '40 days', NULL, now() - interval '29 days'),
           ('q', 'parked', 'why', NULL, 'Binod', '{}', 'parked', now() - interval '400 days', NULL, NULL)";

async fn texts(bench: &Bench, query: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_all(&bench.database.direct())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_dead_letter_loses_its_body_when_its_time_is_over_and_a_parked_one_never() {
    let bench = Bench::fresh().await;
    bench.database.run_sql(DEAD_LETTERS).await;
    let first = bench.run("health").await;
    assert_eq!(first["deadLetterBodies"], json!(3));
    let kept = "SELECT message_id FROM dead_letters WHERE raw IS NOT NULL ORDER BY 1";
    assert_eq!(
        texts(&bench, kept).await,
        ["discarded-lately", "parked", "replayed-lately"]
    );
    let told = "SELECT message_id FROM dead_letters WHERE document IS NOT NULL OR failure_reason LIKE '%Binod%' ORDER BY 1";
    assert_eq!(
        texts(&bench, told).await,
        ["discarded-lately", "parked", "replayed-lately"]
    );
    // The rows stay, with their codes.
    assert_eq!(bench.database.count("SELECT count(*) FROM dead_letters").await, 6);
    assert_eq!(
        bench
            .database
            .count("SELECT count(*) FROM dead_letters WHERE error_code = 'invalid_field'")
            .await,
        1
    );
    assert_eq!(bench.run("health").await["deadLetterBodies"], json!(0));
    bench.database.drop().await;
}

#[tokio::test]
async fn a_run_changes_at_most_500_of_a_kind_and_waits_for_no_lock() {
    let bench = Bench::fresh().await;
    bench
        .database
        .run_sql(
            "INSERT INTO dead_letters (source, message_id, failure_reason, raw, status, parked_at)
             SELECT 'q', n::text, 'x', 'body', 'discarded', now() - interval '50 days' FROM generate_series(1, 700) n",
        )
        .await;
    // GIVEN one that another transaction holds
    let mut holder = bench.database.direct().begin().await.unwrap();
    sqlx::query("SELECT 1 FROM dead_letters WHERE message_id = '1' FOR UPDATE")
        .execute(&mut *holder)
        .await
        .unwrap();
    assert_eq!(bench.run("health").await["deadLetterBodies"], json!(500));
    assert_eq!(bench.run("health").await["deadLetterBodies"], json!(199));
    holder.rollback().await.unwrap();
    assert_eq!(bench.run("health").await["deadLetterBodies"], json!(1));
    bench.database.drop().await;
}

/// Four checkouts a state, of long ago.
const CHECKOUTS: &str = "
    UPDATE payment_intents SET shipping_address = '{\"name\": \"Binod\"}', gateway_payment_url = 'https://example.com/pay',
      metadata = '{\"client\": \"192.0.2.0/24\", \"form_fields\": {}, \"fingerprint\": \"f\"}', updated_at = now() - interval '31 days',
      status = 'expired';
    UPDATE inventory_reservations SET status = 'expired'; UPDATE inventory SET quantity_reserved = 0";

#[tokio::test]
async fn a_checkout_that_came_to_nothing_loses_its_address_unless_it_may_still_be_delivered() {
    let shop = Shop::open().await;
    let mut intents = Vec::new();
    for number in 1..=6 {
        intents.push(shop.check_out(number, Provider::Khalti, &[(1, 1)]).await.intent);
    }
    let bench = Bench::over(shop.database).await;
    bench.database.run_sql(CHECKOUTS).await;
    let [nothing, lately, pending, paid, asked, back] = intents.as_slice() else {
        panic!("six checkouts");
    };
    bench
        .database
        .run_sql(&format!(
            "UPDATE payment_intents SET updated_at = now() - interval '29 days' WHERE payment_intent_id = '{lately}';
             UPDATE payment_intents SET status = 'processing' WHERE payment_intent_id = '{pending}';
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified)
             SELECT provider, payment_intent_id, payment_intent_id, 'success', amount_cents FROM payment_intents
             WHERE payment_intent_id IN ('{paid}', '{back}');
             UPDATE payment_intents SET given_back_at = now() WHERE payment_intent_id = '{back}';
             INSERT INTO payment_cases (kind, subject, payment_intent_id) VALUES ('refund_due', 'x', '{asked}')"
        ))
        .await;
    assert_eq!(bench.run("health").await["checkoutAddresses"], json!(2));
    let gone = "SELECT payment_intent_id FROM payment_intents
                WHERE shipping_address IS NULL AND gateway_payment_url IS NULL AND metadata = '{\"fingerprint\": \"f\"}' ORDER BY 1";
    let mut expected = [nothing.clone(), back.clone()];
    expected.sort();
    assert_eq!(texts(&bench, gone).await, expected);
    assert_eq!(bench.run("health").await["checkoutAddresses"], json!(0));
    bench.database.drop().await;
}

/// Orders of two years ago, with their checkouts, by their states.
const ORDERS: &str = "
    INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, status, items, shipping_address)
    SELECT s, gen_random_uuid(), 'khalti', s, 1, 'succeeded', '[]', '{\"name\": \"Binod\"}'
    FROM unnest('{confirmed,processing,shipped,delivered,cancelled,refund_pending,refunded,disputed,lately}'::text[]) s;
    INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified, verification_response, verified_at)
    SELECT provider, external_transaction_id, payment_intent_id, 'success', 1, '{\"status\": \"Completed\"}', now() - interval '181 days'
    FROM payment_intents;
    INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, status, subtotal_cents, total_cents, shipping_address, notes, created_at)
    SELECT payment_intent_id, user_id, payment_intent_id, provider,
           CASE WHEN payment_intent_id IN ('disputed', 'lately') THEN 'delivered' ELSE payment_intent_id END, 1, 1, shipping_address, 'ring twice',
           now() - CASE payment_intent_id WHEN 'lately' THEN interval '300 days' ELSE interval '2 years' END
    FROM payment_intents;
    UPDATE payment_gateway_verifications SET verified_at = now() - interval '179 days' WHERE payment_intent_id = 'lately';
    INSERT INTO payment_cases (kind, subject, payment_intent_id) VALUES ('dispute', 'x', 'disputed')";

#[tokio::test]
async fn a_closed_orders_address_goes_only_when_the_shop_says_when_and_what_is_not_closed_keeps_it() {
    let mut bench = Bench::fresh().await;
    bench.database.run_sql(ORDERS).await;
    // As delivered, no order loses anything; what gateways answered does.
    let done = bench.run("health").await;
    assert_eq!(
        (&done["orderAddresses"], &done["gatewayResponses"]),
        (&json!(0), &json!(8))
    );
    let responses =
        "SELECT payment_intent_id FROM payment_gateway_verifications WHERE verification_response IS NOT NULL";
    assert_eq!(texts(&bench, responses).await, ["lately"]);

    bench.sweep.retention = Retention {
        closed_order_address_days: 365,
        gateway_response_days: 0,
        ..Retention::default()
    };
    let done = bench.run("health").await;
    assert_eq!(
        (&done["orderAddresses"], &done["gatewayResponses"]),
        (&json!(3), &json!(0))
    );
    for table in ["orders", "payment_intents"] {
        let gone = format!("SELECT payment_intent_id FROM {table} WHERE shipping_address IS NULL ORDER BY 1");
        assert_eq!(
            texts(&bench, &gone).await,
            ["cancelled", "delivered", "refunded"],
            "{table}"
        );
    }
    assert_eq!(
        bench
            .database
            .count("SELECT count(*) FROM orders WHERE notes IS NULL")
            .await,
        3
    );
    assert_eq!(bench.run("health").await["orderAddresses"], json!(0));
    bench.database.drop().await;
}

#[tokio::test]
async fn counts_of_clients_are_deleted_minutes_after_their_last_request() {
    let bench = Bench::fresh().await;
    bench
        .database
        .run_sql(
            "INSERT INTO client_requests (scope, client, since, requests)
             VALUES ('verify', '192.0.2.1', now() - interval '3 minutes', 5), ('verify', '192.0.2.2', now(), 5)",
        )
        .await;
    bench.run("reservations").await;
    assert_eq!(
        texts(&bench, "SELECT client FROM client_requests").await,
        ["192.0.2.2"]
    );
    bench.database.drop().await;
}
