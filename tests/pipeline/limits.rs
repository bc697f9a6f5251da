//! A limit is a limit under every plan: a statement that claims, frees or deletes "at most n" rows never takes more, whatever the
//! planner believes of its table. One that puts the limited subquery on the inner side of a join runs it once a row, skips what it
//! changed itself, and takes all.
//!
//! The statements are those of the query cache, so that a new one without a scene here fails.

use makegood_tests::database::TestDatabase;
use regex::Regex;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeSet;
use std::path::Path;

/// One statement, what it finds, and the most that it may take.
struct Scene {
    /// A text that only this statement has.
    marker: &'static str,
    /// Rows for it, many more than the limit.
    plant: &'static str,
    /// Its parameters as SQL, the first first.
    parameters: &'static [&'static str],
    most: u64,
}

const SCENES: [Scene; 18] = [
    Scene {
        marker: "failure_reason = 'removed, its time is over",
        plant: "INSERT INTO dead_letters (source, message_id, failure_reason, raw, status, parked_at)
                SELECT 'queue', 'm-' || n, 'why', '{}', 'discarded', now() - interval '60 days' FROM generate_series(1, 30) n",
        parameters: &["now() - interval '30 days'", "3"],
        most: 3,
    },
    Scene {
        marker: "v.verification_response IS NOT NULL AND v.verified_at < $1",
        plant: "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items)
                SELECT 'pi_' || n, md5('buyer')::uuid, 'esewa', 1, '[]' FROM generate_series(1, 30) n;
                INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, verified_at,
                                                           verification_response)
                SELECT 'esewa', 'x' || n, 'pi_' || n, 'success', now() - interval '200 days', '{}' FROM generate_series(1, 30) n",
        parameters: &["now() - interval '180 days'", "3"],
        most: 3,
    },
    Scene {
        marker: "p.shipping_address IS NOT NULL AND p.updated_at < $1",
        plant: "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, status, shipping_address, updated_at)
                SELECT 'pi_' || n, md5('buyer')::uuid, 'esewa', 1, '[]', 'expired', '{}', now() - interval '60 days'
                FROM generate_series(1, 30) n",
        parameters: &["now() - interval '30 days'", "3"],
        most: 3,
    },
    Scene {
        marker: "SET shipping_address = NULL, notes = NULL WHERE o.id = ANY",
        plant: "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, status)
                SELECT 'pi_' || n, md5('buyer')::uuid, 'esewa', 1, '[]', 'succeeded' FROM generate_series(1, 30) n;
                INSERT INTO orders (id, order_number, user_id, payment_intent_id, payment_provider, status, subtotal_cents, total_cents,
                                    created_at, shipping_address)
                SELECT md5('o' || n)::uuid, 'ORD-' || n, md5('buyer')::uuid, 'pi_' || n, 'esewa', 'delivered', 1, 1,
                       now() - interval '60 days', '{}' FROM generate_series(1, 30) n",
        parameters: &["now() - interval '30 days'", "3"],
        most: 3,
    },
    Scene {
        // Paid payments that their gateway was never asked about again.
        marker: "SET refund_question_at = now() + interval '1 hour'",
        plant: "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items)
                SELECT 'pi_' || n, md5('buyer')::uuid, 'esewa', 'x' || n, 1, '[]' FROM generate_series(1, 30) n;
                INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, verified_at)
                SELECT 'esewa', 'x' || n, 'pi_' || n, 'success', now() - interval '2 days' FROM generate_series(1, 30) n",
        parameters: &["'esewa'", "3", "45"],
        most: 3,
    },
    Scene {
        // The same, half of them due again.
        marker: "SET refund_question_at = now() + interval '1 hour'",
        plant: "INSERT INTO payment_intents (payment_intent_id, user_id, provider, external_transaction_id, amount_cents, items)
                SELECT 'pi_' || n, md5('buyer')::uuid, 'esewa', 'x' || n, 1, '[]' FROM generate_series(1, 30) n;
                INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, verified_at,
                                                           refund_question_at)
                SELECT 'esewa', 'x' || n, 'pi_' || n, 'success', now() - interval '2 days',
                       CASE WHEN n % 2 = 0 THEN now() - interval '1 hour' END
                FROM generate_series(1, 30) n",
        parameters: &["'esewa'", "3", "45"],
        most: 3,
    },
    Scene {
        marker: "a.planned IS NULL",
        plant: "INSERT INTO trainer_allocations (id, student_id, course_id, trainer_id, requested_by, status)
                SELECT md5('a' || n)::uuid, md5('s' || n)::uuid, md5('c')::uuid, md5('t')::uuid, md5('s' || n)::uuid, 'approved'
                FROM generate_series(1, 30) n;
                INSERT INTO student_course_purchases (student_id, course_id, purchase_tier)
                SELECT md5('s' || n)::uuid, md5('c')::uuid, 10 FROM generate_series(1, 30) n",
        parameters: &["ARRAY[md5('a1')::uuid, md5('a2')::uuid, md5('a3')::uuid]"],
        most: 3,
    },
    Scene {
        marker: "jsonb_build_object('checkout', coalesce(metadata ->> 'checkout', payment_intent_id))",
        plant: "INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, amount_cents, items, status)
                SELECT 'pi_' || n, md5('buyer')::uuid, md5('cart')::uuid, 'esewa', 1,
                       jsonb_build_array(jsonb_build_object('variant_id', md5('variant')::uuid)), 'expired'
                FROM generate_series(1, 30) n",
        parameters: &["md5('buyer')::uuid", "md5('cart')::uuid", "ARRAY[md5('variant')::uuid]"],
        most: 1,
    },
    Scene {
        marker: "DELETE FROM client_requests",
        plant: "INSERT INTO client_requests (scope, client, since, requests)
                SELECT 'verify-payment', n::text, now() - interval '1 hour', 1 FROM generate_series(1, 30) n",
        parameters: &["60", "3"],
        most: 3,
    },
    Scene {
        marker: "attempts = j.attempts + 1",
        plant: "INSERT INTO job_queue (job_type, payload, priority, created_at, scheduled_for)
                SELECT 'finalize_order', '{}', 1, now() - interval '1 hour', now() - interval '1 minute' FROM generate_series(1, 30)",
        parameters: &["'worker'", "60", "3"],
        most: 3,
    },
    Scene {
        // The same behind more jobs that are not due than its window holds.
        marker: "attempts = j.attempts + 1",
        plant: "INSERT INTO job_queue (job_type, payload, priority, created_at, scheduled_for)
                SELECT 'finalize_order', '{}', 1 + n % 2, now() - interval '1 hour', now() + interval '1 hour' FROM generate_series(1, 90) n;
                INSERT INTO job_queue (job_type, payload, priority, scheduled_for)
                SELECT 'finalize_order', '{}', 1 + n % 2, now() - interval '1 minute' FROM generate_series(1, 30) n",
        parameters: &["'worker'", "60", "3"],
        most: 3,
    },
    Scene {
        marker: "never came back",
        plant: "INSERT INTO job_queue (job_type, payload, status, attempts, locked_by, locked_until)
                SELECT 'finalize_order', '{}', 'processing', 1, 'dead', now() - interval '1 minute' FROM generate_series(1, 30)",
        parameters: &["3", "'lease_expired'", "'{}'::uuid[]"],
        most: 3,
    },
    Scene {
        marker: "j.cause IN ('outage', 'drift', 'lock', 'worker_lost')",
        plant: "INSERT INTO job_queue (job_type, payload, status, attempts, cause, created_at, failed_at)
                SELECT 'finalize_order', '{}', 'failed', 3, 'outage', now() - interval '2 hours', now() - interval '1 hour'
                FROM generate_series(1, 30)",
        parameters: &["60", "900", "86400", "'finalize_order'", "3", "'{}'::text[]", "3"],
        most: 3,
    },
    Scene {
        marker: "UPDATE outbox o SET claimed_until",
        plant: "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id)
                SELECT 'event-' || n, 'PURCHASE_CREATED', 'purchase-created', '{}', gen_random_uuid() FROM generate_series(1, 30) n",
        parameters: &["3", "30", "0", "'{}'::text[]"],
        most: 3,
    },
    Scene {
        marker: "interval '7 days'",
        plant: "INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, published_at)
                SELECT 'event-' || n, 'PURCHASE_CREATED', 'purchase-created', '{}', gen_random_uuid(), now() - interval '8 days'
                FROM generate_series(1, 30) n",
        parameters: &["3"],
        most: 3,
    },
    Scene {
        marker: "FROM dead_letters d WHERE d.status = 'parked' AND (d.parked_at, d.id) >",
        plant: "INSERT INTO dead_letters (source, message_id, failure_reason)
                SELECT 'q', n::text, 'x' FROM generate_series(1, 30) n",
        parameters: &[
            "'-infinity'::timestamptz", "'00000000-0000-0000-0000-000000000000'::uuid", "NULL", "NULL", "NULL", "NULL",
            "NULL", "'-infinity'::timestamptz", "'infinity'::timestamptz", "'infinity'::timestamptz", "3", "NULL::text",
        ],
        most: 3,
    },
    Scene {
        marker: "note = 'the purchase was made'",
        plant: "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, payment_id)
                SELECT gen_random_uuid(), gen_random_uuid(), 30, md5(n::text)::uuid FROM generate_series(1, 30) n;
                INSERT INTO payment_cases (kind, subject, payment_id)
                SELECT 'unfulfillable', n::text, md5(n::text)::uuid FROM generate_series(1, 30) n",
        parameters: &["'a sweep'", "now()", "3"],
        most: 3,
    },
    Scene {
        marker: "note = 'its price was entered'",
        plant: "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
                VALUES (md5('course')::uuid, 30, 'INR', 499900, now() - interval '1 day');
                INSERT INTO payments (id, student_id, amount_cents, currency, status, metadata, confirmed_at)
                SELECT md5(n::text)::uuid, gen_random_uuid(), 499900, 'INR', 'succeeded',
                       jsonb_build_object('courseId', md5('course')::uuid), now() FROM generate_series(1, 30) n;
                INSERT INTO payment_cases (kind, subject, payment_id, details)
                SELECT 'unpriced_payment', n::text, md5(n::text)::uuid,
                       jsonb_build_object('courseId', md5('course')::uuid, 'purchaseTier', 30, 'paidAt', now())
                FROM generate_series(1, 30) n",
        parameters: &["now()", "3"],
        most: 3,
    },
];

