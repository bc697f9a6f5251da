//! What becomes of a service that is not well.

use crate::school::{School, friday_night};
use chrono::TimeDelta;
use makegood::delivery::Deadline;
use makegood_local::admin::Behaviour;
use makegood_tests::queues::sqs_event;
use serde_json::Value;
use std::time::Duration;

#[tokio::test]
async fn a_service_that_is_away_uses_up_no_attempt() {
    let school = School::open_without_breaker().await;
    for (behaviour, code) in [
        (Behaviour::RateLimited, "admin_service_busy"),
        (Behaviour::ServerError, "admin_service_failing"),
        (Behaviour::DropConnection, "admin_service_unreachable"),
        (Behaviour::Hang, "admin_service_timeout"),
        (Behaviour::Garbage, "admin_service_unreadable"),
    ] {
        assert_parked_at_receive(&school, behaviour, 30, code).await;
    }
    school.close().await;
}

#[tokio::test]
async fn an_answer_that_is_not_in_the_protocol_is_parked_after_five_attempts() {
    let school = School::open_without_breaker().await;
    assert_parked_at_receive(&school, Behaviour::Nonsense, 5, "admin_service_unreadable").await;
    school.close().await;
}

/// The service behaves so at the receives around the stage's attempts and around `last`: only the last one parks.
async fn assert_parked_at_receive(school: &School, behaviour: Behaviour, last: u32, code: &str) {
    let purchase = school.purchase().await;
    let before = [1, 4, 5, 6, last - 1];
    let before = before.into_iter().filter(|receive| *receive < last);
    for receive in before {
        school.service.script([behaviour]);
        let returned = school.deliver_on_attempt(&[purchase], receive).await;
        assert_eq!(returned.len(), 1, "{behaviour:?} on receive {receive}");
    }
    assert_eq!(school.parked.drain().await, Vec::<String>::new(), "{behaviour:?}");
    // WHEN the last one fails THEN it is parked with why
    school.service.script([behaviour]);
    let returned = school.deliver_on_attempt(&[purchase], last).await;
    assert_eq!(returned, Vec::<String>::new(), "{behaviour:?}");
    let parked = school.parked.drain().await;
    assert_eq!(parked.len(), 1, "{behaviour:?}");
    let dead_letter: Value = serde_json::from_str(&parked[0]).unwrap();
    assert_eq!(dead_letter["errorCode"], code);
    assert_eq!(dead_letter["attempts"], last);
    assert_eq!(dead_letter["permanent"], false);
    // AND nothing was recorded; replayed, it gets its trainer
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    school.assert_allocated_once(&purchase).await;
}

#[tokio::test]
async fn a_failed_attempt_comes_back_with_a_delay_of_its_own() {
    // GIVEN a message on a real queue, and a service that fails
    let school = School::open().await;
    let queue = makegood_tests::queues::TestQueue::create("purchase-created").await;
    let purchase = school.purchase().await;
    queue.send(crate::school::event(&purchase)).await;
    school.service.script([Behaviour::ServerError]);
    let invocation = queue.receive_event(1).await;
    // WHEN it is handled
    let returned = school.invoke(invocation).await;
    // THEN it is returned, and invisible for the backoff of a first attempt instead of the queue's 30 seconds
    assert_eq!(returned.len(), 1);
    assert_eq!(queue.receive_event(1).await["Records"], serde_json::json!([]));
    let again = makegood_tests::queues::TestQueue::receive_event;
    let started = std::time::Instant::now();
    let mut redelivered = again(&queue, 1).await;
    while redelivered["Records"].as_array().unwrap().is_empty() && started.elapsed() < Duration::from_secs(15)
    {
        redelivered = again(&queue, 1).await;
    }
    assert_eq!(
        redelivered["Records"][0]["attributes"]["ApproximateReceiveCount"],
        "2"
    );
    assert_eq!(school.invoke(redelivered).await, Vec::<String>::new());
    school.assert_allocated_once(&purchase).await;
    school.close().await;
}

#[tokio::test]
async fn the_breaker_leaves_a_failing_service_alone_and_closes_when_it_is_well_again() {
    // GIVEN a service that fails five times in a row
    let mut school = School::open().await;
    school.service.script([Behaviour::ServerError; 6]);
    let purchase = school.purchase().await;
    for _ in 0..5 {
        assert_eq!(school.deliver(&[purchase]).await.len(), 1);
    }
    assert_eq!(school.service.report().calls, 5);
    // WHEN more comes THEN it is returned without a call
    assert_eq!(school.deliver_on_attempt(&[purchase], 2).await.len(), 1);
    assert_eq!(school.service.report().calls, 5);
    // AND our own refusal to call is no attempt of the record
    assert_eq!(school.deliver_on_attempt(&[purchase], 5).await.len(), 1);
    assert_eq!(school.parked.drain().await, Vec::<String>::new());
    // WHEN the cool-down is over and the probe fails THEN it is open again
    school.set_time(friday_night() + TimeDelta::seconds(11));
    school.deliver(&[purchase]).await;
    assert_eq!(school.service.report().calls, 6);
    school.deliver(&[purchase]).await;
    assert_eq!(school.service.report().calls, 6);
    // WHEN the next probe succeeds THEN it is closed
    school.set_time(friday_night() + TimeDelta::seconds(22));
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    let others = [school.purchase().await, school.purchase().await];
    assert_eq!(school.deliver(&others).await, Vec::<String>::new());
    assert_eq!(school.service.report().calls, 9);
    school.close().await;
}

#[tokio::test]
async fn a_hang_near_the_deadline_is_returned_and_its_neighbours_are_recorded() {
    // GIVEN a service that never answers one of two, and less time than a call may take
    let mut school = School::open().await;
    let url_service = {
        let (url, _) = makegood_local::admin::spawn(std::sync::Arc::clone(&school.service))
            .await
            .unwrap();
        allocate_trainer::AdminService::at(&url, Duration::from_secs(30)).unwrap()
    };
    std::sync::Arc::get_mut(&mut school.consumer)
        .unwrap()
        .stage
        .service = url_service;
    let purchases = [school.purchase().await, school.purchase().await];
    school.service.script([Behaviour::Hang]);
    let bodies: Vec<String> = purchases.iter().map(crate::school::event).collect();
    // WHEN both come in one batch
    let answer = school
        .consumer
        .handle(
            sqs_event("purchase-created", &bodies),
            Deadline::after(Duration::from_secs(4)),
        )
        .await
        .unwrap();
    // THEN one comes again, the other is done
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), 1);
    assert_eq!(
        school
            .count("SELECT count(*) FROM trainer_allocations WHERE status = 'approved'")
            .await,
        1
    );
    assert_eq!(school.published.drain().await.len(), 1);
    school.close().await;
}
