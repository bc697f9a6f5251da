//! When a record counts as parked.

use axum::Json;
use axum::Router;
use axum::routing::post;
use makegood::delivery::{Failure, Parking, Trigger};
use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::Outcome;
use makegood_tests::queues;
use makegood_tests::queues::sqs_event;
use serde_json::{Value, json};

#[tokio::test]
async fn a_message_counts_as_parked_only_when_the_answer_names_it() {
    for (answer, is_parked) in [
        (json!({"MessageId": "m-1"}), true),
        (json!({"MessageId": ""}), false),
        (json!({}), false),
    ] {
        // GIVEN a queue that answers this to every request
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let said: Value = answer.clone();
        let app = Router::new().route("/", post(|| async move { Json(said) }));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let config = aws_sdk_sqs::config::Builder::from(&queues::aws().await).endpoint_url(&url);
        let parking = Parking {
            client: aws_sdk_sqs::Client::from_conf(config.build()),
            queue_url: format!("{url}/000000000000/dead"),
            function_name: "test".to_owned(),
            function_version: "1".to_owned(),
        };
        let (_, deliveries) = Trigger::decode(sqs_event("q", &["{}".to_owned()])).unwrap();
        let failure = Failure::park("test", "it can't be done");
        let parked = parking
            .park(&deliveries[0], None, &failure, 1, chrono::Utc::now())
            .await;
        assert_eq!(parked.is_ok(), is_parked, "{answer}: {parked:?}");
    }
}

#[tokio::test]
async fn what_was_parked_and_is_moved_back_as_it_was_is_bought_once_its_payment_is_there() {
    // GIVEN an event whose payment is not recorded, parked by its function
    let course = Course::create().await;
    let payment = Payment::new();
    payment.price(&course.database).await;
    let event = payment.event().to_string();
    let environment = course.environment_of("create-purchase").await;
    let parked = async |body: &str| {
        let mut event = sqs_event("purchase-confirmed", &[body.to_owned()]);
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!("9");
        let outcome = environment.invoke(event).await;
        assert_eq!(outcome, Outcome::Answered(json!({"batchItemFailures": []})));
        course.dead_letters.drain().await
    };
    let mut dead = parked(&event).await;
    // WHEN a person moves it back as it is, twice THEN it is parked as it was the first time
    for _ in 0..2 {
        assert_eq!(dead.len(), 1);
        let document: Value = serde_json::from_str(&dead[0]).unwrap();
        assert_eq!(
            (&document["raw"], &document["errorCode"]),
            (&json!(event), &json!("payment_not_recorded"))
        );
        dead = parked(&dead[0]).await;
    }
    // AND once the payment is there, it is bought
    payment.record(&course.database).await;
    assert_eq!(parked(&dead[0]).await, Vec::<String>::new());
    let purchases = format!(
        "SELECT count(*) FROM student_course_purchases WHERE payment_id = '{}'",
        payment.id
    );
    assert_eq!(course.database.count(&purchases).await, 1);
    course.database.drop().await;
}
