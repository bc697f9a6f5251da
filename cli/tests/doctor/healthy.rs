//! A healthy database has nothing to find, and a large one is read within ten seconds.

use crate::scene::Scene;
use chrono::TimeDelta;
use makegood::db::{Database, Limits};
use makegood_tests::link::{Link, to_server};
use operate::doctor::Guarantee;
use std::time::{Duration, Instant};

/// What a reading of a million purchases may take (issue 4). Here it is a tenth as many; benches/doctor.sh has the million.
const LONGEST: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_hundred_thousand_healthy_purchases_are_read_within_seconds_and_nothing_is_found() {
    let scene = Scene::healthy(100_000).await;
    scene.database.run_sql("ANALYZE").await;
    let started = Instant::now();
    let report = scene.check().await;
    let took = started.elapsed();
    assert_eq!(report.findings, []);
    assert!(took < LONGEST, "{took:?}");
    scene.drop().await;
}

/// Two connections read side by side. A calendar that is emptied once the first one has its snapshot is not missing: it was
/// there at the moment that the whole reading is of.
#[tokio::test]
async fn both_connections_read_the_same_moment() {
    let scene = Scene::healthy(20).await;
    let link = Link::to_url(&scene.database.pooler_url()).await;
    let mut stop = link.stop_at(&[to_server("SET TRANSACTION SNAPSHOT")]);
    let scene = Scene {
        pooled: scene.database.through_link(&link, 2),
        database: scene.database,
    };
    let (report, ()) = tokio::join!(scene.check(), async {
        stop.reached().await;
        let emptied = "DELETE FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid";
        scene.database.run_sql(emptied).await;
        link.release();
    });
    assert_eq!(report.findings, []);
    let next = scene.found_later(TimeDelta::zero()).await;
    assert_eq!(next, [("sessions-missing", 1)], "and the next one sees it");
    scene.drop().await;
}

/// The calendars of a large school take minutes longer than the rest, and the server ends a transaction that says nothing for ten seconds.
#[tokio::test]
async fn a_connection_that_is_done_first_does_not_wait_for_the_other_in_its_transaction() {
    // GIVEN a server that ends a silent transaction soon, and calendars that can't be read yet
    let scene = Scene::healthy(20).await;
    let limits = Limits {
        idle_in_transaction: Duration::from_millis(200),
        lock: Duration::from_secs(20),
        ..Limits::default()
    };
    let options = scene.database.direct_url().parse().expect("a URL");
    let scene = Scene {
        pooled: Database::with_limits(options, 2, limits),
        database: scene.database,
    };
    let pool = scene.database.direct();
    let mut held = pool.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE tutoring_sessions")
        .execute(&mut *held)
        .await
        .unwrap();
    let locker: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut *held)
        .await
        .unwrap();
    // WHEN the other connection has nothing to ask, and has ended its transaction or was ended
    let only = [Guarantee::G3].into();
    let (report, ()) = tokio::join!(scene.check_only(only, TimeDelta::zero()), async {
        let state = format!(
            "SELECT 10 * count(*) FILTER (WHERE wait_event_type = 'Lock')
                    + count(*) FILTER (WHERE state <> 'idle' AND wait_event_type IS DISTINCT FROM 'Lock')
             FROM pg_stat_activity WHERE datname = current_database() AND pid NOT IN ({locker}, pg_backend_pid())"
        );
        while scene.database.count(&state).await != 10 {
            tokio::task::yield_now().await;
        }
        held.rollback().await.unwrap();
    });
    // THEN the reading is made all the same
    assert_eq!(report.findings, []);
    scene.drop().await;
}

/// The console's function has one connection, and then one reader asks everything.
#[tokio::test]
async fn one_connection_finds_what_two_find() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "DELETE FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid;
             UPDATE payments SET status = 'failed' WHERE id = md5('payment2')::uuid",
        )
        .await;
    let with_two = scene.found_later(TimeDelta::zero()).await;
    assert_eq!(with_two, [("purchase-unpaid", 1), ("sessions-missing", 1)]);
    let scene = Scene {
        pooled: scene.database.through_pooler(1),
        database: scene.database,
    };
    assert_eq!(scene.found_later(TimeDelta::zero()).await, with_two);
    scene.drop().await;
}
