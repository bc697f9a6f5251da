//! Every amount is integer paisa from end to end: the code that handles money has no floating-point number in it.
//!
//! The source is walked, not run: a float that is not used today is called tomorrow. What a clock or a metric takes as a float
//! is named by conversions (`as_secs_f64`), which carry no money.

use std::fs;
use std::path::{Path, PathBuf};

/// Where money is handled, from the root.
const MONEY: [&str; 14] = [
    "shared/makegood/src/gateway",
    "shared/makegood/src/stock",
    "shared/makegood/src/job",
    "shared/makegood/src/verification",
    "shared/makegood/src/case.rs",
    "shared/makegood/src/event",
    "shared/makegood/src/purchase",
    "shared/makegood/src/http",
    "functions/create-order-intent/src",
    "functions/verify-payment/src",
    "functions/finalize-order/src",
    "functions/order-status/src",
    "functions/receive-payment/src",
    "functions/sweep/src/reconcile",
];
/// What a float is called in Rust, in serde_json and in SQL.
const FLOATS: [&str; 11] = [
    "f32",
    "f64",
    "as_f64",
    "from_f64",
    "is_f64",
    "float4",
    "float8",
    "double",
    "real",
    "Decimal",
    "BigDecimal",
];

/// Seconds, which `make_interval` takes as a float; no money.
const SECONDS: &str = "f64::from(LEASE_SECONDS)";

/// Each line of this text that has a float in it, or a literal with a decimal point, outside comments and texts.
fn floats_in(text: &str, is_sql: bool) -> Vec<String> {
    let code = without_comments_and_texts(text, is_sql).replace(SECONDS, "");
    let lines = code.lines().zip(text.lines());
    lines
        .filter(|(code, _)| names_float(code) || has_decimal_literal(code))
        .map(|(_, line)| line.trim().to_owned())
        .collect()
}

fn names_float(code: &str) -> bool {
    code.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .any(|word| {
            FLOATS.contains(&word) || word.ends_with("_f64") && word.starts_with(|c: char| c.is_ascii_digit())
        })
}

/// `1.5`, but neither `1..5` nor `pair.0.1` nor `1.max(2)`.
fn has_decimal_literal(code: &str) -> bool {
    let bytes = code.as_bytes();
    (1..bytes.len()).any(|point| {
        let digits_before = bytes[..point]
            .iter()
            .rev()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'_')
            .count();
        let before = bytes[..point - digits_before.min(point)].last();
        bytes[point] == b'.'
            && digits_before > 0
            && bytes.get(point + 1).is_some_and(u8::is_ascii_digit)
            && !before.is_some_and(|byte| *byte == b'.' || *byte == b'$' || byte.is_ascii_alphabetic())
    })
}

/// The same lines; comments, texts and characters are blank. SQL in a text is SQL and stays.
fn without_comments_and_texts(text: &str, is_sql: bool) -> String {
    let comment = if is_sql { "--" } else { "//" };
    let mut kept = String::new();
    for line in text.lines() {
        let trimmed = line.trim_start();
        let is_prose = trimmed.starts_with(comment);
        let code = line.split(comment).next().unwrap_or_default();
        kept.push_str(if is_prose { "" } else { code });
        kept.push('\n');
    }
    if is_sql {
        without_quoted(&kept)
    } else {
        without_plain_texts(&kept)
    }
}

/// Blanks what stands between single quotes.
fn without_quoted(sql: &str) -> String {
    let parts = sql.split('\'').enumerate();
    let blanked = parts.map(|(number, part)| {
        if number % 2 == 0 {
            part.to_owned()
        } else {
            blank(part)
        }
    });
    blanked.collect::<Vec<_>>().join("'")
}

fn blank(text: &str) -> String {
    text.chars()
        .map(|character| if character == '\n' { '\n' } else { ' ' })
        .collect()
}

