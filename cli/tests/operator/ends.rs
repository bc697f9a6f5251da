//! How commands end: one table of exit codes for all, and no panic when the reader has gone.

use crate::operator::{Operator, purchase_created};
use serde_json::json;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use tempfile::NamedTempFile;

const ID: &str = "00000000-0000-4000-8000-000000000001";

/// A command in its right usage, and in a wrong one.
type Usage = (&'static [&'static str], &'static [&'static str]);

/// Every command but `replay-event` and `statement import`, which need a file, and `preflight` and `subject`, which ask no
/// database (`preflight/usage.rs`, and below).
const COMMANDS: [Usage; 24] = [
    (&["check-database"], &["check-database", "now"]),
    (&["migrate"], &["migrate", "now"]),
    (&["ensure-index"], &["ensure-index", "unique_nothing"]),
    (&["doctor"], &["doctor", "--only", "G99"]),
    (&["normalise-times"], &["normalise-times", "now"]),
    (&["trace", "pi_unknown"], &["trace", ""]),
    (
        &["dead-letters", "list"],
        &["dead-letters", "list", "--since", "yesterday"],
    ),
    (&["dead-letters", "show", ID], &["dead-letters", "show", "1234"]),
    (
        &["dead-letters", "replay", ID, "--reason", "r"],
        &["dead-letters", "replay", "--all", "--yes", "--reason", " "],
    ),
    (
        &["dead-letters", "discard", ID, "--reason", "r"],
        &["dead-letters", "discard", ID, "--reason", " "],
    ),
    (&["jobs", "list"], &["jobs", "list", "--status", "fialed"]),
    (&["jobs", "show", ID], &["jobs", "show", "1234"]),
    (
        &["jobs", "retry", ID, "--reason", "r"],
        &["jobs", "retry", ID, "--reason", " "],
    ),
    (
        &["jobs", "cancel", ID, "--reason", "r"],
        &["jobs", "cancel", ID, "--reason", " "],
    ),
    (&["cases", "list"], &["cases", "list", "--kind", "refund"]),
    (&["cases", "show", ID], &["cases", "show", "1234"]),
    (
        &["refunds", "list"],
        &["refunds", "list", "--status", "proccessed"],
    ),
    (&["refunds", "show", ID], &["refunds", "show", ""]),
    (
        &["statement", "check"],
        &["statement", "check", "--since", "yesterday"],
    ),
    (&["statement", "show", ID], &["statement", "show", ""]),
    (
        &["privacy", "export", "--student", ID],
        &["privacy", "export", "--student", ID, "--buyer", ID],
    ),
    (
        &["privacy", "erase", "--buyer", ID, "--reason", "r"],
        &["privacy", "erase", "--buyer", ID, "--reason", " "],
    ),
    (
        &[
            "refunds",
            "record",
            "--payment",
            ID,
            "--amount",
            "1",
            "--reference",
            "r",
            "--reason",
            "r",
        ],
        &[
            "refunds",
            "record",
            "--payment",
            ID,
            "--amount",
            "1",
            "--reference",
            "r",
            "--reason",
            " ",
        ],
    ),
    (
        &["cases", "assign", ID, "--to", "binod", "--reason", "r"],
        &["cases", "assign", ID, "--to", " ", "--reason", "r"],
    ),
];
/// Those that differ from `assign` in nothing but what they do, the edits, and more of the dead letters.
const MORE: [Usage; 8] = [
    (
        &["cases", "note", ID, "--reason", "r"],
        &["cases", "note", ID, "--reason", " "],
    ),
    (
        &["cases", "resolve", ID, "--reason", "r"],
        &["cases", "resolve", ID, "--reason", " "],
    ),
    (
        &["dead-letters", "groups"],
        &["dead-letters", "groups", "--by", "reason"],
    ),
    (
        &["dead-letters", "restore", ID, "--reason", "r"],
        &["dead-letters", "restore", ID, "--reason", " "],
    ),
    (&["edits", "list"], &["edits", "list", "--status", "waiting"]),
    (&["edits", "show", ID], &["edits", "show", "1234"]),
    (
        &["edits", "confirm", ID, "--reason", "r"],
        &["edits", "confirm", ID, "--reason", " "],
    ),
    (
        &["edits", "withdraw", ID, "--reason", "r"],
        &["edits", "withdraw", ID, "--reason", " "],
    ),
];

fn usages() -> impl Iterator<Item = Usage> {
    COMMANDS.into_iter().chain(MORE)
}

fn makegood(arguments: &[&str], variables: &[(&str, &str)]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_makegood"))
        .args(arguments)
        .env_clear()
        .env("USER", "asha")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Every command that the help knows, found by asking it.
fn commands_below(path: &[String], found: &mut BTreeSet<String>) {
    let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
    let help = String::from_utf8(makegood(&arguments, &[]).stdout).unwrap();
    let Some((_, below)) = help.split_once("\nCommands:\n") else {
        found.insert(path.join(" "));
        return;
    };
    let names = below
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| *name != "help") {
        commands_below(&[path, &[name.to_owned()]].concat(), found);
    }
}

#[test]
fn every_command_is_held_to_the_table() {
    let mut known = BTreeSet::new();
    commands_below(&[], &mut known);
    let tested: BTreeSet<String> = usages()
        .map(|(right, _)| {
            let words = if matches!(
                right[0],
                "dead-letters" | "edits" | "jobs" | "cases" | "refunds" | "statement" | "privacy"
            ) {
                2
            } else {
                1
            };
            right[..words].join(" ")
        })
        .chain(
            [
                "replay-event",
                "preflight",
                "statement import",
                "completions",
                "man",
                "subject",
            ]
            .map(str::to_owned),
        )
        .collect();
    assert_eq!(tested, known);
}

