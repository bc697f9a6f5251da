//! What Postgres really does about partial unique indexes and `ON CONFLICT`: the facts that the purchase's
//! fast path, its guard and its fallback rest on. If one of these ever fails, the server has changed and the
//! design must be looked at again.

use makegood_tests::database::TestDatabase;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

const TABLE: &str = "CREATE TABLE bought
    (student_id uuid NOT NULL, course_id uuid NOT NULL, is_active boolean NOT NULL DEFAULT true)";
const ACTIVE: &str = "CREATE UNIQUE INDEX active ON bought (student_id, course_id) WHERE is_active";
const ACTIVE_IS_TRUE: &str =
    "CREATE UNIQUE INDEX active ON bought (student_id, course_id) WHERE is_active IS TRUE";
const ACTIVE_EQUALS_TRUE: &str =
    "CREATE UNIQUE INDEX active ON bought (student_id, course_id) WHERE is_active = true";
const TARGETED: &str = "ON CONFLICT (student_id, course_id) WHERE is_active DO NOTHING";
const NO_ARBITER: &str = "42P10";

struct Facts {
    database: TestDatabase,
    conn: PgConnection,
}

impl Facts {
    async fn with(index: Option<&str>) -> Self {
        let database = TestDatabase::create_empty().await;
        let mut conn = PgConnection::connect(&database.direct_url()).await.unwrap();
        for statement in [Some(TABLE), index].into_iter().flatten() {
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
                .execute(&mut conn)
                .await
                .unwrap();
        }
        Self { database, conn }
    }

    /// Inserts the same purchase again; how many rows that made, or the SQLSTATE.
    async fn insert(&mut self, conflict: &str) -> Result<u64, String> {
        let statement = format!("INSERT INTO bought (student_id, course_id) VALUES ($1, $1) {conflict}");
        let result = sqlx::query(AssertSqlSafe(statement))
            .bind(Uuid::nil())
            .execute(&mut self.conn)
            .await;
        result
            .map(|done| done.rows_affected())
            .map_err(|error| state(&error))
    }

    async fn execute(&mut self, statement: &'static str) -> Result<(), String> {
        sqlx::raw_sql(statement)
            .execute(&mut self.conn)
            .await
            .map(|_| ())
            .map_err(|error| state(&error))
    }

    async fn end(self) {
        self.conn.close().await.unwrap();
        self.database.drop().await;
    }
}

fn state(error: &sqlx::Error) -> String {
    error
        .as_database_error()
        .and_then(|error| error.code())
        .map_or_else(|| error.to_string(), |code| code.into_owned())
}

#[tokio::test]
async fn without_its_predicate_a_partial_index_is_not_inferred() {
    let mut facts = Facts::with(Some(ACTIVE)).await;
    assert_eq!(
        facts
            .insert("ON CONFLICT (student_id, course_id) DO NOTHING")
            .await,
        Err(NO_ARBITER.to_owned())
    );
    facts.end().await;
}

#[tokio::test]
async fn with_its_predicate_a_partial_index_is_inferred() {
    for index in [ACTIVE, ACTIVE_EQUALS_TRUE] {
        for predicate in ["is_active", "is_active = true"] {
            let mut facts = Facts::with(Some(index)).await;
            let conflict = format!("ON CONFLICT (student_id, course_id) WHERE {predicate} DO NOTHING");
            assert_eq!(facts.insert(&conflict).await, Ok(1));
            assert_eq!(facts.insert(&conflict).await, Ok(0), "{index} with {predicate}");
            facts.end().await;
        }
    }
}

#[tokio::test]
async fn is_true_matches_neither_way_of_writing_the_predicate() {
    for (index, predicate) in [
        (ACTIVE_IS_TRUE, "is_active"),
        (ACTIVE_IS_TRUE, "is_active = true"),
        (ACTIVE, "is_active IS TRUE"),
        (ACTIVE_EQUALS_TRUE, "is_active IS TRUE"),
    ] {
        let mut facts = Facts::with(Some(index)).await;
        let conflict = format!("ON CONFLICT (student_id, course_id) WHERE {predicate} DO NOTHING");
        assert_eq!(
            facts.insert(&conflict).await,
            Err(NO_ARBITER.to_owned()),
            "{index} with {predicate}"
        );
        facts.end().await;
    }
}

