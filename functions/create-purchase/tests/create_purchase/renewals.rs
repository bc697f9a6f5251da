//! A payment for a purchase that is over renews it: once, whatever is delivered again, at once, or while the index is away.

use crate::school::{Payment, School, close, deliver_to};
use chrono::{TimeDelta, Utc};
use makegood_tests::invariants::assert_doctor_finds_no_breach_of;
use operate::doctor::Guarantee;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

const DROP_INDEX: &str = "DROP INDEX unique_active_purchase";
/// The allocation of every active purchase, with a session of last week and one of next week.
const ALLOCATE: &str = "
    INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
    SELECT md5(p.id::text)::uuid, p.student_id, md5('trainer')::uuid, p.course_id, p.student_id, 'approved',
           jsonb_build_object('sessionCount', p.purchase_tier, 'purchaseId', p.id)
    FROM student_course_purchases p WHERE p.is_active;
    INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status)
    SELECT a.id, a.student_id, a.trainer_id, a.course_id, current_date + d.days, '5:30 PM', d.status
    FROM trainer_allocations a, (VALUES (-7, 'completed'), (7, 'scheduled')) AS d (days, status)";
pub(crate) const EXPIRE: &str =
    "UPDATE student_course_purchases SET expiry_date = now() - interval '1 second' WHERE is_active";

/// A school in which this payment has bought its course.
pub(crate) async fn school_with(bought: Payment) -> School {
    let school = School::open().await;
    assert_eq!(school.deliver(&[bought.confirmed()]).await, 0);
    school.database.run_sql(ALLOCATE).await;
    school
}

/// One row for each purchase of this payment: whether it is active, and why it ended.
pub(crate) async fn states(school: &School, payment: Payment) -> Vec<(bool, Option<String>)> {
    sqlx::query_as("SELECT is_active, end_reason FROM student_course_purchases WHERE payment_id = $1")
        .bind(payment.payment_id)
        .fetch_all(&school.database.direct())
        .await
        .expect("the purchases are read")
}

/// The first purchase is closed for this reason, the second runs, and no case asks to refund either.
async fn assert_renewed(school: &School, old: Payment, new: Payment, reason: &str) {
    assert_eq!(states(school, old).await, [(false, Some(reason.to_owned()))]);
    assert_eq!(states(school, new).await, [(true, None)]);
    assert_eq!(school.cases("surplus_payment").await, 0);
    let not_over =
        "SELECT count(*) FROM trainer_allocations WHERE status IN ('approved', 'active', 'pending')";
    assert_eq!(
        school.database.count(not_over).await,
        0,
        "the old allocation stands in the way of a new one"
    );
    school.assert_sound().await;
    assert_doctor_finds_no_breach_of(&school.database, [Guarantee::G1, Guarantee::G3]).await;
}

#[tokio::test]
async fn a_payment_for_an_expired_purchase_renews_it_once() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    let second = first.again(1);
    // GIVEN a purchase that has expired WHEN both payments are delivered again and again, in either order
    school.database.run_sql(EXPIRE).await;
    for payment in [first, second, first, second, second, first] {
        assert_eq!(school.deliver(&[payment.confirmed()]).await, 0);
    }
    // THEN the second renewed it once, was published once, and what was planned beyond the end is cancelled
    assert_renewed(&school, first, second, "expired").await;
    assert_eq!(school.published().await.into_values().collect::<Vec<_>>(), [1, 1]);
    assert_eq!(school.counter("PurchasesCreated"), 2);
    // THEN the end of the first is told once, too, with its reason and what was cancelled
    let told =
        "SELECT count(*) FROM outbox WHERE event_type = 'PURCHASE_ENDED' AND payload ->> 'reason' = 'expired'
                AND payload ->> 'cancelledSessions' = '1' AND published_at IS NOT NULL";
    assert_eq!(school.database.count(told).await, 1);
    let ends = "SELECT count(*) FROM outbox WHERE event_type = 'PURCHASE_ENDED'";
    assert_eq!(school.database.count(ends).await, 1);
    let cancelled =
        "SELECT count(*) FROM tutoring_sessions WHERE status = 'cancelled' AND scheduled_date > current_date";
    assert_eq!(school.database.count(cancelled).await, 1);
    let ended = "SELECT count(*) FROM student_course_purchases WHERE ended_at IS NOT NULL";
    assert_eq!(school.database.count(ended).await, 1);
    school.close().await;
}

#[tokio::test]
async fn a_purchase_that_ends_at_infinity_is_not_over() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    let endless = "UPDATE student_course_purchases SET expiry_date = 'infinity'";
    school.database.run_sql(endless).await;
    assert_eq!(school.deliver(&[first.again(1).confirmed()]).await, 0);
    assert_eq!(states(&school, first).await, [(true, None)]);
    assert_eq!(school.cases("surplus_payment").await, 1);
    school.close().await;
}

