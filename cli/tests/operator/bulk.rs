//! Bulk replay: dry run first, each dead letter once, killed and run again, several at once.

use crate::operator::Operator;
use create_purchase::CreatePurchase;
use makegood::clock::Clock;
use makegood::delivery::{Consumer, Deadline, ReplayMark};
use makegood::outbox::{Publisher, SqsTransport, Transport};
use makegood::purchase::{IndexGuard, Purchases, SecondPayment};
use makegood_tests::recorder::Recorded;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;
use uuid::Uuid;

const REPLAY: [&str; 7] = [
    "dead-letters",
    "replay",
    "--error-code",
    "database_unavailable",
    "--yes",
    "--reason",
    "the database is back",
];
/// How many dead letters a run claims at once.
const CHUNK: usize = 100;

/// So many recorded payments whose events a database that was away left in the dead letters, and one dead letter of another trouble.
async fn plant(operator: &Operator, dead_letters: usize) {
    operator.sql(&format!(
        "INSERT INTO dead_letters (source, message_id, function_name, event_type, failure_reason, error_code, attempts, raw,
                                   parked_at)
         SELECT 'purchase-confirmed', 'm-' || n, 'create-purchase', 'PURCHASE_CONFIRMED', 'the database was away',
                'database_unavailable', 3,
                jsonb_build_object('type', 'PURCHASE_CONFIRMED', 'paymentId', md5('payment' || n)::uuid,
                  'studentId', md5('student' || n)::uuid, 'courseId', md5('course')::uuid, 'amountCents', 499900,
                  'metadata', '{{\"purchaseTier\": 30}}'::jsonb)::text,
                now() - interval '1 hour' + n / 7 * interval '1 millisecond'
         FROM generate_series(1, {dead_letters}) n;
         INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
         SELECT md5('payment' || n)::uuid, md5('student' || n)::uuid, 499900, 'succeeded',
                jsonb_build_object('courseId', md5('course')::uuid), now()
         FROM generate_series(1, {dead_letters}) n;
         INSERT INTO dead_letters (source, message_id, failure_reason, error_code, raw)
         VALUES ('purchase-confirmed', 'other', 'no course', 'missing_field', '{{}}')"
    ))
    .await;
}

fn dead_letter_ids(recorded: &[Recorded]) -> HashMap<String, usize> {
    let mut times = HashMap::new();
    for message in recorded {
        let mark: ReplayMark = message.attribute(ReplayMark::ATTRIBUTE).unwrap().parse().unwrap();
        assert_eq!(mark.generation, 1);
        *times.entry(mark.dead_letter_id.to_string()).or_default() += 1;
    }
    times
}

/// Delivers what was sent to the function that it is for, as it runs behind the pooler.
async fn deliver(operator: &Operator, recorded: &[Recorded]) {
    let database = operator.database.through_pooler(2);
    let client = operator.queues.client().await;
    // No queue takes what follows from it: that stays in the outbox.
    let transport = Transport::Sqs(SqsTransport::new(client.clone(), HashMap::new()));
    let consumer = Consumer {
        stage: CreatePurchase {
            purchases: Purchases {
                database: database.clone(),
                guard: IndexGuard::default(),
                clock: Clock::System,
                timezone: chrono_tz::Tz::Asia__Kolkata,
                second_payment: SecondPayment::Surplus,
                prorates: false,
            },
            publisher: Publisher { database, transport },
        },
        sqs: client,
        parking: None,
        kafka_reads_partial: false,
        clock: Clock::System,
    };
    for batch in recorded.chunks(500) {
        let records: Vec<Value> = batch
            .iter()
            .enumerate()
            .map(|(index, message)| message.record(&index.to_string()))
            .collect();
        let deadline = Deadline::after(Duration::from_secs(60));
        let answer = consumer.handle(json!({"Records": records}), deadline).await;
        assert_eq!(answer.unwrap(), json!({"batchItemFailures": []}));
    }
}

