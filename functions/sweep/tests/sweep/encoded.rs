//! Metadata that an ORM encoded twice: reconciliation reads it as the object that it is, and so does the doctor.

use crate::bench::Bench;
use operate::doctor::{self, Scope};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

const ENCODE: [&str; 3] = [
    "UPDATE payments SET metadata = to_jsonb(metadata::text)",
    "UPDATE student_course_purchases SET metadata = to_jsonb(metadata::text)",
    "UPDATE trainer_allocations SET metadata = to_jsonb(metadata::text)",
];

async fn breaches(bench: &Bench) -> Vec<&'static str> {
    let scope = Scope {
        only: std::collections::BTreeSet::new(),
        now: chrono::Utc::now(),
        timezone: chrono_tz::Asia::Kolkata,
        teaching_days: makegood::school_days::TeachingDays::default(),
        single_operator: false,
    };
    let report = doctor::check(&bench.sweep.publisher.database, &scope)
        .await
        .unwrap();
    report.breaches().map(|finding| finding.code).collect()
}

#[tokio::test]
async fn a_paid_student_in_text_is_found_by_the_sweep_and_the_doctor() {
    for (times, upper) in [(0, false), (1, false), (2, true), (0, true)] {
        let bench = Bench::fresh().await;
        // GIVEN a succeeded payment without purchase, its metadata text, its course in capitals
        let course = Uuid::new_v4();
        let payment = bench.payment(Uuid::new_v4(), course).await;
        if upper {
            let capitals = course.to_string().to_uppercase();
            bench
                .database
                .run_sql(&format!(
                    "UPDATE payments SET metadata = metadata || '{{\"courseId\": \"{capitals}\"}}'"
                ))
                .await;
        }
        for _ in 0..times {
            bench.database.run_sql(ENCODE[0]).await;
        }
        assert_eq!(breaches(&bench).await, ["payment-without-purchase"]);
        // WHEN reconciled THEN it is published with what was bought
        assert_eq!(bench.reconcile().await["paymentsAnnounced"], json!(1));
        let bodies = bench.queues["purchase-confirmed"].drain().await;
        let event: Value = serde_json::from_str(&bodies[0]).unwrap();
        assert_eq!(
            (
                &event["paymentId"],
                &event["courseId"],
                &event["metadata"]["purchaseTier"]
            ),
            (&json!(payment), &json!(course), &json!(20)),
            "{event}"
        );
        bench.database.drop().await;
    }
}

/// How many events were published again.
fn healed(done: &Value) -> i64 {
    ["paymentsAnnounced", "purchasesAnnounced", "allocationsAnnounced"]
        .iter()
        .map(|name| done[*name].as_i64().unwrap())
        .sum()
}

/// What is whole stays whole when every metadata is text: nothing is missed, nothing is published again.
#[tokio::test]
async fn a_whole_chain_in_text_is_no_breach_and_heals_nothing() {
    let bench = Bench::fresh().await;
    let (student, course) = (Uuid::new_v4(), Uuid::new_v4());
    let payment = bench.payment(student, course).await;
    // An older purchase, which has no payment id: its payment is found by the course in the metadata.
    bench.purchase(student, course, None, "20 hours").await;
    let allocation = bench.allocation(student, course).await;
    bench
        .database
        .run_sql(&format!(
            "INSERT INTO tutoring_sessions (student_id, course_id, trainer_id, allocation_id, scheduled_date, scheduled_time, status, updated_at)
             SELECT student_id, course_id, trainer_id, id, day, '5:30 PM', 'scheduled', now() - interval '2 days'
             FROM trainer_allocations, generate_series(current_date + 3, current_date + 7, '1 day') day
             WHERE id = '{allocation}' AND extract(isodow FROM day) <= 5 ORDER BY day LIMIT 2"
        ))
        .await;
    for encode in ["SELECT 1"].into_iter().chain(ENCODE) {
        bench.database.run_sql(encode).await;
        let none: [&str; 0] = [];
        assert_eq!(breaches(&bench).await, none, "{payment} after {encode}");
        assert_eq!(healed(&bench.reconcile().await), 0, "{payment} after {encode}");
    }
    bench.database.drop().await;
}

