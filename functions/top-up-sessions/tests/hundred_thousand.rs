//! A school of 100,000 allocations, topped up by the real binary: in bounded memory, killed in the middle, run again.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use makegood_tests::database::TestDatabase;
use makegood_tests::environment::{Environment, Variables};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

const ALLOCATIONS: i64 = 100_000;
/// Every tenth window runs low, with two sessions left; the others are full.
const LOW: i64 = ALLOCATIONS / 10;
/// A run needs 30 MB in the development profile, however many allocations there are.
const MOST_KILOBYTES: u64 = 48 * 1024;

/// The rows of the planted school: seven sessions ahead in nine windows of ten, two in the tenth.
/// Planted without foreign key checks: they are most of the time that it takes.
const PLANT: &str = "
SET session_replication_role = replica;
INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
SELECT md5('a' || n)::uuid, md5('s' || n)::uuid, md5('t')::uuid, md5('c')::uuid, md5('s' || n)::uuid, 'active', '{\"sessionCount\": 30}'
FROM generate_series(1, 100000) n;
INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time)
SELECT md5('a' || n)::uuid, md5('s' || n)::uuid, md5('t')::uuid, md5('c')::uuid, day, '4:00 PM'
FROM generate_series(1, 100000) n
CROSS JOIN LATERAL (SELECT day::date FROM generate_series(current_date + 2, current_date + 14, interval '1 day') day
                    WHERE extract(isodow FROM day) < 6 ORDER BY day LIMIT CASE WHEN n % 10 = 0 THEN 2 ELSE 7 END) days;";

fn variables(database: &TestDatabase) -> Variables {
    [
        ("DATABASE_URL", database.pooler_url()),
        (
            "QUEUE_URL_SESSIONS_GENERATED",
            "http://127.0.0.1:9/none".to_owned(),
        ),
        (
            "QUEUE_URL_SESSIONS_RESCHEDULED",
            "http://127.0.0.1:9/none".to_owned(),
        ),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .chain(
        [
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ]
        .map(|name| (name.to_owned(), makegood_tests::setting(name))),
    )
    .collect()
}

/// The most memory that the function's process of this database has held, in kilobytes.
fn peak_kilobytes(database: &TestDatabase) -> u64 {
    let of_this_test = |process: &fs::DirEntry| {
        let read = |name| {
            String::from_utf8_lossy(&fs::read(process.path().join(name)).unwrap_or_default()).into_owned()
        };
        read("cmdline").contains("/top-up-sessions") && read("environ").contains(database.name())
    };
    let process = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .find(of_this_test)
        .expect("the function runs");
    let status = fs::read_to_string(process.path().join("status")).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .expect("the kernel says");
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_windows_are_topped_up_in_bounded_memory_and_after_a_kill() {
    let database = TestDatabase::create().await;
    database.run_sql(PLANT).await;
    let filled = "SELECT count(*) FROM outbox";
    // GIVEN a run that is killed in the middle of its work
    let killed = Environment::start("top-up-sessions", &variables(&database)).await;
    let allowed = Duration::from_secs(120);
    let (outcome, at_the_kill) = tokio::join!(killed.invoke_within(json!({}), allowed), async {
        while database.count(filled).await < LOW / 4 {
            assert!(!killed.has_exited(), "{}", killed.lines().join("\n"));
        }
        killed.kill().await;
        database.count(filled).await
    });
    assert!(outcome.was_killed(), "{outcome:?}");
    assert!(at_the_kill < LOW, "it was killed too late to prove anything");
    // WHEN the schedule comes again
    let again = Environment::start("top-up-sessions", &variables(&database)).await;
    let started = Instant::now();
    let answer = again.invoke_within(json!({}), allowed).await.answer();
    let (elapsed, peak) = (started.elapsed(), peak_kilobytes(&database));
    println!("{answer} in {elapsed:?}, at most {peak} kB");
    // THEN it did the rest, and only that
    assert_eq!(
        (&answer["finished"], &answer["failed"]),
        (&json!(true), &json!(0))
    );
    assert!(
        answer["allocations"]
            .as_i64()
            .is_some_and(|number| number <= LOW - at_the_kill),
        "{answer}"
    );
    assert_each_window_is_full_and_published_once(&database).await;
    assert!(peak < MOST_KILOBYTES, "{peak} kB");
    assert_eq!(database.server_errors(), Vec::<String>::new());
    drop((killed, again));
    database.drop().await;
}

async fn assert_each_window_is_full_and_published_once(database: &TestDatabase) {
    let odd = "SELECT count(*) FROM (SELECT count(*) AS sessions, count(DISTINCT scheduled_date) AS days FROM tutoring_sessions
        GROUP BY allocation_id) w WHERE sessions <> 7 OR days <> 7";
    assert_eq!(
        database.count(odd).await,
        0,
        "every window has seven sessions on seven days"
    );
    assert_eq!(
        database.count("SELECT count(*) FROM tutoring_sessions").await,
        7 * ALLOCATIONS
    );
    assert_eq!(
        database
            .count("SELECT count(DISTINCT payload ->> 'allocationId') FROM outbox")
            .await,
        LOW
    );
    let sessions = "SELECT sum(jsonb_array_length(payload -> 'sessionIds'))::bigint FROM outbox";
    assert_eq!(database.count(sessions).await, 5 * LOW);
}
