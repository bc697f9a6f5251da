//! What happens when a dead letter can't be filed, or comes twice.

use super::*;
use makegood::db::Limits;
use makegood_tests::link::{Link, Mark, to_client, to_server};

#[tokio::test]
async fn filing_twice_is_one_row_and_keeps_what_became_of_it() {
    // GIVEN a dead letter that was filed and replayed since
    let database = TestDatabase::create().await;
    let arriving = sqs_event(
        DEAD_LETTER_QUEUE,
        &[body(&dead_letter("m-1", "{}")), body(&dead_letter("m-1", "{}"))],
    );
    assert_eq!(file(&database, arriving.clone()).await, all_filed());
    database
        .run_sql("UPDATE dead_letters SET status = 'replayed', replay_count = 1, replayed_at = now()")
        .await;

    // WHEN the same message is delivered again, by eight environments at once
    let deliveries = (0..8).map(|_| {
        let (database, arriving) = (database.through_pooler(1), arriving.clone());
        tokio::spawn(async move { handler(database).handle(arriving, deadline()).await.unwrap() })
    });
    for delivery in deliveries.collect::<Vec<_>>() {
        assert_eq!(delivery.await.unwrap(), all_filed());
    }

    // THEN there is one row, still replayed
    let rows = rows(&database).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(text(&rows[0], "status").as_deref(), Some("replayed"));
    assert_eq!(rows[0].get::<i32, _>("replay_count"), 1);
    database.drop().await;
}

#[tokio::test]
async fn an_unreachable_database_hands_everything_back() {
    // GIVEN a database on a port where nothing listens
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://makegood@{}/none", listener.local_addr().unwrap());
    drop(listener);
    let patience = Limits {
        acquire: Duration::from_secs(1),
        ..Limits::default()
    };
    let database = Database::with_limits(url.parse().unwrap(), 1, patience);

    // WHEN a batch arrives
    let bodies = [
        event(Uuid::new_v4()),
        body(&dead_letter("m-1", "{}")),
        "{".to_owned(),
    ];
    let arriving = sqs_event(DEAD_LETTER_QUEUE, &bodies);
    let answer = handler(database).handle(arriving, deadline()).await.unwrap();

    // THEN every message stays in its queue
    let expected: Vec<Value> = (0..3)
        .map(|index| json!({"itemIdentifier": format!("{DEAD_LETTER_QUEUE}-{index}")}))
        .collect();
    assert_eq!(answer, json!({"batchItemFailures": expected}));
}

#[tokio::test]
async fn one_dead_letter_that_cannot_be_filed_stays_and_its_neighbours_are_filed() {
    // GIVEN nine good dead letters around one that the table refuses
    let database = TestDatabase::create().await;
    database
        .run_sql("ALTER TABLE dead_letters ADD CONSTRAINT refused CHECK (message_id <> 'm-6')")
        .await;
    let bodies: Vec<String> = (0..10)
        .map(|index| body(&dead_letter(&format!("m-{index}"), "{}")))
        .collect();

    // WHEN they arrive
    let answer = file(&database, sqs_event(DEAD_LETTER_QUEUE, &bodies)).await;

    // THEN that one alone is returned
    let returned = json!([{"itemIdentifier": format!("{DEAD_LETTER_QUEUE}-6")}]);
    assert_eq!(answer["batchItemFailures"], returned);
    assert_eq!(rows(&database).await.len(), 9);
    database.drop().await;
}

#[tokio::test]
async fn what_cannot_be_filed_in_time_is_returned() {
    // GIVEN a session that holds the table
    let database = TestDatabase::create().await;
    let mut holder = PgConnection::connect(&database.direct_url()).await.unwrap();
    let mut transaction = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE dead_letters")
        .execute(&mut *transaction)
        .await
        .unwrap();

    // WHEN a dead letter arrives with half a second left
    let arriving = sqs_event(DEAD_LETTER_QUEUE, &[body(&dead_letter("m-1", "{}"))]);
    let little = Deadline::after(Duration::from_millis(500));
    let started = Instant::now();
    let answer = handler(database.through_pooler(1))
        .handle(arriving, little)
        .await
        .unwrap();

    // THEN it comes again, in time
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(
        answer["batchItemFailures"][0]["itemIdentifier"],
        format!("{DEAD_LETTER_QUEUE}-0")
    );
    transaction.rollback().await.unwrap();
    database.drop().await;
}

/// Files three dead letters over a link that is cut at this point of the conversation, then over a whole one; gives back how many
/// rows there were after each.
async fn file_over_cut_link(marks: &[Mark]) -> (i64, i64) {
    const FILED: &str = "SELECT count(*) FROM dead_letters";
    let database = TestDatabase::create().await;
    let link = Link::to_url(&database.pooler_url()).await;
    let options: sqlx::postgres::PgConnectOptions = link.through(&database.pooler_url()).parse().unwrap();
    let function = handler(Database::with_options(options, 1));
    let bodies: Vec<String> = (0..3)
        .map(|index| body(&dead_letter(&format!("m-{index}"), "{}")))
        .collect();
    let arriving = sqs_event(DEAD_LETTER_QUEUE, &bodies);

    let mut cut = link.cut_at(marks);
    let answer = function.handle(arriving.clone(), deadline()).await.unwrap();
    cut.reached().await;
    assert_eq!(
        answer["batchItemFailures"].as_array().unwrap().len(),
        3,
        "{answer}"
    );
    let first = database.count(FILED).await;

    assert_eq!(function.handle(arriving, deadline()).await.unwrap(), all_filed());
    let second = database.count(FILED).await;
    database.drop().await;
    (first, second)
}

#[tokio::test]
async fn a_link_cut_before_the_dead_letters_are_filed_leaves_them_in_their_queue() {
    let cut = [to_server("INSERT INTO dead_letters")];
    assert_eq!(file_over_cut_link(&cut).await, (0, 3));
}

#[tokio::test]
async fn a_link_cut_after_the_dead_letters_were_filed_files_them_once() {
    let cut = [to_server("INSERT INTO dead_letters"), to_client("COMMIT\0")];
    assert_eq!(file_over_cut_link(&cut).await, (3, 3));
}
