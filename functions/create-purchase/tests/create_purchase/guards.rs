//! The interleavings that the model in tests/model finds when a guard is missing, each on the real statements.

use crate::school::{Payment, School, close, deliver_to};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

/// So many statements in this database wait for a lock.
async fn until_waiting(school: &School, statements: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let all_wait = async { while school.database.count(waiting).await != statements {} };
    tokio::time::timeout(Duration::from_secs(20), all_wait)
        .await
        .expect("they wait for a lock");
}

async fn execute(connection: &mut PgConnection, text: String) {
    sqlx::raw_sql(AssertSqlSafe(text))
        .execute(connection)
        .await
        .unwrap();
}

async fn connect(school: &School) -> PgConnection {
    PgConnection::connect(&school.database.direct_url())
        .await
        .unwrap()
}

/// SQL that makes the purchase of this payment, as another environment would.
fn purchase_of(payment: Payment) -> String {
    format!(
        "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, payment_id) VALUES ('{}', '{}', 20, '{}');",
        payment.student_id, payment.course_id, payment.payment_id
    )
}

const DROP_INDEX: &str = "DROP INDEX unique_active_purchase";
const BUILD_INDEX: &str = "CREATE UNIQUE INDEX unique_active_purchase
     ON student_course_purchases (student_id, course_id) WHERE is_active";

/// One purchase, and the other payment is a person's.
async fn assert_one_bought_and_one_surplus(school: &School) {
    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.cases("surplus_payment").await, 1);
    assert!(school.dead_letters.drain().await.is_empty(), "nothing is parked");
}

#[tokio::test]
async fn an_environment_that_still_believes_in_the_index_makes_no_second_purchase() {
    // GIVEN an environment that has seen the index, and the index dropped since
    let school = School::open().await;
    let first = Payment::number(1);
    let environment = school.environment().await;
    let again = [first.again(1).confirmed()];
    school.record(&[first.confirmed(), again[0].clone()]).await;
    deliver_to(&environment, &[first.confirmed()]).await;
    school.database.run_sql(DROP_INDEX).await;
    // WHEN a second payment for the course comes to it THEN it is surplus
    assert_eq!(deliver_to(&environment, &again).await, 0);
    assert_one_bought_and_one_surplus(&school).await;
    close(&environment).await;
    school.close().await;
}

#[tokio::test]
async fn an_environment_that_met_the_missing_index_says_so_from_its_next_payment_on() {
    // GIVEN an environment that has seen the index, and met its absence since
    let school = School::open().await;
    let environment = school.environment().await;
    let payments = [1, 2, 3].map(|number| [Payment::number(number).confirmed()]);
    school.record(&payments.concat()).await;
    deliver_to(&environment, &payments[0]).await;
    school.database.run_sql(DROP_INDEX).await;
    deliver_to(&environment, &payments[1]).await;
    // WHEN a further payment comes to it THEN it knows, and does not wait until its belief is five minutes old
    deliver_to(&environment, &payments[2]).await;
    assert!(school.counter("IndexMissing") > 0);
    assert_eq!((school.purchases().await, school.counter("FallbackUsed")), (3, 2));
    close(&environment).await;
    school.close().await;
}

#[tokio::test]
async fn the_fallback_waits_for_the_pair_and_looks_at_what_was_made_meanwhile() {
    // GIVEN no index, and another environment that holds the pair and has made its purchase, not committed
    let school = School::open().await;
    school.database.run_sql(DROP_INDEX).await;
    let first = Payment::number(1);
    let mut other = connect(&school).await;
    let pair = format!("{}:{}", first.student_id, first.course_id);
    execute(
        &mut other,
        format!(
            "BEGIN; SELECT pg_advisory_xact_lock(hashtext('makegood.purchase'), hashtext('{pair}')); {}",
            purchase_of(first)
        ),
    )
    .await;
    // WHEN a second payment is delivered meanwhile
    let second = [first.again(1).confirmed()];
    let (returned, ()) = tokio::join!(school.deliver(&second), async {
        until_waiting(&school, 1).await;
        execute(&mut other, "COMMIT".to_owned()).await;
    });
    // THEN it waited, and saw the purchase
    assert_eq!(returned, 0);
    assert_one_bought_and_one_surplus(&school).await;
    school.close().await;
}