#[tokio::test]
async fn a_payment_for_a_consumed_purchase_renews_it_and_with_one_session_left_it_is_surplus() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    // GIVEN 20 bought: 19 held, of which some are completed and others merely past; one that was cancelled was not held
    let held = "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status)
                SELECT a.id, a.student_id, a.trainer_id, a.course_id, current_date - 10 - d, '5:30 PM',
                       (ARRAY['completed', 'scheduled', 'disputed'])[1 + d % 3]
                FROM trainer_allocations a, generate_series(1, 18) d;
                UPDATE tutoring_sessions SET status = 'cancelled' WHERE scheduled_date > current_date";
    school.database.run_sql(held).await;
    let early = first.again(1);
    assert_eq!(school.deliver(&[early.confirmed()]).await, 0);
    assert_eq!(school.cases("surplus_payment").await, 1);
    // WHEN the last one is held too, and they pay again
    let last = "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status)
                SELECT a.id, a.student_id, a.trainer_id, a.course_id, current_date - 1, '5:30 PM', 'completed' FROM trainer_allocations a";
    school.database.run_sql(last).await;
    let second = first.again(2);
    for payment in [second, early, second, first] {
        assert_eq!(school.deliver(&[payment.confirmed()]).await, 0);
    }
    // THEN it is renewed, and what was surplus before stays a person's
    assert_eq!(
        states(&school, first).await,
        [(false, Some("consumed".to_owned()))]
    );
    assert_eq!(states(&school, second).await, [(true, None)]);
    assert_eq!(states(&school, early).await, []);
    assert_eq!(school.cases("surplus_payment").await, 1);
    school.assert_sound().await;
    school.close().await;
}

#[tokio::test]
async fn sessions_that_were_held_with_an_earlier_trainer_consume_the_purchase_too() {
    // GIVEN 20 bought, 12 held with a trainer who left then, and 7 with the next one, who is allocated for all 20
    let first = Payment::number(1);
    let school = school_with(first).await;
    let held = "DELETE FROM tutoring_sessions;
                UPDATE trainer_allocations SET status = 'cancelled';
                INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
                SELECT md5('next')::uuid, student_id, md5('trainer2')::uuid, course_id, requested_by, 'approved', metadata
                FROM trainer_allocations;
                INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status)
                SELECT a.id, a.student_id, a.trainer_id, a.course_id, current_date - 1 - d, '5:30 PM', 'completed'
                FROM trainer_allocations a, generate_series(1, 12) d WHERE d <= CASE a.status WHEN 'cancelled' THEN 12 ELSE 7 END";
    school.database.run_sql(held).await;
    let early = first.again(1);
    assert_eq!(school.deliver(&[early.confirmed()]).await, 0);
    assert_eq!(school.cases("surplus_payment").await, 1);
    // WHEN the last one is held, with either, and they pay again
    let last = "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status)
                SELECT id, student_id, trainer_id, course_id, current_date - 1, '5:30 PM', 'completed'
                FROM trainer_allocations WHERE status = 'approved'";
    school.database.run_sql(last).await;
    let second = first.again(2);
    assert_eq!(school.deliver(&[second.confirmed()]).await, 0);
    // THEN
    let consumed = [(false, Some("consumed".to_owned()))];
    assert_eq!(states(&school, first).await, consumed);
    assert_eq!(states(&school, second).await, [(true, None)]);
    school.close().await;
}

/// Two in one batch and four more in batches of their own, all at once, and all of them once more.
async fn storm_of_renewals(before: &str) {
    let first = Payment::number(1);
    let school = school_with(first).await;
    school.database.run_sql(EXPIRE).await;
    school.database.run_sql(before).await;
    let bodies: Vec<String> = (1..=6).map(|number| first.again(number).confirmed()).collect();
    for _ in 0..2 {
        let one_by_one = bodies[2..].chunks(1).map(|body| school.deliver(body));
        let (together, apart) = tokio::join!(
            school.deliver(&bodies[..2]),
            futures::future::join_all(one_by_one)
        );
        assert_eq!((together, apart), (0, vec![0; 4]));
    }
    assert_eq!(school.purchases().await, 1);
    let all = "SELECT count(*) FROM student_course_purchases";
    assert_eq!(school.database.count(all).await, 2);
    assert_eq!(school.cases("surplus_payment").await, 5);
    school.assert_sound().await;
    school.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_payments_at_once_one_renews_and_the_others_are_surplus() {
    storm_of_renewals("SELECT 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_payments_at_once_one_renews_without_the_index_too() {
    storm_of_renewals(DROP_INDEX).await;
}

/// Two in one batch and no other.
async fn two_of_one_batch(before: &str) {
    let first = Payment::number(1);
    let school = school_with(first).await;
    school.database.run_sql(EXPIRE).await;
    school.database.run_sql(before).await;
    let both = [first.again(1).confirmed(), first.again(2).confirmed()];
    assert_eq!(school.deliver(&both).await, 0);
    assert_eq!(
        (school.purchases().await, school.cases("surplus_payment").await),
        (1, 1)
    );
    school.close().await;
}

#[tokio::test]
async fn of_two_payments_of_one_batch_one_renews_and_the_other_is_surplus() {
    two_of_one_batch("SELECT 1").await;
}

#[tokio::test]
async fn of_two_payments_of_one_batch_one_renews_without_the_index_too() {
    two_of_one_batch(DROP_INDEX).await;
}

#[tokio::test]
async fn a_renewal_that_was_marked_and_never_made_is_recovered() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    school.database.run_sql(EXPIRE).await;
    let second = first.again(1);
    school
        .database
        .run_sql(&format!(
            "INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
             VALUES ('{}', 'PURCHASE_CONFIRMED', '{}', '{{}}', 'payment-service')",
            second.event_id(),
            second.payment_id
        ))
        .await;
    for _ in 0..2 {
        assert_eq!(school.deliver(&[second.confirmed()]).await, 0);
    }
    assert_renewed(&school, first, second, "expired").await;
    assert_eq!(school.counter("PurchasesRecovered"), 1);
    school.close().await;
}

#[tokio::test]
async fn without_the_index_a_renewal_is_made_all_the_same() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    school.database.run_sql(EXPIRE).await;
    school.database.run_sql(DROP_INDEX).await;
    let second = first.again(1);
    for payment in [second, first, second] {
        assert_eq!(school.deliver(&[payment.confirmed()]).await, 0);
    }
    assert_renewed(&school, first, second, "expired").await;
    assert_eq!(school.published().await.into_values().collect::<Vec<_>>(), [1, 1]);
    school.close().await;
}

