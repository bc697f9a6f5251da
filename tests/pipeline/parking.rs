//! When a record counts as parked.

use axum::Json;
use axum::Router;
use axum::routing::post;
use makegood::delivery::{Failure, Parking, Trigger};
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