#[tokio::test]
async fn the_one_reader_gives_the_object_or_the_value_itself() {
    let bench = Bench::fresh().await;
    for (value, read) in [
        (json!({"a": 1}), json!({"a": 1})),
        (json!("{\"a\": 1}"), json!({"a": 1})),
        (json!("\"{\\\"a\\\": 1}\""), json!({"a": 1})),
        (json!(" {\"a\": \"\\u00e9\"} "), json!({"a": "é"})),
        (json!("[1]"), json!("[1]")),
        (json!("7"), json!("7")),
        (json!("{\"a\": "), json!("{\"a\": ")),
        (json!("{\"a\": \"\\u0000\"}"), json!("{\"a\": \"\\u0000\"}")),
        (json!("ten"), json!("ten")),
        (json!(""), json!("")),
        (json!([1]), json!([1])),
        (json!(7), json!(7)),
        (Value::Null, Value::Null),
    ] {
        let literal = value.to_string().replace('\'', "''");
        let query = format!("SELECT makegood_object('{literal}'::jsonb)");
        let pool = bench.database.direct();
        let found: Value = sqlx::query_scalar(AssertSqlSafe(query))
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(found, read, "{value}");
    }
    assert_eq!(
        bench
            .database
            .count("SELECT count(*) WHERE makegood_object(NULL) IS NULL")
            .await,
        1
    );
    bench.database.drop().await;
}

/// What a text holds by the server's own cast, which fails on many texts: for the comparison.
const BY_CAST: &str = "CREATE FUNCTION by_cast(value jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
    DECLARE found jsonb := value;
    BEGIN
      FOR layer IN 1..3 LOOP
        EXIT WHEN jsonb_typeof(found) <> 'string';
        found := (found #>> '{}')::jsonb;
      END LOOP;
      RETURN CASE WHEN jsonb_typeof(found) = 'object' THEN found ELSE value END;
    EXCEPTION WHEN OTHERS THEN RETURN value;
    END $$";

/// Each text cut at each place, and with each character taken out or replaced.
fn changed(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let with = |at: usize, new: &str| {
        let (before, after): (String, String) = (
            characters[..at].iter().collect(),
            characters[at + 1..].iter().collect(),
        );
        format!("{before}{new}{after}")
    };
    (0..characters.len())
        .flat_map(|at| {
            let signs = [
                "", "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\u{1}", "0", "-", "e", ".", "u",
                "d",
            ];
            let cut: String = characters[..at].iter().collect();
            std::iter::once(cut).chain(signs.map(|sign| with(at, sign)))
        })
        .collect()
}

#[tokio::test]
async fn the_reader_agrees_with_the_cast_on_every_text_and_never_fails() {
    let bench = Bench::fresh().await;
    bench.database.run_sql(BY_CAST).await;
    let base = [
        r#"{"courseId": "x\"y\\", "n": [1, -2.50e+3, true, {"a": null}], "t": {}, "é": "\u00e9\ud83d\ude00"}"#.to_owned(),
        json!(r#"{"a": ["b", {"c": 0.5}], "d": ""}"#).to_string(),
    ];
    let mut texts: Vec<String> = base.iter().flat_map(|text| changed(text)).collect();
    texts.extend(base);
    texts.extend(["{\"a\": \"\\u0000\"}", "{\"a\": 1e9999999}", " \t\r\n{} "].map(str::to_owned));
    texts.push(format!("{{\"a\": {}{}}}", "[".repeat(60), "]".repeat(60)));
    assert!(texts.len() > 2_000, "{}", texts.len());
    let differ = "SELECT t FROM unnest($1::text[]) t WHERE makegood_object(to_jsonb(t)) IS DISTINCT FROM by_cast(to_jsonb(t)) LIMIT 5";
    let found: Vec<String> = sqlx::query_scalar(differ)
        .bind(&texts)
        .fetch_all(&bench.database.direct())
        .await
        .unwrap();
    assert!(found.is_empty(), "{found:?}");
    bench.database.drop().await;
}

/// The doctor and the comparison read whole tables, with helpers of the server where it has some.
#[tokio::test]
async fn a_parallel_plan_reads_text_as_well() {
    let bench = Bench::fresh().await;
    bench
        .database
        .run_sql(
            "INSERT INTO payments (id, student_id, amount_cents, status, metadata)
             SELECT gen_random_uuid(), gen_random_uuid(), 1, 'succeeded', to_jsonb('{\"courseId\": \"x\"}'::text)
             FROM generate_series(1, 2000);
             ANALYZE payments",
        )
        .await;
    let mut connection = bench.database.direct().acquire().await.unwrap();
    for setting in [
        "parallel_setup_cost",
        "parallel_tuple_cost",
        "min_parallel_table_scan_size",
    ] {
        sqlx::query(AssertSqlSafe(format!("SET {setting} = 0")))
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    let query = "SELECT count(*) FROM payments WHERE makegood_object(metadata) ->> 'courseId' = 'x'";
    let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN {query}")))
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    assert!(plan.iter().any(|line| line.contains("Gather")), "{plan:#?}");
    let found: i64 = sqlx::query_scalar(query)
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert_eq!(found, 2_000);
    drop(connection);
    bench.database.drop().await;
}
