//! `makegood trace` and the timeline say the same, and name what is missing.

use crate::scene::{Scene, json, text};
use chrono::Utc;
use operate::timeline::{Entry, EntryKind, Moment, Status, Subject, Timeline, timeline, told_since};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

pub async fn id(scene: &Scene, name: &str) -> Uuid {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT md5('{name}')::uuid")))
        .fetch_one(&scene.database.direct())
        .await
        .unwrap()
}

pub async fn read(scene: &Scene, subject: &Subject) -> Timeline {
    let moment = Moment {
        now: Utc::now(),
        timezone: chrono_tz::Asia::Kolkata,
    };
    timeline(&scene.pooled, subject, moment).await.unwrap().unwrap()
}

/// The sentence of a payment, with the times taken out.
async fn sentence(scene: &Scene, subject: &Subject) -> String {
    let gap = read(scene, subject).await.gap.expect("something is missing");
    let timeless = gap
        .sentence
        .split(' ')
        .filter(|word| !is_time(word) && !is_day(word))
        .collect::<Vec<_>>();
    timeless.join(" ")
}

fn is_time(word: &str) -> bool {
    word.trim_end_matches([',', ':'])
        .split(':')
        .filter(|part| part.len() == 2)
        .count()
        == 3
}

fn is_day(word: &str) -> bool {
    word.len() == 10 && word.split('-').count() == 3
}

const UNMADE: &str = "
    INSERT INTO payments (id, student_id, amount_cents, status, provider, metadata, confirmed_at)
    VALUES (md5('paid')::uuid, md5('sita')::uuid, 499900, 'succeeded', 'razorpay',
            jsonb_build_object('courseId', md5('maths')::uuid, 'email', 'sita@example.com'), now() - interval '10 minutes');";
const PARKED: &str = "
    INSERT INTO dead_letters (source, message_id, function_name, event_type, event_id, correlation_id, failure_reason, attempts)
    VALUES ('purchase-confirmed', 'm1', 'create-purchase', 'PURCHASE_CONFIRMED',
            'payment:' || md5('paid')::uuid || ':PURCHASE_CONFIRMED', md5('paid')::uuid, 'studentId is missing', 1);";

#[tokio::test]
async fn a_purchase_tells_how_it_ended_what_was_added_and_what_could_not_be_read() {
    // GIVEN a purchase with a time that can't be read, which another payment has extended, and which has ended since
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "UPDATE student_course_purchases
             SET metadata = '{\"timeSlot\": \"evening\", \"notUnderstood\": {\"timeSlot\": \"evening\"}}',
                 is_active = false, end_reason = 'expired', ended_at = now()
             WHERE payment_id = md5('payment1')::uuid;
             INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
             SELECT md5('more')::uuid, student_id, 499900, 'succeeded', metadata, now() FROM payments WHERE id = md5('payment1')::uuid;
             INSERT INTO purchase_extensions (payment_id, purchase_id, sessions)
             SELECT md5('more')::uuid, id, 7 FROM student_course_purchases WHERE payment_id = md5('payment1')::uuid",
        )
        .await;
    // WHEN read for either payment THEN both tell of it
    for (name, added) in [("payment1", false), ("more", true)] {
        let told = read(&scene, &Subject::Payment(id(&scene, name).await)).await;
        let mut purchases = told
            .entries
            .iter()
            .filter(|entry| entry.kind == EntryKind::Purchase);
        let what = &purchases.next().expect("the purchase").what;
        assert!(what.contains("ended since (expired)"), "{what}");
        assert!(
            what.contains(r#"not understood and so planned by default: {"timeSlot":"evening"}"#),
            "{what}"
        );
        assert_eq!(what.contains("7 of them added by this payment"), added, "{what}");
    }
    scene.drop().await;
}

#[tokio::test]
async fn a_payment_whose_event_is_parked_says_so_with_the_reason() {
    let scene = Scene::healthy(20).await;
    scene.database.run_sql(UNMADE).await;
    scene.database.run_sql(PARKED).await;
    let subject = Subject::Payment(id(&scene, "paid").await);
    assert_eq!(
        sentence(&scene, &subject).await,
        "paid no purchase yet, event parked studentId is missing"
    );
    let told = read(&scene, &subject).await;
    let last = told.entries.last().unwrap();
    assert_eq!(
        (last.kind, last.status, last.at),
        (EntryKind::Purchase, Status::Failed, None)
    );
    scene.drop().await;
}

