//! How the statement is read over several runs: where it goes on, what moves meanwhile, and what is paid out.

use crate::bench::Bench;
use crate::statement::{PAID, School, paid_here};
use chrono::{DateTime, TimeDelta, Utc};
use makegood::delivery::Deadline;
use makegood::statement::{Entry, Judged, Outcome, keep_with_cases};
use makegood_local::gateway::{Behaviour, Listed};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_run_that_the_provider_stopped_is_taken_up_where_it_was() {
    let school = School::open().await;
    for n in 0..150 {
        school.put(school.captured(&format!("pay_{n:03}"), TimeDelta::minutes(20 + n)));
    }
    for (fault, code) in [
        (Behaviour::RateLimited, "gateway_unavailable"),
        (Behaviour::Garbage, "gateway_unreadable"),
        (Behaviour::DropConnection, "gateway_unreachable"),
    ] {
        // The first page is answered, the second is not.
        school.stub.script_for("payments", [Behaviour::Behave, fault]);
        let stopped = school.read().await;
        assert_eq!(stopped["stopped"], code, "{stopped}");
        assert_eq!(
            (&stopped["skip"], &stopped["completedAt"]),
            (&json!(100), &Value::Null)
        );
        let done = school.read().await;
        assert_eq!((&done["from"], &done["to"]), (&stopped["from"], &stopped["to"]));
        assert_eq!((&done["through"], &done["stopped"]), (&done["to"], &Value::Null));
    }
    assert_eq!(
        school.count("statement_entries WHERE outcome = 'matched'").await,
        150
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_list_that_grows_while_it_is_read_hides_nothing() {
    let school = School::open().await;
    for n in 0..250 {
        school.put(school.captured(&format!("pay_{n:03}"), TimeDelta::minutes(20 + n)));
    }
    let arrivals = (0..2).map(|n| school.captured(&format!("pay_late_{n}"), TimeDelta::minutes(15)));
    school.stub.put_arrivals(arrivals);
    let done = school.read().await;
    assert!(!done["completedAt"].is_null(), "{done}");
    assert_eq!(school.count("payments WHERE status = 'succeeded'").await, 252);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_payment_that_is_captured_days_later_is_asked_for_until_then() {
    let school = School::open().await;
    let mut payment = school.captured("pay_late", TimeDelta::days(3));
    payment["status"] = json!("authorized");
    school.put(payment.clone());
    school.read().await;
    // WHEN it is captured, and no reading goes as far back as its beginning
    payment["status"] = json!("captured");
    school.put(payment);
    school
        .bench
        .database
        .run_sql("UPDATE statement_entries SET seen_at = seen_at - interval '1 hour'")
        .await;
    let done = school.read().await;
    let from: DateTime<Utc> = serde_json::from_value(done["from"].clone()).unwrap();
    assert!(
        from > school.now - TimeDelta::days(2),
        "the second reading overlaps by a day: {done}"
    );
    assert_eq!(school.outcome("pay_late").await, "matched");
    assert_eq!(school.bench.published("purchase-confirmed").await.len(), 1);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_settlement_adds_up_to_the_paisa_or_is_a_case() {
    let school = School::open().await;
    let at = (school.now - TimeDelta::days(2)).timestamp();
    let line = |id: &str, kind: &str, credit: i64, debit: i64| {
        json!({"entity_id": id, "type": kind, "debit": debit, "credit": credit, "amount": credit.max(debit), "currency": "INR", "fee": 11_798,
               "tax": 1_800, "on_hold": false, "settled": true, "created_at": at, "settled_at": at, "settlement_id": "setl_1",
               "payment_id": null, "notes": "a text"})
    };
    let sum = PAID - 11_798 - 10_000 - 1;
    school.stub.put_listed(
        Listed::Settlement,
        json!({"id": "setl_1", "entity": "settlement", "amount": sum, "status": "processed", "fees": 11_798, "tax": 1_800, "utr": "1",
               "created_at": at}),
    );
    school
        .stub
        .put_listed(Listed::Settled, line("pay_1", "payment", PAID - 11_798, 0));
    school
        .stub
        .put_listed(Listed::Settled, line("rfnd_1", "refund", 0, 10_000));
    // GIVEN a line that is not listed yet
    paid_here(&school, "pay_1").await;
    assert_eq!(school.cases("statement_gap", "setl_1").await, 1);
    // WHEN it is listed late, as it should be or not, THEN the case follows, though later readings begin after the settlement
    for (taken, cases) in [(1, 0), (2, 1), (0, 1), (1, 0)] {
        school
            .stub
            .put_listed(Listed::Settled, line("adj_1", "adjustment", 0, taken));
        school.read().await;
        assert_eq!(school.cases("statement_gap", "setl_1").await, cases, "{taken}");
    }
    // The payment keeps its own outcome and has its fee, tax and net.
    let settled =
        "statement_entries WHERE entry_id = 'pay_1' AND outcome = 'matched' AND settlement_id = 'setl_1'
                   AND (fee_cents, tax_cents, net_cents) = (11798, 1800, 488102)";
    assert_eq!(school.count(settled).await, 1);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_settlement_of_today_may_still_be_filled() {
    for (hours, cases) in [(2, 0), (48, 1)] {
        let school = School::open().await;
        let at = (school.now - TimeDelta::hours(hours)).timestamp();
        school.stub.put_listed(
            Listed::Settlement,
            json!({"id": "setl_1", "entity": "settlement", "amount": PAID, "status": "processed", "fees": 0, "tax": 0, "utr": "1",
                   "created_at": at}),
        );
        school.stub.put_listed(
            Listed::Settled,
            json!({"entity_id": "adj_1", "type": "adjustment", "debit": 0, "credit": 1, "amount": 1, "currency": "INR", "fee": 0,
                   "tax": 0, "on_hold": false, "settled": true, "created_at": at, "settled_at": at, "settlement_id": "setl_1",
                   "payment_id": null, "notes": "a text"}),
        );
        school.read().await;
        assert_eq!(
            school.cases("statement_gap", "setl_1").await,
            cases,
            "{hours} hours ago"
        );
        school.bench.database.drop().await;
    }
}

#[tokio::test]
async fn of_an_entry_that_is_there_twice_the_last_counts() {
    let school = School::open().await;
    let judged = |outcome: Outcome| {
        let payment = school.captured("pay_1", TimeDelta::hours(3));
        Judged {
            entry: Entry::read_payment(payment.as_object().unwrap()).unwrap(),
            outcome,
            subject: None,
            acted: None,
        }
    };
    let twice = vec![judged(Outcome::TheirsOnly), judged(Outcome::Matched)];
    let mut connection = school.bench.sweep.publisher.database.acquire().await.unwrap();
    let opened = keep_with_cases(&mut connection, "razorpay", twice, "test", school.now)
        .await
        .unwrap();
    drop(connection);
    assert_eq!((opened, school.outcome("pay_1").await.as_str()), (0, "matched"));
    school.bench.database.drop().await;
}

#[tokio::test]
async fn without_a_key_nothing_is_asked_and_a_since_that_is_none_is_refused() {
    let school = School::open().await;
    let input = json!({"sweep": "statement", "since": "yesterday"});
    let deadline = Deadline::after(Duration::from_secs(60));
    let refused = school.bench.sweep.handle(&input, deadline).await.unwrap_err();
    assert!(refused.to_string().contains("since must be a day"), "{refused}");
    let mut bench = Bench::fresh().await;
    bench.sweep.razorpay = None;
    let done = bench.run("statement").await;
    assert_eq!(done, json!({"imported": {"asked": 0, "verified": 0, "cases": 0}}));
    bench.database.drop().await;
    school.bench.database.drop().await;
}
