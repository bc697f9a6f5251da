//! The tables of a database that is there already, where the command is asked to look at them.

use crate::account::{Account, SCHOOL, Said};
use makegood_tests::database::TestDatabase;

async fn told(database_url: String) -> Said {
    let arguments = [
        "--json",
        "preflight",
        "--check-database",
        "--stack-name",
        "makegood-prod",
        "--parameter-overrides",
    ];
    let account = Account::healthy().beside(database_url);
    account.tell(&[&arguments, &SCHOOL[..]].concat()).await
}

fn of_tables(said: &Said, verdict: &str) -> Vec<String> {
    let rows = said.rows(verdict).into_iter();
    rows.filter(|row| row.starts_with("tables: ")).collect()
}

#[tokio::test]
async fn a_changed_database_fails_before_anything_is_deployed_and_its_cure_is_said() {
    // GIVEN a database as the migrations leave it
    let database = TestDatabase::create().await;
    let said = told(database.direct_url()).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        of_tables(&said, "fine"),
        ["tables: the database is as our SQL relies on → "]
    );
    // WHEN another team adds a column that our SQL does not write
    database
        .run_sql("ALTER TABLE student_course_purchases ADD channel text NOT NULL DEFAULT 'web'; ALTER TABLE student_course_purchases ALTER channel DROP DEFAULT")
        .await;
    // THEN it would fail, with the statement that cures it, and without the flag nothing is asked
    let said = told(database.direct_url()).await;
    assert_eq!(said.code, 1, "{said:?}");
    let fails = of_tables(&said, "fails").join("\n");
    for expected in ["student_course_purchases.channel", "ALTER TABLE"] {
        assert!(fails.contains(expected), "{fails}");
    }
    let without = Account::healthy()
        .beside(database.direct_url())
        .told(&SCHOOL)
        .await;
    assert_eq!(without.code, 0, "{without:?}");
    database.drop().await;
}

#[tokio::test]
async fn a_database_that_can_not_be_asked_is_no_fine_one() {
    let said = told("postgres://makegood@127.0.0.1:1/none".to_owned()).await;
    assert_eq!(said.code, 1, "{said:?}");
    let unasked = of_tables(&said, "unasked");
    assert!(
        unasked.len() == 1 && unasked[0].contains("the database could not be asked"),
        "{unasked:?}"
    );
}