/// Statements whose limits choose among rows that are only read; which rows they change or lock is said by keys.
const CHOOSES_AMONG_READ_ROWS: [&str; 2] = [
    "trainer_id IS NULL THEN 'pending' ELSE 'approved'",
    "AND NOT coalesce((SELECT true FROM payment_gateway_verifications v",
];

/// What the planner may believe: `reltuples` and `relpages`.
const BELIEFS: [(&str, &str); 5] = [
    ("0", "1"),
    ("1", "1"),
    ("1", "10000"),
    ("100000000", "1"),
    ("100000000", "1000000"),
];

const JOINS: [&str; 3] = ["enable_hashjoin", "enable_mergejoin", "enable_nestloop"];
const OTHERS: [&str; 9] = [
    "enable_seqscan",
    "enable_indexscan",
    "enable_indexonlyscan",
    "enable_bitmapscan",
    "enable_tidscan",
    "enable_material",
    "enable_memoize",
    "enable_sort",
    "enable_incremental_sort",
];

/// Nothing switched off, each thing alone, and each join left alone with each scan switched off.
fn plans() -> Vec<Vec<&'static str>> {
    let mut plans = vec![Vec::new()];
    plans.extend(JOINS.iter().chain(&OTHERS).map(|setting| vec![*setting]));
    for kept in JOINS {
        let other_joins: Vec<_> = JOINS.into_iter().filter(|join| *join != kept).collect();
        plans.push(other_joins.clone());
        for other in OTHERS {
            plans.push([other_joins.clone(), vec![other]].concat());
        }
    }
    plans
}

