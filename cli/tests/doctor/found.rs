//! Whatever id a person has leads to what it is about.

use crate::scene::Scene;
use operate::timeline::{FoundBy, Match, Subject, find};
use sqlx::AssertSqlSafe;

async fn text_of(scene: &Scene, expression: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT ({expression})::text")))
        .fetch_one(&scene.database.direct())
        .await
        .unwrap()
}

async fn found(scene: &Scene, id: &str) -> Vec<Match> {
    let mut connection = scene.pooled.acquire().await.unwrap();
    find(&mut connection, id).await.unwrap()
}

async fn only(scene: &Scene, expression: &str) -> (FoundBy, Subject) {
    let id = text_of(scene, expression).await;
    let matches = found(scene, &id).await;
    assert_eq!(matches.len(), 1, "{expression}: {matches:?}");
    (matches[0].found_by, matches[0].subject.clone())
}

#[tokio::test]
async fn each_id_of_a_course_payment_leads_to_it() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO dead_letters (source, message_id, failure_reason, event_id, correlation_id)
             VALUES ('q', '1', 'x', 'evt-of-a-producer', md5('payment10')::uuid);
             INSERT INTO payment_cases (kind, subject, payment_id) VALUES ('unfulfillable', 'pay_10', md5('payment10')::uuid);
             INSERT INTO refunds (provider, provider_refund_id, payment_id, amount_minor, currency, status, told_at)
             VALUES ('razorpay', 'rfnd_10', md5('payment10')::uuid, 1, 'INR', 'processed', now());
             INSERT INTO disputes (provider, provider_dispute_id, payment_id, amount_minor, currency, status, told_at)
             VALUES ('razorpay', 'disp_10', md5('payment10')::uuid, 1, 'INR', 'won', now())",
        )
        .await;
    let payment = Subject::Payment(text_of(&scene, "md5('payment10')::uuid").await.parse().unwrap());
    let purchase = "overlay(md5('purchase10') PLACING '7' FROM 13)::uuid";
    for (expression, found_by) in [
        ("md5('payment10')::uuid", FoundBy::Payment),
        ("'pay_10'", FoundBy::ProviderPayment),
        ("md5('student10')::uuid", FoundBy::Student),
        (purchase, FoundBy::Purchase),
        ("md5('allocation10')::uuid", FoundBy::Allocation),
        (
            "SELECT min(id::text) FROM tutoring_sessions WHERE allocation_id = md5('allocation10')::uuid",
            FoundBy::Allocation,
        ),
        (
            "'payment:' || md5('payment10')::uuid || ':PURCHASE_CONFIRMED'",
            FoundBy::Event,
        ),
        (
            "'trainer-allocated-' || md5('allocation10')::uuid",
            FoundBy::Event,
        ),
        ("'evt-of-a-producer'", FoundBy::Event),
        ("SELECT id FROM dead_letters", FoundBy::DeadLetter),
        ("SELECT id FROM payment_cases", FoundBy::Case),
        ("'rfnd_10'", FoundBy::Refund),
        ("'disp_10'", FoundBy::Dispute),
    ] {
        assert_eq!(
            only(&scene, expression).await,
            (found_by, payment.clone()),
            "{expression}"
        );
    }
    scene.drop().await;
}

#[tokio::test]
async fn each_id_of_an_order_leads_to_its_intent() {
    let scene = Scene::healthy(20).await;
    let intent = Subject::Intent("pi_esewa_10".to_owned());
    for (expression, found_by) in [
        ("'pi_esewa_10'", FoundBy::Intent),
        ("'txn-10'", FoundBy::ExternalTransaction),
        ("md5('buyer10')::uuid", FoundBy::User),
        ("md5('pi_esewa_10')::uuid", FoundBy::Order),
        ("lower('ORD-20260101-00000010')", FoundBy::OrderNumber),
        (
            "SELECT id FROM job_queue WHERE payload ->> 'payment_intent_id' = 'pi_esewa_10'",
            FoundBy::Job,
        ),
        ("'order-confirmed-' || md5('pi_esewa_10')::uuid", FoundBy::Event),
    ] {
        assert_eq!(
            only(&scene, expression).await,
            (found_by, intent.clone()),
            "{expression}"
        );
    }
    scene.drop().await;
}

