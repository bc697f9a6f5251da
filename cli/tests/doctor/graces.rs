//! What is under way is no breach, and what a person decided is none either.

use crate::scene::Scene;
use chrono::TimeDelta;

const FRESH: &str = "
    INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
    VALUES (md5('fresh')::uuid, gen_random_uuid(), 1, 'succeeded', jsonb_build_object('courseId', gen_random_uuid()), now());
    INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
    VALUES (gen_random_uuid(), gen_random_uuid(), 30);
    INSERT INTO trainer_allocations (student_id, course_id, trainer_id, requested_by, status)
    VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'active');
    INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id)
    VALUES ('e', 'PURCHASE_CONFIRMED', 'purchase-confirmed', '{}', gen_random_uuid());
    INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items)
    VALUES ('pi_paid', gen_random_uuid(), 'esewa', 1, '[]');
    INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status)
    VALUES ('esewa', 'x', 'pi_paid', 'success');
    INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, expires_at)
    VALUES ('pi_late', gen_random_uuid(), 'khalti', 1, '[]', now());
    INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, expires_at)
    VALUES ('pi_late', md5('variant1')::uuid, 1, now());
    UPDATE inventory SET quantity_reserved = 1 WHERE variant_id = md5('variant1')::uuid;
    INSERT INTO job_queue (job_type, payload, status, attempts, locked_by, locked_until)
    VALUES ('finalize_order', '{}', 'processing', 1, 'slow', now());
    INSERT INTO job_queue (job_type, payload) VALUES ('finalize_order', '{}');";

#[tokio::test]
async fn what_is_under_way_is_found_only_after_its_grace() {
    let scene = Scene::healthy(20).await;
    scene.database.run_sql(FRESH).await;
    // WHEN a minute and a half has passed THEN everything may still come by itself
    assert_eq!(scene.found_later(TimeDelta::seconds(90)).await, []);
    // WHEN three minutes have THEN what reconcile heals is missing
    let after_three = [
        ("payment-without-purchase", 1),
        ("purchase-without-allocation", 1),
        ("sessions-missing", 1),
        ("order-missing", 1),
        ("reservation-overdue", 1),
    ];
    assert_eq!(scene.found_later(TimeDelta::minutes(3)).await, after_three);
    // WHEN six have THEN the outbox and the job's lease are
    let codes = |found: Vec<(&'static str, i64)>| found.into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    let after_six = codes(scene.found_later(TimeDelta::minutes(6)).await);
    assert!(
        after_six.contains(&"outbox-stuck") && after_six.contains(&"job-stuck"),
        "{after_six:?}"
    );
    assert!(!after_six.contains(&"job-untaken"), "{after_six:?}");
    // WHEN eleven have THEN two sweeps woke the job in vain; and after an hour the gateway still owes its answer
    assert!(codes(scene.found_later(TimeDelta::minutes(11)).await).contains(&"job-untaken"));
    assert!(codes(scene.found_later(TimeDelta::minutes(61)).await).contains(&"intent-undecided"));
    scene.drop().await;
}

#[tokio::test]
async fn an_event_published_again_is_not_stuck_while_its_owner_holds_it() {
    let scene = Scene::healthy(20).await;
    // GIVEN an event of days ago that reconcile publishes again at this moment
    scene
        .database
        .run_sql(
            "UPDATE outbox SET published_at = NULL, claimed_until = now() + interval '30 seconds'
             WHERE event_id = 'purchase-created-' || overlay(md5('purchase10') PLACING '7' FROM 13)::uuid",
        )
        .await;
    assert_eq!(scene.found_later(TimeDelta::zero()).await, []);
    // WHEN the queue refuses it THEN it is stuck
    scene
        .database
        .run_sql("UPDATE outbox SET last_error = 'AccessDenied' WHERE published_at IS NULL")
        .await;
    assert_eq!(scene.found_later(TimeDelta::zero()).await, [("outbox-stuck", 1)]);
    scene.drop().await;
}

#[tokio::test]
async fn a_case_excuses_while_open_and_once_a_person_resolved_it() {
    let scene = Scene::healthy(20).await;
    scene.database.run_sql(FRESH).await;
    let found = async || {
        let found = scene.found_later(TimeDelta::minutes(3)).await;
        let paid = ["payment-without-purchase", "order-missing"];
        found.into_iter().filter(|(code, _)| paid.contains(code)).count()
    };
    assert_eq!(found().await, 2);
    scene
        .database
        .run_sql(
            "INSERT INTO payment_cases (kind, subject, payment_id) VALUES ('unfulfillable', 'a', md5('fresh')::uuid);
             INSERT INTO payment_cases (kind, subject, payment_intent_id) VALUES ('refund_due', 'b', 'pi_paid')",
        )
        .await;
    assert_eq!(found().await, 0);
    let resolved = |by: &str| {
        format!("UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = {by}")
    };
    scene.database.run_sql(&resolved("'sita'")).await;
    assert_eq!(found().await, 0);
    // One that a function resolved said that all would be well.
    scene
        .database
        .run_sql(&resolved(
            "CASE WHEN payment_id IS NULL THEN 'finalize-order' ELSE 'receive-payment' END",
        ))
        .await;
    assert_eq!(found().await, 2);
    scene.drop().await;
}

#[tokio::test]
async fn two_sessions_ahead_are_the_top_ups_for_six_hours() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "DELETE FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid
               AND scheduled_date IN (SELECT DISTINCT scheduled_date FROM tutoring_sessions ORDER BY 1 DESC LIMIT 5);
             UPDATE tutoring_sessions SET updated_at = now() - interval '5 hours'",
        )
        .await;
    assert_eq!(scene.found_later(TimeDelta::zero()).await, []);
    scene
        .database
        .run_sql("UPDATE tutoring_sessions SET updated_at = now() - interval '7 hours'")
        .await;
    assert_eq!(
        scene.found_later(TimeDelta::zero()).await,
        [("sessions-missing", 1)]
    );
    scene.drop().await;
}