#[tokio::test]
async fn ten_thousand_dead_letters_are_each_processed_once_although_the_run_is_killed() {
    // GIVEN 10,000 dead letters, and one that the filter does not name
    let operator = Operator::open().await;
    plant(&operator, 10_000).await;

    // WHEN it is a dry run
    let dry = [
        "--json",
        "dead-letters",
        "replay",
        "--error-code",
        "database_unavailable",
    ];
    let plan = operator.run(&dry).await.succeeded().json();

    // THEN it says how many go where, and nothing was sent or changed
    let queue = json!([{"queue": "purchase-confirmed", "letters": 10_000}]);
    assert_eq!(
        plan,
        json!({"letters": 10_000, "destinations": queue, "refused": []})
    );
    assert!(operator.queues.recorded().is_empty());
    assert_eq!(operator.count("SELECT count(*) FROM audit_log").await, 0);
    let untouched = "SELECT count(*) FROM dead_letters WHERE status = 'parked' AND claimed_until IS NULL AND replay_count = 0";
    assert_eq!(operator.count(untouched).await, 10_001);

    // WHEN it is for real, and killed where dead letters are in their queue and no row here says so
    operator.queues.fall_silent_after(3_450);
    let mut victim = operator.start(&REPLAY);
    operator.queues.reached(3_480).await;
    victim.start_kill().unwrap();
    assert_eq!(victim.wait().await.unwrap().signal(), Some(9));
    let sent_unknown = operator.queues.recorded().len();
    assert_eq!(
        operator
            .count("SELECT count(*) FROM dead_letters WHERE status = 'replayed'")
            .await,
        3_400
    );
    assert!(sent_unknown > 3_450, "{sent_unknown}");

    // WHEN its lease is over and it is run again
    operator.queues.answer_again();
    operator.sql(
        "UPDATE dead_letters SET claimed_until = now() - interval '1 second' WHERE claimed_until IS NOT NULL",
    )
    .await;
    let again = operator
        .run(&[&["--json"], &REPLAY[..]].concat())
        .await
        .succeeded();

    // THEN it sends the rest, and each dead letter went out once, except those whose sending was not noted
    assert_eq!(again.json()["sent"], 6_600);
    let recorded = operator.queues.recorded();
    let times = dead_letter_ids(&recorded);
    assert_eq!(times.len(), 10_000);
    assert!(times.values().all(|times| *times <= 2));
    assert!(recorded.len() <= 10_000 + CHUNK, "{}", recorded.len());
    let replayed = "SELECT count(*) FROM dead_letters WHERE status = 'replayed' AND replay_count = 1 AND claimed_until IS NULL";
    assert_eq!(operator.count(replayed).await, 10_000);
    assert_eq!(
        operator
            .count("SELECT count(*) FROM dead_letters WHERE status = 'parked'")
            .await,
        1
    );

    // THEN every dead letter is on the record, and each was processed once in effect
    let on_record =
        "SELECT count(DISTINCT subject) FROM audit_log WHERE action = 'dead_letter.replay' AND actor = 'asha'
                     AND reason = 'the database is back'";
    assert_eq!(operator.count(on_record).await, 10_000);
    deliver(&operator, &recorded).await;
    let purchases = "SELECT count(DISTINCT payment_id) FROM student_course_purchases WHERE is_active";
    assert_eq!(operator.count(purchases).await, 10_000);
    assert_eq!(
        operator
            .count("SELECT count(*) FROM student_course_purchases")
            .await,
        10_000
    );
    assert_eq!(operator.count("SELECT count(*) FROM payment_cases").await, 0);
    operator.close().await;
}

#[tokio::test]
async fn three_runs_at_once_send_each_dead_letter_once() {
    let operator = Operator::open().await;
    plant(&operator, 2_000).await;
    let arguments = [&["--json"], &REPLAY[..]].concat();
    let runs = [(); 3].map(|()| operator.run(&arguments));
    let answers = futures::future::join_all(runs).await;
    let sent: Vec<u64> = answers
        .iter()
        .map(|answer| answer.json()["sent"].as_u64().unwrap())
        .collect();
    assert_eq!(sent.iter().sum::<u64>(), 2_000, "{sent:?}");
    let times = dead_letter_ids(&operator.queues.recorded());
    assert_eq!(times.len(), 2_000);
    assert_eq!(
        times.values().copied().collect::<HashSet<_>>(),
        HashSet::from([1])
    );
    operator.close().await;
}

