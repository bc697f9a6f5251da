//! G10: the index that arbitrates is missing, invalid, dropped in the middle, or built in the middle.

use crate::school::{Payment, School};
use crate::storm::{PAYMENTS, assert_each_payment_fulfilled_once, storm};
use makegood_tests::database::TestDatabase;
use sqlx::{Connection, PgConnection};

const DROP_INDEX: &str = "DROP INDEX CONCURRENTLY unique_active_purchase";
const BUILD_INDEX: &str = "CREATE UNIQUE INDEX CONCURRENTLY unique_active_purchase
     ON student_course_purchases (student_id, course_id) WHERE is_active";

/// A failed concurrent build leaves an index that is listed, enforces nothing, and is not inferred.
async fn leave_an_invalid_index(database: &TestDatabase) {
    database.run_sql(DROP_INDEX).await;
    let twice = "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
                 SELECT md5('double')::uuid, md5('course')::uuid, 10 FROM generate_series(1, 2)";
    database.run_sql(twice).await;
    let mut connection = PgConnection::connect(&database.direct_url()).await.unwrap();
    sqlx::raw_sql(BUILD_INDEX)
        .execute(&mut connection)
        .await
        .expect_err("the build meets the duplicates");
    database.run_sql("DELETE FROM student_course_purchases").await;
    let invalid = "SELECT count(*) FROM pg_indexes JOIN pg_index ON indexrelid = indexname::regclass
                   WHERE indexname = 'unique_active_purchase' AND NOT indisvalid";
    assert_eq!(database.count(invalid).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_index_a_thousand_purchases_are_made_all_the_same() {
    let school = School::open().await;
    school.database.run_sql(DROP_INDEX).await;

    storm(&school, 2, async {}).await;

    assert_each_payment_fulfilled_once(&school).await;
    assert_eq!(school.counter("FallbackUsed"), PAYMENTS as u64);
    assert!(school.counter("IndexMissing") > 0);
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_index_of_that_name_counts_as_missing() {
    let school = School::open().await;
    leave_an_invalid_index(&school.database).await;

    storm(&school, 3, async {}).await;

    assert_each_payment_fulfilled_once(&school).await;
    assert_eq!(school.counter("FallbackUsed"), PAYMENTS as u64);
    let tried = school
        .database
        .server_errors()
        .into_iter()
        .filter(|line| line.contains("no unique or exclusion"));
    assert_eq!(
        tried.collect::<Vec<_>>(),
        Vec::<String>::new(),
        "the catalogue was asked, not the name"
    );
    school.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_dropped_in_the_middle_stops_no_sale() {
    let school = School::open().await;

    storm(&school, 4, school.database.run_sql(DROP_INDEX)).await;

    assert_each_payment_fulfilled_once(&school).await;
    assert!(
        school.counter("FallbackUsed") > 0,
        "the second half took the fallback"
    );
    assert!(
        school.counter("FallbackUsed") < PAYMENTS as u64,
        "the first half did not"
    );
    // While it goes, the index still refuses duplicates: who takes the fallback may meet a writer on the fast path, and finds its row.
    let known = [
        "no unique or exclusion constraint",
        "duplicate key value violates unique constraint \"unique_active_purchase\"",
    ];
    let errors = school.database.server_errors();
    let unexpected: Vec<_> = errors
        .iter()
        .filter(|line| !known.iter().any(|known| line.contains(known)))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
    school.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_index_built_in_the_middle_meets_writers_on_both_paths() {
    let school = School::open().await;
    school.database.run_sql(DROP_INDEX).await;

    storm(&school, 5, school.database.run_sql(BUILD_INDEX)).await;

    assert_each_payment_fulfilled_once(&school).await;
    assert!(school.counter("FallbackUsed") > 0);
    let aborted = school
        .database
        .server_errors()
        .into_iter()
        .filter(|line| line.contains("transaction is aborted"));
    assert_eq!(aborted.collect::<Vec<_>>(), Vec::<String>::new());
    school.close().await;
}

#[tokio::test]
async fn an_index_under_another_name_is_good_enough() {
    let school = School::open().await;
    school
        .database
        .run_sql("ALTER INDEX unique_active_purchase RENAME TO one_course_once")
        .await;

    school.deliver(&[Payment::number(1).confirmed()]).await;

    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.counter("FallbackUsed"), 0);
    school.close().await;
}

/// A school without the index, in which a first payment bought the course and a second was surplus, and the purchase has ended since.
async fn ended_without_the_index() -> (School, Payment, Payment) {
    let school = School::open().await;
    let (first, surplus) = (Payment::number(1), Payment::number(1).again(1));
    for payment in [first, surplus] {
        assert_eq!(school.deliver(&[payment.confirmed()]).await, 0);
    }
    assert_eq!(
        (school.purchases().await, school.cases("surplus_payment").await),
        (1, 1)
    );
    let end = "UPDATE student_course_purchases SET is_active = false";
    school.database.run_sql(end).await;
    school.database.run_sql(DROP_INDEX).await;
    (school, first, surplus)
}

#[tokio::test]
async fn a_payment_buys_nothing_again_once_its_purchase_has_ended_without_the_index() {
    let (school, first, _) = ended_without_the_index().await;
    assert_eq!(school.deliver(&[first.confirmed()]).await, 0);
    assert_eq!(school.purchases().await, 0);
    school.close().await;
}

#[tokio::test]
async fn a_payment_that_was_surplus_buys_nothing_later_without_the_index() {
    let (school, _, surplus) = ended_without_the_index().await;
    assert_eq!(school.deliver(&[surplus.confirmed()]).await, 0);
    assert_eq!(school.purchases().await, 0);
    school.close().await;
}