/// How many rows the doctor finds with this code, this much later.
async fn rows(scene: &Scene, code: &str, later: TimeDelta) -> i64 {
    let found = scene.found_later(later).await;
    found
        .into_iter()
        .filter(|(one, _)| *one == code)
        .map(|(_, rows)| rows)
        .sum()
}

#[tokio::test]
async fn a_purchase_whose_payment_is_still_to_be_recorded_is_found_only_after_its_grace() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, payment_id)
             VALUES (gen_random_uuid(), gen_random_uuid(), 30, gen_random_uuid())",
        )
        .await;
    let code = "purchase-payment-missing";
    assert_eq!(rows(&scene, code, TimeDelta::seconds(90)).await, 0);
    assert_eq!(rows(&scene, code, TimeDelta::minutes(3)).await, 1);
    scene.drop().await;
}

#[tokio::test]
async fn a_case_answers_for_an_unreadable_course_and_for_a_refund_that_was_not_applied() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
             VALUES (md5('maths')::uuid, gen_random_uuid(), 1, 'succeeded', '{\"courseId\": \"maths\"}', now());
             INSERT INTO refunds (provider, provider_refund_id, payment_intent_id, amount_minor, currency, status, told_at)
             SELECT 'esewa', 'rf', payment_intent_id, amount_cents, currency, 'processed', now()
             FROM payment_intents WHERE payment_intent_id = 'pi_esewa_10'",
        )
        .await;
    let cases = "INSERT INTO payment_cases (kind, subject, payment_id, payment_intent_id, details)
                 VALUES ('unfulfillable', 'maths', md5('maths')::uuid, NULL, '{}'),
                        ('given_back', 'pi_esewa_10', NULL, 'pi_esewa_10', '{}')";
    let resolved = |by: &str| {
        format!("UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = '{by}'")
    };
    for (answer, expected) in [
        ("SELECT 1".to_owned(), 1),
        (cases.to_owned(), 0),
        (resolved("asha"), 0),
        (resolved("makegood"), 1),
    ] {
        scene.database.run_sql(&answer).await;
        for code in ["payment-course-unreadable", "refund-not-applied"] {
            let found = rows(&scene, code, TimeDelta::minutes(3)).await;
            assert_eq!(found, expected, "{code}: {answer}");
        }
    }
    scene.drop().await;
}