#[tokio::test]
async fn refused_dead_letters_are_named_and_the_others_go() {
    // GIVEN dead letters that can go, one that can't be read, one of an unknown queue, one that came back five times
    let operator = Operator::open().await;
    plant(&operator, 3).await;
    operator.sql(
        "INSERT INTO dead_letters (source, message_id, failure_reason, error_code, raw, replay_count) VALUES
           ('purchase-confirmed', 'broken', 'r', 'database_unavailable', '{\"type\": \"PURCHASE_CONFIRMED\"}', 0),
           ('elsewhere', 'stray', 'r', 'database_unavailable', '{}', 0),
           ('purchase-confirmed', 'round', 'r', 'database_unavailable', '{}', 5)",
    )
    .await;

    // WHEN it is a dry run, and then for real
    let dry = operator.run(&["--json", "dead-letters", "replay", "--all"]).await;
    let real = operator.run(&[&["--json"], &REPLAY[..]].concat()).await;

    // THEN both say which and why, with the exit code of refusals, and the rest went
    assert_eq!((dry.code, real.code), (1, 1), "{dry:?} {real:?}");
    let plan = dry.json();
    assert_eq!(plan["letters"], 7);
    let refused: Vec<&str> = plan["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refusal| refusal["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        refused,
        ["loop", "missing_field", "missing_field", "no_destination"]
    );
    let report = real.json();
    assert_eq!(report["sent"], 3);
    let reasons = report["refused"].to_string();
    for part in [
        "`paymentId` is missing",
        "no queue is named elsewhere",
        "replayed 5 times",
    ] {
        assert!(reasons.contains(part), "{reasons}");
    }
    assert_eq!(operator.queues.recorded().len(), 3);
    operator.close().await;
}

#[tokio::test]
async fn what_fails_again_at_once_is_sent_once_by_one_run() {
    // GIVEN a run that began, and a dead letter that it sent, which was parked again while it went on
    let operator = Operator::open().await;
    plant(&operator, 1).await;
    let replayer = operator.replayer().await;
    let filter = operate::dead_letter::DeadLetterFilter::default();
    let bulk = replayer.begin_bulk(filter, false).await.unwrap();
    let act = operate::audit::Act::new("asha", "again").unwrap();
    let sent = |chunk: &operate::dead_letter::Chunk| {
        let outcomes = chunk.outcomes.iter();
        outcomes
            .filter(|(_, outcome)| matches!(outcome, operate::dead_letter::Replay::Sent { .. }))
            .count()
    };
    let first = replayer.replay_chunk(&bulk, None, &act).await.unwrap();
    assert_eq!(sent(&first), 1);
    operator
        .sql("UPDATE dead_letters SET status = 'parked', parked_at = now() WHERE status = 'replayed'")
        .await;

    // WHEN the run looks again
    let second = replayer.replay_chunk(&bulk, None, &act).await.unwrap();

    // THEN it leaves the dead letter to the next run
    assert_eq!(sent(&second), 0);
    let next = replayer.begin_bulk(bulk.filter.clone(), false).await.unwrap();
    assert_eq!(sent(&replayer.replay_chunk(&next, None, &act).await.unwrap()), 1);
    operator.close().await;
}

#[tokio::test]
async fn a_queue_that_takes_nothing_leaves_every_dead_letter_parked_and_says_so() {
    let operator = Operator::open().await;
    plant(&operator, 250).await;
    operator.queues.refuse(true);
    let answer = operator.run(&REPLAY).await;
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.errors.contains("no permission to send"), "{answer:?}");
    let free = "SELECT count(*) FROM dead_letters WHERE status = 'parked' AND claimed_until IS NULL AND replay_count = 0";
    assert_eq!(operator.count(free).await, 251);
    let failed = "SELECT count(*) FROM audit_log WHERE action = 'dead_letter.replay_failed'";
    assert_eq!(operator.count(failed).await, i64::try_from(CHUNK).unwrap());
    operator.queues.refuse(false);
    let answer = operator
        .run(&[&["--json"], &REPLAY[..]].concat())
        .await
        .succeeded();
    assert_eq!(answer.json()["sent"], 250);
    operator.close().await;
}

