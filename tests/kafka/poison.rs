//! A record that can't be processed is parked, and its partition moves on.

use crate::scene::Scene;
use makegood::delivery::DeadLetter;
use makegood_tests::course::Payment;
use makegood_tests::environment::{Environment, Outcome};
use makegood_tests::invariants::{Guarantee, assert_hold};
use makegood_tests::link::Link;

const PURCHASES: &str = "SELECT count(*) FROM student_course_purchases WHERE is_active";

async fn parked(scene: &Scene) -> Vec<DeadLetter> {
    let bodies = scene.course.course.dead_letters.drain().await;
    let mut dead_letters: Vec<DeadLetter> = bodies
        .iter()
        .map(|body| serde_json::from_str(body).expect("a dead letter document"))
        .collect();
    dead_letters.sort_by_key(|dead_letter| dead_letter.original_offset);
    dead_letters
}

/// Every statement that would make a purchase for this student fails.
async fn never_for(scene: &Scene, payment: &Payment) {
    let text = format!(
        "CREATE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not for this one'; END $$;
         CREATE TRIGGER never BEFORE INSERT ON student_course_purchases FOR EACH ROW
         WHEN (NEW.student_id = '{}') EXECUTE FUNCTION never()",
        payment.student_id
    );
    scene.course.course.database.run_sql(&text).await;
}

#[tokio::test]
async fn poison_of_every_kind_is_parked_and_its_partition_goes_on_to_the_end() {
    // GIVEN one partition on which good records and bad ones of every kind take turns: no JSON, no course,
    // one that fails at the database however often it is tried, and a tombstone
    let scene = Scene::set(1).await;
    let (payments, cursed) = (Payment::several(4), Payment::new());
    never_for(&scene, &cursed).await;
    let mut without_course = Payment::new().event();
    without_course.as_object_mut().unwrap().remove("courseId");
    scene.pay(&payments[..1]).await;
    scene.publish(&payments[0], "no JSON at all").await;
    scene.pay(&payments[1..2]).await;
    scene
        .course
        .broker
        .produce("purchase-confirmed", "a key", None)
        .await;
    scene.publish(&payments[0], &without_course.to_string()).await;
    scene.pay(&payments[2..3]).await;
    cursed.record(&scene.course.course.database).await;
    scene.publish(&cursed, &cursed.event().to_string()).await;
    scene.pay(&payments[3..]).await;

    // WHEN they are delivered as they lie, three at a time
    let source = scene.course.source_of("create-purchase");
    let environment = scene.course.environment_of("create-purchase").await;
    assert_eq!(source.drain(&environment, 3).await, 8);

    // THEN every good one is a purchase, the partition is committed to its end, and each bad one is parked with its place
    let database = &scene.course.course.database;
    assert_eq!(database.count(PURCHASES).await, 4);
    assert_eq!(source.uncommitted(), 0);
    let dead_letters = parked(&scene).await;
    let found: Vec<_> = dead_letters
        .iter()
        .map(|dead_letter| {
            (
                dead_letter.original_offset.unwrap(),
                dead_letter.error_code.as_str(),
                dead_letter.permanent,
                dead_letter.attempts,
            )
        })
        .collect();
    assert_eq!(
        found[..2],
        [(1, "malformed_json", true, 1), (4, "missing_field", true, 1),]
    );
    assert_eq!((found.len(), found[2].0, found[2].3), (3, 6, 3), "{found:?}");
    assert_eq!(environment.metric("TombstonesSkipped"), 1);
    assert!(
        dead_letters
            .iter()
            .all(|dead_letter| dead_letter.original_source == "purchase-confirmed"
                && dead_letter.original_partition == Some(0))
    );
    // AND once the money of the one that can never be made went back, everybody has what was paid
    let refunded = format!(
        "UPDATE payments SET status = 'refunded' WHERE id = '{}'",
        cursed.id
    );
    database.run_sql(&refunded).await;
    assert_hold(
        database,
        &[
            Guarantee::OnePurchase,
            Guarantee::EverythingPublished,
            Guarantee::NoDuplicates,
        ],
    )
    .await;
}

/// One partition on which a record that can't be read lies between two payments.
async fn with_a_bad_record_between_two_payments() -> Scene {
    let scene = Scene::set(1).await;
    let payments = Payment::several(2);
    scene.pay(&payments[..1]).await;
    scene.publish(&payments[0], "no JSON at all").await;
    scene.pay(&payments[1..]).await;
    scene
}

async fn create_purchase_with(scene: &Scene, name: &str, value: String) -> Environment {
    let mut variables = scene.course.variables();
    variables.insert(name.to_owned(), value);
    Environment::start("create-purchase", &variables).await
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_parked_and_the_batch_comes_again() {
    // GIVEN two payments, a record that can't be read, and a database that is away
    let scene = with_a_bad_record_between_two_payments().await;
    let no_server = Link::to("127.0.0.1:9").await;
    let database = format!("postgres://makegood@{}/nowhere", no_server.address());
    let cut_off = create_purchase_with(&scene, "DATABASE_URL", database).await;

    // WHEN they are delivered THEN the invocation fails, and only what is wrong whatever the database says is parked
    let source = scene.course.source_of("create-purchase");
    let (_, outcome) = source.deliver(&cut_off, 10).await.expect("a batch");
    assert!(matches!(outcome, Outcome::FunctionError(_)), "{outcome:?}");
    assert_eq!(source.uncommitted(), 3);
    let codes: Vec<String> = parked(&scene)
        .await
        .into_iter()
        .map(|dead_letter| dead_letter.error_code)
        .collect();
    assert_eq!(codes, ["malformed_json"]);

    // AND with the database back the same batch makes both purchases
    let environment = scene.course.environment_of("create-purchase").await;
    assert_eq!(source.drain(&environment, 10).await, 3);
    assert_eq!(source.uncommitted(), 0);
    assert_eq!(scene.course.course.database.count(PURCHASES).await, 2);
    scene.course.course.database.drop().await;
}

#[tokio::test]
async fn what_can_neither_be_processed_nor_parked_comes_again_with_its_batch_and_is_not_lost() {
    // GIVEN a bad record between two good ones, and a function that reaches no dead-letter queue
    let scene = with_a_bad_record_between_two_payments().await;
    let no_server = Link::to("127.0.0.1:9").await;
    let queues = format!("http://{}", no_server.address());
    let cut_off = create_purchase_with(&scene, "AWS_ENDPOINT_URL", queues).await;

    // WHEN it is delivered THEN the invocation fails and nothing is committed, though the good ones are made
    let source = scene.course.source_of("create-purchase");
    let (_, outcome) = source.deliver(&cut_off, 10).await.expect("a batch");
    assert!(matches!(outcome, Outcome::FunctionError(_)), "{outcome:?}");
    assert_eq!(source.uncommitted(), 3);
    let database = &scene.course.course.database;
    assert_eq!(database.count(PURCHASES).await, 2);

    // AND with the queue back the same batch comes again, the bad one is parked, and the good ones are still one each
    let environment = scene.course.environment_of("create-purchase").await;
    assert_eq!(source.drain(&environment, 10).await, 3);
    assert_eq!(source.uncommitted(), 0);
    assert_eq!(parked(&scene).await.len(), 1);
    assert_eq!(database.count(PURCHASES).await, 2);
}
