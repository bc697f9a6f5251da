//! Batches larger than the ten that SQS delivers unless an event source says more (an event source takes up to 10,000): each name in the answer is
//! that of a message of the batch. A local SQS does not notice another one: it deletes the batch then, and so loses what was to come again.

use makegood_tests::course::{Course, HOPS, Payment};
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::link::Link;
use makegood_tests::queues::sqs_event;
use serde_json::Value;
use std::collections::BTreeSet;

/// In turns: good, no JSON, of a payment that is not recorded, of a type that no function takes.
fn bodies(payments: &[Payment], number: usize) -> Vec<String> {
    (0..number)
        .map(|index| match index % 4 {
            0 => payments[index / 4].event().to_string(),
            1 => "<html>".to_owned(),
            2 => Payment::new().event().to_string(),
            _ => "{\"type\":\"PURCHASE_FORGOTTEN\"}".to_owned(),
        })
        .collect()
}

fn identifiers(outcome: &Outcome) -> Vec<String> {
    let Outcome::Answered(answer) = outcome else {
        panic!("{outcome:?}")
    };
    let failures = answer["batchItemFailures"].as_array().expect("a list");
    failures
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().expect("a name").to_owned())
        .collect()
}

fn message_id(record: &Value) -> String {
    record["messageId"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn each_message_that_is_to_come_again_is_one_of_the_batch_named_once() {
    // GIVEN dead-letter queues that nothing reaches, so that what can't be parked must come again
    let course = Course::create().await;
    let no_server = Link::to("127.0.0.1:9").await;
    let address = format!("http://{}", no_server.address());
    let away = course.variables_with(&[
        ("AWS_ENDPOINT_URL", address.clone()),
        ("ADMIN_SERVICE_URL", address),
    ]);
    for function in HOPS {
        let environment = Environment::start(function, &away).await;
        for number in [100, 1_000] {
            let payments = Payment::several(number / 4);
            Payment::record_all(&payments, &course.database).await;
            let event = sqs_event("purchase-confirmed", &bodies(&payments, number));
            let records = event["Records"].as_array().expect("records").clone();
            // WHEN a batch of good and bad messages is delivered
            let named = identifiers(&environment.invoke(event).await);
            // THEN the answer names messages of that batch, each once
            let sent: BTreeSet<String> = records.iter().map(message_id).collect();
            let distinct: BTreeSet<String> = named.iter().cloned().collect();
            assert_eq!(distinct.len(), named.len(), "{function}, {number}");
            assert!(distinct.is_subset(&sent), "{function}, {number}: {named:?}");
            // AND, but for the cache's function, which parks nothing, every one that can't be read is among them
            if function != "invalidate-cache" {
                let unreadable = records.iter().filter(|record| record["body"] == "<html>");
                let unreadable: BTreeSet<String> = unreadable.map(message_id).collect();
                assert!(unreadable.is_subset(&distinct), "{function}, {number}: {named:?}");
            }
        }
    }
    assert_eq!(
        course
            .database
            .count("SELECT count(*) FROM student_course_purchases")
            .await,
        25 + 250
    );
    course.database.drop().await;
}
