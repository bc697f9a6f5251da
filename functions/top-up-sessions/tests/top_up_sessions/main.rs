//! What `top-up-sessions` promises, on a real database behind the pooler.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod limits;
#[path = "../../../schedule-sessions/tests/school/mod.rs"]
mod school;

use chrono_tz::Tz;
use makegood::cause::Cause;
use makegood::delivery::{Deadline, Record, Stage};
use makegood::event::{SessionsGenerated, TrainerAllocated};
use makegood::ids::AllocationId;
use makegood::schema;
use makegood::school_days::TeachingDays;
use makegood_tests::database::TestDatabase;
use school::{NEXT_SEVEN, School, THURSDAY_EVENING, id, records};
use serde_json::json;
use std::time::Duration;
use top_up_sessions::{Input, Report, TopUp};

fn top_up(school: &School) -> TopUp {
    TopUp {
        publisher: school.publisher(2),
        clock: school.clock,
        timezone: Tz::Asia__Kolkata,
        teaching_days: TeachingDays::default(),
        clash_rules: school.clash_rules.clone(),
    }
}

async fn run(school: &School) -> Report {
    top_up(school)
        .run(Input::default(), Deadline::after(Duration::from_secs(60)))
        .await
        .expect("the database answers")
}

async fn end(school: School) {
    assert_eq!(school.database.server_errors(), Vec::<String>::new());
    school.database.drop().await;
}

/// Plants allocations `1..=number`, each with this many scheduled sessions from 9 January 2026 on.
async fn plant(school: &School, number: u32, sessions: usize) {
    let days = NEXT_SEVEN[..sessions].join("','");
    let days = if sessions == 0 {
        "'{}'::date[]".to_owned()
    } else {
        format!("ARRAY['{days}']::date[]")
    };
    school.database.run_sql(&format!("
        INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
        SELECT lpad(to_hex(n), 32, '0')::uuid, md5('s' || n)::uuid, md5('t' || n)::uuid, md5('c')::uuid, md5('s' || n)::uuid, 'active',
               '{{\"sessionCount\": 20}}' FROM generate_series(1, {number}) n;
        INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time)
        SELECT a.id, a.student_id, a.trainer_id, a.course_id, day, '4:00 PM' FROM trainer_allocations a, unnest({days}) day")).await;
}

/// Windows that are not exactly seven sessions on the next seven weekdays.
const NOT_SEVEN: &str = "SELECT count(*) FROM trainer_allocations a WHERE (SELECT array_agg(s.scheduled_date::text ORDER BY s.scheduled_date)
    FROM tutoring_sessions s WHERE s.allocation_id = a.id) IS DISTINCT FROM
    '{2026-01-09,2026-01-12,2026-01-13,2026-01-14,2026-01-15,2026-01-16,2026-01-19}'";

#[tokio::test]
async fn only_windows_with_fewer_than_three_left_are_refilled() {
    // GIVEN windows with two, three, none; one that is pending, one that has ended, one without trainer, one used up
    let school = School::at(THURSDAY_EVENING).await;
    for n in 1..=7 {
        school.allocation(n, json!({"sessionCount": 20})).await;
    }
    school
        .sessions(
            1,
            &[
                ("2026-01-07", "completed"),
                ("2026-01-08", "scheduled"),
                ("2026-01-09", "scheduled"),
                ("2026-01-12", "scheduled"),
            ],
        )
        .await;
    school
        .sessions(
            2,
            &[
                ("2026-01-09", "scheduled"),
                ("2026-01-12", "scheduled"),
                ("2026-01-13", "scheduled"),
            ],
        )
        .await;
    school
        .sessions(7, &[("2026-01-06", "completed"), ("2026-01-07", "completed")])
        .await;
    school
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET status = 'pending' WHERE id = '{}';
        UPDATE trainer_allocations SET status = 'completed' WHERE id = '{}';
        UPDATE trainer_allocations SET trainer_id = NULL WHERE id = '{}';
        UPDATE trainer_allocations SET metadata = '{{\"sessionCount\": 2}}' WHERE id = '{}'",
            id(4),
            id(5),
            id(6),
            id(7)
        ))
        .await;
    // WHEN
    let report = run(&school).await;
    // THEN
    let expected = Report {
        allocations: 2,
        sessions: 12,
        chunks: 1,
        incomplete: 1,
        finished: true,
        ..Report::default()
    };
    assert_eq!(report, expected);
    assert_eq!(school.days(1, "scheduled").await[1..], NEXT_SEVEN);
    assert_eq!(school.days(2, "scheduled").await.len(), 3);
    assert_eq!(school.days(3, "scheduled").await, NEXT_SEVEN);
    for n in 4..=7 {
        assert_eq!(
            school.days(n, "scheduled").await,
            Vec::<String>::new(),
            "allocation {n}"
        );
    }
    assert_eq!(school.database.count("SELECT count(*) FROM outbox").await, 2);
    end(school).await;
}