#[tokio::test]
async fn what_belongs_to_nothing_is_found_for_itself() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier)
             VALUES (md5('older')::uuid, gen_random_uuid(), gen_random_uuid(), 30);
             INSERT INTO trainer_allocations (id, student_id, course_id, requested_by)
             VALUES (md5('alone')::uuid, gen_random_uuid(), gen_random_uuid(), gen_random_uuid());
             INSERT INTO job_queue (id, job_type, payload) VALUES (md5('job')::uuid, 'finalize_order', '{}');
             INSERT INTO dead_letters (id, source, message_id, failure_reason) VALUES (md5('dead-letter')::uuid, 'q', '1', 'x');
             INSERT INTO dead_letters (source, message_id, failure_reason, correlation_id)
             VALUES ('q', '2', 'x', md5('unrecorded')::uuid)",
        )
        .await;
    let subject = async |name: &str| only(&scene, &format!("md5('{name}')::uuid")).await.1;
    let id = async |name: &str| {
        text_of(&scene, &format!("md5('{name}')::uuid"))
            .await
            .parse()
            .unwrap()
    };
    assert_eq!(subject("older").await, Subject::Purchase(id("older").await));
    assert_eq!(subject("alone").await, Subject::Allocation(id("alone").await));
    assert_eq!(subject("job").await, Subject::Job(id("job").await));
    assert_eq!(
        subject("dead-letter").await,
        Subject::DeadLetter(id("dead-letter").await)
    );
    assert_eq!(
        subject("unrecorded").await,
        Subject::Payment(id("unrecorded").await)
    );
    assert_eq!(found(&scene, "no-such-id").await, []);
    scene.drop().await;
}

#[tokio::test]
async fn a_students_payments_are_listed_newest_first_and_each_once() {
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
             VALUES (md5('second')::uuid, md5('student10')::uuid, 100, 'failed', '{}', now() + interval '1 hour')",
        )
        .await;
    let student = text_of(&scene, "md5('student10')::uuid").await;
    let matches = found(&scene, &student).await;
    let told: Vec<(&str, bool)> = matches
        .iter()
        .map(|found| (found.summary.as_str(), found.found_by == FoundBy::Student))
        .collect();
    assert_eq!(
        told,
        [("failed · INR 1.00", true), ("succeeded · INR 4,999.00", true)]
    );
    scene.drop().await;
}

#[tokio::test]
async fn each_look_of_the_search_has_an_index() {
    let scene = Scene::healthy(20).await;
    let text = include_str!("../../../shared/operate/src/timeline/sql/find.sql");
    let text = ["kind", "id", "found_by", "summary"]
        .iter()
        .fold(text.to_owned(), |text, name| {
            text.replace(&format!("\"{name}!\""), name)
        });
    let mut connection = scene.database.direct().acquire().await.unwrap();
    // Even where there is nothing else, a scan is what is left when there is no index.
    let prepare = format!("SET enable_seqscan = off; PREPARE search (uuid, text, bigint) AS {text}");
    sqlx::raw_sql(AssertSqlSafe(prepare))
        .execute(&mut *connection)
        .await
        .unwrap();
    let explain = "EXPLAIN EXECUTE search (md5('payment10')::uuid, md5('payment10')::uuid::text, 50)";
    let plan: Vec<String> = sqlx::query_scalar(explain)
        .persistent(false)
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let scans: Vec<&String> = plan.iter().filter(|line| line.contains("Seq Scan")).collect();
    assert!(plan.len() > 20 && scans.is_empty(), "{scans:#?}");
    drop(connection);
    scene.drop().await;
}
