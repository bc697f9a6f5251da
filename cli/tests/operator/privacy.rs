//! A person's data, given out and erased: by markers in every personal column that docs/privacy.md lists.

mod open;
mod person;

use crate::operator::Operator;
use chrono::Utc;
use makegood::ids::UserId;
use makegood::school_days::TeachingDays;
use operate::doctor::{Scope, check};
use person::{BUYER, OTHER_BUYER, OTHER_STUDENT, Person, STUDENT};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

/// A healthy database with twenty students and two buyers, of whom `scene.sql` makes two persons a pipeline with everything that may be there.
pub const SCENE: &str = concat!(
    "SET seed.purchases = 20;\n",
    include_str!("../../../tests/fixtures/healthy.sql"),
    include_str!("privacy/scene.sql")
);

/// Everything in every column of every table, as `table.column` and text.
async fn dump(operator: &Operator) -> Vec<(String, String)> {
    let parts = operator
        .rows(
            "SELECT format(CASE c.data_type WHEN 'bytea' THEN 'SELECT %L AS place, encode(%I, ''escape'') AS text FROM %I'
                                            ELSE 'SELECT %L AS place, %I::text AS text FROM %I' END,
                           c.table_name || '.' || c.column_name, c.column_name, c.table_name) AS part
             FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
             WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY 1",
        )
        .await;
    assert!(parts.len() > 200, "{}", parts.len());
    let parts: Vec<&str> = parts.iter().filter_map(|part| part["part"].as_str()).collect();
    let rows = operator.rows(&parts.join(" UNION ALL ")).await;
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| (text(row, "place"), text(row, "text")))
        .collect()
}

/// Nothing tells of this person any more.
async fn assert_gone(operator: &Operator, person: Person) {
    let id = person.id(operator).await;
    let left: Vec<(String, String)> = dump(operator)
        .await
        .into_iter()
        .filter(|(_, value)| value.contains(&person.marker()) || value.contains(&id))
        .collect();
    assert_eq!(left, []);
}

async fn findings(operator: &Operator) -> Vec<(&'static str, i64)> {
    let scope = Scope {
        only: Default::default(),
        now: Utc::now(),
        timezone: chrono_tz::Asia::Kolkata,
        teaching_days: TeachingDays::default(),
        single_operator: false,
    };
    let database = operator.database.through_pooler(2);
    let report = check(&database, &scope).await.unwrap();
    database.close();
    report
        .findings
        .iter()
        .map(|finding| (finding.code, finding.count))
        .collect()
}

async fn scene() -> Operator {
    let operator = Operator::open().await;
    operator.sql(SCENE).await;
    operator
}

#[tokio::test]
async fn an_export_holds_every_marker_of_its_person_and_none_of_another_and_an_erasure_leaves_none() {
    let operator = scene().await;
    assert_eq!(findings(&operator).await, []);
    for (person, other) in [(STUDENT, OTHER_STUDENT), (BUYER, OTHER_BUYER)] {
        let markers = person.plant(&operator).await;
        let others = other.plant(&operator).await;
        assert!(markers.len() > 12, "{markers:?}");
        let before = findings(&operator).await;

        let export = person.privacy(&operator, &["export", "--json"]).await.succeeded();
        for marker in &markers {
            assert!(export.output.contains(marker), "the export lacks {marker}");
        }
        assert!(
            !export.output.contains(&other.marker()),
            "the export holds another's"
        );

        person.erase(&operator).await.succeeded();
        assert_gone(&operator, person).await;
        let left = dump(&operator).await;
        for marker in &others {
            assert!(
                left.iter().any(|(_, text)| text.contains(marker)),
                "{marker} is gone"
            );
        }
        assert_eq!(findings(&operator).await, before);
        let nothing = person.privacy(&operator, &["export"]).await;
        assert_eq!((nothing.code, nothing.output.as_str()), (1, ""), "{nothing:?}");
    }
    operator.close().await;
}

/// What an ORM encoded twice is emptied as an object is: what was bought stays, the rest goes.
#[tokio::test]
async fn an_erasure_keeps_what_was_bought_of_metadata_in_text() {
    let operator = scene().await;
    let student = STUDENT.id(&operator).await;
    let tables = [("payments", "courseId"), ("trainer_allocations", "sessionCount")];
    for (table, kept) in tables {
        operator
            .sql(&format!(
                "UPDATE {table} SET metadata = to_jsonb((metadata || jsonb_build_object('{kept}', 'KEPT', 'note', 'MARKER'))::text)
                 WHERE student_id = '{student}'"
            ))
            .await;
    }
    let privacy = STUDENT.erase(&operator).await;
    privacy.succeeded();
    for (table, kept) in tables {
        let row = operator
            .row(&format!(
                "SELECT count(*) FILTER (WHERE metadata ->> '{kept}' = 'KEPT') AS kept, count(*) FILTER (WHERE metadata::text LIKE '%MARKER%') AS left
                 FROM {table}"
            ))
            .await;
        assert!(
            row["kept"].as_i64() >= Some(1) && row["left"] == 0,
            "{table}: {row}"
        );
    }
    operator.close().await;
}