/// The texts of the code's checked queries, white space made single.
fn checked_queries() -> Vec<String> {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
    let comments = Regex::new("--[^\n]*").unwrap();
    let entries = std::fs::read_dir(cache).expect("the query cache is there");
    let texts = entries.map(|entry| {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let entry: Value = serde_json::from_str(&text).unwrap();
        let query = comments
            .replace_all(entry["query"].as_str().unwrap(), " ")
            .into_owned();
        query.split_whitespace().collect::<Vec<_>>().join(" ")
    });
    texts.collect()
}

/// Those that change or lock at most so many rows.
fn limited_queries() -> Vec<String> {
    let row_locks = Regex::new(r"FOR (NO KEY )?UPDATE( OF \w+)?( SKIP LOCKED| NOWAIT)?").unwrap();
    let changes = Regex::new(r"\b(UPDATE|DELETE FROM) \w").unwrap();
    let limited = checked_queries().into_iter().filter(|query| {
        let without_locks = row_locks.replace_all(query, "").replace("DO UPDATE", "");
        let takes = changes.is_match(&without_locks) || row_locks.is_match(query);
        takes && query.contains(" LIMIT ")
    });
    limited.collect()
}

fn with_parameters(query: &str, parameters: &[&str]) -> String {
    let numbered = parameters.iter().enumerate().rev();
    numbered.fold(query.to_owned(), |query, (index, parameter)| {
        query.replace(&format!("${}", index + 1), parameter)
    })
}

