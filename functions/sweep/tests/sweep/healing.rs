//! The `reconcile` sweep: what got lost is published again, once, and what is not lost is left alone.

use crate::bench::Bench;
use std::sync::Arc;
use uuid::Uuid;

const NONE: Vec<String> = Vec::new();

fn new_ids() -> (Uuid, Uuid) {
    (Uuid::new_v4(), Uuid::new_v4())
}

#[tokio::test]
async fn a_payment_without_purchase_is_published_once_until_minutes_have_passed() {
    // GIVEN a payment whose event was lost
    let bench = Bench::fresh().await;
    let (student, course) = new_ids();
    let payment = bench.payment(student, course).await;
    let event = format!("payment:{payment}:PURCHASE_CONFIRMED");
    // WHEN reconciled THEN its event goes out, as the payment has it
    let done = bench.reconcile().await;
    assert_eq!(
        (
            done["paymentsAnnounced"].as_i64(),
            done["paidUnfulfilled"].as_i64()
        ),
        (Some(1), Some(1))
    );
    let age = done["paidUnfulfilledOldestSeconds"].as_i64().unwrap();
    assert!((86_400..86_500).contains(&age), "{age}");
    assert_eq!(
        bench.published("purchase-confirmed").await,
        std::slice::from_ref(&event)
    );
    let as_paid = format!(
        "SELECT count(*) FROM outbox WHERE event_id = '{event}' AND correlation_id = '{payment}' AND payload @>
           '{{\"studentId\": \"{student}\", \"amountCents\": 499900, \"metadata\": {{\"purchaseTier\": 20, \"timeSlot\": \"5:30 PM\"}}}}'"
    );
    assert_eq!(bench.database.count(&as_paid).await, 1);
    // WHEN reconciled again at once THEN nothing goes out, and it still counts as unfulfilled
    let done = bench.reconcile().await;
    assert_eq!(
        (
            done["paymentsAnnounced"].as_i64(),
            done["paidUnfulfilled"].as_i64()
        ),
        (Some(0), Some(1))
    );
    assert_eq!(bench.published("purchase-confirmed").await, NONE);
    // WHEN five minutes have passed THEN it goes out again
    bench.five_minutes_pass().await;
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 1);
    assert_eq!(bench.published("purchase-confirmed").await, [event]);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_payment_that_is_fulfilled_refunded_fresh_or_under_a_case_is_left_alone() {
    let bench = Bench::fresh().await;
    let (student, course) = new_ids();
    let fulfilled = bench.payment(student, course).await;
    bench.purchase(student, course, Some(fulfilled), "1 day").await;
    // It was bought with one payment and extended with another.
    let extending = bench.payment(student, course).await;
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO purchase_extensions (payment_id, purchase_id, sessions)
             SELECT '{extending}', id, 20 FROM student_course_purchases"
        ))
        .await;
    let (refunded, fresh, cased, shop) = (
        bench.payment(Uuid::new_v4(), course).await,
        bench.payment(Uuid::new_v4(), course).await,
        bench.payment(Uuid::new_v4(), course).await,
        bench.payment(Uuid::new_v4(), course).await,
    );
    bench
        .database
        .run_sql(&format!(
            "UPDATE payments SET status = 'refunded' WHERE id = '{refunded}';
             UPDATE payments SET confirmed_at = now() - interval '1 minute' WHERE id = '{fresh}';
             UPDATE payments SET metadata = '{{\"cart\": 1}}' WHERE id = '{shop}';
             INSERT INTO payment_cases (kind, subject, payment_id) VALUES ('surplus_payment', '{cased}', '{cased}')"
        ))
        .await;
    let done = bench.reconcile().await;
    assert_eq!(
        (
            done["paymentsAnnounced"].as_i64(),
            done["paidUnfulfilled"].as_i64()
        ),
        (Some(0), Some(0))
    );
    bench.database.drop().await;
}

#[tokio::test]
async fn no_event_that_differs_from_its_row_keeps_the_right_one_away() {
    // GIVEN two paid payments with an event each that was refused: one said another amount, one came before its row
    let bench = Bench::fresh().await;
    let (student, course) = new_ids();
    let (differs, early) = (
        bench.payment(student, course).await,
        bench.payment(course, student).await,
    );
    for (payment, code, permanent) in [
        (differs, "payment_amount_differs", true),
        (early, "payment_not_recorded", false),
    ] {
        bench
            .database
            .run_sql(&format!(
                "INSERT INTO dead_letters (source, message_id, event_id, failure_reason, error_code, permanent, parked_at)
                 VALUES ('q', '{payment}', 'payment:{payment}:PURCHASE_CONFIRMED', 'why', '{code}', {permanent}, now());
                 INSERT INTO payment_cases (kind, subject, payment_id, details)
                 VALUES ('unknown_payment', '{payment}', '{payment}', '{{\"code\": \"{code}\"}}')"
            ))
            .await;
    }
    // WHEN reconciled THEN the events of both go out as the rows say
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 2);
    // WHEN the purchases are there THEN the case of the one that came too early closes, and the other is a person's
    bench.purchase(student, course, Some(differs), "1 minute").await;
    bench.purchase(course, student, Some(early), "1 minute").await;
    bench.reconcile().await;
    let open =
        format!("SELECT count(*) FROM payment_cases WHERE status = 'open' AND payment_id = '{differs}'");
    assert_eq!(bench.database.count(&open).await, 1);
    let closed =
        format!("SELECT count(*) FROM payment_cases WHERE status = 'resolved' AND payment_id = '{early}'");
    assert_eq!(bench.database.count(&closed).await, 1);
    bench.database.drop().await;
}

