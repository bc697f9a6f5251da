//! How Stripe's lists are read over several runs, and what of them went back.

use crate::statement::{PAID, School};
use crate::statement_stripe::open;
use chrono::{DateTime, TimeDelta, Utc};
use makegood_local::gateway::{Behaviour, StripeObject};
use serde_json::{Value, json};

const CHARGES: &str = "stripe Charge";

fn many(school: &School, count: i64) {
    for n in 0..count {
        school.lists(&school.paid(&format!("{n:03}"), TimeDelta::minutes(20 + n)));
    }
}

#[tokio::test]
async fn a_run_that_stripe_stopped_goes_on_after_the_last_charge_that_was_read() {
    let school = open().await;
    many(&school, 150);
    for (fault, code) in [
        (Behaviour::RateLimited, "gateway_unavailable"),
        (Behaviour::ServerError, "gateway_unavailable"),
        (Behaviour::Garbage, "gateway_unreadable"),
    ] {
        // The first page is answered, the second is not.
        school.stub.script_for(CHARGES, [Behaviour::Behave, fault]);
        let asked = school.stub.questions(CHARGES);
        let stopped = school.read().await["stripe"].clone();
        assert_eq!(
            (&stopped["stopped"], &stopped["completedAt"]),
            (&json!(code), &Value::Null)
        );
        assert_eq!(
            (&stopped["read"], &stopped["last"]),
            (&json!(100), &json!("ch_099"))
        );
        let done = school.read().await["stripe"].clone();
        assert_eq!((&done["from"], &done["to"]), (&stopped["from"], &stopped["to"]));
        assert_eq!((&done["through"], &done["stopped"]), (&done["to"], &Value::Null));
        assert_eq!(
            school.stub.questions(CHARGES) - asked,
            3,
            "the first page is not read again"
        );
    }
    // The next reading overlaps by a day.
    let next = school.read().await["stripe"].clone();
    let at = |field: &str| serde_json::from_value::<DateTime<Utc>>(next[field].clone()).unwrap();
    assert!(
        at("from") < at("to") - TimeDelta::hours(23) && at("from") > at("to") - TimeDelta::hours(25),
        "{next}"
    );
    assert_eq!(
        school.count("statement_entries WHERE outcome = 'matched'").await,
        150
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn charges_that_come_in_while_the_list_is_read_hide_none_of_the_others() {
    let school = open().await;
    many(&school, 250);
    let late: Vec<_> = (0..2)
        .map(|n| school.paid(&format!("late_{n}"), TimeDelta::minutes(15)))
        .collect();
    for paid in &late {
        school.stub.put_stripe(StripeObject::Intent, paid.intent.clone());
    }
    school
        .stub
        .put_stripe_arrivals(late.into_iter().map(|paid| paid.charge));
    let done = school.read().await["stripe"].clone();
    assert!(!done["completedAt"].is_null(), "{done}");
    assert_eq!(school.count("payments WHERE status = 'succeeded'").await, 250);
    // What came above is in the next reading.
    school.read().await;
    assert_eq!(school.count("payments WHERE status = 'succeeded'").await, 252);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_list_whose_place_is_not_known_any_more_is_read_anew() {
    let school = open().await;
    many(&school, 150);
    school
        .stub
        .script_for(CHARGES, [Behaviour::Behave, Behaviour::RateLimited]);
    let stopped = school.read().await["stripe"].clone();
    assert_eq!(stopped["last"], "ch_099");
    school.stub.take_stripe(StripeObject::Charge, "ch_099");
    let done = school.read().await["stripe"].clone();
    assert!(!done["completedAt"].is_null(), "{done}");
    assert_eq!(school.count("payments WHERE status = 'succeeded'").await, 150);
    // A key that is refused stops the run, and nothing is read anew.
    school.stub.script_for(CHARGES, [Behaviour::Refuse; 2]);
    assert_eq!(school.read().await["stripe"]["stopped"], "gateway_refused");
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_refund_at_stripe_alone_is_recorded_and_so_is_that_it_failed_after_all() {
    let school = open().await;
    let mut paid = school.lists_with("1", |_| {});
    school.read().await;
    let refund = |id: &str, status: &str, amount: i64| {
        let refund = json!({"id": id, "object": "refund", "amount": amount, "currency": "inr", "status": status, "charge": "ch_1",
            "payment_intent": "pi_1", "created": (school.now - TimeDelta::hours(2)).timestamp()});
        school.stub.put_stripe(StripeObject::Refund, refund);
    };
    // GIVEN a part that is on its way
    refund("re_part", "pending", 100);
    school.read().await;
    assert_eq!(school.outcome("re_part").await, "too_young");
    assert_eq!(school.count("refunds").await, 0);
    // WHEN all of it is back THEN it is recorded as its webhooks would have been
    refund("re_part", "succeeded", 100);
    refund("re_rest", "succeeded", PAID - 100);
    paid.charge["amount_refunded"] = json!(PAID);
    school.lists(&paid);
    school.read().await;
    assert_eq!(
        school
            .count("refunds WHERE provider = 'stripe' AND status = 'processed'")
            .await,
        2
    );
    assert_eq!(school.count("payments WHERE status = 'refunded'").await, 1);
    assert_eq!(school.outcome("re_rest").await, "matched");
    // WHEN one fails after it had succeeded THEN a person is asked what becomes of the purchase
    refund("re_rest", "failed", PAID - 100);
    paid.charge["amount_refunded"] = json!(100);
    school.lists(&paid);
    school.read().await;
    assert_eq!(
        school
            .count("refunds WHERE provider_refund_id = 're_rest' AND status = 'failed'")
            .await,
        1
    );
    assert_eq!(
        school
            .count("payment_cases WHERE kind = 'given_back' AND status = 'open'")
            .await,
        1
    );
    assert_eq!(school.cases("statement_gap", "re_rest").await, 0);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_dispute_at_stripe_alone_is_a_case_and_its_end_weeks_later_is_asked_for() {
    let school = open().await;
    let mut paid = school.lists_with("1", |_| {});
    school.lists_with("2", |_| {});
    let dispute = |id: &str, of: &str, status: &str, at: TimeDelta| {
        let dispute = json!({"id": id, "object": "dispute", "amount": PAID, "currency": "inr", "status": status, "reason": "fraudulent",
            "payment_intent": of, "charge": "ch_1", "livemode": false, "created": (school.now - at).timestamp(),
            "evidence_details": {"due_by": (school.now + TimeDelta::days(7)).timestamp()}});
        school.stub.put_stripe(StripeObject::Dispute, dispute);
    };
    dispute("du_1", "pi_1", "needs_response", TimeDelta::hours(2));
    dispute("du_young", "pi_2", "needs_response", TimeDelta::minutes(5));
    for recorded in [3, 0] {
        let done = school.read().await;
        assert_eq!(done["stripe"]["recorded"], recorded, "{done}");
        assert_eq!(school.cases("dispute", "du_1").await, 1);
        assert_eq!(
            school.count("disputes").await,
            1,
            "one of a moment ago has its webhook on its way"
        );
    }
    assert_eq!(school.outcome("pi_1").await, "in_dispute");
    // WHEN it is lost, long after its list was read
    dispute("du_1", "pi_1", "lost", TimeDelta::days(60));
    paid.charge["disputed"] = json!(true);
    school.lists(&paid);
    school.read().await;
    assert_eq!(school.count("disputes WHERE status = 'lost'").await, 1);
    assert_eq!(
        school
            .count("payments WHERE status = 'refunded' AND provider_payment_id = 'pi_1'")
            .await,
        1
    );
    assert_eq!(school.cases("dispute", "du_1").await, 0);
    // THEN what Stripe calls no refund is none that only we know of
    school.read().await;
    assert_eq!(school.outcome("pi_1").await, "matched");
    assert_eq!(school.count("payment_cases WHERE status = 'open'").await, 0);
    school.bench.database.drop().await;
}
