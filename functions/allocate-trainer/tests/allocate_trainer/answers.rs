//! What becomes of each answer of the admin service.

use crate::school::{Purchase, School, event};
use makegood_local::admin::Behaviour;
use makegood_tests::queues::{kafka_event, sqs_event};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_purchase_gets_its_trainer_and_it_is_published_from_sqs_and_from_msk() {
    let school = School::open().await;
    for source in ["sqs", "msk"] {
        // GIVEN a purchase of twenty sessions at 5:30 PM from 12 January on
        let purchase = school.purchase().await;
        let invocation = match source {
            "sqs" => sqs_event("purchase-created", &[event(&purchase)]),
            _ => kafka_event("purchase-created", &[Some(event(&purchase))]),
        };
        // WHEN it is delivered
        let returned = school.invoke(invocation).await;
        // THEN the allocation stands as the service gave it, on the purchase's terms
        assert_eq!(returned, Vec::<String>::new());
        school.assert_allocated_once(&purchase).await;
        let report = school.service.report();
        let given = report
            .allocations
            .iter()
            .find(|given| given.student_id == purchase.student)
            .unwrap();
        let trainer = given.trainer_id.unwrap();
        let recorded = format!(
            "SELECT count(*) FROM trainer_allocations WHERE id = '{}' AND trainer_id = '{trainer}' AND requested_by = '{}'
             AND allocated_at IS NOT NULL AND metadata = jsonb_build_object('timeSlot', '5:30 PM', 'sessionCount', 20,
                 'startDate', '2026-01-12', 'purchaseId', '{}')",
            given.id, purchase.student, purchase.id
        );
        assert_eq!(school.count(&recorded).await, 1);
        assert_eq!(
            report.calls_by_key[&format!("purchase-created-{}", purchase.id)],
            1
        );
        // AND it is published once, under the payment's id
        let bodies = school.published.drain().await;
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        let published: Value = serde_json::from_str(&bodies[0]).unwrap();
        assert_eq!(
            published["_metadata"]["eventId"],
            format!("trainer-allocated-{}", given.id)
        );
        assert_eq!(published["_metadata"]["correlationId"], json!(purchase.payment));
        assert_eq!(published["trainerId"], json!(trainer));
        assert_eq!(published["sessionCount"], 20);
        assert_eq!(published["startDate"], "2026-01-12");
        assert_eq!(published["endDate"], "2026-02-06");
    }
    school.close().await;
}

#[tokio::test]
async fn the_end_date_counts_the_teaching_days_that_are_no_blackout_days() {
    // 20 sessions from Monday 12 January on: the days of the week, the blackout days, and the day of the last session
    for (teaching, closed, end) in [
        (
            "Mon-Fri",
            "('2026-01-05'), ('2026-01-17'), ('2026-02-09')",
            "2026-02-06",
        ),
        (
            "Mon-Fri",
            "('2026-01-12'), ('2026-02-06'), ('2026-02-09')",
            "2026-02-11",
        ),
        ("Sun-Thu", "('2026-01-16')", "2026-02-08"),
        ("Sun-Fri", "('2026-01-18')", "2026-02-04"),
    ] {
        let mut school = School::open().await;
        school.teach_on(teaching);
        let sql = format!("INSERT INTO session_blackout_dates (day) VALUES {closed}");
        school.database.run_sql(&sql).await;
        let purchase = school.purchase().await;
        let returned = school
            .invoke(sqs_event("purchase-created", &[event(&purchase)]))
            .await;
        assert_eq!(returned, Vec::<String>::new());
        let bodies = school.published.drain().await;
        let published: Value = serde_json::from_str(&bodies[0]).unwrap();
        assert_eq!(published["endDate"], end, "{teaching} without {closed}");
        school.close().await;
    }
}

#[tokio::test]
async fn the_published_samples_lead_to_one_allocation() {
    // GIVEN the purchase of the samples
    let school = School::open().await;
    let id = |text: &str| Uuid::parse_str(text).unwrap();
    let purchase = Purchase {
        id: id("3d9e2c71-8a4f-4f0a-a7d5-5b1c0e6f7a33"),
        student: id("5c0f3c3e-6a1b-4a55-9d39-0a1f6f0f2b11"),
        course: id("b8a1f0d2-1f6e-4b4d-8f1b-7a3f0c9d2e22"),
        payment: id("7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01"),
    };
    school.plant(&purchase, true).await;
    school
        .database
        .run_sql("UPDATE student_course_purchases SET purchase_tier = 30")
        .await;
    // WHEN it comes from SQS and from MSK
    for sample in [
        include_str!("../../../../events/allocate-trainer.sqs.json"),
        include_str!("../../../../events/allocate-trainer.msk.json"),
    ] {
        let returned = school.invoke(serde_json::from_str(sample).unwrap()).await;
        assert_eq!(returned, Vec::<String>::new());
    }
    // THEN it has one trainer
    school.assert_allocated_once(&purchase).await;
    assert_eq!(school.service.report().calls, 1);
    school.close().await;
}

