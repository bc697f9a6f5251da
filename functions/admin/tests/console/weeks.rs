//! The doctor's page knows the school's week.

use crate::stage::Stage;

#[tokio::test]
async fn the_doctors_page_calls_a_day_closed_when_the_school_does_not_teach_on_it() {
    for (weekdays, is_closed) in [("", true), ("Sun-Thu", true), ("Mon-Sat", false)] {
        let stage = Stage::open_with(&[("BUSINESS_WEEKDAYS", weekdays)]).await;
        // GIVEN the only session that was bought, on a Saturday
        stage
            .database
            .run_sql(
                "INSERT INTO trainer_allocations (id, student_id, trainer_id, course_id, requested_by, status, metadata)
                 VALUES (md5('a')::uuid, md5('s')::uuid, md5('t')::uuid, md5('c')::uuid, md5('s')::uuid, 'approved', '{\"sessionCount\": 1}');
                 INSERT INTO tutoring_sessions (allocation_id, student_id, trainer_id, course_id, scheduled_date, scheduled_time)
                 VALUES (md5('a')::uuid, md5('s')::uuid, md5('t')::uuid, md5('c')::uuid, date_trunc('week', now())::date + 12, '4:00 PM')",
            )
            .await;
        // WHEN THEN
        let page = stage.page("/admin/doctor?only=G3").await;
        assert_eq!(page.status, 200, "{}", page.body);
        let is_found = page.body.contains("session-on-closed-day");
        assert_eq!(is_found, is_closed, "{weekdays}: {}", page.body);
        stage.close().await;
    }
}
