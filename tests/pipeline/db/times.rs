//! Times that Postgres holds and the driver can't read: an error names the column, and the next use of the pool works.

use super::{direct, run, short};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use makegood::db::{ErrorClass, classify};
use makegood_tests::database::TestDatabase;
use sqlx::{AssertSqlSafe, Row as _};

#[tokio::test]
async fn a_time_that_no_clock_can_show_is_an_error_that_names_its_column() {
    let database = TestDatabase::create().await;
    let pool = direct(&database, 1, short());
    for kind in ["timestamptz", "timestamp", "date"] {
        for time in ["infinity", "-infinity", "270000-01-01"] {
            let query = format!("SELECT 1 AS number, '{time}'::{kind} AS ends_at");
            let all = sqlx::query(AssertSqlSafe(query.clone()))
                .fetch_all(&mut pool.acquire().await.unwrap())
                .await
                .map(drop);
            let one = sqlx::query(AssertSqlSafe(query))
                .fetch_optional(&mut pool.acquire().await.unwrap())
                .await
                .map(drop);
            for answer in [all, one] {
                let error = answer.unwrap_err();
                assert_eq!(classify(&error), ErrorClass::BadData, "{kind} {time}");
                assert!(error.to_string().contains("the column ends_at holds"), "{error}");
            }
            run(&pool, "SELECT 1").await.unwrap();
        }
    }
    database.drop().await;
}

#[tokio::test]
async fn the_first_and_the_last_time_that_both_can_hold_are_read() {
    let database = TestDatabase::create().await;
    let pool = direct(&database, 1, short());
    let mut connection = pool.acquire().await.unwrap();
    for time in ["4713-01-01 BC", "262142-12-31"] {
        let query =
            format!("SELECT '{time}'::timestamptz, '{time}'::timestamp, '{time}'::date, NULL::timestamptz");
        let row = sqlx::query(AssertSqlSafe(query))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        row.get::<DateTime<Utc>, _>(0);
        row.get::<NaiveDateTime, _>(1);
        row.get::<NaiveDate, _>(2);
        assert_eq!(row.get::<Option<DateTime<Utc>>, _>(3), None);
    }
    drop(connection);
    database.drop().await;
}
