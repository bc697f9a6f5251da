//! Purchases of the older system have no payment id: whose they are is decided from marks and payments.

use crate::school::{Payment, School, close, deliver_on_attempt, deliver_to};
use chrono::{TimeDelta, Utc};

async fn school_with_legacy_purchase(owner: Payment) -> School {
    let school = School::open().await;
    school
        .database
        .run_sql(&format!(
            "INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, created_at)
             VALUES ('{}', '{}', 10, now() - interval '3 days')",
            owner.student_id, owner.course_id
        ))
        .await;
    school
}

fn marked(payment: Payment) -> String {
    format!(
        "INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source)
         VALUES ('{}', 'PURCHASE_CONFIRMED', '{}', '{{}}', 'payment-service');",
        payment.event_id(),
        payment.payment_id
    )
}

#[tokio::test]
async fn the_payment_that_fulfilled_a_legacy_purchase_is_never_called_surplus() {
    let owner = Payment::number(1);
    let school = school_with_legacy_purchase(owner).await;
    let later = owner.again(1);
    school
        .database
        .run_sql(&owner.recorded(Utc::now() - TimeDelta::days(3)))
        .await;
    school
        .database
        .run_sql(&later.recorded(Utc::now() - TimeDelta::days(4)))
        .await;
    school.database.run_sql(&marked(owner)).await;

    // The other one, older but unmarked, comes first; then the owner, twice.
    for payment in [later, owner, owner, later] {
        school.deliver(&[payment.confirmed()]).await;
    }

    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.cases("surplus_payment").await, 1);
    let case = format!(
        "SELECT count(*) FROM payment_cases WHERE payment_id = '{}'",
        later.payment_id
    );
    assert_eq!(school.database.count(&case).await, 1);
    let adopted = format!(
        "SELECT count(*) FROM student_course_purchases WHERE payment_id = '{}'",
        owner.payment_id
    );
    assert_eq!(
        school.database.count(&adopted).await,
        1,
        "the purchase now says whose it is"
    );
    school.close().await;
}

#[tokio::test]
async fn an_unrecorded_payment_for_an_ownerless_purchase_goes_to_a_person() {
    let payment = Payment::number(1);
    let school = school_with_legacy_purchase(payment).await;
    let environment = school.environment().await;

    let event = [payment.confirmed()];
    assert_eq!(
        deliver_to(&environment, &event).await,
        1,
        "it may still be recorded"
    );
    assert_eq!(
        deliver_on_attempt(&environment, &event, 3).await,
        0,
        "and was not"
    );

    assert_eq!(school.cases("surplus_payment").await, 0);
    assert_eq!(school.cases("unknown_payment").await, 1);
    assert_eq!(school.dead_letters.drain().await.len(), 1);
    close(&environment).await;
    school.close().await;
}
