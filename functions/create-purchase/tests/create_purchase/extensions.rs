//! A second payment for a purchase that runs, in a school that has said `SECOND_PAYMENT=extend`.

use crate::school::{Payment, School};
use makegood::purchase::SecondPayment;
use makegood_tests::invariants::assert_doctor_finds_no_breach_of;
use operate::doctor::Guarantee;
use serde_json::json;

const ALLOCATE: &str = "
    INSERT INTO trainer_allocations (student_id, trainer_id, course_id, requested_by, status, metadata)
    SELECT p.student_id, md5('trainer')::uuid, p.course_id, p.student_id, 'approved', jsonb_build_object('sessionCount', p.purchase_tier)
    FROM student_course_purchases p";

/// A school in which this payment has bought 20 sessions until this day, and each further one extends them.
async fn school_with(bought: Payment, until: Option<&str>) -> School {
    let mut school = School::open().await;
    school.second_payment = SecondPayment::Extend;
    let body = bought.confirmed_with(json!({"purchaseTier": 20, "expiryDate": until}));
    assert_eq!(school.deliver(&[body]).await, 0);
    school.database.run_sql(ALLOCATE).await;
    school
}

/// Sessions, the last day in India, and the allocation's own count, of every active purchase.
async fn state(school: &School) -> Vec<(i32, Option<String>, Option<String>)> {
    let query = "SELECT p.purchase_tier, (p.expiry_date AT TIME ZONE 'Asia/Kolkata')::text, a.metadata ->> 'sessionCount'
                 FROM student_course_purchases p LEFT JOIN trainer_allocations a USING (student_id, course_id) WHERE p.is_active";
    sqlx::query_as(query)
        .fetch_all(&school.database.direct())
        .await
        .expect("the purchase is read")
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_further_payment_adds_its_sessions_and_moves_the_end_once() {
    let first = Payment::number(1);
    let school = school_with(first, Some("2030-01-31")).await;
    // WHEN two more come, one of which ends earlier, at once and again and again
    let more = |number, tier: u32, until: &str| {
        first
            .again(number)
            .confirmed_with(json!({"purchaseTier": tier, "expiryDate": until}))
    };
    let (second, third) = (more(1, 10, "2030-06-30"), more(2, 7, "2029-12-31"));
    for _ in 0..3 {
        let both = [second.clone(), third.clone(), second.clone()];
        let (one, two, three) = tokio::join!(
            school.deliver(&both),
            school.deliver(std::slice::from_ref(&second)),
            school.deliver(std::slice::from_ref(&third)),
        );
        assert_eq!((one, two, three), (0, 0, 0));
    }
    // THEN
    assert_eq!(
        state(&school).await,
        [(37, text("2030-06-30 23:59:59"), text("37"))]
    );
    assert_eq!(school.cases("surplus_payment").await, 0);
    assert_eq!(
        school
            .database
            .count("SELECT count(*) FROM purchase_extensions")
            .await,
        2
    );
    school.assert_sound().await;
    assert_doctor_finds_no_breach_of(&school.database, [Guarantee::G1]).await;
    school.close().await;
}

#[tokio::test]
async fn what_does_not_end_is_the_later_end() {
    let first = Payment::number(1);
    let school = school_with(first, Some("2030-01-31")).await;
    let endless = first.again(1).confirmed_with(json!({"purchaseTier": 10}));
    assert_eq!(school.deliver(&[endless]).await, 0);
    let ending = first
        .again(2)
        .confirmed_with(json!({"purchaseTier": 10, "expiryDate": "2030-01-31"}));
    assert_eq!(school.deliver(&[ending]).await, 0);
    assert_eq!(state(&school).await, [(40, None, text("40"))]);
    school.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_fills_the_purchase_is_not_surplus_when_it_comes_again_at_once() {
    let first = Payment::number(1);
    let school = school_with(first, None).await;
    let body = first.again(1).confirmed_with(json!({"purchaseTier": 480}));
    let twice = [body.clone(), body.clone()];
    let returned = futures::future::join_all((0..6).map(|_| school.deliver(&twice))).await;
    assert_eq!(returned, [0; 6]);
    assert_eq!(state(&school).await[0].0, 500);
    assert_eq!(school.cases("surplus_payment").await, 0);
    school.close().await;
}

#[tokio::test]
async fn beyond_the_largest_purchase_a_payment_is_surplus() {
    let first = Payment::number(1);
    let school = school_with(first, None).await;
    let large = |number, tier: u32| first.again(number).confirmed_with(json!({"purchaseTier": tier}));
    assert_eq!(school.deliver(&[large(1, 470), large(2, 11)]).await, 0);
    assert_eq!(state(&school).await[0].0, 490);
    assert_eq!(school.cases("surplus_payment").await, 1);
    school.close().await;
}

/// Its event comes again after the purchase has ended, on this path.
async fn replay_after_the_end(before: &str) {
    let first = Payment::number(1);
    let school = school_with(first, None).await;
    let second = first.again(1);
    assert_eq!(school.deliver(&[second.confirmed()]).await, 0);
    let end = "UPDATE student_course_purchases SET is_active = false";
    school.database.run_sql(end).await;
    school.database.run_sql(before).await;
    assert_eq!(school.deliver(&[second.confirmed()]).await, 0);
    assert_eq!(school.purchases().await, 0);
    school.close().await;
}

#[tokio::test]
async fn a_payment_that_extended_buys_nothing_again_once_the_purchase_has_ended() {
    replay_after_the_end("SELECT 1").await;
}

#[tokio::test]
async fn a_payment_that_extended_buys_nothing_again_without_the_index() {
    replay_after_the_end("DROP INDEX unique_active_purchase").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_went_back_before_takes_its_sessions_from_the_purchase_that_it_extends() {
    // GIVEN 20 sessions, and a second payment for 10 of which half was given back before it is delivered
    let first = Payment::number(1);
    let mut school = school_with(first, None).await;
    school.prorates = true;
    let second = first.again(1);
    let body = second.confirmed_with(json!({"purchaseTier": 10}));
    school.record(std::slice::from_ref(&body)).await;
    let refund = |payment: Payment, amount: i64| {
        format!(
            "INSERT INTO refunds (provider, provider_refund_id, payment_id, amount_minor, currency, status, told_at)
             SELECT 'razorpay', gen_random_uuid()::text, id, {amount}, currency, 'processed', now()
             FROM payments WHERE id = '{}'",
            payment.payment_id
        )
    };
    school.database.run_sql(&refund(second, 249_950)).await;
    // WHEN it is delivered twice THEN it adds five
    for _ in 0..2 {
        assert_eq!(school.deliver(std::slice::from_ref(&body)).await, 0);
        assert_eq!(state(&school).await, [(25, None, text("25"))]);
    }
    // AND the first payment's part takes of its own twenty
    school.database.run_sql(&refund(first, 124_975)).await;
    let own = first.confirmed_with(json!({"purchaseTier": 20}));
    for _ in 0..2 {
        assert_eq!(school.deliver(std::slice::from_ref(&own)).await, 0);
        assert_eq!(state(&school).await, [(20, None, text("20"))]);
    }
    // AND the doctor knows why the purchase holds less than its payment says
    school
        .database
        .run_sql(&format!(
            "UPDATE payments SET metadata = metadata || '{{\"purchaseTier\": 20}}' WHERE id = '{}'",
            first.payment_id
        ))
        .await;
    school.assert_sound().await;
    assert_doctor_finds_no_breach_of(&school.database, [Guarantee::G1]).await;
    school.close().await;
}
