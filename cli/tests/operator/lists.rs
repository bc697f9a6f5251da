//! Long lists: each page is a walk along an index, whatever the filter, and no row is left out or shown twice.

use crate::operator::Operator;
use makegood::db::Connection;
use makegood::schema;
use operate::dead_letter::{self, DeadLetterFilter, DeadLetterStatus};
use operate::job as jobs;
use operate::job::{JobFilter, JobStatus};
use operate::page::PageRequest;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use std::collections::HashSet;

const OF_STATUS: &str = include_str!("../../../shared/operate/src/dead_letter/of_status.sql");
const OF_CORRELATION: &str = include_str!("../../../shared/operate/src/dead_letter/of_correlation.sql");
const OF_EVENT: &str = include_str!("../../../shared/operate/src/dead_letter/of_event.sql");
const BY_ERROR: &str = include_str!("../../../shared/operate/src/dead_letter/groups_by_error.sql");
const BY_EVENT: &str = include_str!("../../../shared/operate/src/dead_letter/groups_by_event.sql");
const LOCK_CANDIDATES: &str = include_str!("../../../shared/operate/src/dead_letter/lock_candidates.sql");
const READ_CANDIDATES: &str = include_str!("../../../shared/operate/src/dead_letter/read_candidates.sql");
const JOBS_OF_STATUS: &str = include_str!("../../../shared/operate/src/job/of_status.sql");
const JOBS_OF_TYPE: &str = include_str!("../../../shared/operate/src/job/of_type.sql");
const JOBS_OF_INTENT: &str = include_str!("../../../shared/operate/src/job/of_intent.sql");
const CASES: &str = include_str!("../../../shared/operate/src/case/list.sql");
const AUDIT: [(&str, &str); 4] = [
    (
        include_str!("../../../shared/operate/src/audit/newest.sql"),
        "9e15, 51",
    ),
    (
        include_str!("../../../shared/operate/src/audit/of_action.sql"),
        "'job.retry', 9e15, 51",
    ),
    (
        include_str!("../../../shared/operate/src/audit/of_actor.sql"),
        "'asha', NULL, 9e15, 51",
    ),
    (
        include_str!("../../../shared/operate/src/audit/of_subject.sql"),
        "'s:1', NULL, NULL, 9e15, 51",
    ),
];

const DEAD_LETTER_STATUSES: &str =
    "'{parked,replayed,discarded}', '9999-01-01', 'ffffffff-ffff-ffff-ffff-ffffffffffff'";
const ALL_TIME: &str = "'1970-01-01', '9999-01-01'";

/// The plan of a statement as it runs once its plan is fixed for all parameters; the macros' type notes are taken out.
async fn plan(connection: &mut Connection, statement: &str, parameters: &str) -> String {
    let statement: String = statement
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.split('"').collect();
            let plain: Vec<String> = parts
                .iter()
                .enumerate()
                .map(|(index, part)| match index % 2 {
                    0 => (*part).to_owned(),
                    _ => format!("\"{}\"", part.split(['!', '?', ':']).next().unwrap_or_default()),
                })
                .collect();
            format!("{}\n", plain.concat())
        })
        .collect();
    let text =
        format!("SET plan_cache_mode = force_generic_plan; DEALLOCATE ALL; PREPARE listing AS {statement};");
    sqlx::raw_sql(AssertSqlSafe(text))
        .execute(&mut *connection)
        .await
        .unwrap();
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE listing({parameters})");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_one(connection)
        .await
        .unwrap();
    let plan: Value = sqlx::Row::get(&rows, 0);
    plan.to_string()
}

fn assert_walks(plan: &str, index: &str) {
    assert!(!plan.contains("Seq Scan"), "a scan over the whole table:\n{plan}");
    assert!(plan.contains(index), "{index} is not used:\n{plan}");
    assert!(!plan.contains("Aggregate"), "it counts:\n{plan}");
}

