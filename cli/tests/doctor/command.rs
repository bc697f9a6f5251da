//! The command `makegood doctor`: its exit codes, and that its JSON is the doctor's answer.

use crate::scene::{Scene, json, text};
use operate::doctor::KINDS;

#[tokio::test]
async fn a_healthy_database_exits_with_0_and_names_every_guarantee() {
    let scene = Scene::healthy(20).await;
    let output = scene.makegood(&["doctor"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = text(&output.stdout);
    for guarantee in ["G1 ", "G5 ", "G10", "G11", "G12"] {
        assert!(told.contains(&format!("✓ holds   {guarantee}")), "{told}");
    }
    // It says by whose rules it knows which day it is.
    let days = format!(
        "days are those of Asia/Kolkata, by the IANA database {} (",
        chrono_tz::IANA_TZDB_VERSION
    );
    assert!(told.contains(&days), "{told}");
    scene.drop().await;
}

#[tokio::test]
async fn a_breach_exits_with_1_and_a_notice_does_not() {
    let scene = Scene::healthy(20).await;
    let parked = "INSERT INTO dead_letters (source, message_id, failure_reason) VALUES ('q', '1', 'x')";
    scene.database.run_sql(parked).await;
    let output = scene.makegood(&["doctor"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stdout).contains("letter-parked"));
    let stuck = "INSERT INTO job_queue (job_type, payload, status, attempts, locked_by, locked_until)
                 VALUES ('finalize_order', '{}', 'processing', 1, 'dead', now() - interval '6 minutes')";
    scene.database.run_sql(stuck).await;
    let output = scene.makegood(&["doctor"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stdout).contains("✗ broken  G7 "), "{output:?}");
    // Only what is asked for is looked at.
    let output = scene.makegood(&["doctor", "--only", "g6", "--only", "G8"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!text(&output.stdout).contains("job-stuck"));
    scene.drop().await;
}

#[tokio::test]
async fn its_json_is_the_doctors_answer() {
    let scene = Scene::healthy(20).await;
    let dead_letter = "INSERT INTO dead_letters (source, message_id, failure_reason) VALUES ('q', '1', 'x')";
    scene.database.run_sql(dead_letter).await;
    let told = json(&scene.makegood(&["--json", "doctor"]));
    let report = scene.check().await;
    assert_eq!(told["findings"], serde_json::json!(report.findings));
    assert_eq!(told["examined"].as_array().map(Vec::len), Some(12));
    assert_eq!(
        (&told["timeZone"], &told["timeZoneRules"]),
        (&"Asia/Kolkata".into(), &chrono_tz::IANA_TZDB_VERSION.into())
    );
    let finding = &told["findings"][0];
    assert_eq!(
        (&finding["guarantee"], &finding["severity"], &finding["anchor"]),
        (&"G8".into(), &"notice".into(), &"letter-parked".into())
    );
    scene.drop().await;
}

#[tokio::test]
async fn who_can_not_look_exits_with_3_and_says_what_to_do() {
    let scene = Scene::empty().await;
    scene
        .database
        .run_sql("ALTER TABLE outbox RENAME TO elsewhere")
        .await;
    let output = scene.makegood(&["doctor"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text(&output.stderr).contains("makegood migrate"), "{output:?}");
    let output = scene.makegood(&["doctor", "--only", "G13"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    scene.drop().await;
}

#[tokio::test]
async fn it_writes_nothing_and_holds_no_writer_up() {
    let scene = Scene::healthy(20).await;
    // GIVEN a writer that holds rows of every table that the doctor reads, in an open transaction
    let mut writer = scene.database.direct().begin().await.unwrap();
    for statement in [
        "UPDATE payments SET updated_at = now()",
        "UPDATE inventory SET updated_at = now()",
        "UPDATE job_queue SET updated_at = now()",
    ] {
        sqlx::query(statement).execute(&mut *writer).await.unwrap();
    }
    // THEN the doctor answers all the same
    assert_eq!(scene.check().await.findings, []);
    writer.rollback().await.unwrap();
    scene.drop().await;
}

#[test]
fn every_finding_has_its_section_in_the_runbook() {
    let runbook = include_str!("../../../docs/operations.md");
    let headings: Vec<&str> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    for kind in KINDS {
        let section = headings.iter().filter(|heading| **heading == kind.code).count();
        assert_eq!(section, 1, "docs/operations.md: ### {}", kind.code);
    }
}

#[tokio::test]
async fn a_day_is_closed_when_the_school_does_not_teach_on_it() {
    // GIVEN twenty windows of the next seven days from Monday to Friday, one of which has a Saturday too
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "UPDATE tutoring_sessions SET scheduled_date = scheduled_date + 6 - extract(isodow FROM scheduled_date)::integer
             WHERE allocation_id = md5('allocation1')::uuid AND scheduled_date = (SELECT max(scheduled_date) FROM tutoring_sessions)",
        )
        .await;
    let closed = |weekdays: &str| {
        let output =
            scene.makegood_teaching_on(weekdays, &["doctor", "--only", "G9", "--only", "G3", "--json"]);
        let findings = json(&output)["findings"].as_array().unwrap().clone();
        let found = findings
            .iter()
            .find(|finding| finding["code"] == "session-on-closed-day");
        found.map_or(0, |finding| finding["count"].as_i64().unwrap())
    };
    // THEN it is on a closed day for a school from Monday to Friday alone, and Fridays are for one from Sunday to Thursday
    for (weekdays, found) in [
        ("", 1),
        ("Mon-Fri", 1),
        ("Mon-Sat", 0),
        ("mon tue wed thu fri saturday", 0),
        ("Sun-Thu", 20),
    ] {
        assert_eq!(closed(weekdays), found, "{weekdays}");
    }
    // AND no days at all are refused before anything is read
    let output = scene.makegood_teaching_on("Fryday", &["doctor"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = text(&output.stderr);
    assert!(
        told.contains("BUSINESS_WEEKDAYS is \"Fryday\", it must be the days of the week"),
        "{told}"
    );
    scene.drop().await;
}

#[tokio::test]
async fn a_stack_with_one_operator_is_named() {
    let scene = Scene::healthy(1).await;
    let found = |single: &str| {
        let output = scene
            .command(&["--json", "doctor"])
            .env("SINGLE_OPERATOR", single)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "it is a notice");
        json(&output)["findings"].clone()
    };
    assert_eq!(found("no"), serde_json::json!([]));
    assert_eq!(found("yes")[0]["code"], "single-operator");
    scene.drop().await;
}
