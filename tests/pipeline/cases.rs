//! Inputs of public reports (docs/cases.md), from the signed request to the calendar. Years are later ones, so that no day is over.

use crate::course::{Pipeline, SECRET, Source, from_payment_service, from_razorpay};
use makegood_tests::invariants::assert_doctor_finds_no_breach;
use serde_json::{Value, json};

const STUDENT: &str = "6d0a1c52-8c1e-4c0b-9d35-0e2f5a7b9c11";
const OTHER_STUDENT: &str = "a4f7b1d3-2c68-4e0f-8b95-7d1e3c5a9f20";
const COURSE: &str = "2b7f4e90-11a2-4d6c-8e55-7c9d3f1a2b44";
const OTHER_COURSE: &str = "f3c8a5d0-77b1-4b59-9e62-1d0c4a6e8b27";
const AMOUNT_MINOR: i64 = 499_900;

/// The capture of the reports, with these notes beside student, course and tier.
fn capture(id: &str, notes: &Value) -> Value {
    let mut body = json!({"entity": "event", "event": "payment.captured", "contains": ["payment"], "payload": {"payment": {"entity": {
        "id": id, "entity": "payment", "amount": AMOUNT_MINOR, "currency": "INR", "status": "captured", "order_id": format!("order_{id}"),
        "method": "upi", "notes": {"studentId": STUDENT, "courseId": COURSE, "purchaseTier": "10"}}}}});
    let own = body["payload"]["payment"]["entity"]["notes"]
        .as_object_mut()
        .unwrap();
    own.extend(notes.as_object().unwrap().clone());
    from_razorpay(&body.to_string(), SECRET)
}

/// A school that sells ten sessions of both courses, and of both together, for one price.
async fn school(amount_minor: i64) -> Pipeline {
    let pipeline = Pipeline::fed_by(Source::Sqs).await;
    let prices = format!(
        "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from)
         SELECT course::uuid, 10, 'INR', {amount_minor}, 'epoch' FROM unnest(ARRAY['{COURSE}', '{OTHER_COURSE}']) course"
    );
    pipeline.course.database.run_sql(&prices).await;
    pipeline
}

/// Sends these requests; panics unless each is answered 200. Then all that follows from them is done.
async fn paid(pipeline: &Pipeline, requests: &[Value]) {
    assert_eq!(pipeline.receive(requests).await, vec![200; requests.len()]);
    pipeline.make_good().await;
}

/// The days of the sessions of this student and course, the first first.
async fn days(pipeline: &Pipeline, student: &str, course: &str) -> Vec<String> {
    let sql = format!(
        "SELECT s.scheduled_date::text FROM tutoring_sessions s JOIN trainer_allocations a ON a.id = s.allocation_id
         WHERE s.student_id = '{student}' AND a.course_id = '{course}' AND s.status = 'scheduled' ORDER BY s.scheduled_date"
    );
    pipeline.course.database.texts(&sql).await
}

async fn cases(pipeline: &Pipeline) -> i64 {
    pipeline
        .course
        .database
        .count("SELECT count(*) FROM payment_cases")
        .await
}

#[tokio::test]
async fn case_01_a_character_that_the_queue_refuses_keeps_no_session_from_a_student() {
    // Characters that SQS refuses, at the place of the report's; the last can be in no row of PostgreSQL, and is a case.
    for (character, sessions, expected_cases) in [
        ("\u{ffff}", 7, 0),
        ("\u{fffe}", 7, 0),
        ("\u{1}", 7, 0),
        ("\u{1f}", 7, 0),
        ("\u{0}", 0, 1),
    ] {
        let pipeline = school(AMOUNT_MINOR).await;
        let notes = json!({"goal": format!("exam {character}")});
        paid(&pipeline, &[capture("pay_case01", &notes)]).await;
        let found = (
            days(&pipeline, STUDENT, COURSE).await.len(),
            cases(&pipeline).await,
        );
        assert_eq!(found, (sessions, expected_cases), "{character:?}");
        pipeline.end(sessions / 7).await;
    }
}