/// Builds the indexes that `migrate` keeps, as it does.
async fn build_indexes(operator: &Operator) {
    let options = operator.database.direct_url().parse().unwrap();
    schema::migrate(&options, &|_| {}).await.unwrap();
    operator.sql("ANALYZE").await;
}

#[tokio::test]
async fn a_hundred_thousand_dead_letters_are_listed_along_their_index() {
    // GIVEN 100,000 dead letters, many of one instant
    let operator = Operator::open().await;
    operator.sql(
        "INSERT INTO dead_letters (source, message_id, function_name, event_type, failure_reason, error_code, raw, status,
                                   correlation_id, event_id, parked_at)
         SELECT 'queue-' || n % 7, n::text, 'function-' || n % 5, 'PURCHASE_CONFIRMED', 'r', 'code-' || n % 100, repeat('x', 300),
                CASE WHEN n % 3 = 0 THEN 'replayed' ELSE 'parked' END, md5((n / 2)::text)::uuid, 'event-' || n / 2,
                now() - n / 40 * interval '1 second'
         FROM generate_series(1, 100000) n",
    )
    .await;
    build_indexes(&operator).await;

    // WHEN they are listed
    let mut connection = operator.connect().await;
    let filters = "NULL, NULL, 'code-7', NULL";
    let listing = format!("{DEAD_LETTER_STATUSES}, {filters}, {ALL_TIME}, 51");
    let of_payment = format!("{listing}, '{}', NULL", uuid::Uuid::nil());
    let of_event = format!("{listing}, 'event-7', NULL");
    let listing = format!("{listing}, NULL");
    let after = "'1970-01-01', '00000000-0000-0000-0000-000000000000'";
    let bulk = format!("{after}, NULL, NULL, 'code-7', NULL, NULL, {ALL_TIME}");
    let plans = [
        (OF_STATUS, listing, "idx_dead_letters_status"),
        (OF_CORRELATION, of_payment, "idx_dead_letters_correlation"),
        (OF_EVENT, of_event, "idx_dead_letters_event"),
        (
            LOCK_CANDIDATES,
            format!("{bulk}, now(), 100, NULL"),
            "idx_dead_letters_",
        ),
        (READ_CANDIDATES, format!("{bulk}, 500, NULL"), "idx_dead_letters_"),
    ];
    for (statement, parameters, index) in plans {
        assert_walks(&plan(&mut connection, statement, &parameters).await, index);
    }

    // AND groups count the newest ten thousand, found along the index, and nothing else
    for statement in [BY_ERROR, BY_EVENT] {
        let parameters = format!("'{{parked}}', {ALL_TIME}, 10000, 100");
        let plan = plan(&mut connection, statement, &parameters).await;
        assert!(
            !plan.contains("Seq Scan") && plan.contains("idx_dead_letters_status"),
            "{plan}"
        );
    }

    // THEN the pages of one code hold each dead letter once, the newest first
    let filter = DeadLetterFilter {
        status: Some(DeadLetterStatus::Parked),
        error_code: Some("code-7".to_owned()),
        ..DeadLetterFilter::default()
    };
    let mut request = PageRequest::first(50);
    let (mut seen, mut instants) = (HashSet::new(), Vec::new());
    loop {
        let page = dead_letter::list(&mut connection, &filter, &request)
            .await
            .unwrap();
        for row in &page.items {
            assert!(seen.insert(row.id), "{} twice", row.id);
            instants.push(row.parked_at);
        }
        request.after = page.next;
        if request.after.is_none() {
            break;
        }
    }
    let expected = "SELECT count(*) FROM dead_letters WHERE status = 'parked' AND error_code = 'code-7'";
    assert_eq!(i64::try_from(seen.len()).unwrap(), operator.count(expected).await);
    assert!(instants.is_sorted_by(|newer, older| newer >= older));
    operator.close().await;
}

