//! What a function has done when it asks for its first request.

use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use makegood_tests::setting;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Those whose first request somebody waits for.
const ASKED_OVER_HTTP: [&str; 5] = [
    "receive-payment",
    "create-order-intent",
    "verify-payment",
    "order-status",
    "admin",
];

/// What each of them needs to start; nothing of it but the database is asked.
fn variables(database_url: &str) -> Variables {
    let nowhere = "http://127.0.0.1:9";
    let mut variables: Variables = [
        ("DATABASE_URL", database_url),
        ("DATABASE_POOL_SIZE", "1"),
        ("QUEUE_URL_PURCHASE_CONFIRMED", "http://127.0.0.1:9/0/queue"),
        ("QUEUE_URL_PURCHASE_ENDED", "http://127.0.0.1:9/0/queue"),
        ("JOBS_QUEUE_URL", "http://127.0.0.1:9/0/jobs"),
        ("AWS_ENDPOINT_URL", nowhere),
        ("RAZORPAY_WEBHOOK_SECRET", "sample-razorpay-secret"),
        ("CONFIRMATION_SECRET", "sample-confirmation-secret-of-40-bytes-00"),
        ("STAGE", "sandbox"),
        ("ESEWA_BASE_URL", nowhere),
        ("KHALTI_BASE_URL", "http://127.0.0.1:9/api/v2"),
        ("PAYMENT_RETURN_URL", "http://127.0.0.1:9/shop"),
        ("OIDC_ISSUER", nowhere),
        ("OIDC_CLIENT_ID", "makegood-console"),
        ("CONSOLE_SECRET", "a secret of the tests, long enough"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    for name in [
        "ESEWA_PRODUCT_CODE",
        "ESEWA_SECRET",
        "KHALTI_SECRET",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        variables.insert(name.to_owned(), setting(name));
    }
    variables
}

#[tokio::test]
async fn a_function_that_somebody_waits_for_is_connected_before_its_first_request() {
    for function in ASKED_OVER_HTTP {
        let database = TestDatabase::create().await;
        let environment = Environment::start(function, &variables(&database.direct_url())).await;
        environment.until_ready().await;
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert_eq!(database.count(others).await, 1, "{function}");
        drop(environment);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_start_waits_for_a_silent_database_and_for_a_second_only() {
    for function in ASKED_OVER_HTTP {
        // GIVEN a database that takes a connection and says nothing
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgres://nobody@{}/none", listener.local_addr().unwrap());
        let environment = Environment::start(function, &variables(&url)).await;
        let (_held, _) = listener.accept().await.unwrap();
        // WHEN the function waits for it THEN that is most of a second, and no more
        let asked = Instant::now();
        environment.until_ready().await;
        assert!(
            asked.elapsed() > Duration::from_millis(700),
            "{function} did not wait"
        );
    }
}

#[tokio::test]
async fn a_database_that_is_away_keeps_no_function_from_its_start() {
    for function in ASKED_OVER_HTTP {
        let environment =
            Environment::start(function, &variables("postgres://nobody@127.0.0.1:9/none")).await;
        environment.until_ready().await;
        assert!(!environment.has_exited(), "{function}");
    }
}