#[tokio::test]
async fn nothing_is_topped_up_beyond_the_end_of_the_purchase() {
    // GIVEN windows that run low: of a purchase that ends with Wednesday, of an expired one, and of one that was ended
    let school = School::at(THURSDAY_EVENING).await;
    for n in 1..=3 {
        school.allocation(n, json!({"sessionCount": 20})).await;
        school.purchase(n, 20, json!({})).await;
        school.sessions(n, &[("2026-01-09", "scheduled")]).await;
    }
    school
        .database
        .run_sql(
            "UPDATE student_course_purchases SET expiry_date = '2026-01-14T18:29:59Z' WHERE payment_id = md5('payment1')::uuid;
             UPDATE student_course_purchases SET expiry_date = '2026-01-07T18:29:59Z' WHERE payment_id = md5('payment2')::uuid;
             UPDATE student_course_purchases SET is_active = false WHERE payment_id = md5('payment3')::uuid",
        )
        .await;
    // WHEN
    let report = run(&school).await;
    // THEN
    assert_eq!((report.allocations, report.sessions), (1, 3));
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN[..4]);
    assert_eq!(school.days(2, "scheduled").await.len(), 1);
    assert_eq!(school.days(3, "scheduled").await.len(), 1);
    end(school).await;
}

#[tokio::test]
async fn todays_session_counts_until_it_begins() {
    // GIVEN two sessions ahead and one today at 4 PM
    for (moment, added) in [("2026-01-08T10:29:59Z", 0), ("2026-01-08T10:30:00Z", 5)] {
        let school = School::at(moment).await;
        plant(&school, 1, 2).await;
        school.sessions(1, &[("2026-01-08", "scheduled")]).await;
        assert_eq!(run(&school).await.sessions, added, "at {moment}");
        end(school).await;
    }
}

#[tokio::test]
async fn refilled_windows_are_published_under_their_payment() {
    let (school, queue) = School::at(THURSDAY_EVENING).await.with_queue().await;
    school.allocation(1, json!({})).await;
    school.purchase(1, 10, json!({"timeSlot": "6:15 PM"})).await;
    run(&school).await;
    let bodies = queue.drain().await;
    let event = SessionsGenerated::parse(&bodies[0]).unwrap();
    assert_eq!((bodies.len(), event.allocation_id), (1, AllocationId(id(1))));
    let payment = school
        .texts("SELECT payment_id::text FROM student_course_purchases")
        .await;
    assert_eq!(event.envelope.correlation_id, payment[0]);
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            .await,
        0
    );
    // WHEN it runs again THEN there is nothing to do
    assert_eq!(run(&school).await.sessions, 0);
    assert_eq!(queue.drain().await, Vec::<String>::new());
    end(school).await;
}

#[tokio::test]
async fn used_up_windows_neither_stop_nor_loop_a_run() {
    // GIVEN more than two pages of windows that can't be refilled, and one after them that can
    let school = School::at(THURSDAY_EVENING).await;
    plant(&school, 2_201, 2).await;
    school
        .database
        .run_sql(&format!(
            "UPDATE trainer_allocations SET metadata = '{{\"sessionCount\": 2}}' WHERE id <> '{}'",
            id(2_201)
        ))
        .await;
    let report = run(&school).await;
    assert_eq!(
        report,
        Report {
            allocations: 1,
            sessions: 5,
            chunks: 3,
            finished: true,
            ..Report::default()
        }
    );
    end(school).await;
}

#[tokio::test]
async fn an_allocation_that_can_not_be_written_is_passed_over() {
    let school = School::at(THURSDAY_EVENING).await;
    plant(&school, 300, 0).await;
    school
        .database
        .run_sql(&format!(
            "ALTER TABLE tutoring_sessions ADD CONSTRAINT not_these_two CHECK (allocation_id NOT IN ('{}', '{}'))",
            id(7),
            id(250)
        ))
        .await;
    let report = run(&school).await;
    assert_eq!(
        (report.allocations, report.failed, report.finished),
        (298, 2, true)
    );
    assert_eq!(school.database.count(NOT_SEVEN).await, 2);
    school.database.drop().await;
}

/// As the queue does it: a batch that waited for a lock longer than it may (a slow machine, seven others before it) is delivered again.
/// Nothing else may fail.
async fn deliver(school: &School, batch: &[Record<TrainerAllocated>]) {
    let deadline = Deadline::after(Duration::from_secs(60));
    loop {
        match school.scheduler().process(batch, deadline).await {
            Err(failure) if failure.cause == Cause::Lock && !deadline.remaining().is_zero() => {}
            results => return assert_eq!(results, Ok(vec![Ok(()); batch.len()])),
        }
    }
}