/// Five custom plans see the value; the generic plan that follows does not, and finds no arbiter.
#[tokio::test]
async fn a_parameter_in_the_predicate_works_five_times_and_then_fails() {
    let mut facts = Facts::with(Some(ACTIVE)).await;
    let mut results = Vec::new();
    for _ in 0..6 {
        let statement = "INSERT INTO bought (student_id, course_id) VALUES ($1, $1) \
                         ON CONFLICT (student_id, course_id) WHERE is_active = $2 DO NOTHING";
        let insert = sqlx::query(statement).bind(Uuid::new_v4()).bind(true);
        results.push(
            insert
                .execute(&mut facts.conn)
                .await
                .map(|done| done.rows_affected())
                .map_err(|error| state(&error)),
        );
    }
    assert_eq!(results[..5], [Ok(1), Ok(1), Ok(1), Ok(1), Ok(1)]);
    assert_eq!(results[5], Err(NO_ARBITER.to_owned()));
    facts.end().await;
}

#[tokio::test]
async fn a_literal_in_the_predicate_goes_on_working() {
    let mut facts = Facts::with(Some(ACTIVE)).await;
    for execution in 0..20 {
        assert_eq!(facts.insert(TARGETED).await, Ok(u64::from(execution == 0)));
    }
    facts.end().await;
}

#[tokio::test]
async fn without_the_index_a_targeted_conflict_fails_and_a_targetless_one_makes_duplicates() {
    let mut facts = Facts::with(None).await;
    assert_eq!(facts.insert(TARGETED).await, Err(NO_ARBITER.to_owned()));
    assert_eq!(facts.insert("ON CONFLICT DO NOTHING").await, Ok(1));
    assert_eq!(facts.insert("ON CONFLICT DO NOTHING").await, Ok(1));
    assert_eq!(facts.database.count("SELECT count(*) FROM bought").await, 2);
    facts.end().await;
}

#[tokio::test]
async fn a_plan_that_was_made_with_the_index_fails_cleanly_once_it_is_dropped() {
    let mut facts = Facts::with(Some(ACTIVE)).await;
    for _ in 0..10 {
        facts.insert(TARGETED).await.unwrap();
    }
    facts.execute("DROP INDEX active").await.unwrap();
    assert_eq!(facts.insert(TARGETED).await, Err(NO_ARBITER.to_owned()));
    facts.end().await;
}

#[tokio::test]
async fn a_failed_concurrent_build_leaves_an_index_that_is_listed_and_not_inferred() {
    let mut facts = Facts::with(None).await;
    for _ in 0..2 {
        facts.insert("").await.unwrap();
    }
    let build = "CREATE UNIQUE INDEX CONCURRENTLY active ON bought (student_id, course_id) WHERE is_active";
    assert_eq!(facts.execute(build).await, Err("23505".to_owned()));
    assert_eq!(
        facts
            .database
            .count("SELECT count(*) FROM pg_indexes WHERE indexname = 'active'")
            .await,
        1
    );
    assert_eq!(facts.insert(TARGETED).await, Err(NO_ARBITER.to_owned()));
    facts.end().await;
}

#[tokio::test]
async fn if_not_exists_reports_success_over_an_invalid_index() {
    let mut facts = Facts::with(None).await;
    for _ in 0..2 {
        facts.insert("").await.unwrap();
    }
    let build = "CREATE UNIQUE INDEX CONCURRENTLY active ON bought (student_id, course_id) WHERE is_active";
    assert_eq!(facts.execute(build).await, Err("23505".to_owned()));
    facts.execute("DELETE FROM bought").await.unwrap();
    let again = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS active
                 ON bought (student_id, course_id) WHERE is_active";
    assert_eq!(facts.execute(again).await, Ok(()));
    let valid = "SELECT count(*) FROM pg_index WHERE indexrelid = 'active'::regclass AND indisvalid";
    assert_eq!(facts.database.count(valid).await, 0);
    facts.end().await;
}
