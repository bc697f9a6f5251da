//! `makegood normalise-times`: older rows get the form that new ones have.

use crate::scene::{Scene, text};
use serde_json::{Value, json};

/// What the command answers, and its exit code.
fn run(scene: &Scene) -> (Value, Option<i32>) {
    let output = scene.makegood(&["normalise-times", "--json"]);
    let answer = serde_json::from_str(text(&output.stdout)).unwrap_or_else(|_| panic!("{output:?}"));
    (answer, output.status.code())
}

#[tokio::test]
async fn older_rows_get_one_form_and_what_can_not_be_read_is_listed() {
    // GIVEN slots as they were typed
    let scene = Scene::healthy(3).await;
    scene
        .database
        .run_sql(
            "UPDATE student_course_purchases SET metadata = '{\"timeSlot\": \"17:30\", \"schedule\": \"{\\\"startDate\\\": \\\"2026-01-12\\\"}\"}'
             WHERE payment_id = md5('payment1')::uuid;
             UPDATE student_course_purchases SET metadata = '{\"startDate\": \"10/12/2026\"}' WHERE payment_id = md5('payment2')::uuid;
             UPDATE trainer_allocations SET metadata = metadata || '{\"timeSlot\": \"5.30pm\"}' WHERE id = md5('allocation1')::uuid;
             UPDATE tutoring_sessions SET scheduled_time = '17:30' WHERE allocation_id = md5('allocation1')::uuid;
             UPDATE tutoring_sessions SET scheduled_time = 'evening' WHERE allocation_id = md5('allocation2')::uuid",
        )
        .await;
    // WHEN
    let (answer, code) = run(&scene).clone();
    // THEN
    let ahead = scene
        .database
        .count(
            "SELECT count(*) FROM tutoring_sessions WHERE allocation_id = md5('allocation1')::uuid AND scheduled_time = '5:30 PM'
             AND status = 'scheduled' AND scheduled_date >= (now() AT TIME ZONE 'Asia/Kolkata')::date",
        )
        .await;
    assert!(ahead > 0);
    assert_eq!(
        (&answer["allocations"], &answer["sessions"]),
        (&json!(1), &json!(ahead))
    );
    let unread = answer["unread"].as_array().unwrap();
    assert!(
        unread
            .iter()
            .any(|one| one["field"] == "startDate" && one["value"] == "10/12/2026")
    );
    assert!(
        unread
            .iter()
            .any(|one| one["table"] == "tutoring_sessions" && one["value"] == "evening")
    );
    assert_eq!(code, Some(1));
    let normal = "SELECT count(*) FROM student_course_purchases
                  WHERE metadata = '{\"timeSlot\": \"5:30 PM\", \"schedule\": {\"startDate\": \"2026-01-12\"}}'";
    assert_eq!(scene.database.count(normal).await, 1);
    // AND a second run has nothing to write, and lists the same
    let (again, code) = run(&scene);
    assert_eq!(
        (&again["purchases"], &again["allocations"], &again["sessions"]),
        (&json!(0), &json!(0), &json!(0))
    );
    assert_eq!((&again["unread"], code), (&answer["unread"], Some(1)));
    scene.drop().await;
}
