//! Who may depend on whom: what moves money to goods never depends on what a person looks with (docs/architecture.md).

use std::fs;
use std::path::{Path, PathBuf};

/// The only function that shows things to people; the command line is the other user of `operate`.
const CONSOLE: &str = "admin";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What this package is built with, tests left out.
fn dependencies(manifest: &str) -> Vec<&str> {
    let (_, rest) = manifest.split_once("\n[dependencies]\n").unwrap_or_default();
    let section = rest.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .collect()
}

#[test]
fn no_stage_and_nothing_that_stages_share_depends_on_what_a_person_looks_with() {
    let mut manifests = vec![root().join("shared/makegood/Cargo.toml")];
    for function in fs::read_dir(root().join("functions")).unwrap() {
        let path = function.unwrap().path();
        if path.file_name().is_some_and(|name| name != CONSOLE) && path.is_dir() {
            manifests.push(path.join("Cargo.toml"));
        }
    }
    assert!(manifests.len() > 10, "{manifests:?}");
    for path in manifests {
        let manifest = fs::read_to_string(&path).unwrap();
        let names = dependencies(&manifest);
        assert!(names.len() > 3, "{}: {names:?}", path.display());
        assert!(
            !names.contains(&"operate"),
            "{} depends on operate",
            path.display()
        );
    }
}

#[test]
fn the_dependencies_of_a_manifest_are_read_without_those_of_its_tests() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\n# why\noperate.workspace = true\nserde = { version = \"1\" }\n\n[dev-dependencies]\ninsta = \"1\"\n";
    assert_eq!(dependencies(manifest), ["operate", "serde"]);
}

/// sqlx tells cargo of some query files only, so a crate that has any must be built again when one changes (shared/watch_queries.rs), and of
/// migrations only of those that were there.
#[test]
fn a_crate_that_keeps_queries_in_files_is_built_again_when_one_changes() {
    let has_queries = |folder: &Path| {
        let mut left = vec![folder.join("src")];
        while let Some(next) = left.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    left.push(path);
                } else if path.extension().is_some_and(|extension| extension == "sql") {
                    return true;
                }
            }
        }
        false
    };
    let mut crates = vec![root().join("cli"), root().join("local")];
    for folder in ["shared", "functions"] {
        let entries = fs::read_dir(root().join(folder)).unwrap();
        crates.extend(
            entries
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.is_dir()),
        );
    }
    let keeping: Vec<_> = crates.iter().filter(|path| has_queries(path)).collect();
    assert!(keeping.len() > 8, "{keeping:?}");
    for path in keeping {
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap();
        let shared = root().join("shared/watch_queries.rs");
        let script = if manifest.contains("shared/watch_queries.rs\"") {
            shared
        } else {
            assert!(!manifest.contains("\nbuild = "), "{}", path.display());
            path.join("build.rs")
        };
        let script = fs::read_to_string(script).unwrap_or_default();
        assert!(script.contains("rerun-if-changed=src\""), "{}", path.display());
        if path.ends_with("shared/makegood") {
            assert!(script.contains("rerun-if-changed=../../migrations\""), "{script}");
        }
    }
}
