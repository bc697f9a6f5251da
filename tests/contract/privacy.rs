//! docs/privacy.md against the migrated database: every column that can hold a text is said to be personal or not, and so is every id of a
//! person.

use makegood_tests::database::TestDatabase;
use makegood_tests::personal::{harmless, kept};
use std::collections::BTreeSet;

/// What can hold anything.
const TEXTS: &str = "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.table_name <> '_sqlx_migrations'
      AND c.data_type IN ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'xml', 'ARRAY', 'USER-DEFINED', 'inet', 'cidr')";
/// The ids of people.
const PEOPLE: &str = "SELECT c.table_name::text, c.column_name::text FROM information_schema.columns c
    WHERE c.table_schema = 'public' AND c.data_type = 'uuid'
      AND c.column_name ~ '^(student|user|buyer|trainer|vendor|parent)_id$|_by$|^person$'";
const ALL: &str = "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'";

async fn columns(database: &TestDatabase, query: &'static str) -> BTreeSet<(String, String)> {
    let rows: Vec<(String, String)> = sqlx::query_as(query).fetch_all(&database.direct()).await.unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn every_column_that_can_hold_a_text_or_a_person_is_in_one_of_the_two_tables_of_the_page() {
    let database = TestDatabase::create().await;
    let personal: BTreeSet<(String, String)> = kept()
        .into_iter()
        .map(|column| (column.table, column.column))
        .collect();
    let harmless = harmless();
    let said: BTreeSet<_> = personal.union(&harmless).cloned().collect();
    let both: Vec<_> = personal.intersection(&harmless).collect();
    assert!(both.is_empty(), "in both tables of docs/privacy.md: {both:?}");
    let texts = columns(&database, TEXTS).await;
    let unsaid: Vec<_> = texts.difference(&said).collect();
    assert!(unsaid.is_empty(), "in no table of docs/privacy.md: {unsaid:?}");
    let people = columns(&database, PEOPLE).await;
    let unsaid: Vec<_> = people.difference(&personal).collect();
    assert!(
        unsaid.is_empty(),
        "ids of people that docs/privacy.md does not list: {unsaid:?}"
    );
    let all = columns(&database, ALL).await;
    let gone: Vec<_> = said.difference(&all).collect();
    assert!(
        gone.is_empty(),
        "docs/privacy.md lists what is not there: {gone:?}"
    );
    assert!(
        texts.len() > 100 && people.len() > 8,
        "{} {}",
        texts.len(),
        people.len()
    );
    database.drop().await;
}