/// All rows, without the audit log and the memory of who was erased.
const ROWS: &str = "SELECT md5(string_agg(row, '' ORDER BY row)) AS rows FROM (
    SELECT payments::text AS row FROM payments UNION ALL SELECT student_course_purchases::text FROM student_course_purchases
    UNION ALL SELECT trainer_allocations::text FROM trainer_allocations UNION ALL SELECT tutoring_sessions::text FROM tutoring_sessions
    UNION ALL SELECT payment_intents::text FROM payment_intents UNION ALL SELECT orders::text FROM orders UNION ALL SELECT outbox::text FROM outbox
    UNION ALL SELECT dead_letters::text FROM dead_letters UNION ALL SELECT payment_cases::text FROM payment_cases
    UNION ALL SELECT processed_events::text FROM processed_events UNION ALL SELECT job_queue::text FROM job_queue) AS rows (row)";

#[tokio::test]
async fn an_erasure_is_in_the_audit_log_without_the_person_and_once_more_it_changes_nothing() {
    let operator = scene().await;
    for person in [STUDENT, BUYER] {
        let before = operator.row(ROWS).await;
        let rehearsed = person
            .privacy(&operator, &["erase", "--dry-run", "--reason", "r"])
            .await
            .succeeded();
        assert!(rehearsed.output.contains("would be erased"), "{rehearsed:?}");
        assert_eq!(operator.row(ROWS).await, before);
        assert_eq!(
            operator
                .count("SELECT count(*) FROM audit_log WHERE action = 'person.erase'")
                .await,
            0
        );

        person.erase(&operator).await.succeeded();
        let erased = operator.row(ROWS).await;
        assert_ne!(erased, before);
        let entry = operator
            .row("SELECT actor, reason, subject FROM audit_log WHERE action = 'person.erase'")
            .await;
        assert_eq!(
            (entry["actor"].as_str(), entry["reason"].as_str()),
            (Some("asha"), Some("request 4711"))
        );
        assert!(
            !entry["subject"]
                .as_str()
                .unwrap()
                .contains(&person.id(&operator).await)
        );
        let again = person
            .privacy(&operator, &["erase", "--json", "--reason", "again"])
            .await
            .succeeded();
        assert_eq!(again.json()["rows"], serde_json::json!({}));
        assert_eq!(operator.row(ROWS).await, erased);
        operator
            .sql("DELETE FROM audit_log WHERE action = 'person.erase'")
            .await;
    }
    operator.close().await;
}

/// The student's rows as they were before the erasure.
const UNDER_THE_ID_AGAIN: &str = "
    UPDATE payments SET student_id = md5('student10')::uuid WHERE id = md5('payment10')::uuid;
    UPDATE trainer_allocations SET student_id = md5('student10')::uuid WHERE id = md5('allocation10')::uuid;
    UPDATE student_course_purchases SET student_id = md5('student10')::uuid WHERE payment_id = md5('payment10')::uuid;
    UPDATE tutoring_sessions SET student_id = md5('student10')::uuid WHERE allocation_id = md5('allocation10')::uuid;
    INSERT INTO proposed_edits (subject, body, changes, proposed_by, caller, reason)
    SELECT 'dead_letter:' || id, '{}', '[]', 'asha', 'aws:arn', 'why' FROM dead_letters WHERE message_id = 'student-10'
    ON CONFLICT DO NOTHING";

#[tokio::test]
async fn an_erasure_that_is_killed_half_way_is_run_again_to_its_end() {
    let operator = scene().await;
    for (person, table) in [
        (STUDENT, "payment_cases"),
        (BUYER, "orders"),
        (STUDENT, "tutoring_sessions"),
    ] {
        person.plant(&operator).await;
        let id = person.id(&operator).await;
        // GIVEN an erasure that has done some tables and waits for a row that another transaction holds
        let mut holder = operator.connect().await;
        sqlx::raw_sql(AssertSqlSafe(format!("BEGIN; SELECT 1 FROM {table} FOR UPDATE")))
            .execute(&mut holder)
            .await
            .unwrap();
        let arguments = ["privacy", "erase", person.option, &id, "--reason", "r"];
        let mut child = operator.start(&arguments);
        while operator.count("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").await == 0 {}
        // WHEN it is killed there, and another one waits in vain
        child.kill().await.unwrap();
        let refused = person.erase(&operator).await;
        assert_eq!(refused.code, 3, "{refused:?}");
        assert_eq!(
            operator
                .count("SELECT count(*) FROM erased_people WHERE done_at IS NULL")
                .await,
            1
        );
        sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
        // THEN the next one goes to the end
        person.erase(&operator).await.succeeded();
        assert_gone(&operator, person).await;
        assert_eq!(
            operator
                .count("SELECT count(*) FROM erased_people WHERE done_at IS NULL")
                .await,
            0
        );
        // A row of the next turn's person again.
        operator.sql(UNDER_THE_ID_AGAIN).await;
    }
    operator.close().await;
}

