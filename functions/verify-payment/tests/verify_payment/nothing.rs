//! An order of nothing to pay: the whole way of an order, and no gateway.

use crate::tabs::Tabs;
use makegood::gateway::Provider;
use makegood_tests::shop::Checkout;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The first variant is given away, and the buyer has two pieces of it in the cart.
async fn free_cart() -> Tabs {
    let tabs = Tabs::open().await;
    tabs.shop
        .database
        .run_sql("UPDATE product_variants SET price_cents = 0 WHERE id = md5('variant1')::uuid")
        .await;
    tabs.fill(1, &[(1, 2)]).await;
    tabs
}

/// The free checkout of the buyer, which holds its pieces.
async fn free_checkout(tabs: &Tabs, provider: Provider) -> Checkout {
    let (status, answer) = tabs.ask_to_check_out(1, provider).await;
    assert_eq!((status, &answer["amount_cents"]), (200, &json!(0)), "{answer}");
    assert_eq!(answer.get("form_fields"), None, "nothing is posted anywhere");
    let intent = answer["payment_intent_id"].as_str().unwrap().to_owned();
    let external = intent.replace('_', "-");
    let name = if provider == Provider::Esewa {
        "transaction_uuid"
    } else {
        "pidx"
    };
    let expected = format!("https://shop.test/paid?provider={provider}&{name}={external}");
    assert_eq!(answer["payment_url"], json!(expected));
    assert_eq!(tabs.reserved().await, 2);
    Checkout {
        intent,
        provider,
        external,
        amount_minor: 0,
    }
}

async fn assert_ordered(tabs: &Tabs, checkout: &Checkout) {
    assert_eq!(tabs.ordered().await, checkout.intent);
    assert_eq!(tabs.rows("orders WHERE total_cents = 0").await, 1);
    assert_eq!(tabs.rows("outbox WHERE event_type = 'ORDER_CONFIRMED'").await, 1);
    assert_eq!(tabs.count("SELECT sum(quantity) FROM order_items").await, 2);
    assert_eq!(
        (tabs.status(checkout).await.as_str(), tabs.reserved().await),
        ("succeeded", 0)
    );
    assert_eq!(tabs.rows("cart_items").await, 0);
    assert_eq!(tabs.rows("payment_cases").await, 0);
    assert_eq!(
        tabs.gateway.questions(&checkout.external),
        0,
        "no gateway is asked"
    );
    assert_eq!(
        tabs.gateway.payment(&checkout.external),
        None,
        "and none knows of it"
    );
    tabs.assert_sound().await;
}

#[tokio::test]
async fn a_free_cart_becomes_an_order_without_a_gateway() {
    for provider in [Provider::Esewa, Provider::Khalti] {
        let tabs = free_cart().await;
        let checkout = free_checkout(&tabs, provider).await;
        // The same request again is the same checkout.
        assert_eq!(free_checkout(&tabs, provider).await.intent, checkout.intent);
        // WHEN the page to which the buyer was sent asks, twice
        let (status, answer) = tabs.verify(&checkout).await;
        assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
        let (_, again) = tabs.verify(&checkout).await;
        assert_eq!(again["already_verified"], json!(true), "{again}");
        // A worker was woken, and the order is made.
        assert_eq!(tabs.jobs.drain().await.len(), 1);
        tabs.work().await;
        assert_ordered(&tabs, &checkout).await;
        // AND no sweep ever asks a gateway whether it gave nothing back.
        tabs.time_passes("2 days").await;
        tabs.reconcile().await;
        assert_eq!(
            tabs.rows("payment_gateway_verifications WHERE refund_question_at IS NOT NULL")
                .await,
            0
        );
        assert_ordered(&tabs, &checkout).await;
        tabs.close().await;
    }
}

#[tokio::test]
async fn a_free_order_whose_page_was_closed_is_made_by_the_sweep() {
    let tabs = free_cart().await;
    let checkout = free_checkout(&tabs, Provider::Esewa).await;
    tabs.time_passes("6 minutes").await;
    assert_eq!(tabs.reconcile().await["verified"], json!(1));
    tabs.work().await;
    assert_ordered(&tabs, &checkout).await;
    tabs.close().await;
}

#[tokio::test]
async fn a_free_checkout_that_another_replaced_comes_to_nothing_whoever_asks() {
    let tabs = free_cart().await;
    let free = free_checkout(&tabs, Provider::Khalti).await;
    // GIVEN that the buyer puts something into the cart that costs
    tabs.fill(1, &[(1, 2), (2, 1)]).await;
    let paid = tabs.tab(1, Provider::Esewa).await;
    assert_eq!(tabs.status(&free).await, "cancelled");
    // WHEN the first page asks, and so does the sweep
    let (status, answer) = tabs.verify(&free).await;
    assert_eq!((status, &answer["status"]), (200, &json!("failed")), "{answer}");
    tabs.time_passes("6 minutes").await;
    tabs.reconcile().await;
    tabs.work().await;
    // THEN there is no order before the other is paid, and then one of it
    assert_eq!(tabs.ordered().await, "");
    assert_eq!(tabs.status(&free).await, "cancelled");
    tabs.time_passes("1 minute").await;
    tabs.pay_and_verify(&paid).await;
    tabs.work().await;
    assert_eq!(tabs.ordered().await, paid.intent);
    assert_eq!(tabs.rows("payment_cases").await, 0, "nothing is owed");
    tabs.assert_sound().await;
    tabs.close().await;
}

/// The question has read the row before the newer checkout commits, and waits for it.
#[tokio::test]
async fn a_free_checkout_that_is_replaced_while_its_page_asks_comes_to_nothing() {
    let tabs = free_cart().await;
    let free = free_checkout(&tabs, Provider::Esewa).await;
    let mut other = PgConnection::connect(&tabs.database.direct_url()).await.unwrap();
    let replace = format!(
        "BEGIN; UPDATE payment_intents SET status = 'cancelled' WHERE payment_intent_id = '{}'",
        free.intent
    );
    sqlx::raw_sql(AssertSqlSafe(replace))
        .execute(&mut other)
        .await
        .unwrap();
    let replacing = async {
        let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while tabs.rows(waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    };
    let ((status, answer), ()) = tokio::join!(tabs.verify(&free), replacing);
    assert_eq!((status, &answer["status"]), (200, &json!("failed")), "{answer}");
    assert_eq!(tabs.rows("job_queue").await, 0);
    assert_eq!(tabs.rows("orders").await, 0);
    tabs.close().await;
}

#[tokio::test]
async fn a_free_checkout_that_ended_unasked_frees_its_pieces_for_good() {
    let tabs = free_cart().await;
    let free = free_checkout(&tabs, Provider::Esewa).await;
    tabs.time_passes("40 minutes").await;
    tabs.sweep("reservations").await;
    assert_eq!(
        (tabs.status(&free).await.as_str(), tabs.reserved().await),
        ("expired", 0)
    );
    let (status, answer) = tabs.verify(&free).await;
    assert_eq!((status, &answer["status"]), (200, &json!("failed")), "{answer}");
    assert_eq!(tabs.rows("job_queue").await, 0);
    tabs.assert_sound().await;
    tabs.close().await;
}
