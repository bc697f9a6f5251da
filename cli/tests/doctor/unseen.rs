//! A doctor that does not call well what it can't see.

use crate::scene::{Scene, healthy_rows, text};
use makegood::db::Database;
use makegood_tests::reader::Reader;
use operate::doctor::{self, Report, Scope};
use std::collections::BTreeSet;
use std::path::Path;

fn pool_of(reader: &Reader<'_>) -> Database {
    Database::with_options(reader.url().parse().unwrap(), 2)
}

async fn doctor_of(pool: &Database) -> Report {
    let scope = Scope {
        only: BTreeSet::new(),
        now: chrono::Utc::now() + chrono::TimeDelta::days(1),
        timezone: chrono_tz::Asia::Kolkata,
        teaching_days: makegood::school_days::TeachingDays::default(),
        single_operator: false,
    };
    doctor::check(pool, &scope).await.unwrap()
}

/// Paid, and nothing made of it.
const UNFULFILLED: &str = "INSERT INTO payments (id, student_id, amount_cents, status, metadata, confirmed_at)
    VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'succeeded', jsonb_build_object('courseId', gen_random_uuid()), now())";

#[tokio::test]
async fn a_role_from_which_rows_are_hidden_is_told_that_it_can_not_see() {
    let scene = Scene::empty().await;
    scene.database.run_sql(&healthy_rows(3)).await;
    scene.database.run_sql(UNFULFILLED).await;
    let reader = Reader::create(
        &scene.database,
        "GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO ROLE;
         ALTER TABLE payments ENABLE ROW LEVEL SECURITY",
    )
    .await;
    // GIVEN a paid student whom this role can't see
    let pool = pool_of(&reader);
    let report = doctor_of(&pool).await;
    // THEN nothing is said to hold, and why
    assert!(
        !report
            .findings
            .iter()
            .any(|finding| finding.code == "payment-without-purchase")
    );
    let unseen: Vec<(&str, &str)> = report
        .unseen
        .iter()
        .map(|why| (why.code, why.at.as_str()))
        .collect();
    assert_eq!(
        (unseen, report.is_healthy()),
        (vec![("row-security", "payments")], false)
    );
    let output = scene.makegood_at(&reader.url(), &["doctor", "--only", "G4"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = text(&output.stdout);
    assert!(
        told.contains("? unseen  G4") && told.contains("can't see: row-security payments"),
        "{told}"
    );
    assert!(!told.contains("holds"), "{told}");
    // WHEN the statement that it names is run THEN it sees
    let statement = report.unseen[0].statement.clone().unwrap();
    scene.database.run_sql(&statement).await;
    let report = doctor_of(&pool).await;
    assert!(report.unseen.is_empty());
    assert!(
        report
            .findings
            .iter()
            .any(|finding| finding.code == "payment-without-purchase")
    );
    pool.close();
    reader.drop().await;
    scene.drop().await;
}

#[tokio::test]
async fn a_role_that_may_not_read_a_table_is_told_so() {
    let scene = Scene::empty().await;
    let grants = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE; REVOKE SELECT ON disputes FROM ROLE";
    let reader = Reader::create(&scene.database, grants).await;
    let pool = pool_of(&reader);
    let report = doctor_of(&pool).await;
    let unseen: Vec<(&str, &str)> = report
        .unseen
        .iter()
        .map(|why| (why.code, why.at.as_str()))
        .collect();
    assert_eq!(unseen, [("not-readable", "disputes")]);
    scene
        .database
        .run_sql(report.unseen[0].statement.as_ref().unwrap())
        .await;
    assert!(doctor_of(&pool).await.is_healthy());
    pool.close();
    reader.drop().await;
    scene.drop().await;
}

/// The doctor's own queries.
fn queries() -> String {
    fn read(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|kind| kind == "sql") {
                *text += &std::fs::read_to_string(&path).unwrap();
            }
        }
    }
    let mut text = String::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/operate/src/doctor"),
        &mut text,
    );
    text
}

#[tokio::test]
async fn rows_that_are_hidden_in_any_table_that_is_read_are_named_and_nothing_is_called_well() {
    let scene = Scene::empty().await;
    scene.database.run_sql(&healthy_rows(3)).await;
    let reader = Reader::create(
        &scene.database,
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE",
    )
    .await;
    let pool = pool_of(&reader);
    assert!(doctor_of(&pool).await.unseen.is_empty());
    // GIVEN each table that the doctor's queries name
    let queries = queries();
    let words: BTreeSet<&str> = queries
        .split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .collect();
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
            .fetch_all(&scene.database.direct())
            .await
            .unwrap();
    let read: Vec<&String> = tables
        .iter()
        .filter(|table| words.contains(table.as_str()))
        .collect();
    assert!(read.len() > 20, "{read:?}");
    for table in read {
        // WHEN its rows are hidden
        let hide = format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY");
        scene.database.run_sql(&hide).await;
        // THEN it is named
        let report = doctor_of(&pool).await;
        let unseen: Vec<(&str, &str)> = report
            .unseen
            .iter()
            .map(|why| (why.code, why.at.as_str()))
            .collect();
        assert_eq!(unseen, [("row-security", table.as_str())]);
        assert!(!report.is_healthy(), "{table}");
        let show = format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY");
        scene.database.run_sql(&show).await;
    }
    assert!(doctor_of(&pool).await.unseen.is_empty());
    pool.close();
    reader.drop().await;
    scene.drop().await;
}