#[tokio::test]
async fn case_04_who_pays_again_after_the_end_has_seven_sessions_of_the_second_purchase() {
    for (end, trainers) in [
        (
            "UPDATE student_course_purchases SET expiry_date = now() - interval '1 day'",
            1,
        ),
        (
            "UPDATE student_course_purchases SET purchase_tier = 7;
             UPDATE trainer_allocations SET metadata = metadata || '{\"sessionCount\": 7}';
         UPDATE tutoring_sessions s SET status = 'completed', scheduled_date = current_date - n.number::int
         FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM tutoring_sessions) n WHERE n.id = s.id",
            1,
        ),
    ] {
        // GIVEN a purchase that is over, by its time or by its sessions
        let pipeline = school(AMOUNT_MINOR).await;
        paid(&pipeline, &[capture("pay_first", &json!({}))]).await;
        assert_eq!(days(&pipeline, STUDENT, COURSE).await.len(), 7);
        pipeline.course.database.run_sql(end).await;
        // WHEN the student pays again
        paid(&pipeline, &[capture("pay_second", &json!({"startDate": "2031-06-06"}))]).await;
        // THEN one purchase is active, the second payment's, and it has its own sessions
        let active = "SELECT count(*) FROM student_course_purchases p JOIN payments y ON y.id = p.payment_id
                      WHERE p.is_active AND y.provider_payment_id = 'pay_second'";
        let purchases = "SELECT count(*) FROM student_course_purchases WHERE is_active";
        let database = &pipeline.course.database;
        assert_eq!((database.count(active).await, database.count(purchases).await), (1, 1), "{end}");
        let new: Vec<String> = days(&pipeline, STUDENT, COURSE).await;
        let new: Vec<&String> = new.iter().filter(|day| day.starts_with("2031")).collect();
        assert_eq!((new.len(), new[0].as_str()), (7, "2031-06-06"), "{end}");
        assert_eq!(cases(&pipeline).await, 0, "{end}");
        pipeline.end(trainers).await;
    }
}

#[tokio::test]
async fn case_06_sessions_begin_on_the_day_that_was_chosen() {
    let pipeline = school(AMOUNT_MINOR).await;
    let schedule = json!({"schedule": "{\"startDate\":\"2031-12-10T18:30:00.000Z\"}"});
    paid(&pipeline, &[capture("pay_case06", &schedule)]).await;
    // Midnight of the eleventh in India, a Thursday.
    let expected = ["11", "12", "15", "16", "17", "18", "19"].map(|day| format!("2031-12-{day}"));
    assert_eq!(days(&pipeline, STUDENT, COURSE).await, expected);
    pipeline.end(1).await;
}

#[tokio::test]
async fn case_11_two_courses_or_children_of_one_payment_have_seven_sessions_each() {
    for (student, course) in [(STUDENT, OTHER_COURSE), (OTHER_STUDENT, COURSE)] {
        let pipeline = school(2 * AMOUNT_MINOR).await;
        let told = |student: &str, course: &str| {
            let body = json!({"paymentId": "0b6f2c1e-5d47-4a38-9c10-8e2a7f4d6b95", "studentId": student, "courseId": course,
                              "amountCents": 2 * AMOUNT_MINOR, "currency": "INR", "metadata": {"purchaseTier": 10}});
            from_payment_service(&body.to_string())
        };
        paid(&pipeline, &[told(STUDENT, COURSE), told(student, course)]).await;
        for (student, course) in [(STUDENT, COURSE), (student, course)] {
            assert_eq!(
                days(&pipeline, student, course).await.len(),
                7,
                "{student} {course}"
            );
        }
        assert_eq!(cases(&pipeline).await, 0);
        pipeline.end(2).await;
    }
}

#[tokio::test]
async fn case_21_no_session_is_after_an_end_without_a_zone() {
    for end in [
        "2031-01-31T18:00",
        "2031-01-31 18:00:00",
        "2031-01-31T18:00:00+0530",
    ] {
        let pipeline = school(AMOUNT_MINOR).await;
        let notes = json!({"expiryDate": end, "startDate": "2031-01-29", "timeSlot": "5:30 PM"});
        paid(&pipeline, &[capture("pay_case21", &notes)]).await;
        let expected = ["2031-01-29", "2031-01-30", "2031-01-31"];
        assert_eq!(days(&pipeline, STUDENT, COURSE).await, expected, "{end}");
        assert_doctor_finds_no_breach(&pipeline.course.database).await;
        pipeline.course.database.drop().await;
    }
}