#[tokio::test]
async fn what_is_parked_for_good_waits_for_a_person_and_what_may_pass_for_an_hour() {
    let bench = Bench::fresh().await;
    let park = async |permanent: bool, ago: &str| {
        let payment = bench.payment(Uuid::new_v4(), Uuid::new_v4()).await;
        bench
            .database
            .run_sql(&format!(
                "INSERT INTO dead_letters (source, message_id, event_id, failure_reason, permanent, parked_at)
                 VALUES ('q', '{payment}', 'payment:{payment}:PURCHASE_CONFIRMED', 'why', {permanent}, now() - interval '{ago}')"
            ))
            .await;
        format!("payment:{payment}:PURCHASE_CONFIRMED")
    };
    let for_good = park(true, "2 days").await;
    let lately = park(false, "50 minutes").await;
    let long_ago = park(false, "70 minutes").await;
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 1);
    assert_eq!(bench.published("purchase-confirmed").await, [long_ago]);
    // WHEN a person replayed or discarded them THEN they are looked after again
    bench
        .database
        .run_sql("UPDATE dead_letters SET status = 'discarded'")
        .await;
    assert_eq!(bench.reconcile().await["paymentsAnnounced"], 2);
    let mut expected = [for_good, lately];
    expected.sort();
    assert_eq!(bench.published("purchase-confirmed").await, expected);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_purchase_without_allocation_is_published_and_others_are_not() {
    let bench = Bench::fresh().await;
    let (student, course) = new_ids();
    let payment = bench.payment(student, course).await;
    let lost = bench.purchase(student, course, Some(payment), "3 minutes").await;
    // GIVEN also: one just made, one allocated, one held to its end, one ended
    bench
        .purchase(Uuid::new_v4(), course, Some(Uuid::new_v4()), "1 minute")
        .await;
    for status in ["active", "completed"] {
        let (student, course) = new_ids();
        bench
            .purchase(student, course, Some(Uuid::new_v4()), "2 days")
            .await;
        let allocation = bench.allocation(student, course).await;
        bench.session(allocation, 2, "scheduled").await;
        bench
            .database
            .run_sql(&format!(
                "UPDATE trainer_allocations SET status = '{status}' WHERE id = '{allocation}'"
            ))
            .await;
    }
    let ended = bench
        .purchase(Uuid::new_v4(), course, Some(Uuid::new_v4()), "2 days")
        .await;
    bench
        .database
        .run_sql(&format!(
            "UPDATE student_course_purchases SET is_active = false WHERE id = '{ended}'"
        ))
        .await;
    // WHEN reconciled, twice
    let first = bench.reconcile().await;
    let second = bench.reconcile().await;
    // THEN the lost one goes out once, under its payment's id
    assert_eq!(
        (
            first["purchasesAnnounced"].as_i64(),
            second["purchasesAnnounced"].as_i64()
        ),
        (Some(1), Some(0))
    );
    assert_eq!(
        bench.published("purchase-created").await,
        [format!("purchase-created-{lost}")]
    );
    let correlated = format!("SELECT count(*) FROM outbox WHERE correlation_id = '{payment}'");
    assert_eq!(bench.database.count(&correlated).await, 1);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_allocation_with_sessions_left_and_none_ahead_is_published() {
    let bench = Bench::fresh().await;
    let mut allocations = Vec::new();
    for _ in 0..5 {
        let (student, course) = new_ids();
        allocations.push(bench.allocation(student, course).await);
    }
    // GIVEN of two bought: [0] none, [1] one held, [2] both held, [3] one ahead, [4] one held, one cancelled ahead
    bench.session(allocations[1], -1, "completed").await;
    bench.session(allocations[2], -1, "completed").await;
    bench.session(allocations[2], -2, "completed").await;
    bench.session(allocations[3], 3, "scheduled").await;
    bench.session(allocations[4], -1, "completed").await;
    bench.session(allocations[4], 3, "cancelled").await;
    // WHEN reconciled, twice
    assert_eq!(bench.reconcile().await["allocationsAnnounced"], 3);
    assert_eq!(bench.reconcile().await["allocationsAnnounced"], 0);
    // THEN those that lack sessions go out
    let mut expected = [0, 1, 4].map(|number| format!("trainer-allocated-{}", allocations[number]));
    expected.sort();
    assert_eq!(bench.published("trainer-allocated").await, expected);
    bench.database.drop().await;
}

#[tokio::test]
async fn what_was_held_with_an_earlier_trainer_is_not_owed_again() {
    // GIVEN purchases of two sessions whose first trainer left, when so many were held; the last had one that is still ahead
    let bench = Bench::fresh().await;
    let mut allocations = Vec::new();
    for held in [0, 1, 2, 2, 1] {
        let (student, course) = new_ids();
        bench.purchase(student, course, None, "2 days").await;
        let left = bench.allocation(student, course).await;
        for number in 0..held {
            bench.session(left, -1 - number, "completed").await;
        }
        let cancel = format!(
            "UPDATE trainer_allocations SET status = 'cancelled', notes = 'left' WHERE id = '{left}'"
        );
        bench.database.run_sql(&cancel).await;
        allocations.push((left, bench.allocation(student, course).await));
    }
    bench.session(allocations[4].0, 3, "scheduled").await;
    // GIVEN that what the fourth had held was of a purchase before
    let others = format!(
        "UPDATE student_course_purchases SET purchase_tier = 2;
         UPDATE trainer_allocations SET metadata = metadata || '{{\"purchaseId\": \"another\"}}' WHERE id = '{}'",
        allocations[3].0
    );
    bench.database.run_sql(&others).await;
    // WHEN reconciled THEN sessions are asked for where some are owed
    assert_eq!(bench.reconcile().await["allocationsAnnounced"], 4);
    let mut expected = [0, 1, 3, 4].map(|number| format!("trainer-allocated-{}", allocations[number].1));
    expected.sort();
    assert_eq!(bench.published("trainer-allocated").await, expected);
    bench.database.drop().await;
}

#[tokio::test]
async fn an_allocation_without_sessions_ahead_is_left_alone_once_its_purchase_is_over() {
    let bench = Bench::fresh().await;
    let mut allocations = Vec::new();
    // GIVEN purchases that [0] run, [1] have expired, [2] were ended, [3] end before the next open day, [4] end in a month
    for change in [
        "updated_at = now()",
        "expiry_date = now() - interval '1 hour'",
        "is_active = false",
        "expiry_date = now() + interval '1 second'",
        "expiry_date = now() + interval '30 days'",
    ] {
        let (student, course) = new_ids();
        let purchase = bench
            .purchase(student, course, Some(Uuid::new_v4()), "2 days")
            .await;
        allocations.push(bench.allocation(student, course).await);
        let change = format!("UPDATE student_course_purchases SET {change} WHERE id = '{purchase}'");
        bench.database.run_sql(&change).await;
    }
    // WHEN
    assert_eq!(bench.reconcile().await["allocationsAnnounced"], 2);
    // THEN
    let mut expected = [0, 4].map(|number| format!("trainer-allocated-{}", allocations[number]));
    expected.sort();
    assert_eq!(bench.published("trainer-allocated").await, expected);
    bench.database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_reconciliations_at_once_publish_each_once() {
    let bench = Bench::fresh().await;
    bench
        .database
        .run_sql(
            "INSERT INTO payments (student_id, amount_cents, status, metadata, confirmed_at)
             SELECT gen_random_uuid(), 100, 'succeeded', jsonb_build_object('courseId', gen_random_uuid()), now() - interval '1 hour'
             FROM generate_series(1, 450)",
        )
        .await;
    let (first, second) = tokio::join!(bench.reconcile(), bench.reconcile());
    let sum = first["paymentsAnnounced"].as_i64().unwrap() + second["paymentsAnnounced"].as_i64().unwrap();
    assert_eq!(sum, 450);
    let mut published = bench.published("purchase-confirmed").await;
    assert_eq!(published.len(), 450);
    published.dedup();
    assert_eq!(published.len(), 450);
    bench.database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_does_not_look_while_another_publishes() {
    // GIVEN another run that has found a payment and not committed its event yet
    let bench = Arc::new(Bench::fresh().await);
    let payment = bench.payment(Uuid::new_v4(), Uuid::new_v4()).await;
    let mut other = bench.database.direct().begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('makegood.reconcile'), 0)")
        .execute(&mut *other)
        .await
        .unwrap();
    let this = Arc::clone(&bench);
    let run = tokio::spawn(async move { this.reconcile().await });
    let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
                   WHERE d.datname = current_database() AND locktype = 'advisory' AND NOT granted";
    while bench.database.count(waiting).await == 0 {
        assert!(!run.is_finished(), "it looked in spite of the lock");
    }
    // WHEN the other commits and publishes
    sqlx::query(
        "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, published_at)
         VALUES ('payment:' || $1::text || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', 'purchase-confirmed', '{}', $1, now())",
    )
    .bind(payment)
    .execute(&mut *other)
    .await
    .unwrap();
    other.commit().await.unwrap();
    // THEN this run sees it, and publishes nothing
    assert_eq!(run.await.unwrap()["paymentsAnnounced"], 0);
    assert_eq!(bench.published("purchase-confirmed").await, NONE);
    bench.database.clone().drop().await;
}