#[tokio::test]
async fn without_a_free_trainer_the_request_is_recorded_and_promoted_when_one_is_free() {
    // GIVEN no trainer is free
    let school = School::open().await;
    let purchase = school.purchase().await;
    school.service.no_trainers_until_call(3);
    // WHEN the purchase is delivered, and once more
    for _ in 0..2 {
        assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    }
    // THEN one row waits, nothing is published, nothing is parked
    assert_eq!(
        school
            .count("SELECT count(*) FROM trainer_allocations WHERE status = 'pending'")
            .await,
        1
    );
    assert_eq!(school.count("SELECT count(*) FROM trainer_allocations").await, 1);
    assert_eq!(school.published.drain().await, Vec::<String>::new());
    assert_eq!(school.parked.drain().await, Vec::<String>::new());
    // WHEN one is free and it is delivered again
    assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
    // THEN the same row has the trainer, and it is published
    school.assert_allocated_once(&purchase).await;
    assert_eq!(school.published.drain().await.len(), 1);
    school.close().await;
}

#[tokio::test]
async fn an_allocation_that_exists_is_read_from_the_answer_or_from_the_service() {
    let school = School::open().await;
    for behaviour in [Behaviour::Exists, Behaviour::ExistsWithoutData] {
        // GIVEN another client asked for this student and course before
        let purchase = school.purchase().await;
        let existing = school.service.allocate_for(purchase.student, purchase.course);
        school.service.script([behaviour]);
        // WHEN the purchase is delivered
        assert_eq!(school.deliver(&[purchase]).await, Vec::<String>::new());
        // THEN that very allocation is recorded and published
        school.assert_allocated_once(&purchase).await;
        let same = format!(
            "SELECT count(*) FROM trainer_allocations WHERE id = '{}'",
            existing.id
        );
        assert_eq!(school.count(&same).await, 1);
        assert_eq!(school.published.drain().await.len(), 1);
    }
    school.close().await;
}

#[tokio::test]
async fn an_allocation_that_exists_is_read_from_our_own_row() {
    // GIVEN a service that answers 409 with nothing in it, and shows nothing either
    let school = School::open_without_breaker().await;
    let purchase = school.purchase().await;
    school.service.script([Behaviour::ExistsElsewhere]);
    school.service.set_latency(Duration::from_millis(200));
    // WHEN the row is written by another program while we ask
    let trainer = Uuid::new_v4();
    let batch = [purchase];
    let asked = school.deliver(&batch);
    let written = async {
        while school.service.report().calls == 0 {
            tokio::task::yield_now().await;
        }
        school.allocation(&purchase, "active", Some(trainer)).await
    };
    let (returned, id) = tokio::join!(asked, written);
    // THEN that row counts
    assert_eq!(returned, Vec::<String>::new());
    let bodies = school.published.drain().await;
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0].contains(&id.to_string()) && bodies[0].contains(&trainer.to_string()));
    assert_eq!(school.count("SELECT count(*) FROM trainer_allocations").await, 1);
    school.close().await;
}

#[tokio::test]
async fn a_refused_request_is_parked_at_once_and_its_neighbours_succeed() {
    // GIVEN three purchases, one of which the service refuses
    let school = School::open().await;
    let purchases = [
        school.purchase().await,
        school.purchase().await,
        school.purchase().await,
    ];
    school.service.script([Behaviour::BadRequest]);
    // WHEN they come in one batch
    let returned = school.deliver(&purchases).await;
    // THEN one is parked with the service's words, the others have trainers
    assert_eq!(returned, Vec::<String>::new());
    let parked = school.parked.drain().await;
    assert_eq!(parked.len(), 1);
    let dead_letter: Value = serde_json::from_str(&parked[0]).unwrap();
    assert_eq!(dead_letter["errorCode"], "admin_service_refused");
    assert_eq!(dead_letter["permanent"], true);
    assert_eq!(dead_letter["attempts"], 1);
    assert!(
        dead_letter["failureReason"]
            .as_str()
            .unwrap()
            .contains("400: the time slot is unknown"),
        "{dead_letter}"
    );
    assert_eq!(
        school
            .count("SELECT count(*) FROM trainer_allocations WHERE status = 'approved'")
            .await,
        2
    );
    assert_eq!(school.published.drain().await.len(), 2);
    school.close().await;
}

#[tokio::test]
async fn a_foreign_key_that_refuses_is_named_and_its_neighbours_succeed() {
    // GIVEN an older schema whose allocations refer to trainers, and one of ours is unknown there
    let school = School::open().await;
    let trainers = [1, 2].map(|number| makegood::ids::derived_uuid(&format!("trainer{number}")));
    school
        .database
        .run_sql(&format!(
            "CREATE TABLE trainers (id uuid PRIMARY KEY);
             INSERT INTO trainers VALUES ('{}'), ('{}');
             ALTER TABLE trainer_allocations ADD CONSTRAINT trainer_allocations_trainer_id_fkey
               FOREIGN KEY (trainer_id) REFERENCES trainers (id) ON DELETE SET NULL",
            trainers[0], trainers[1]
        ))
        .await;
    let purchases = [
        school.purchase().await,
        school.purchase().await,
        school.purchase().await,
    ];
    // WHEN three purchases come in one batch, one for each trainer
    assert_eq!(school.deliver(&purchases).await, Vec::<String>::new());
    // THEN the one is parked, naming the constraint, and the service was asked once for each
    let parked = school.parked.drain().await;
    assert_eq!(parked.len(), 1);
    assert!(
        parked[0].contains("trainer_allocations_trainer_id_fkey"),
        "{}",
        parked[0]
    );
    assert_eq!(
        school
            .count("SELECT count(*) FROM trainer_allocations WHERE status = 'approved'")
            .await,
        2
    );
    assert_eq!(school.service.report().calls, 3);
    school.close().await;
}