/// Blanks the texts of Rust that hold no SQL statement.
fn without_plain_texts(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(begin) = rest.find('"') {
        let (before, after) = rest.split_at(begin);
        let after = &after[1..];
        let length = text_length(after);
        let text = &after[..length];
        let is_sql = ["SELECT", "INSERT INTO", "UPDATE ", "DELETE FROM"]
            .iter()
            .any(|verb| text.contains(verb));
        kept.push_str(before);
        kept.push_str(&if is_sql { without_quoted(text) } else { blank(text) });
        rest = after.get(length + 1..).unwrap_or_default();
    }
    kept + rest
}

fn text_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut position = 0;
    while position < bytes.len() && bytes[position] != b'"' {
        position += if bytes[position] == b'\\' { 2 } else { 1 };
    }
    position.min(text.len())
}

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let files = entries.flat_map(|entry| sources(&entry.unwrap().path()));
    files
        .filter(|file| file.extension().is_some_and(|end| end == "rs" || end == "sql"))
        .filter(|file| !file.to_string_lossy().ends_with("_tests.rs"))
        .collect()
}

/// The code without its unit tests, which stand at a file's end.
fn product(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
}

#[test]
fn code_that_handles_money_has_no_float() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut looked_at = 0;
    let mut floats = Vec::new();
    for place in MONEY {
        for file in sources(&root.join(place)) {
            looked_at += 1;
            let text = fs::read_to_string(&file).unwrap();
            let is_sql = file.extension().is_some_and(|end| end == "sql");
            let name = file.strip_prefix(root).unwrap().display();
            floats.extend(
                floats_in(product(&text), is_sql)
                    .into_iter()
                    .map(|line| format!("{name}: {line}")),
            );
        }
    }
    assert!(looked_at > 100, "only {looked_at} files were looked at");
    assert!(floats.is_empty(), "floats where money is:\n{}", floats.join("\n"));
}

#[test]
fn money_columns_are_bigint_and_no_column_is_a_float() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for file in sources(&root.join("migrations")) {
        let text = fs::read_to_string(&file).unwrap();
        let name = file.display();
        assert_eq!(floats_in(&text, true), Vec::<String>::new(), "{name}");
        for line in text.lines().filter(|line| !line.trim_start().starts_with("--")) {
            let mut words = line.split_whitespace();
            let column = words.next().unwrap_or_default();
            // What a function computes is no column.
            let is_name = column
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '_');
            if is_name && (column.ends_with("_cents") || column == "amount_verified") {
                let kind = words.next().unwrap_or_default().trim_end_matches(',');
                // A function's own assignment is no column.
                assert!(matches!(kind, "bigint" | "integer" | ":="), "{name}: {line}");
            }
        }
    }
}

#[test]
fn the_look_at_the_source_sees_every_way_to_write_a_float() {
    for line in [
        "let rupees: f64 = 0;",
        "let rupees = paisa as f32;",
        "let rupees = value.as_f64();",
        "let rupees = 10.5;",
        "let paisa = rupees * 100.0;",
        "let rupees = 1_f64;",
        "sqlx::query!(\"SELECT amount_cents::float8 FROM payment_intents\");",
        "sqlx::query!(\"SELECT amount_cents * 1.0 FROM payment_intents\");",
    ] {
        assert_eq!(floats_in(line, false).len(), 1, "{line}");
    }
    for line in [
        "let seconds = wait.as_secs_f64(); // 1.5 s",
        "//! rupees as text: `1000.0`, never an f64",
        "assert_eq!(paisa(\"1000.0\"), 100_000);",
        "let (a, b) = (pair.0, pair.1);",
        "for n in 1..5 {}",
        "let x = nested.0.1;",
    ] {
        assert_eq!(floats_in(line, false), Vec::<String>::new(), "{line}");
    }
    assert_eq!(
        floats_in("version text DEFAULT '1.0', note text", true),
        Vec::<String>::new()
    );
    assert_eq!(floats_in("SELECT sum(cents) * 0.01 -- rupees", true).len(), 1);
    assert_eq!(floats_in("SELECT $1.5::double precision", true).len(), 1);
}
