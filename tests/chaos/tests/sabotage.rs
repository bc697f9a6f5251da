//! A driver that has no way to fail is worse than none: every way to break rows must make it fail.
#![allow(clippy::expect_used)]

use makegood_chaos::sabotage::SABOTAGES;
use std::process::Command;

#[test]
fn every_sabotage_is_seen_and_makes_the_run_fail() {
    let run = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["--seed", "1", "--sabotage"])
        .output()
        .expect("the driver starts");
    let said = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert_eq!(run.status.code(), Some(1), "{said}");
    for sabotage in SABOTAGES {
        let line = said
            .lines()
            .find(|line| line.contains(&format!("sabotage {} ", sabotage.name)));
        assert!(
            line.is_some_and(|line| line.contains(" seen: ")),
            "{}:\n{said}",
            sabotage.name
        );
    }
}