#[tokio::test]
async fn a_key_that_a_writer_on_the_fast_path_takes_is_its_success_and_no_failure() {
    // GIVEN an environment that has seen that the index is missing, and the index built since
    let school = School::open().await;
    school.database.run_sql(DROP_INDEX).await;
    let environment = school.environment().await;
    let early = [Payment::number(7).confirmed()];
    school.record(&early).await;
    deliver_to(&environment, &early).await;
    school
        .database
        .run_sql("DELETE FROM student_course_purchases")
        .await;
    school.database.run_sql(BUILD_INDEX).await;
    // AND a writer on the fast path, not committed
    let first = Payment::number(1);
    let mut other = connect(&school).await;
    execute(&mut other, format!("BEGIN; {}", purchase_of(first))).await;
    // WHEN a second payment takes the fallback and waits for that writer's entry
    let second = [first.again(1).confirmed()];
    school.record(&second).await;
    let (returned, ()) = tokio::join!(deliver_to(&environment, &second), async {
        until_waiting(&school, 1).await;
        execute(&mut other, "COMMIT".to_owned()).await;
    });
    // THEN the second payment is surplus, and not parked as a failure
    assert_eq!(returned, 0);
    assert_one_bought_and_one_surplus(&school).await;
    close(&environment).await;
    school.close().await;
}

#[tokio::test]
async fn no_case_asks_to_refund_a_payment_that_another_delivery_fulfils_meanwhile() {
    let school = School::open().await;
    let (first, second) = (Payment::number(1), Payment::number(1).again(1));
    school.deliver(&[first.confirmed()]).await;
    // GIVEN a delivery of the second payment that is settled as surplus, and waits to open its case
    let mut holder = connect(&school).await;
    execute(
        &mut holder,
        format!(
            "BEGIN; INSERT INTO payment_cases (kind, subject) VALUES ('surplus_payment', '{}')",
            second.payment_id
        ),
    )
    .await;
    let settling = [second.confirmed()];
    let (returned, again) = tokio::join!(school.deliver(&settling), async {
        until_waiting(&school, 1).await;
        // WHEN the first purchase ends, and the second payment is delivered once more
        let mut ending = connect(&school).await;
        let (again, ()) = tokio::join!(
            async {
                execute(
                    &mut ending,
                    format!(
                        "UPDATE student_course_purchases SET is_active = false WHERE payment_id = '{}'",
                        first.payment_id
                    ),
                )
                .await;
                school.deliver(&[second.confirmed()]).await
            },
            async {
                // With the purchase locked its end waits too; without, nothing waits for long, and the case may go on.
                let both_wait = until_waiting(&school, 2);
                let _ = tokio::time::timeout(Duration::from_secs(1), both_wait).await;
                execute(&mut holder, "ROLLBACK".to_owned()).await;
            }
        );
        again
    });
    // THEN the payment has a purchase or a case, and not both
    assert_eq!((returned, again), (0, 0));
    let both = "SELECT count(*) FROM payment_cases c JOIN student_course_purchases p ON p.payment_id::text = c.subject";
    assert_eq!(
        school.database.count(both).await,
        0,
        "a case about what is fulfilled"
    );
    let settled = school.purchases().await + school.cases("surplus_payment").await;
    assert_eq!(settled, 1, "a purchase or a case");
    school.close().await;
}

#[tokio::test]
async fn a_refund_that_commits_while_its_purchase_is_written_leaves_no_running_purchase() {
    a_refund_meets_its_purchase("SELECT 1").await;
}

#[tokio::test]
async fn a_refund_that_commits_while_its_purchase_is_written_without_the_index_leaves_none_either() {
    a_refund_meets_its_purchase(DROP_INDEX).await;
}

async fn a_refund_meets_its_purchase(first: &str) {
    // GIVEN a payment, and a refund of it that is not committed yet
    let school = School::open().await;
    school.database.run_sql(first).await;
    let payment = Payment::number(1);
    let event = [payment.confirmed()];
    school.record(&event).await;
    let mut refunding = connect(&school).await;
    execute(
        &mut refunding,
        format!(
            "BEGIN; UPDATE payments SET status = 'refunded' WHERE id = '{}'",
            payment.payment_id
        ),
    )
    .await;
    // WHEN its event is delivered, has read the payment as succeeded, and the refund commits
    let ((), _) = tokio::join!(
        async {
            until_waiting(&school, 1).await;
            execute(&mut refunding, "COMMIT".to_owned()).await;
        },
        school.deliver_unrecorded(&event)
    );
    school.deliver_unrecorded(&event).await;
    // THEN nothing runs, and nothing is anybody's to decide
    assert_eq!(school.purchases().await, 0, "{first}");
    assert_eq!(school.cases("surplus_payment").await, 0);
    assert!(school.dead_letters.drain().await.is_empty(), "nothing is parked");
    school.close().await;
}
