//! What each statement of the code must not do, whatever it asks.
//!
//! An aggregate whose result depends on the order of its rows says that order itself. The order of a subquery counts for nothing beside
//! `count(DISTINCT …)`: PostgreSQL 16 and later sort the rows for it, and every aggregate of that SELECT gets them so.
//!
//! A column that is added changes no result: a statement that gives back `*` would answer 0A000 on each connection that knows it, and behind
//! PgBouncer to new clients too, until the server connection is closed.
//!
//! A statement that names all providers, or all kinds of entries, so that an index that begins with them serves, names those of the code: one
//! that is left out would not be found, in a person's copy too.

use makegood::gateway::Provider;
use makegood::payment::provider::{PROVIDER, STRIPE};
use makegood::statement::EntryKind;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The aggregates that make one value of rows in their order. `array_agg` is not one of them: several of one SELECT are read as the columns
/// of one list, which stay beside each other in any order.
const IN_ORDER: [&str; 4] = ["jsonb_agg(", "json_agg(", "string_agg(", "xmlagg("];
/// Its function is defined again, with an order, in 0475.
const REPLACED: &str = "0460_check_out.sql";

/// What stands between the aggregate's parentheses, for each that has no order.
fn without_order(sql: &str) -> Vec<&str> {
    let calls = IN_ORDER.into_iter().flat_map(|name| {
        sql.match_indices(name)
            .map(move |(at, _)| &sql[at + name.len()..])
    });
    calls
        .map(arguments)
        .filter(|arguments| !arguments.contains("ORDER BY"))
        .collect()
}

/// Up to the parenthesis that closes the call.
fn arguments(rest: &str) -> &str {
    let mut open = 1;
    let end = rest.find(|character| {
        open += i32::from(character == '(') - i32::from(character == ')');
        open == 0
    });
    &rest[..end.unwrap_or(rest.len())]
}

/// The text of each statement of the code, and of each migration, with its name.
fn statements() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut found = Vec::new();
    for folder in [".sqlx", "migrations"] {
        for entry in fs::read_dir(root.join(folder)).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            let text = || fs::read_to_string(&path).expect("a text");
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => {
                    let cached: Value = serde_json::from_str(&text()).expect("a document");
                    found.push((name, cached["query"].as_str().expect("its text").to_owned()));
                }
                Some("sql") if name != REPLACED => found.push((name, text())),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn what_is_aggregated_in_order_names_the_order() {
    let statements = statements();
    assert!(statements.len() > 300, "{} statements", statements.len());
    let unordered: Vec<String> = statements
        .iter()
        .flat_map(|(name, sql)| {
            let calls = without_order(sql).into_iter();
            calls.map(move |call| format!("{name}: {call}"))
        })
        .collect();
    assert!(
        unordered.is_empty(),
        "write ORDER BY within the aggregate: {unordered:#?}"
    );
}

/// What is outside all parentheses, without comments.
fn outermost(sql: &str) -> String {
    let code = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    let mut open = 0;
    let mut outside = String::new();
    for character in code.collect::<Vec<_>>().join(" ").chars() {
        open -= i32::from(character == ')');
        if open == 0 {
            outside.push(character);
        }
        open += i32::from(character == '(');
    }
    outside
}

/// Whether the columns of the result are whatever the table has.
fn gives_back_all(sql: &str) -> bool {
    let words: Vec<String> = outermost(sql).split_whitespace().map(str::to_uppercase).collect();
    words.windows(2).any(|pair| {
        let is_list = matches!(pair[0].as_str(), "SELECT" | "RETURNING" | "DISTINCT" | "ALL");
        is_list && (pair[1].starts_with('*') || pair[1].contains(".*"))
    })
}

#[test]
fn no_statement_gives_back_whatever_columns_a_table_has() {
    let all: Vec<String> = statements()
        .into_iter()
        .filter(|(name, sql)| name.ends_with("json") && gives_back_all(sql))
        .map(|(name, sql)| format!("{name}: {sql}"))
        .collect();
    assert!(all.is_empty(), "name the columns: {all:#?}");
}

/// The texts of the array literal after each `NAME = ANY (`.
fn lists<'a>(sql: &'a str, name: &str) -> Vec<BTreeSet<&'a str>> {
    let start = format!("{name} = ANY ('{{");
    let lists = sql.match_indices(&start).map(|(at, _)| &sql[at + start.len()..]);
    lists
        .map(|rest| rest.split('}').next().unwrap_or_default().split(',').collect())
        .collect()
}

#[test]
fn a_list_of_all_providers_or_kinds_leaves_none_out() {
    let kinds = [
        EntryKind::Payment,
        EntryKind::Refund,
        EntryKind::Adjustment,
        EntryKind::Settlement,
    ];
    let all_providers: BTreeSet<&str> = Provider::ALL
        .map(Provider::wire_name)
        .into_iter()
        .chain([PROVIDER, STRIPE])
        .collect();
    let all_kinds: BTreeSet<&str> = kinds.map(EntryKind::wire_name).into_iter().collect();
    let mut found = 0;
    for (name, sql) in statements() {
        for (column, all) in [("provider", &all_providers), ("kind", &all_kinds)] {
            // A list of cases' kinds, or of a few, is another matter: those here stand for any.
            let lists = lists(&sql, column)
                .into_iter()
                .filter(|list| list.contains(all.first().unwrap()) && list.len() + 1 >= all.len());
            for list in lists {
                assert_eq!(list, *all, "{name}: {column}");
                found += 1;
            }
        }
    }
    assert!(found >= 7, "{found} lists");
}

#[test]
fn a_star_counts_only_where_the_result_is_named() {
    for sql in [
        "SELECT * FROM t",
        "UPDATE t SET a = 1 RETURNING *",
        "WITH w AS (SELECT 1) SELECT w.* FROM w",
    ] {
        assert!(gives_back_all(sql), "{sql}");
    }
    for sql in [
        "SELECT a FROM (SELECT * FROM t) u",
        "SELECT count(*) FROM t",
        "SELECT a * b FROM t",
    ] {
        assert!(!gives_back_all(sql), "{sql}");
    }
}

#[test]
fn an_order_outside_the_call_is_none() {
    let outside = "SELECT jsonb_agg(f(a)) FROM (SELECT a FROM t ORDER BY a) t";
    assert_eq!(without_order(outside), ["f(a)"]);
    assert!(without_order("SELECT jsonb_agg(f(a) ORDER BY a), count(DISTINCT b) FROM t").is_empty());
}

/// Columns that others write too; those of intents and orders are ours alone.
const METADATA_OF_OTHERS: [&str; 3] = ["payments", "student_course_purchases", "trainer_allocations"];

/// An ORM's well-known fault is an object that was encoded twice. Who looks into it without the one reader finds nothing, and says so.
#[test]
fn metadata_that_others_write_is_read_by_the_one_reader() {
    let looks = ["metadata ->", "metadata #", "metadata ?", "jsonb_set(t.metadata"];
    let bare: Vec<String> = statements()
        .into_iter()
        .filter(|(name, sql)| {
            Path::new(name).extension().is_none_or(|kind| kind != "sql")
                && METADATA_OF_OTHERS.iter().any(|table| sql.contains(table))
                && !sql.contains("payment_intents")
        })
        .filter(|(_, sql)| {
            let left = sql
                .replace("OR y.metadata ->> 'orderId' = $3", "")
                .replace("y.metadata #>> '{}'", "");
            looks.iter().any(|look| left.contains(look))
        })
        .map(|(_, sql)| sql)
        .collect();
    assert!(bare.is_empty(), "read it through makegood_object: {bare:#?}");
}
