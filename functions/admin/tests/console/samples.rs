//! The sample events are what the console reads, and the names that it shares with others are theirs.

use crate::stage::Stage;
use admin::SWEEPS;
use makegood::delivery::Deadline;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use sweep::SweepName;

fn sample(name: &str) -> Value {
    let path = format!("{}/../../events/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the sample is there")).expect("JSON")
}

#[tokio::test]
async fn the_samples_are_read_and_their_placeholder_of_a_token_is_refused() {
    let stage = Stage::open().await;
    let answer = stage.send(sample("admin.http.json")).await;
    assert_eq!(answer.status, 401);
    assert!(
        answer.body.contains("next=%2Fadmin%2Fjobs%3Fstatus%3Dfailed"),
        "{}",
        answer.body
    );
    let deadline = Deadline::after(Duration::from_secs(5));
    let answer = stage
        .admin
        .handle(sample("admin.authorizer.json"), deadline)
        .await
        .expect("an answer");
    assert_eq!(answer, json!({"isAuthorized": false, "context": {}}));
    stage.close().await;
}

#[test]
fn every_sweep_can_be_run_from_the_console_and_no_other() {
    let known: BTreeSet<&str> = SweepName::ALL.map(SweepName::wire_name).into();
    let offered: BTreeSet<&str> = SWEEPS.map(|sweep| sweep.name).into();
    assert_eq!(offered, known);
}
