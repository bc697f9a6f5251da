//! One way to a connection (docs/decisions/0015): outside `shared/makegood/src/db` no deployed code names the driver's connection, pool or
//! transaction. What such code holds could go back to a pool with a transaction open on the server.

use std::fs;
use std::path::{Path, PathBuf};

/// Where deployed code and the command line are, from the root.
const CODE: [&str; 4] = [
    "shared/makegood/src",
    "shared/operate/src",
    "functions",
    "cli/src",
];
/// What only `shared/makegood/src/db` may name: the ways to a connection that does not know whether its work has ended.
const DRIVER: [&str; 9] = [
    "PgPool",
    "PgPoolOptions",
    "PoolConnection",
    "PgTransaction",
    "sqlx::Transaction",
    "sqlx::Pool",
    "sqlx::Acquire",
    "begin_with",
    "PgListener",
];
/// The one file outside that opens a connection of its own: a session that holds a lock, never pooled.
const SESSIONS: [&str; 1] = ["shared/makegood/src/schema/session.rs"];

/// Each of the driver's names in this text, outside comments.
fn named_in(text: &str) -> Vec<&'static str> {
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    DRIVER
        .into_iter()
        .filter(|name| code.iter().any(|line| line.contains(name)))
        .collect()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir()
            && path
                .file_name()
                .is_some_and(|name| name != "tests" && name != "db")
        {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn nothing_outside_db_holds_the_drivers_connection_or_begins_a_transaction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in CODE {
        rust_files(&root.join(folder), &mut files);
    }
    assert!(files.len() > 200, "only {} files were read", files.len());
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        let name = file
            .strip_prefix(&root)
            .expect("below the root")
            .display()
            .to_string();
        found.extend(named_in(&text).into_iter().map(|what| format!("{name}: {what}")));
        if text.contains("PgConnection") && !SESSIONS.contains(&name.as_str()) {
            found.push(format!("{name}: PgConnection"));
        }
    }
    assert!(
        found.is_empty(),
        "use makegood::db instead:\n{}",
        found.join("\n")
    );
}

#[test]
fn each_way_around_is_seen() {
    for line in [
        "let pool: PgPool = todo;",
        "use sqlx::pool::PoolConnection;",
        "let t = connection.begin_with(BEGIN).await?;",
        "type T = sqlx::Transaction<'static, Postgres>;",
    ] {
        assert!(!named_in(line).is_empty(), "{line}");
    }
    assert!(named_in("// PgPool is not for us").is_empty());
}

/// Both statements write mark and event in the same words: only how a purchase is inserted may differ, with the index and without.
/// SQL has no way to include a text, and ON CONFLICT fails where the index is missing, so there are two files.
#[test]
fn a_purchase_is_marked_and_published_in_the_same_words_with_the_index_and_without() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |file: &str| fs::read_to_string(root.join("shared/makegood/src/purchase").join(file)).unwrap();
    let (fast, fallback) = (read("create_fast.sql"), read("create_fallback.sql"));
    let tail = |text: &str| text.split_once("), marked AS (").unwrap().1.to_owned();
    let request = |text: &str| {
        let from = text.find("WITH request AS (").unwrap();
        text[from..].split_once("\n), ").unwrap().0.to_owned()
    };
    assert_eq!(tail(&fast), tail(&fallback));
    assert_eq!(request(&fast), request(&fallback));
    assert!(tail(&fast).contains("INSERT INTO outbox"));
}