#[test]
fn wrong_usage_and_bad_input_exit_with_2_even_while_the_database_is_away() {
    // Nothing listens on port 1.
    let away = [("DATABASE_URL", "postgres://makegood@127.0.0.1:1/nothing")];
    for (_, wrong) in usages() {
        let output = makegood(wrong, &away);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{output:?}"
        );
    }
    let text = NamedTempFile::new().unwrap();
    std::fs::write(text.path(), "no event").unwrap();
    let text = text.path().to_str().unwrap();
    for wrong in [
        &["replay-event", text, "--reason", "r"][..],
        &["replay-event", "/nowhere.json", "--reason", "r"],
        &["replay-event", text],
        &[
            "dead-letters",
            "replay",
            ID,
            "--payload",
            "/nowhere.json",
            "--reason",
            "r",
        ],
    ] {
        let output = makegood(wrong, &away);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
    }
}

#[test]
fn a_subject_is_told_without_a_database_and_a_blank_one_is_wrong_usage() {
    let id = "f2bbfee8-314a-55bc-ba16-6f85370108f9";
    for (subject, printed) in [("auth0|6502c1d8e2", id), (id, id), (&id.to_uppercase(), id)] {
        let output = makegood(&["subject", subject], &[]);
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stdout).unwrap()),
            (Some(0), format!("{printed}\n"))
        );
        let output = makegood(&["--json", "subject", subject], &[]);
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(answer, json!({"userId": printed}));
    }
    for wrong in [
        &["subject"][..],
        &["subject", ""],
        &["subject", " "],
        &["privacy", "export", "--buyer", " "],
    ] {
        let output = makegood(wrong, &[]);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
    }
}

#[test]
fn a_command_that_can_not_look_exits_with_3() {
    let event = NamedTempFile::new().unwrap();
    std::fs::write(event.path(), purchase_created().to_string()).unwrap();
    let event = event.path().to_str().unwrap();
    let away = [("DATABASE_URL", "postgres://makegood@127.0.0.1:1/nothing")];
    let mut commands = Vec::new();
    for (right, _) in usages().chain([(&["replay-event", "EVENT", "--reason", "r"][..], &[][..])]) {
        let right = right
            .iter()
            .map(|word| if *word == "EVENT" { event } else { word });
        let right: Vec<&str> = right.collect();
        for variables in [&away[..], &[]] {
            for json in [&[][..], &["--json"]] {
                commands.push(([json, &right].concat(), variables));
            }
        }
    }
    // All at once: each waits some seconds for a database that does not come.
    std::thread::scope(|scope| {
        for (arguments, variables) in &commands {
            scope.spawn(move || {
                let output = makegood(arguments, variables);
                assert_eq!(output.status.code(), Some(3), "{arguments:?}: {output:?}");
            });
        }
    });
}

#[tokio::test]
async fn what_is_not_there_exits_with_1_and_an_empty_list_with_0() {
    let operator = Operator::open().await;
    for (right, _) in usages() {
        let is_calm = matches!(
            right,
            ["migrate" | "ensure-index" | "check-database" | "doctor" | "normalise-times"]
                | [_, "list" | "groups"]
                | ["statement", "check"]
        );
        // The migrator can't go through a pooler, which the tests' command does.
        if !matches!(right[0], "migrate" | "ensure-index") {
            let answer = operator.run(right).await;
            assert_eq!(answer.code, i32::from(!is_calm), "{right:?}: {answer:?}");
        }
    }
    operator.close().await;
}

/// How a command ends whose reader has gone before it says a word, with standard error gone as well.
fn without_reader(mut command: Command) -> std::process::ExitStatus {
    let writer = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        writer
    };
    command.stdout(writer()).stderr(writer()).status().unwrap()
}

#[tokio::test]
async fn a_reader_that_goes_away_changes_no_exit_code() {
    let operator = Operator::open().await;
    let dead_letter = operator.dead_letter("created-cache", "{broken").await.to_string();
    for n in 0..300 {
        let body = json!({"n": n}).to_string();
        operator.dead_letter("created-cache", &body).await;
    }
    let cases: [(&[&str], i32); 10] = [
        (&["dead-letters", "list", "--limit", "300"], 0),
        (&["--json", "dead-letters", "list", "--limit", "300"], 0),
        (&["dead-letters", "show", &dead_letter], 0),
        (&["dead-letters", "show", &dead_letter, "--payload"], 0),
        (&["check-database"], 0),
        (&["doctor"], 0),
        (&["--json", "doctor"], 0),
        (&["trace", "pi_unknown"], 1),
        (&["dead-letters", "replay", "--all"], 1),
        (&["--json", "jobs", "show", ID], 1),
    ];
    for (arguments, code) in cases {
        let command = operator.command(arguments);
        let status = without_reader(command.into_std());
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
    operator.close().await;
}

#[test]
fn help_usage_and_errors_without_a_reader_do_not_panic() {
    for (arguments, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["dead-letters", "replay", "--help"], 0),
        (&["nothing"], 2),
        (&["check-database"], 3),
        (&["doctor"], 3),
        (&["--json", "doctor"], 3),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_makegood"));
        command.args(arguments).env_clear();
        assert_eq!(without_reader(command).code(), Some(code), "{arguments:?}");
    }
}

#[tokio::test]
async fn an_answer_that_can_not_be_written_is_an_error_and_no_panic() {
    let operator = Operator::open().await;
    operator.dead_letter("created-cache", "{}").await;
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in [&["dead-letters", "list"][..], &["--json", "dead-letters", "list"]] {
        let mut command = operator.command(arguments).into_std();
        let output = command.stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
        let output = output.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert!(told.contains("can't be written"), "{told}");
    }
    operator.close().await;
}