#[tokio::test]
async fn an_erasure_that_finds_new_rows_each_time_is_not_called_done() {
    // GIVEN a trigger that writes a row of the buyer again as soon as it is gone
    let operator = scene().await;
    operator
        .sql(
            "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN INSERT INTO client_requests SELECT (OLD).*; RETURN NULL; END';
             CREATE TRIGGER again AFTER DELETE ON client_requests FOR EACH ROW EXECUTE FUNCTION again()",
        )
        .await;
    // WHEN the buyer is erased THEN it says that it is not over
    let first = BUYER.erase(&operator).await;
    assert_eq!(first.code, 1, "{first:?}");
    assert!(first.output.contains("kept coming in"), "{first:?}");
    let open = "SELECT count(*) FROM erased_people WHERE done_at IS NULL";
    assert_eq!(operator.count(open).await, 1);
    // WHEN nothing writes it any more THEN the next one ends
    operator.sql("DROP TRIGGER again ON client_requests").await;
    BUYER.erase(&operator).await.succeeded();
    assert_eq!(operator.count(open).await, 0);
    operator.close().await;
}

#[tokio::test]
async fn an_id_that_another_teams_table_holds_stays_and_the_answer_says_so() {
    let operator = scene().await;
    operator
        .sql("CREATE TABLE students (id uuid PRIMARY KEY); INSERT INTO students SELECT DISTINCT student_id FROM payments;
              ALTER TABLE payments ADD FOREIGN KEY (student_id) REFERENCES students (id) ON DELETE CASCADE")
        .await;
    STUDENT.plant(&operator).await;
    let erased = STUDENT.erase(&operator).await.succeeded();
    assert!(erased.output.contains("the id stays"), "{erased:?}");
    let left = dump(&operator).await;
    assert!(
        left.iter().all(|(_, text)| !text.contains(&STUDENT.marker())),
        "{left:?}"
    );
    assert_eq!(
        operator
            .count("SELECT count(*) FROM payments WHERE student_id = md5('student10')::uuid")
            .await,
        1
    );
    assert_eq!(findings(&operator).await, []);
    operator.close().await;
}

#[tokio::test]
async fn an_export_into_a_file_is_its_owners_alone_and_overwrites_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let operator = scene().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("student.json");
    let path = file.to_str().unwrap();
    STUDENT
        .privacy(&operator, &["export", "--out", path])
        .await
        .succeeded();
    let document: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(document["schema"], "makegood-privacy-export-1");
    assert_eq!(document["person"]["id"], STUDENT.id(&operator).await);
    assert_eq!(document["tables"]["payments"].as_array().unwrap().len(), 1);
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = STUDENT.privacy(&operator, &["export", "--out", path]).await;
    assert_eq!(again.code, 2, "{again:?}");
    let unknown = operator
        .run(&[
            "privacy",
            "erase",
            "--student",
            &Uuid::new_v4().to_string(),
            "--reason",
            "r",
        ])
        .await;
    assert!(
        unknown.code == 1 && unknown.errors.contains("nothing is known"),
        "{unknown:?}"
    );
    operator.close().await;
}

#[tokio::test]
async fn a_buyer_is_found_and_erased_by_the_subject_of_their_token() {
    const SUBJECT: &str = "auth0|6502c1d8e2";
    let operator = Operator::open().await;
    let id = UserId::of_subject(SUBJECT).unwrap();
    operator
        .sql(&format!(
            "INSERT INTO payment_intents (payment_intent_id, user_id, provider, amount_cents, items, status, metadata)
             VALUES ('pi_esewa_1_0000beef', '{id}', 'esewa', 100, '[]', 'cancelled', '{{\"subject\": \"{SUBJECT}\"}}')"
        ))
        .await;
    let told = operator
        .run(&["privacy", "export", "--json", "--buyer", SUBJECT])
        .await;
    let told = told.succeeded();
    assert!(
        told.output.contains(&id.to_string()) && told.output.contains(SUBJECT),
        "{told:?}"
    );
    let erase = ["privacy", "erase", "--buyer", SUBJECT, "--reason", "request 4711"];
    operator.run(&erase).await.succeeded();
    for (place, value) in dump(&operator).await {
        assert!(
            !value.contains(SUBJECT) && !value.contains(&id.to_string()),
            "{place}: {value}"
        );
    }
    operator.close().await;
}
