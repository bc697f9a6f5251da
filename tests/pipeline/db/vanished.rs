//! A peer that vanishes without a word: nothing is closed, and nothing is answered any more.

use super::{backend, options, run, short};
use makegood::db::{Database, ErrorClass, Limits, classify};
use makegood_tests::database::TestDatabase;
use makegood_tests::link::Link;
use std::time::{Duration, Instant};

/// Within which a warm environment serves again; the kernel alone would take a quarter of an hour.
const SERVES_WITHIN: Duration = Duration::from_secs(10);

/// A warm pool whose connections have all lost their peer.
async fn orphaned(size: usize) -> (TestDatabase, Link, Database) {
    let database = TestDatabase::create().await;
    let link = Link::to_url(&database.pooler_url()).await;
    let pool = Database::with_limits(options(&link.through(&database.pooler_url())), size, short());
    let mut warm = Vec::new();
    for _ in 0..size {
        warm.push(pool.acquire().await.unwrap());
    }
    drop(warm);
    assert_eq!(pool.idle(), size);
    link.hold_open_connections();
    (database, link, pool)
}

/// Asks until it is answered; how long that took, and how many failed before.
async fn until_served(pool: &Database) -> (Duration, usize) {
    let started = Instant::now();
    let mut failed = 0;
    while let Err(error) = run(pool, "SELECT 1").await {
        assert_eq!(classify(&error), ErrorClass::Unavailable, "{error}");
        failed += 1;
        assert!(
            started.elapsed() < SERVES_WITHIN,
            "{failed} statements failed: {error}"
        );
    }
    (started.elapsed(), failed)
}

#[tokio::test]
async fn a_connection_that_was_just_used_costs_one_statement() {
    let (database, _link, pool) = orphaned(1).await;
    let (elapsed, failed) = until_served(&pool).await;
    assert_eq!(failed, 1);
    assert!(elapsed < SERVES_WITHIN, "{elapsed:?}");
    assert_eq!((pool.idle(), pool.in_use()), (1, 0), "no permit was kept");
    database.drop().await;
}

#[tokio::test]
async fn a_connection_that_idled_is_asked_before_it_is_used_and_costs_no_borrower_a_statement() {
    let (database, _link, pool) = orphaned(1).await;
    // Time itself is what is tested: an idle connection is trusted for so long.
    tokio::time::sleep(Limits::TRUSTED_IDLE + Duration::from_millis(100)).await;
    let (elapsed, failed) = until_served(&pool).await;
    assert_eq!(failed, 0);
    assert!(elapsed < SERVES_WITHIN, "{elapsed:?}");
    assert_eq!((pool.idle(), pool.in_use()), (1, 0));
    database.drop().await;
}

#[tokio::test]
async fn what_one_connection_finds_out_the_others_need_not() {
    let (database, _link, pool) = orphaned(4).await;
    let (elapsed, failed) = until_served(&pool).await;
    assert_eq!(failed, 1);
    assert!(elapsed < SERVES_WITHIN, "{elapsed:?}");
    // All four at once, each on a connection of its own.
    let mut connections = Vec::new();
    for _ in 0..4 {
        connections.push(pool.acquire().await.unwrap());
    }
    for connection in &mut connections {
        super::run_on(connection, "SELECT 1").await.unwrap();
    }
    drop(connections);
    assert_eq!((pool.idle(), pool.in_use()), (4, 0));
    database.drop().await;
}

#[tokio::test]
async fn a_transaction_that_loses_its_peer_gives_its_permit_back() {
    let (database, link, pool) = orphaned(1).await;
    until_served(&pool).await;
    let mut transaction = pool.begin().await.unwrap();
    link.hold_open_connections();
    let lost = super::run_on(&mut transaction, "SELECT 1").await;
    assert_eq!(classify(&lost.unwrap_err()), ErrorClass::Unavailable);
    drop(transaction);
    assert_eq!((pool.idle(), pool.in_use()), (0, 0));
    let (_, failed) = until_served(&pool).await;
    assert_eq!(failed, 0);
    backend(&pool).await;
    database.drop().await;
}
