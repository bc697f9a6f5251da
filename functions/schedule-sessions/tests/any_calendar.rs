//! The property on the database: whatever is on the calendars, the rules hold afterwards.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod school;

use makegood::delivery::{Deadline, Stage};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use school::{School, THURSDAY_EVENING, id, records};
use std::fmt::Write;
use std::time::Duration;

const ALLOCATIONS: u32 = 400;
const STATES: [&str; 5] = ["scheduled", "cancelled", "completed", "in_progress", "disputed"];
/// Thursday evening, when both slots of that day have begun.
const TODAY: &str = "DATE '2026-01-08'";

#[derive(Debug, Clone)]
struct Planted {
    bought: u32,
    starts: Option<i32>,
    /// Days from today, state, whether at the usual time.
    sessions: Vec<(i32, usize, bool)>,
}

fn planted() -> impl Strategy<Value = Planted> {
    let bought = prop::sample::select(vec![1_u32, 5, 10, 20, 30]);
    let sessions = prop::collection::vec((-30_i32..25, 0..STATES.len(), any::<bool>()), 0..20);
    (bought, prop::option::of(-40_i32..40), sessions).prop_map(|(bought, starts, sessions)| Planted {
        bought,
        starts,
        sessions,
    })
}

fn sql(allocations: &[Planted], blackout: &[i32]) -> String {
    let mut text = String::new();
    for (n, planted) in allocations.iter().enumerate() {
        let id = id(u32::try_from(n).unwrap() + 1);
        let start = planted
            .starts
            .map_or("NULL".to_owned(), |days| format!("({TODAY} + {days})::text"));
        writeln!(text, "INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata) VALUES
            ('{id}', md5('s{n}')::uuid, md5('t')::uuid, md5('c')::uuid, md5('s{n}')::uuid, 'active',
             jsonb_strip_nulls(jsonb_build_object('sessionCount', {}, 'startDate', {start})));", planted.bought).unwrap();
        for (day, state, usual) in &planted.sessions {
            let time = if *usual { "4:00 PM" } else { "9:00 AM" };
            writeln!(text, "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, status, duration)
                VALUES ('{id}', md5('s{n}')::uuid, md5('t')::uuid, md5('c')::uuid, {TODAY} + {day}, '{time}', '{}', 1) ON CONFLICT DO NOTHING;", STATES[*state]).unwrap();
        }
    }
    for day in blackout {
        writeln!(
            text,
            "INSERT INTO session_blackout_dates VALUES ({TODAY} + {day}) ON CONFLICT DO NOTHING;"
        )
        .unwrap();
    }
    text
}

/// One text for each broken rule. Planted sessions are one minute long, new ones forty. $1 are the days of the week with teaching.
const BROKEN: &str = "
WITH tally AS (
  SELECT a.id, (a.metadata ->> 'sessionCount')::int AS bought,
         count(s.id) FILTER (WHERE s.status <> 'cancelled') AS used,
         count(s.id) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date > DATE '2026-01-08') AS ahead,
         count(s.id) FILTER (WHERE s.duration = 40) AS added
  FROM trainer_allocations a LEFT JOIN tutoring_sessions s ON s.allocation_id = a.id GROUP BY a.id)
SELECT format('%s: %s ahead, %s used of %s, %s added', id, ahead, used, bought, added) FROM tally
WHERE (ahead < 7 AND used < bought) OR (added > 0 AND (ahead > 7 OR used > bought))
UNION ALL
SELECT format('%s: new session on %s', s.allocation_id, s.scheduled_date) FROM tutoring_sessions s
JOIN trainer_allocations a ON a.id = s.allocation_id
WHERE s.duration = 40 AND (extract(isodow FROM s.scheduled_date)::integer <> ALL($1) OR s.scheduled_date <= DATE '2026-01-08'
  OR s.scheduled_date < (a.metadata ->> 'startDate')::date OR s.scheduled_time <> '4:00 PM'
  OR EXISTS (SELECT FROM session_blackout_dates b WHERE b.day = s.scheduled_date)
  OR EXISTS (SELECT FROM tutoring_sessions o WHERE o.allocation_id = s.allocation_id AND o.scheduled_date = s.scheduled_date AND o.id <> s.id))
UNION ALL
SELECT format('%s: published %s, added %s', t.id, coalesce(o.published, 0), t.added)
FROM tally t LEFT JOIN (SELECT payload ->> 'allocationId' AS id, sum(jsonb_array_length(payload -> 'sessionIds')) AS published
  FROM outbox GROUP BY 1) o ON o.id = t.id::text
WHERE coalesce(o.published, 0) <> t.added";

#[tokio::test]
async fn any_calendar_is_filled_by_the_rules_and_once() {
    let seed = rand_seed();
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let calendars = prop::collection::vec(planted(), ALLOCATIONS as usize);
    let blackouts = prop::collection::vec(0_i32..40, 0..12);
    let weeks = prop::sample::subsequence(vec!["mon", "tue", "wed", "thu", "fri", "sat", "sun"], 1..=7);
    let (allocations, blackout, week) = (calendars, blackouts, weeks)
        .new_tree(&mut runner)
        .unwrap()
        .current();
    // GIVEN
    let mut school = School::at(THURSDAY_EVENING).await;
    school.teaching_days = week.join(" ").parse().unwrap();
    school.database.run_sql(&sql(&allocations, &blackout)).await;
    // WHEN all are scheduled, and then once more
    let bodies = school.allocated(1..=ALLOCATIONS, "2026-01-01").await;
    let mut rows = Vec::new();
    for _ in 0..2 {
        let results = school
            .scheduler()
            .process(&records(&bodies), Deadline::after(Duration::from_secs(60)))
            .await;
        assert_eq!(results.unwrap(), vec![Ok(()); bodies.len()]);
        // THEN
        let broken: Vec<String> = sqlx::query_scalar(BROKEN)
            .bind(school.teaching_days.iso_numbers())
            .fetch_all(&school.database.direct())
            .await
            .unwrap();
        assert_eq!(broken, Vec::<String>::new(), "seed {seed:?}, {week:?}");
        rows.push(
            school
                .database
                .count("SELECT count(*) FROM tutoring_sessions")
                .await,
        );
    }
    assert_eq!(rows[0], rows[1], "scheduling again adds nothing; seed {seed:?}");
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.database.drop().await;
}

/// Another one each time; a failure prints it.
fn rand_seed() -> [u8; 32] {
    let (first, second) = (uuid::Uuid::new_v4(), uuid::Uuid::new_v4());
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(first.as_bytes());
    seed[16..].copy_from_slice(second.as_bytes());
    seed
}
