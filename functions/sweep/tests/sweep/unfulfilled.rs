//! One rule of what is unfulfilled, with three readers; and the comparison of all history, which finds what no window reaches.

use crate::bench::Bench;
use chrono::Utc;
use chrono_tz::Asia::Kolkata;
use makegood::case::{self, CaseKind, NewCase};
use makegood::delivery::Deadline;
use makegood::ids::PaymentId;
use makegood::school_days::TeachingDays;
use operate::doctor::{self, Guarantee, Scope};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What the three readers count.
async fn readers(bench: &Bench) -> [i64; 3] {
    let doctor = doctor_counts(bench, Guarantee::G1).await + doctor_counts(bench, Guarantee::G5).await;
    let health = bench.run("health").await["paidUnfulfilled"].as_i64().unwrap();
    let reconciled = bench.run("reconcile").await;
    let of = |pipeline: &str| reconciled[pipeline]["paidUnfulfilled"].as_i64().unwrap();
    [of("course") + of("order"), health, doctor]
}

async fn doctor_counts(bench: &Bench, guarantee: Guarantee) -> i64 {
    let scope = Scope {
        only: [guarantee].into(),
        now: Utc::now(),
        timezone: Kolkata,
        teaching_days: TeachingDays::default(),
        single_operator: false,
    };
    let report = doctor::check(&bench.sweep.publisher.database, &scope)
        .await
        .unwrap();
    report.breaches().map(|finding| finding.count).sum()
}

async fn count(bench: &Bench, from: &str) -> i64 {
    bench
        .database
        .count(&format!("SELECT count(*) FROM {from}"))
        .await
}

/// An intent that its gateway called paid this long ago, without job and without order.
async fn intent(bench: &Bench, id: &str, ago: &str) {
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items, status)
             VALUES ('{id}', gen_random_uuid(), 'esewa', '{id}', 500, '[]', 'processing');
             INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified,
                                                        verified_at)
             VALUES ('esewa', '{id}', '{id}', 'success', 500, now() - interval '{ago}')"
        ))
        .await;
}

#[tokio::test]
async fn a_case_answers_for_a_payment_as_the_three_readers_all_say() {
    // GIVEN a payment and an intent of an hour ago that were not fulfilled, with cases
    for (case, unanswered) in [
        ("SELECT 1", 2),
        ("UPDATE payment_cases SET status = 'open'", 0),
        // A program said that all would be well, and it is not.
        ("UPDATE payment_cases SET resolved_by = 'sweep'", 2),
        ("UPDATE payment_cases SET resolved_by = 'create-purchase'", 2),
        ("UPDATE payment_cases SET resolved_by = 'finalize-order'", 2),
        // A person decided.
        ("UPDATE payment_cases SET resolved_by = 'asha@example.com'", 0),
        // The money came after that.
        (
            "UPDATE payment_cases SET resolved_by = 'asha@example.com', resolved_at = now() - interval '2 hours'",
            2,
        ),
    ] {
        let bench = Bench::fresh().await;
        let payment = bench.payment(Uuid::new_v4(), Uuid::new_v4()).await;
        intent(&bench, "pi_1", "1 hour").await;
        bench
            .database
            .run_sql(&format!(
                "UPDATE payments SET confirmed_at = now() - interval '1 hour';
                 INSERT INTO payment_cases (kind, subject, payment_id, payment_intent_id, status, resolved_at, details)
                 SELECT 'unfulfillable', s, p, i, 'resolved', now(), '{{}}'
                 FROM (VALUES ('p', '{payment}'::uuid, NULL), ('i', NULL, 'pi_1')) c (s, p, i);
                 {}",
                match case {
                    "SELECT 1" => "DELETE FROM payment_cases",
                    other => other,
                }
            ))
            .await;
        assert_eq!(readers(&bench).await, [unanswered; 3], "{case}");
        bench.database.drop().await;
    }
}