#[tokio::test]
async fn without_the_index_no_other_payment_looks_at_a_pair_while_it_is_renewed() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    school.database.run_sql(EXPIRE).await;
    school.database.run_sql(DROP_INDEX).await;
    // GIVEN a renewal that has locked its pair and its purchase, and waits for the allocation
    let mut holder = PgConnection::connect(&school.database.direct_url())
        .await
        .unwrap();
    let hold = "BEGIN; SELECT FROM trainer_allocations FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let (second, third) = ([first.again(1).confirmed()], [first.again(2).confirmed()]);
    let (renewing, waiting, ()) = tokio::join!(
        school.deliver(&second),
        async {
            until_waiting(&school, 1).await;
            // WHEN another payment comes through the fallback meanwhile
            school.deliver(&third).await
        },
        async {
            until_waiting(&school, 2).await;
            sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
        }
    );
    // THEN it waited, and saw what the renewal made
    assert_eq!((renewing, waiting), (0, 0));
    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.cases("surplus_payment").await, 1);
    school.close().await;
}

/// So many statements in this database wait for a lock.
pub(crate) async fn until_waiting(school: &School, statements: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let all_wait = async { while school.database.count(waiting).await != statements {} };
    tokio::time::timeout(Duration::from_secs(20), all_wait)
        .await
        .expect("they wait for a lock");
}

#[tokio::test]
async fn the_owner_of_an_expired_legacy_purchase_buys_nothing_again_when_it_is_replayed() {
    // GIVEN a purchase from before payments had ids, expired, and the payment that bought it
    let owner = Payment::number(1);
    let school = School::open().await;
    let planted = format!(
        "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, created_at, expiry_date)
         VALUES ('{}', '{}', 10, now() - interval '90 days', now() - interval '1 day');",
        owner.student_id, owner.course_id
    );
    school.database.run_sql(&planted).await;
    let paid = owner.recorded(Utc::now() - TimeDelta::days(91));
    school.database.run_sql(&paid).await;
    // WHEN another payment renews it, and the owner's event comes again
    let second = owner.again(1);
    for payment in [second, owner, second] {
        assert_eq!(school.deliver(&[payment.confirmed()]).await, 0);
    }
    // THEN
    assert_eq!(
        states(&school, owner).await,
        [(false, Some("expired".to_owned()))]
    );
    assert_eq!(states(&school, second).await, [(true, None)]);
    assert_eq!(school.cases("surplus_payment").await, 0);
    school.close().await;
}

#[tokio::test]
async fn a_purchase_that_was_ended_meanwhile_is_not_closed_twice() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    school.database.run_sql(EXPIRE).await;
    // GIVEN a transaction that ends the purchase, not committed
    let mut other = PgConnection::connect(&school.database.direct_url())
        .await
        .unwrap();
    let end = format!(
        "BEGIN; UPDATE student_course_purchases SET is_active = false, end_reason = 'by_hand' WHERE payment_id = '{}'",
        first.payment_id
    );
    sqlx::raw_sql(AssertSqlSafe(end))
        .execute(&mut other)
        .await
        .unwrap();
    // WHEN a second payment is delivered, and again where it is told to come again
    let second = first.again(1);
    let environment = school.environment().await;
    school.record(&[second.confirmed()]).await;
    let bodies = [second.confirmed()];
    let (_, ()) = tokio::join!(deliver_to(&environment, &bodies), async {
        until_waiting(&school, 1).await;
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    });
    assert_eq!(deliver_to(&environment, &bodies).await, 0);
    // THEN what the other said stands, and the course is bought once
    assert_eq!(
        states(&school, first).await,
        [(false, Some("by_hand".to_owned()))]
    );
    assert_eq!(states(&school, second).await, [(true, None)]);
    close(&environment).await;
    school.close().await;
}