#[tokio::test]
async fn each_hole_of_the_course_pipeline_has_its_sentence() {
    let scene = Scene::healthy(20).await;
    scene.database.run_sql(UNMADE).await;
    let subject = Subject::Payment(id(&scene, "paid").await);
    // Each step makes good one hole, and the next one shows.
    for (step, expected) in [
        ("SELECT 1", "paid no purchase yet, no event on record"),
        (
            "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, attempts, last_error)
             VALUES ('payment:' || md5('paid')::uuid || ':PURCHASE_CONFIRMED', 'PURCHASE_CONFIRMED', 'purchase-confirmed', '{}',
                     md5('paid')::uuid, 4, 'AccessDenied')",
            "paid no purchase yet, event written not published after 4 attempts: AccessDenied",
        ),
        (
            "UPDATE outbox SET published_at = now(), last_error = NULL WHERE correlation_id = md5('paid')::uuid",
            "paid no purchase yet, event published and not processed",
        ),
        (
            "INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
             VALUES ('e', 'PURCHASE_CONFIRMED', md5('paid')::uuid, '{}', 'x')",
            "paid no purchase yet, event marked as processed all the same",
        ),
        (
            "INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier, payment_id)
             VALUES (md5('bought')::uuid, md5('sita')::uuid, md5('maths')::uuid, 30, md5('paid')::uuid)",
            "bought no trainer yet, no event on record",
        ),
        (
            "INSERT INTO trainer_allocations (id, student_id, course_id, requested_by)
             VALUES (md5('allocated')::uuid, md5('sita')::uuid, md5('maths')::uuid, md5('sita')::uuid)",
            "bought waiting for a free trainer since",
        ),
        (
            "UPDATE trainer_allocations SET status = 'approved', trainer_id = md5('trainer')::uuid, allocated_at = now()
             WHERE id = md5('allocated')::uuid",
            "trainer allocated no sessions yet, no event on record",
        ),
    ] {
        scene.database.run_sql(step).await;
        assert_eq!(sentence(&scene, &subject).await, expected, "{step}");
    }
    // WHEN the calendar is full THEN nothing is missing
    scene
        .database
        .run_sql(
            "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, scheduled_date, scheduled_time)
             SELECT md5('allocated')::uuid, md5('sita')::uuid, md5('trainer')::uuid, current_date + n, '4:00 PM'
             FROM generate_series(1, 7) n",
        )
        .await;
    let told = read(&scene, &subject).await;
    assert_eq!(told.gap, None, "{told:?}");
    assert!(told.title.ends_with(": complete"), "{}", told.title);
    // WHEN all seven that were bought were held, and another trainer is allocated since THEN nothing is missing either
    scene
        .database
        .run_sql(
            "UPDATE student_course_purchases SET purchase_tier = 7 WHERE student_id = md5('sita')::uuid;
             UPDATE tutoring_sessions SET status = 'completed', scheduled_date = scheduled_date - 20 WHERE allocation_id = md5('allocated')::uuid;
             UPDATE trainer_allocations SET status = 'cancelled' WHERE id = md5('allocated')::uuid;
             INSERT INTO trainer_allocations (student_id, trainer_id, course_id, requested_by, status, allocated_at)
             SELECT student_id, md5('trainer2')::uuid, course_id, requested_by, 'approved', now() FROM trainer_allocations
             WHERE id = md5('allocated')::uuid",
        )
        .await;
    let told = read(&scene, &subject).await;
    assert_eq!(told.gap, None, "{told:?}");
    scene.drop().await;
}