#[tokio::test]
async fn a_case_that_a_program_resolved_opens_again_and_one_that_a_person_resolved_only_for_new_money() {
    let bench = Bench::fresh().await;
    let payment = bench.payment(Uuid::new_v4(), Uuid::new_v4()).await;
    let new_case = NewCase {
        kind: CaseKind::Unfulfillable,
        subject: payment.to_string(),
        payment_id: Some(PaymentId(payment)),
        payment_intent_id: None,
        amount_minor: Some(499_900),
        currency: None,
        details: json!({"code": "again"}),
    };
    let open = async || {
        let mut connection = bench.sweep.publisher.database.acquire().await.unwrap();
        case::open(&mut connection, &new_case).await.unwrap()
    };
    assert!(open().await);
    assert!(!open().await, "it is open");
    for (resolution, opens) in [
        (
            "resolved_at = now(), resolved_by = 'receive-payment', details = '{\"notes\": [1], \"assignee\": \"asha\"}'",
            true,
        ),
        ("resolved_at = now(), resolved_by = 'asha'", false),
        (
            "resolved_at = now() - interval '2 days', resolved_by = 'asha'",
            true,
        ),
    ] {
        bench
            .database
            .run_sql(&format!(
                "UPDATE payment_cases SET status = 'resolved', {resolution}"
            ))
            .await;
        assert_eq!(open().await, opens, "{resolution}");
    }
    let kept = "payment_cases WHERE status = 'open' AND resolved_at IS NULL AND resolved_by IS NULL
                AND details = '{\"code\": \"again\", \"notes\": [1], \"assignee\": \"asha\"}'";
    assert_eq!(count(&bench, kept).await, 1);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_case_that_a_program_opened_is_closed_with_its_audit_line_when_the_purchase_is_there() {
    let bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    let payment = bench.payment(student, course).await;
    let other = bench.payment(Uuid::new_v4(), course).await;
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO payment_cases (kind, subject, payment_id) VALUES
               ('unfulfillable', 'a', '{payment}'), ('surplus_payment', 'b', '{payment}'), ('unfulfillable', 'c', '{other}')"
        ))
        .await;
    bench.purchase(student, course, Some(payment), "1 minute").await;
    assert_eq!(bench.reconcile().await["casesClosed"], 1);
    let closed = "payment_cases k JOIN audit_log a ON a.subject = 'case:' || k.id
                  WHERE k.subject = 'a' AND k.status = 'resolved' AND k.resolved_by = 'sweep' AND a.actor = 'sweep'
                    AND a.action = 'case.resolve' AND a.reason = 'the purchase was made' AND a.at = k.resolved_at";
    assert_eq!(count(&bench, closed).await, 1);
    assert_eq!(count(&bench, "payment_cases WHERE status = 'open'").await, 2);
    assert_eq!(bench.reconcile().await["casesClosed"], 0);
    bench.database.drop().await;
}

