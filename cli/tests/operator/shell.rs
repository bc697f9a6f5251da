//! What a shell and `man` know of the command.

use std::process::{Command, Output, Stdio};

const MAKEGOOD: &str = env!("CARGO_BIN_EXE_makegood");

fn makegood(arguments: &[&str]) -> Output {
    let mut command = Command::new(MAKEGOOD);
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

#[test]
fn the_version_names_the_commit_that_it_was_built_of() {
    let head = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .unwrap();
    let head = String::from_utf8(head.stdout).unwrap();
    let version = String::from_utf8(makegood(&["--version"]).stdout).unwrap();
    let expected = match head.trim() {
        "" => format!("makegood {}", env!("CARGO_PKG_VERSION")),
        commit => format!("makegood {} ({commit})", env!("CARGO_PKG_VERSION")),
    };
    assert_eq!(version.trim(), expected);
}

#[test]
fn each_shell_gets_completions_that_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = makegood(&["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{shell}");
        for name in ["doctor", "dead-letters", "replay", "preflight"] {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    assert_eq!(makegood(&["completions", "cmd"]).status.code(), Some(2));
}

#[test]
fn bash_completes_a_command_and_its_options() {
    let completed = |words: &[&str]| {
        let line = format!(
            "source <({MAKEGOOD} completions bash); COMP_WORDS=({}); COMP_CWORD={}; _makegood makegood '{}' ''; echo \"${{COMPREPLY[*]}}\"",
            words.join(" "),
            words.len() - 1,
            words.last().unwrap(),
        );
        let output = Command::new("bash")
            .args(["--norc", "-c", &line])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(completed(&["makegood", "doct"]), "doctor");
    assert_eq!(completed(&["makegood", "dead-letters", "rep"]), "replay");
}

#[test]
fn each_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let pages = folder.path().join("man1");
    let output = makegood(&["man", pages.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for page in ["makegood", "makegood-doctor", "makegood-dead-letters-replay"] {
        let text = std::fs::read_to_string(pages.join(format!("{page}.1"))).unwrap();
        assert!(
            text.contains(".TH ") && text.contains("SYNOPSIS"),
            "{page}: {text}"
        );
    }
    // A file is no folder.
    let file = pages.join("makegood.1");
    assert_eq!(makegood(&["man", file.to_str().unwrap()]).status.code(), Some(2));
}