#[tokio::test]
async fn each_hole_of_the_order_pipeline_has_its_sentence() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items,
                                          shipping_address, expires_at)
             VALUES ('pi_x', md5('buyer')::uuid, 'esewa', 'x', 20000, '[]',
                     '{\"name\": \"Sita Thapa\", \"phone\": \"9800000000\", \"address_line1\": \"Thamel 5\"}',
                     now() - interval '5 minutes')",
        )
        .await;
    let subject = Subject::Intent("pi_x".to_owned());
    for (step, expected) in [
        (
            "SELECT 1",
            "checkout ended and the gateway has given no final answer",
        ),
        (
            "INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status,
                                                         amount_verified, verified_at)
             VALUES ('esewa', 'x', 'pi_x', 'success', 20000, now() - interval '4 minutes')",
            "paid no order yet, no job on record",
        ),
        (
            "INSERT INTO job_queue (id, job_type, payload, scheduled_for)
             VALUES (md5('job')::uuid, 'finalize_order', '{\"payment_intent_id\": \"pi_x\"}', now() - interval '4 minutes')",
            "paid no order yet, the job is due since and no worker took it",
        ),
        (
            "UPDATE job_queue SET status = 'processing', attempts = 1, locked_by = 'dead', locked_until = now() - interval '1 minute'
             WHERE id = md5('job')::uuid",
            "paid no order yet, the job's worker died: its lease ended",
        ),
        (
            "UPDATE job_queue SET status = 'failed', failed_at = now(), locked_by = NULL, locked_until = NULL,
                    last_error = 'missing_vendor: sku SKU-1' WHERE id = md5('job')::uuid",
            "paid no order yet, the job failed missing_vendor: sku SKU-1",
        ),
        (
            "INSERT INTO payment_cases (kind, subject, payment_intent_id) VALUES ('refund_due', 'pi_x', 'pi_x')",
            "paid case refund_due open since a person decides",
        ),
    ] {
        scene.database.run_sql(step).await;
        assert_eq!(sentence(&scene, &subject).await, expected, "{step}");
    }
    scene
        .database
        .run_sql("UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = 'sita'")
        .await;
    let told = read(&scene, &subject).await;
    assert_eq!(told.gap, None);
    assert!(
        told.title.ends_with("nothing is owed: a person decided"),
        "{}",
        told.title
    );
    // Addresses, names and phones stay out of it.
    let whole = serde_json::to_string(&told).unwrap();
    for personal in ["Thapa", "9800000000", "Thamel"] {
        assert!(!whole.contains(personal), "{whole}");
    }
    scene.drop().await;
}

#[tokio::test]
async fn a_second_payment_shows_whose_the_course_is() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
             VALUES (md5('second')::uuid, md5('student1')::uuid, 499900, 'succeeded',
                     jsonb_build_object('courseId', md5('course1')::uuid), now() - interval '5 minutes');
             INSERT INTO payment_cases (kind, subject, payment_id)
             VALUES ('surplus_payment', md5('second')::uuid::text, md5('second')::uuid)",
        )
        .await;
    let subject = Subject::Payment(id(&scene, "second").await);
    assert_eq!(
        sentence(&scene, &subject).await,
        "paid case surplus_payment open since a person decides"
    );
    let owner = id(&scene, "payment1").await;
    let told = read(&scene, &subject).await;
    let expected = format!("the course is owned already, through payment {owner}");
    assert!(
        told.entries.iter().any(|entry| entry.what == expected),
        "{told:#?}"
    );
    scene.drop().await;
}

#[tokio::test]
async fn the_command_says_what_the_timeline_says_and_its_exit_code_whether_something_is_missing() {
    let scene = Scene::healthy(20).await;
    scene.database.run_sql(UNMADE).await;
    scene.database.run_sql(PARKED).await;
    let paid = id(&scene, "paid").await;
    for (subject, code) in [
        (Subject::Payment(paid), 1),
        (Subject::Payment(id(&scene, "payment1").await), 0),
        (Subject::Intent("pi_esewa_10".to_owned()), 0),
    ] {
        let output = scene.makegood(&["trace", "--json", &subject.id()]);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(json(&output), serde_json::json!(read(&scene, &subject).await));
    }
    let output = scene.makegood(&["trace", &paid.to_string()]);
    let told = text(&output.stdout);
    for part in [
        "no purchase yet, event parked",
        "studentId is missing",
        "makegood dead-letters replay",
    ] {
        assert!(told.contains(part), "{told}");
    }
    // Each step but the first says how long after the step before it was.
    let entries = read(&scene, &Subject::Payment(paid)).await.entries;
    let since = |entry: &Entry| entry.millis_since_before.map(told_since);
    let expected: Vec<String> = entries.iter().filter_map(since).collect();
    assert!(!expected.is_empty(), "{told}");
    for since in expected {
        assert!(told.contains(&since), "{since}: {told}");
    }
    assert!(!told.contains("sita@example.com"), "{told}");
    scene.drop().await;
}

#[tokio::test]
async fn several_matches_are_listed_and_an_unknown_id_exits_with_1() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO payments (student_id, amount_cents, status, metadata, confirmed_at)
             VALUES (md5('student1')::uuid, 1, 'failed', '{}', now())",
        )
        .await;
    let student = id(&scene, "student1").await.to_string();
    let output = scene.makegood(&["trace", "--json", &student]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(json(&output).as_array().map(Vec::len), Some(2));
    let output = scene.makegood(&["trace", "--json", "pi_unknown"]);
    assert_eq!(
        (output.status.code(), json(&output)),
        (Some(1), Value::Array(Vec::new()))
    );
    scene.drop().await;
}