#[tokio::test]
async fn a_million_jobs_are_listed_along_their_indexes() {
    // GIVEN a million jobs, nearly all of them done; filled first, then indexed, as a restored database is
    let operator = Operator::open().await;
    operator.sql(
        "DROP INDEX idx_job_queue_status; DROP INDEX idx_job_queue_type; DROP INDEX idx_job_queue_intent;
         ALTER TABLE job_queue SET UNLOGGED;
         INSERT INTO job_queue (id, job_type, payload, status, attempts, created_at)
         SELECT lpad(to_hex(n), 32, '0')::uuid,
                CASE WHEN n % 1000 = 0 THEN 'process_refund' ELSE 'finalize_order' END,
                jsonb_build_object('payment_intent_id', 'pi_esewa_' || n),
                CASE WHEN n % 5000 = 0 THEN 'failed' ELSE 'completed' END, 1, now() - n / 10 * interval '1 second'
         FROM generate_series(1, 1000000) n",
    )
    .await;
    build_indexes(&operator).await;

    // THEN each listing walks along its own index
    let mut connection = operator.connect().await;
    let statuses = "'{pending,processing,completed,failed,cancelled}'";
    let place = "'9999-01-01', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 51";
    let plans = [
        (
            JOBS_OF_STATUS,
            format!("{statuses}, {place}"),
            "idx_job_queue_status",
        ),
        (
            JOBS_OF_TYPE,
            format!("'process_refund', {statuses}, {place}"),
            "idx_job_queue_type",
        ),
        (
            JOBS_OF_INTENT,
            format!("'pi_esewa_7', {statuses}, NULL, {place}"),
            "idx_job_queue_intent",
        ),
    ];
    for (statement, parameters, index) in plans {
        assert_walks(&plan(&mut connection, statement, &parameters).await, index);
    }

    // THEN what is rare is found among what is common
    let rare = JobFilter {
        status: Some(JobStatus::Failed),
        job_type: Some("process_refund".to_owned()),
        payment_intent_id: None,
    };
    let page = jobs::list(&mut connection, &rare, &PageRequest::first(500))
        .await
        .unwrap();
    assert_eq!((page.items.len(), page.next), (200, None));
    let one = JobFilter {
        payment_intent_id: Some("pi_esewa_4711".to_owned()),
        ..JobFilter::default()
    };
    let page = jobs::list(&mut connection, &one, &PageRequest::first(10))
        .await
        .unwrap();
    assert_eq!(page.items.len(), 1);
    let newest = jobs::list(&mut connection, &JobFilter::default(), &PageRequest::first(25))
        .await
        .unwrap();
    assert!(
        newest
            .items
            .is_sorted_by(|newer, older| newer.created_at >= older.created_at)
    );
    assert!(newest.next.is_some());
    operator.close().await;
}

#[tokio::test]
async fn cases_and_the_audit_log_are_listed_along_their_indexes() {
    let operator = Operator::open().await;
    operator.sql(
        "INSERT INTO payment_cases (kind, subject, status, opened_at)
         SELECT 'refund_due', n::text, CASE WHEN n % 9 = 0 THEN 'open' ELSE 'resolved' END, now() - n * interval '1 second'
         FROM generate_series(1, 20000) n;
         INSERT INTO audit_log (actor, action, subject, reason)
         SELECT 'actor-' || n % 50, 'action-' || n % 10, 's:' || n % 900, 'r' FROM generate_series(1, 100000) n",
    )
    .await;
    build_indexes(&operator).await;
    let mut connection = operator.connect().await;
    let cases = "'{open,resolved}', '9999-01-01', 'ffffffff-ffff-ffff-ffff-ffffffffffff', NULL, 51";
    assert_walks(
        &plan(&mut connection, CASES, cases).await,
        "idx_payment_cases_status",
    );
    for (statement, parameters) in AUDIT {
        assert_walks(&plan(&mut connection, statement, parameters).await, "audit_log_");
    }
    operator.close().await;
}
