//! The timeline tells of sessions that are at the time of another one, and of those at another time than was chosen.

use crate::scene::Scene;
use crate::trace::{id, read};
use operate::timeline::{Entry, EntryKind, Subject};

/// What the timeline says of the sessions of sita's allocation.
async fn of_sitas_sessions(scene: &Scene) -> String {
    let subject = Subject::Allocation(id(scene, "allocated").await);
    let told = read(scene, &subject).await;
    let is_sessions = |entry: &&Entry| entry.kind == EntryKind::Sessions;
    told.entries
        .iter()
        .find(is_sessions)
        .expect("sessions")
        .what
        .clone()
}

#[tokio::test]
async fn sessions_at_the_time_of_another_one_and_at_another_time_than_chosen_are_told() {
    // GIVEN a week at four of sita's, another course of hers at another time, one that was cancelled, and one of another student and trainer
    let scene = Scene::healthy(20).await;
    scene
        .database
        .run_sql(
            "INSERT INTO trainer_allocations (id, student_id, course_id, requested_by, status, trainer_id)
             SELECT md5(name)::uuid, md5(student)::uuid, md5(course)::uuid, md5(student)::uuid, 'approved', md5(trainer)::uuid
             FROM (VALUES ('allocated', 'sita', 'maths', 'trainer'), ('other', 'sita', 'music', 'trainer'), ('gitas', 'gita', 'music', 'trainer2'))
               a (name, student, course, trainer);
             INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, scheduled_date, scheduled_time, status)
             SELECT md5('allocated')::uuid, md5('sita')::uuid, md5('trainer')::uuid, current_date + n, '4:00 PM', 'scheduled'
             FROM generate_series(1, 7) n
             UNION ALL SELECT md5('other')::uuid, md5('sita')::uuid, md5('trainer')::uuid, current_date + 2, '5:00 PM', 'scheduled'
             UNION ALL SELECT md5('other')::uuid, md5('sita')::uuid, md5('trainer')::uuid, current_date + 3, '4:00 PM', 'cancelled'
             UNION ALL SELECT md5('gitas')::uuid, md5('gita')::uuid, md5('trainer2')::uuid, current_date + 4, '4:00 PM', 'scheduled'",
        )
        .await;
    let before = of_sitas_sessions(&scene).await;
    assert!(!before.contains("another"), "{before}");
    // WHEN there are sessions at the same time, in whatever spelling THEN they are told
    let first = "SELECT (current_date + 5)::text";
    let first: String = sqlx::query_scalar(first)
        .fetch_one(&scene.database.direct())
        .await
        .unwrap();
    for (day, told) in [
        (
            5,
            format!("; that on {first} is at the same time as a session of another course"),
        ),
        (
            6,
            format!("; 2 of them, the first on {first}, are at the same time as a session of another course"),
        ),
    ] {
        let session = format!(
            "INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, scheduled_date, scheduled_time)
             VALUES (md5('other')::uuid, md5('sita')::uuid, md5('trainer')::uuid, current_date + {day}, '16:00')"
        );
        scene.database.run_sql(&session).await;
        assert_eq!(of_sitas_sessions(&scene).await, format!("{before}{told}"));
    }
    // WHEN the trainer teaches gita at that time, and one of the week was put at five, which was not chosen
    let before = of_sitas_sessions(&scene).await;
    let day: String = sqlx::query_scalar("SELECT (current_date + 7)::text")
        .fetch_one(&scene.database.direct())
        .await
        .unwrap();
    for (change, told) in [
        (
            "UPDATE tutoring_sessions SET trainer_id = md5('trainer')::uuid, scheduled_date = current_date + 7, scheduled_time = '16:00'
             WHERE allocation_id = md5('gitas')::uuid",
            format!("; that on {day} is at the same time as the trainer's with another student"),
        ),
        (
            "UPDATE tutoring_sessions SET scheduled_time = '5:00 PM', planned_date = scheduled_date, planned_time = '5:00 PM'
             WHERE allocation_id = md5('allocated')::uuid AND scheduled_date = current_date + 7",
            format!("; that on {day} is at another time than was chosen, since student or trainer were taken then"),
        ),
    ] {
        scene.database.run_sql(change).await;
        assert_eq!(of_sitas_sessions(&scene).await, format!("{before}{told}"));
    }
    scene.drop().await;
}