/// A confirmed payment with these terms.
fn confirmed(metadata: &Value) -> String {
    let id = Uuid::new_v4();
    json!({"type": "PURCHASE_CONFIRMED", "timestamp": 1, "userId": id, "role": "student", "paymentId": id, "studentId": id,
           "courseId": id, "amountCents": 100, "metadata": metadata})
    .to_string()
}

/// Why a dry run refuses which dead letter, by the first example of each reason.
fn refused_of(plan: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let refused = plan["refused"].as_array().unwrap().iter();
    refused
        .map(|refused| (text(&refused["examples"][0]), text(&refused["reason"])))
        .collect()
}

#[tokio::test]
async fn what_its_consumer_would_refuse_again_is_refused_by_the_dry_run_and_not_sent() {
    let operator = Operator::open().await;
    // GIVEN payments whose terms create-purchase refuses, readable as their events are, and one that it takes
    let tier = operator
        .dead_letter("purchase-confirmed", &confirmed(&json!({"purchaseTier": "many"})))
        .await;
    let expiry = operator
        .dead_letter("purchase-confirmed", &confirmed(&json!({"expiryDate": "never"})))
        .await;
    let good = operator
        .dead_letter("purchase-confirmed", &confirmed(&json!({"purchaseTier": 30})))
        .await;
    // AND one that is wrong only together with what its payment's row says
    let body = confirmed(&json!({}));
    let with_row = operator.dead_letter("purchase-confirmed", &body).await;
    let payment: Value = serde_json::from_str(&body).unwrap();
    operator
        .sql(&format!(
            "INSERT INTO payments (id, student_id, amount_cents, status, metadata)
         VALUES ('{}', '{}', {}, 'succeeded', '{{\"courseId\": \"{}\", \"purchaseTier\": \"some\"}}')",
            payment["paymentId"].as_str().unwrap(),
            payment["studentId"].as_str().unwrap(),
            payment["amountCents"],
            payment["courseId"].as_str().unwrap()
        ))
        .await;

    // WHEN the dry runs say what they would do
    let plan = operator.run(&["--json", "dead-letters", "replay", "--all"]).await;
    let shown = operator.run(&["dead-letters", "show", &tier.to_string()]).await;
    let one = operator
        .run(&["dead-letters", "replay", "--dry-run", &expiry.to_string()])
        .await;

    // THEN they name each, with its field
    assert_eq!(plan.code, 1, "{plan:?}");
    let plan = plan.json();
    let refused = refused_of(&plan);
    assert_eq!(refused.len(), 3, "{plan}");
    for (dead_letter, field, found) in [
        (tier, "purchaseTier", "many"),
        (expiry, "expiryDate", "never"),
        (with_row, "purchaseTier", "some"),
    ] {
        let reason = &refused[&dead_letter.to_string()];
        assert!(reason.contains(field) && reason.contains(found), "{reason}");
    }
    assert_eq!(
        plan["destinations"],
        json!([{"queue": "purchase-confirmed", "letters": 1}])
    );
    assert!(
        shown.output.contains("refused: ") && shown.output.contains("purchaseTier"),
        "{shown:?}"
    );
    assert!(one.code == 1 && one.output.contains("expiryDate"), "{one:?}");

    // AND the replays send what the dry run said, and nothing else
    let real = operator
        .run(&["dead-letters", "replay", &tier.to_string(), "--reason", "r"])
        .await;
    assert_eq!(real.code, 1, "{real:?}");
    let all = [
        "--json",
        "dead-letters",
        "replay",
        "--all",
        "--yes",
        "--reason",
        "r",
    ];
    let report = operator.run(&all).await.json();
    assert_eq!(report["sent"], 1, "{report}");
    assert_eq!(report["refused"].as_object().map(serde_json::Map::len), Some(3));
    let sent = format!("SELECT 1 FROM dead_letters WHERE status = 'replayed' AND id = '{good}'");
    assert_eq!(operator.rows(&sent).await.len(), 1);
    assert_eq!(operator.queues.recorded().len(), 1);
    operator.close().await;
}
