//! A host whose clock is ten minutes off is a host like another: it has its time, and what it does is done once.

use makegood_tests::course::{Course, Payment};
use makegood_tests::environment::{Environment, Outcome, skewing_library};
use makegood_tests::event_source::drain_all;
use makegood_tests::invariants::{Guarantee, assert_hold};
use makegood_tests::queues::sqs_event;
use std::net::TcpListener;
use std::time::Duration;

const TEN_MINUTES: i64 = 600;
/// A link is waited for three seconds, and another is tried after it.
const SHORT: Duration = Duration::from_secs(4);
const PURCHASES: &str = "SELECT count(*) FROM student_course_purchases";
/// Rows that some clock other than the database's would have put into the past or the future.
const ODD_LEASES: &str =
    "SELECT count(*) FROM outbox WHERE least(created_at, published_at) < now() - interval '2 minutes'
     OR greatest(created_at, published_at, claimed_until) > now() + interval '5 minutes'";

async fn with_clock_off_by(skew: i64) {
    // GIVEN a function on such a host
    assert!(skewing_library().is_some(), "local/stack/install.sh chaos");
    let course = Course::create().await;
    let environment = Environment::start_skewed("create-purchase", &course.variables(), skew).await;

    // WHEN payments come THEN each is made a purchase
    for payment in Payment::several(5) {
        payment.record(&course.database).await;
        course.purchase_confirmed.send(payment.event().to_string()).await;
    }
    assert_eq!(drain_all(&course.purchase_confirmed, &environment, 10).await, 5);
    assert_eq!(course.database.count(PURCHASES).await, 5);

    // AND it was another clock
    let line = environment.line("batch done").await;
    let line: serde_json::Value = serde_json::from_str(&line).expect("a line of the log");
    let told = line["timestamp"].as_str().expect("a timestamp");
    let told: chrono::DateTime<chrono::Utc> = told.parse().expect("a moment");
    let off_by = (told - chrono::Utc::now()).num_seconds();
    assert!((off_by - skew).abs() < 60, "off by {off_by} s, not {skew} s");

    // AND no time in the outbox is that clock's
    assert_eq!(course.database.count(ODD_LEASES).await, 0);
    let promised = [
        Guarantee::OnePurchase,
        Guarantee::EverythingPublished,
        Guarantee::NoDuplicates,
    ];
    assert_hold(&course.database, &promised).await;
    course.database.drop().await;
}

/// A database that takes links and never says anything.
async fn ends_in_time_with_clock_off_by(skew: i64) {
    // GIVEN such a host, from which the database is never heard
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let course = Course::create().await;
    let database = format!(
        "postgres://makegood@{}/makegood",
        silent.local_addr().expect("an address")
    );
    let variables = course.variables_with(&[("DATABASE_URL", database)]);
    let environment = Environment::start_skewed("create-purchase", &variables, skew).await;

    // WHEN an invocation has less time than a link is waited for
    let event = sqs_event("purchase-confirmed", &[Payment::new().event().to_string()]);
    let outcome = environment.invoke_within(event, SHORT).await;

    // THEN it ends by itself before Lambda ends it, as its deadline is told by the clock that it reads
    let ended = matches!(outcome, Outcome::Answered(_) | Outcome::FunctionError(_));
    assert!(ended, "{outcome:?}");
    course.database.drop().await;
}

#[tokio::test]
async fn an_environment_ten_minutes_ahead_ends_before_its_time_is_up() {
    ends_in_time_with_clock_off_by(TEN_MINUTES).await;
}

#[tokio::test]
async fn an_environment_ten_minutes_behind_ends_before_its_time_is_up() {
    ends_in_time_with_clock_off_by(-TEN_MINUTES).await;
}

#[tokio::test]
async fn an_environment_ten_minutes_ahead_makes_every_purchase() {
    with_clock_off_by(TEN_MINUTES).await;
}

#[tokio::test]
async fn an_environment_ten_minutes_behind_makes_every_purchase() {
    with_clock_off_by(-TEN_MINUTES).await;
}
