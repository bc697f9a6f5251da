//! Every call out has a limit: whatever a server does, each function answers before its time is up, and nothing counts as
//! done that no answer named.

use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::misbehaving::{Manner, Misbehaving};
use makegood_tests::queues::sqs_event;
use makegood_tests::secrets::Secrets;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What Lambda allows these invocations: less than all limits of their calls in a row.
const ALLOWED: Duration = Duration::from_secs(12);

/// An event that `allocate-trainer` reads, for a purchase that is there.
async fn purchase_created(course: &Course) -> Value {
    let payment = Payment::new();
    payment.record(&course.database).await;
    course.purchase_confirmed.send(payment.event().to_string()).await;
    course.run("create-purchase").await;
    course.purchase_created.receive_event(1).await
}

fn returned(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().into_iter().flatten();
    failures
        .filter_map(|failure| failure["itemIdentifier"].as_str())
        .collect()
}

#[tokio::test]
async fn no_queue_that_misbehaves_keeps_a_batch_or_loses_a_message_of_it() {
    for manner in Manner::ALL {
        let course = Course::create().await;
        let queue = Misbehaving::start(manner).await;
        let endpoint = [("AWS_ENDPOINT_URL", queue.url().to_owned())];
        let environment = Environment::start("create-purchase", &course.variables_with(&endpoint)).await;
        // GIVEN a good payment, and a message that can only be parked
        let payment = Payment::new();
        payment.record(&course.database).await;
        let bodies = [payment.event().to_string(), "no JSON".to_owned()];
        let event = sqs_event("purchase-confirmed", &bodies);
        let poison = event["Records"][1]["messageId"].as_str().unwrap().to_owned();
        // WHEN the queues behave like that
        let answer = environment.invoke_within(event, ALLOWED).await.answer();
        // THEN the purchase is there, its event waits in the outbox, and the message that was not taken comes again
        assert_eq!(returned(&answer), [poison], "{manner:?}");
        let purchases = "SELECT count(*) FROM student_course_purchases";
        assert_eq!(course.database.count(purchases).await, 1, "{manner:?}");
        let waiting = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND last_error IS NOT NULL";
        assert_eq!(course.database.count(waiting).await, 1, "{manner:?}");
        assert_eq!(environment.metric("DeadLettered"), 0, "{manner:?}");
        course.database.drop().await;
    }
}

#[tokio::test]
async fn the_outbox_sweep_answers_in_time_and_marks_nothing_that_no_queue_named() {
    for manner in Manner::ALL {
        let course = Course::create().await;
        let queue = Misbehaving::start(manner).await;
        let endpoint = [("AWS_ENDPOINT_URL", queue.url().to_owned())];
        let environment = Environment::start("sweep", &course.variables_with(&endpoint)).await;
        let events = "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id)
                      SELECT n::text, 'PURCHASE_CREATED', 'purchase-created', '{}', gen_random_uuid() FROM generate_series(1, 150) n";
        course.database.run_sql(events).await;
        let answer = environment
            .invoke_within(json!({"sweep": "outbox"}), ALLOWED)
            .await
            .answer();
        assert_eq!(
            (&answer["published"], &answer["backlog"]),
            (&json!(0), &json!(150)),
            "{manner:?}: {answer}"
        );
        let marked = "SELECT count(*) FROM outbox WHERE published_at IS NOT NULL";
        assert_eq!(course.database.count(marked).await, 0, "{manner:?}");
        course.database.drop().await;
    }
}

#[tokio::test]
async fn an_admin_service_that_misbehaves_leaves_time_for_the_answer() {
    let course = Course::create().await;
    let event = purchase_created(&course).await;
    let message = event["Records"][0]["messageId"].as_str().unwrap().to_owned();
    for manner in Manner::ALL {
        let service = Misbehaving::start(manner).await;
        let address = [("ADMIN_SERVICE_URL", service.url().to_owned())];
        let environment = Environment::start("allocate-trainer", &course.variables_with(&address)).await;
        let answer = environment.invoke_within(event.clone(), ALLOWED).await.answer();
        assert_eq!(returned(&answer), [message.as_str()], "{manner:?}");
        let allocations = "SELECT count(*) FROM trainer_allocations";
        assert_eq!(course.database.count(allocations).await, 0, "{manner:?}");
        assert_eq!(environment.metric("DeadLettered"), 0, "{manner:?}");
    }
    course.database.drop().await;
}

#[tokio::test]
async fn a_start_ends_when_secrets_manager_does_not_answer_and_names_the_secret() {
    // Lambda gives a start ten seconds.
    const START: Duration = Duration::from_secs(8);
    for manner in Manner::ALL {
        let course = Course::create().await;
        let manager = Misbehaving::start(manner).await;
        let mut variables = course.variables_with(&[
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url().to_owned()),
            ("DATABASE_SECRET_ARN", Secrets::ARN.to_owned()),
            ("DATABASE_PROXY_ENDPOINT", "127.0.0.1:1".to_owned()),
            ("DATABASE_NAME", "makegood".to_owned()),
        ]);
        variables.remove("DATABASE_URL");
        let began = Instant::now();
        let environment = Environment::start("create-purchase", &variables).await;
        let outcome = environment.invoke_within(json!({}), START).await;
        assert!(
            matches!(outcome, Outcome::Died(_)) && !outcome.was_killed(),
            "{manner:?}: {outcome:?}"
        );
        assert!(began.elapsed() < START, "{manner:?}: {:?}", began.elapsed());
        let output = environment.lines().join("\n");
        assert!(output.contains(Secrets::ARN), "{manner:?}: {output}");
        course.database.drop().await;
    }
}

#[tokio::test]
async fn a_cache_that_misbehaves_costs_a_batch_no_more_than_its_limit() {
    let course = Course::create().await;
    for manner in Manner::ALL {
        let cache = Misbehaving::start(manner).await;
        let address = cache.url().replace("http://", "redis://");
        let environment = Environment::start(
            "invalidate-cache",
            &course.variables_with(&[("REDIS_URL", address)]),
        )
        .await;
        let created = json!({
            "type": "PURCHASE_CREATED", "timestamp": 1_767_817_344_753_i64, "purchaseId": Payment::new().id,
            "studentId": Payment::new().id, "courseId": Payment::new().id, "purchaseTier": 30, "metadata": {},
        });
        let event = sqs_event("cache-invalidation", &[created.to_string()]);
        let answer = environment
            .invoke_within(event, Duration::from_secs(8))
            .await
            .answer();
        assert_eq!(
            returned(&answer),
            Vec::<&str>::new(),
            "{manner:?}: acknowledged, as SPEC says"
        );
        // The reader of its output may lag behind the answer.
        environment.line("\"CacheInvalidationFailed\"").await;
        assert_eq!(environment.metric("CacheInvalidationFailed"), 1, "{manner:?}");
    }
    course.database.drop().await;
}