#[tokio::test]
async fn what_no_window_reaches_is_found_by_the_comparison_and_then_by_each_run_until_it_is_fulfilled() {
    // GIVEN a payment, a purchase, an allocation and an intent of last year, all unfulfilled
    let bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    let payment = bench.payment(student, course).await;
    bench
        .purchase(Uuid::new_v4(), course, Some(Uuid::new_v4()), "400 days")
        .await;
    bench.allocation(Uuid::new_v4(), course).await;
    intent(&bench, "pi_1", "400 days").await;
    bench
        .database
        .run_sql(
            "UPDATE payments SET confirmed_at = now() - interval '400 days';
             UPDATE trainer_allocations SET created_at = now() - interval '400 days'",
        )
        .await;
    let found = |done: &Value| {
        [
            &done["course"]["paymentsAnnounced"],
            &done["course"]["purchasesAnnounced"],
            &done["course"]["allocationsAnnounced"],
            &done["order"]["requeued"],
        ]
        .map(|number| number.as_i64().unwrap())
    };
    assert_eq!(found(&bench.run("reconcile").await), [0; 4]);
    // WHEN all history is compared THEN they are on the list, and it says that it is through
    let done = bench.run("compare").await;
    assert_eq!(
        (&done["found"], &done["listed"], &done["walked"]),
        (&json!(4), &json!(4), &json!(4)),
        "{done}"
    );
    assert!(done["completedAt"].is_string(), "{done}");
    // AND reconcile heals them, and counts them as long as they wait
    let done = bench.run("reconcile").await;
    assert_eq!(found(&done), [1; 4], "{done}");
    assert_eq!(done["course"]["paidUnfulfilled"], 1);
    let day = 24 * 3_600;
    assert!(
        done["course"]["paidUnfulfilledOldestSeconds"]
            .as_i64()
            .is_some_and(|age| age > 399 * day)
    );
    assert_eq!(bench.run("health").await["paidUnfulfilled"], 2);
    // WHEN the payment has its purchase THEN it is off the list
    bench.purchase(student, course, Some(payment), "1 minute").await;
    bench.run("reconcile").await;
    assert_eq!(count(&bench, "unfulfilled WHERE kind = 'payment'").await, 0);
    assert_eq!(count(&bench, "unfulfilled").await, 3);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_comparison_goes_on_where_the_last_run_ended_and_begins_anew_after_a_week() {
    // GIVEN unfulfilled payments of two and of one year ago
    let bench = Bench::fresh().await;
    for days in [800, 400] {
        let payment = bench.payment(Uuid::new_v4(), Uuid::new_v4()).await;
        bench
            .database
            .run_sql(&format!(
                "UPDATE payments SET confirmed_at = now() - interval '{days} days' WHERE id = '{payment}'"
            ))
            .await;
    }
    // AND a comparison that was cut off between the two, a day ago, and a run after it that failed
    bench
        .database
        .run_sql(
            "INSERT INTO sweep_runs (sweep, started_at, millis, done)
             SELECT 'compare', now(), 1, jsonb_build_object('beganAt', now() - interval '1 day', 'completedAt', NULL, 'kind', 'payment',
               'place', jsonb_build_object('at', now() - interval '600 days', 'key', gen_random_uuid()), 'walked', 7, 'ofAbout', 9,
               'found', 2, 'listed', 1);
             INSERT INTO sweep_runs (sweep, started_at, millis, error) VALUES ('compare', now(), 1, 'away')",
        )
        .await;
    // THEN it goes on from there
    let done = bench.run("compare").await;
    assert_eq!(
        (&done["found"], &done["listed"], &done["walked"]),
        (&json!(3), &json!(2), &json!(8)),
        "{done}"
    );
    let completed = done["completedAt"].clone();
    assert!(completed.is_string());
    // AND is at rest for the rest of the week
    assert_eq!(bench.run("compare").await["completedAt"], completed);
    assert_eq!(count(&bench, "unfulfilled").await, 1);
    // AND then begins anew
    bench
        .database
        .run_sql("UPDATE sweep_runs SET done = done || jsonb_build_object('beganAt', now() - interval '8 days') WHERE done IS NOT NULL")
        .await;
    let done = bench.run("compare").await;
    assert_eq!(
        (&done["found"], &done["walked"]),
        (&json!(2), &json!(2)),
        "{done}"
    );
    assert_eq!(count(&bench, "unfulfilled").await, 2);
    bench.database.drop().await;
}

#[tokio::test]
async fn a_sweep_whose_time_is_up_answers_before_it_is_cut_off_and_its_run_is_kept() {
    // GIVEN a table that another session holds
    let bench = Bench::fresh().await;
    let mut holder = PgConnection::connect(&bench.database.direct_url()).await.unwrap();
    let mut held = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE payments IN ACCESS EXCLUSIVE MODE")
        .execute(&mut *held)
        .await
        .unwrap();
    // WHEN a run has eight seconds
    let (begun, time) = (Instant::now(), Duration::from_secs(8));
    let answer = bench
        .sweep
        .handle(&json!({"sweep": "reconcile"}), Deadline::after(time))
        .await;
    // THEN it says within them that it stopped, and why; no statement of it goes on in the server
    assert!(answer.is_err() && begun.elapsed() < time, "{answer:?}");
    assert_eq!(
        count(
            &bench,
            "sweep_runs WHERE sweep = 'reconcile' AND error IS NOT NULL"
        )
        .await,
        1
    );
    let running = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    assert_eq!(count(&bench, running).await, 0);
    held.rollback().await.unwrap();
    bench.database.drop().await;
}