async fn run(connection: &mut PgConnection, text: &str) -> u64 {
    sqlx::query(AssertSqlSafe(text.to_owned()))
        .persistent(false)
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .rows_affected()
}

async fn run_all(connection: &mut PgConnection, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{text}: {error}"));
}

/// How many rows the statement took under each belief and plan, as far as that is too many.
async fn excesses(database: &TestDatabase, scene: &Scene, query: &str) -> BTreeSet<String> {
    let mut connection = PgConnection::connect(&database.direct_url()).await.unwrap();
    let statement = with_parameters(query, scene.parameters);
    let mut excesses = BTreeSet::new();
    for (tuples, pages) in BELIEFS {
        let mut transaction = connection.begin().await.unwrap();
        run_all(&mut transaction, scene.plant).await;
        let believe = format!(
            "UPDATE pg_class SET reltuples = {tuples}, relpages = {pages}
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        );
        run_all(&mut transaction, &believe).await;
        // What is switched off is only made dear, and what is dear would be compiled first.
        run_all(&mut transaction, "SET LOCAL jit = off").await;
        for plan in plans() {
            let settings = plan.iter().map(|setting| format!("SET LOCAL {setting} = off;"));
            run_all(
                &mut transaction,
                &format!("SAVEPOINT planted; {}", settings.collect::<String>()),
            )
            .await;
            let taken = run(&mut transaction, &statement).await;
            run_all(&mut transaction, "ROLLBACK TO planted").await;
            assert!(taken > 0, "{statement} finds what was planted");
            if taken > scene.most {
                excesses.insert(format!(
                    "{taken} rows, {tuples} believed, without {plan:?}: {query}"
                ));
            }
        }
        transaction.rollback().await.unwrap();
    }
    excesses
}

#[tokio::test]
async fn no_statement_takes_more_rows_than_its_limit_whatever_the_planner_believes() {
    let database = TestDatabase::create().await;
    let mut excesses_found = BTreeSet::new();
    for scene in &SCENES {
        let queries = limited_queries()
            .into_iter()
            .filter(|query| query.contains(scene.marker));
        let queries: Vec<String> = queries.collect();
        assert!(
            !queries.is_empty(),
            "no query has {:?}; fix this scene",
            scene.marker
        );
        for query in queries {
            excesses_found.extend(excesses(&database, scene, &query).await);
        }
    }
    assert_eq!(excesses_found, BTreeSet::new());
    database.drop().await;
}

#[test]
fn every_statement_with_a_limit_that_takes_rows_has_a_scene() {
    let known = |query: &String| {
        let mut markers = SCENES
            .iter()
            .map(|scene| scene.marker)
            .chain(CHOOSES_AMONG_READ_ROWS);
        markers.any(|marker| query.contains(marker))
    };
    let unknown: Vec<String> = limited_queries()
        .into_iter()
        .filter(|query| !known(query))
        .collect();
    assert_eq!(unknown, Vec::<String>::new());
}

/// The rule in one line, for whoever writes the next one.
#[test]
fn a_limited_subquery_of_a_change_is_materialized_or_compared_with_equals() {
    let bare =
        Regex::new(r"(FROM|IN|USING) ?\( ?SELECT [^()]*(\([^()]*\)[^()]*)*LIMIT [^()]*FOR (NO KEY )?UPDATE")
            .unwrap();
    let wrong: Vec<String> = limited_queries()
        .into_iter()
        .filter(|query| bare.is_match(query))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}
