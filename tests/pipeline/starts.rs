//! What a function has done when it asks for its first request.

use makegood_tests::database::TestDatabase;
use makegood_tests::environment::Environment;
use makegood_tests::public::variables;
use makegood_tests::reader::Reader;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// Those whose first request a client waits for.
const ASKED_OVER_HTTP: [&str; 5] = [
    "receive-payment",
    "create-order-intent",
    "verify-payment",
    "order-status",
    "admin",
];

#[tokio::test]
async fn a_function_behind_a_route_is_connected_before_its_first_request() {
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
        let url = format!("postgres://makegood@{}/none", listener.local_addr().unwrap());
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
            Environment::start(function, &variables("postgres://makegood@127.0.0.1:9/none")).await;
        environment.until_ready().await;
        assert!(!environment.has_exited(), "{function}");
    }
}

#[tokio::test]
async fn a_function_from_which_rows_are_hidden_says_so_at_its_start() {
    for is_hidden in [false, true] {
        let database = TestDatabase::create().await;
        let grants = "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO ROLE";
        let reader = Reader::create(&database, grants).await;
        if is_hidden {
            database
                .run_sql("ALTER TABLE payments ENABLE ROW LEVEL SECURITY")
                .await;
        }
        // GIVEN a column that is missing, so that the start has something to say in any case
        database.run_sql("ALTER TABLE refunds DROP COLUMN reason").await;
        let environment = Environment::start("receive-payment", &variables(&reader.url())).await;
        let has = |text: &str| environment.lines().iter().any(|line| line.contains(text));
        while !has("columns are missing") && !has("can't be compared") {
            tokio::task::yield_now().await;
        }
        // WHEN THEN
        let told = has("row level security hides rows from this role") && has("\"hidden\":\"payments\"");
        assert_eq!(told, is_hidden, "{:?}", environment.lines());
        drop(environment);
        reader.drop().await;
        database.drop().await;
    }
}