/// Four runs and four sequences of batches at once on the same empty windows, the batches in opposite order.
async fn everyone_at_once(school: &School) {
    plant(school, 600, 0).await;
    let bodies = school.allocated((1..=600).rev(), "2026-01-01").await;
    let batches = (0..4).map(|_| async {
        for chunk in bodies.chunks(100) {
            deliver(school, &records(chunk)).await;
        }
    });
    let runs = (0..4).map(|_| async { assert!(run(school).await.finished) });
    futures::join!(
        futures::future::join_all(batches),
        futures::future::join_all(runs)
    );
    assert_eq!(school.database.count(NOT_SEVEN).await, 0);
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM tutoring_sessions")
            .await,
        4_200
    );
    assert_eq!(school.database.count("SELECT count(*) FROM outbox").await, 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_schedulers_at_once_make_seven_sessions_each() {
    let school = School::at(THURSDAY_EVENING).await;
    everyone_at_once(&school).await;
    end(school).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_schedulers_at_once_make_seven_sessions_each_without_the_index() {
    let school = School::at(THURSDAY_EVENING).await;
    school.database.run_sql("DROP INDEX unique_session_slot").await;
    everyone_at_once(&school).await;
    end(school).await;
}

#[tokio::test]
async fn the_older_systems_windows_are_filled_and_nothing_of_theirs_is_lost() {
    // GIVEN the older system's database, migrated
    let database = TestDatabase::create_empty().await;
    database
        .run_sql(include_str!("../../../../tests/fixtures/legacy-schema.sql"))
        .await;
    database
        .run_sql("CREATE TABLE before AS SELECT * FROM tutoring_sessions")
        .await;
    schema::migrate(&database.direct_url().parse().unwrap(), &|_| {})
        .await
        .unwrap();
    // GIVEN its own midnight, the slot still ahead, since the fixture's days are the server's
    let midnight = database_texts(&database, "SELECT current_date::text || 'T00:00:00Z'").await;
    let school = School::of(database, &midnight).await;
    // WHEN it is topped up THEN no window has fewer than three left, unless all that was bought is used up
    let low = |least: u32| {
        format!(
            "SELECT count(*) FROM (SELECT (a.metadata ->> 'sessionCount')::int AS bought,
            count(s.id) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= current_date) AS ahead,
            count(s.id) FILTER (WHERE s.status <> 'cancelled') AS used
        FROM trainer_allocations a LEFT JOIN tutoring_sessions s ON s.allocation_id = a.id GROUP BY a.id) w
        WHERE ahead < {least} AND used < bought OR used > bought"
        )
    };
    assert!(
        school.database.count(&low(3)).await >= 10,
        "the fixture has work to do"
    );
    let report = run(&school).await;
    assert!(report.finished && report.allocations >= 10, "{report:?}");
    assert_eq!(school.database.count(&low(3)).await, 0);
    // WHEN all are scheduled anew THEN every window is full or used up
    let allocations = school.texts("SELECT id::text FROM trainer_allocations").await;
    let allocations: Vec<_> = allocations.iter().map(|id| id.parse().unwrap()).collect();
    let bodies = school.allocated_by_id(&allocations, "2026-01-01").await;
    let results = school
        .scheduler()
        .process(&records(&bodies), Deadline::after(Duration::from_secs(60)))
        .await;
    assert_eq!(results, Ok(vec![Ok(()); 90]));
    assert_eq!(school.database.count(&low(7)).await, 0);
    // THEN new ones are on weekdays at the old slot, and the old ones are as they were
    let odd = "SELECT count(*) FROM tutoring_sessions s WHERE NOT EXISTS (SELECT FROM before b WHERE b.id = s.id)
        AND (extract(isodow FROM scheduled_date) > 5 OR scheduled_date < current_date OR scheduled_time <> '5:30 PM')";
    let columns = "id, allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time, duration, status, created_at, updated_at";
    let lost = format!(
        "SELECT count(*) FROM (SELECT {columns} FROM before EXCEPT SELECT {columns} FROM tutoring_sessions) gone"
    );
    assert_eq!(
        (
            school.database.count(odd).await,
            school.database.count(&lost).await
        ),
        (0, 0)
    );
    end(school).await;
}

async fn database_texts(database: &TestDatabase, query: &str) -> String {
    let row: String = sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
        .fetch_one(&database.direct())
        .await
        .unwrap();
    row
}

#[tokio::test]
async fn nothing_new_is_planned_while_the_payment_is_disputed() {
    // GIVEN two students with nothing ahead, and a dispute about the payment of the first
    let school = School::at(THURSDAY_EVENING).await;
    plant(&school, 2, 0).await;
    school
        .database
        .run_sql(
            "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, payment_id)
             SELECT student_id, course_id, 20, id FROM trainer_allocations;
             INSERT INTO disputes (provider, provider_dispute_id, payment_id, amount_minor, currency, status, told_at)
             SELECT 'razorpay', 'disp_1', id, 100, 'INR', 'action_required', now() FROM trainer_allocations ORDER BY id LIMIT 1",
        )
        .await;
    // WHEN the windows are filled THEN only the second has sessions
    assert_eq!(run(&school).await.sessions, 7);
    assert_eq!(school.days(1, "scheduled").await, Vec::<String>::new());
    // AND the first has them once the dispute is won
    school
        .database
        .run_sql("UPDATE disputes SET status = 'won'")
        .await;
    assert_eq!(run(&school).await.sessions, 7);
    assert_eq!(school.days(1, "scheduled").await, NEXT_SEVEN);
    end(school).await;
}
