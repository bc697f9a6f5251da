//! The provider's own statement: whatever it took or gave back and nobody told us of is made right within one run, or is a case.

use crate::bench::Bench;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::config::Environment;
use makegood::delivery::Deadline;
use makegood::gateway::{Razorpay, RazorpayConfig};
use makegood_local::gateway::{self, Behaviour, GatewayStub, Listed};
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

const PAID: i64 = 499_900;

/// A school on Razorpay: one course of twenty sessions has a price.
struct School {
    stub: GatewayStub,
    bench: Bench,
    course: Uuid,
    now: DateTime<Utc>,
}

impl School {
    async fn open() -> Self {
        let stub = gateway::spawn().await.unwrap();
        let mut bench = Bench::fresh().await;
        bench.sweep.razorpay = Some(razorpay(&stub).await);
        let course = Uuid::new_v4();
        let price = format!(
            "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from) VALUES ('{course}', 20, 'INR', {PAID}, '2020-01-01')"
        );
        bench.database.run_sql(&price).await;
        let now = Utc::now();
        Self {
            stub,
            bench,
            course,
            now,
        }
    }

    /// A captured payment of this long ago, as Razorpay lists it.
    fn captured(&self, id: &str, ago: TimeDelta) -> Value {
        let notes = json!({"studentId": Uuid::new_v4(), "courseId": self.course, "purchaseTier": "20", "timeSlot": "5:30 PM"});
        json!({"id": id, "entity": "payment", "amount": PAID, "currency": "INR", "status": "captured", "captured": true,
               "order_id": null, "method": "upi", "amount_refunded": 0, "refund_status": null, "notes": notes, "fee": 11_798, "tax": 1_800,
               "email": "someone@example.com", "contact": "+910000000000", "created_at": (self.now - ago).timestamp()})
    }

    /// The same, with one field another.
    fn with(&self, id: &str, field: &str, value: Value) -> Value {
        let mut payment = self.captured(id, TimeDelta::hours(3));
        payment[field] = value;
        payment
    }

    fn put(&self, payment: Value) {
        self.stub.put_listed(Listed::Payment, payment);
    }

    async fn read(&self) -> Value {
        self.bench.run("statement").await
    }

    async fn count(&self, what: &str) -> i64 {
        self.bench
            .database
            .count(&format!("SELECT count(*) FROM {what}"))
            .await
    }

    async fn outcome(&self, id: &str) -> String {
        let mut connection = self.bench.sweep.publisher.database.acquire().await.unwrap();
        sqlx::query_scalar::<_, String>("SELECT outcome FROM statement_entries WHERE entry_id = $1")
            .bind(id)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    /// An open case of this kind about this entry.
    async fn cases(&self, kind: &str, subject: &str) -> i64 {
        self.count(&format!(
            "payment_cases WHERE kind = '{kind}' AND subject = '{subject}' AND status = 'open'"
        ))
        .await
    }
}

async fn razorpay(stub: &GatewayStub) -> Razorpay {
    let variables = stub.razorpay_variables();
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let config = RazorpayConfig::read_if_any(&mut Environment::of(&variables)).unwrap();
    config.open(&makegood::runtime::aws().await).await.unwrap()
}

#[tokio::test]
async fn a_webhook_that_never_arrived_is_found_within_one_run_and_paid_for_once() {
    let school = School::open().await;
    // GIVEN more payments than two pages hold, none of which anybody told us of
    for n in 0..230 {
        school.put(school.captured(&format!("pay_{n:03}"), TimeDelta::minutes(20 + n)));
    }
    // WHEN two runs read at once, and one more later
    let (first, second) = tokio::join!(school.read(), school.read());
    assert!(
        !first["completedAt"].is_null() && !second["completedAt"].is_null(),
        "{first} {second}"
    );
    school.read().await;
    // THEN each has its payment and its event, once
    assert_eq!(
        school
            .count("payments WHERE status = 'succeeded' AND provider = 'razorpay'")
            .await,
        230
    );
    let published = school.bench.published("purchase-confirmed").await;
    assert_eq!(published.len(), 230, "each event is sent once");
    assert_eq!(
        school.count("statement_entries WHERE outcome = 'matched'").await,
        230
    );
    assert_eq!(school.count("payment_cases").await, 0);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn every_difference_has_its_outcome_and_is_recorded_or_a_case() {
    let school = School::open().await;
    let nothing_of_ours = json!({"woocommerce_order_id": "8812"});
    let no_price = json!({"studentId": Uuid::new_v4(), "courseId": Uuid::new_v4(), "purchaseTier": "20"});
    let unusable = json!({"studentId": Uuid::new_v4(), "courseId": school.course, "purchaseTier": 501});
    school.put(school.captured("pay_young", TimeDelta::minutes(5)));
    school.put(school.with("pay_failed", "status", json!("failed")));
    school.put(school.with("pay_waits", "status", json!("authorized")));
    school.put(school.with("pay_other_site", "notes", nothing_of_ours));
    school.put(school.with("pay_unpriced", "notes", no_price));
    school.put(school.with("pay_unusable", "notes", unusable));
    school.put(school.with("pay_returned", "amount_refunded", json!(PAID)));
    school.read().await;
    for (id, outcome, kind) in [
        ("pay_young", "too_young", None),
        ("pay_waits", "too_young", None),
        ("pay_other_site", "not_ours", None),
        ("pay_unpriced", "matched", Some("unpriced_payment")),
        ("pay_unusable", "theirs_only", Some("unfulfillable")),
        ("pay_returned", "matched", None),
    ] {
        assert_eq!(school.outcome(id).await, outcome, "{id}");
        let cases = school
            .count(&format!(
                "payment_cases WHERE subject = '{id}' AND status = 'open'"
            ))
            .await;
        assert_eq!(cases, i64::from(kind.is_some()), "{id}");
        if let Some(kind) = kind {
            assert_eq!(school.cases(kind, id).await, 1, "{id}");
        }
    }
    assert_eq!(
        school
            .count("statement_entries WHERE entry_id = 'pay_failed'")
            .await,
        0
    );
    assert_eq!(
        school
            .count("payments WHERE status = 'refunded' AND provider_payment_id = 'pay_returned'")
            .await,
        1
    );
    assert_eq!(
        school.bench.published("purchase-confirmed").await.len(),
        0,
        "nothing of these is bought"
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_begun_payment_is_met_by_its_order_and_a_cancelled_one_is_a_case() {
    let school = School::open().await;
    let begun = |status: &str, order: &str| {
        format!(
            "INSERT INTO payments (id, student_id, amount_cents, currency, status, metadata)
             VALUES (gen_random_uuid(), gen_random_uuid(), {PAID}, 'INR', '{status}',
                     '{{\"courseId\": \"{}\", \"sessionCount\": 10, \"orderId\": \"{order}\"}}')",
            school.course
        )
    };
    school
        .bench
        .database
        .run_sql(&begun("initiated", "order_1"))
        .await;
    school
        .bench
        .database
        .run_sql(&begun("cancelled", "order_2"))
        .await;
    for (id, order) in [("pay_1", "order_1"), ("pay_2", "order_2")] {
        let mut payment = school.with(id, "notes", json!([]));
        payment["order_id"] = json!(order);
        school.put(payment);
    }
    school.read().await;
    assert_eq!(
        school
            .count("payments WHERE status = 'succeeded' AND provider_payment_id = 'pay_1'")
            .await,
        1
    );
    assert_eq!(school.bench.published("purchase-confirmed").await.len(), 1);
    assert_eq!(
        (
            school.outcome("pay_2").await.as_str(),
            school.cases("refund_due", "pay_2").await
        ),
        ("theirs_only", 1)
    );
    school.bench.database.drop().await;
}

/// A payment that is paid here as well.
async fn paid_here(school: &School, id: &str) {
    school.put(school.captured(id, TimeDelta::hours(3)));
    school.read().await;
    assert_eq!(school.outcome(id).await, "matched");
}

#[tokio::test]
async fn what_is_paid_or_given_back_on_one_side_only_is_a_case_until_both_say_the_same() {
    let school = School::open().await;
    for id in ["pay_amount", "pay_currency", "pay_returned_here", "pay_gone"] {
        paid_here(&school, id).await;
    }
    // WHEN the books and the statement part
    let other = |id: &str, field: &str, value: Value| school.put(school.with(id, field, value));
    other("pay_amount", "amount", json!(PAID + 1));
    other("pay_currency", "currency", json!("USD"));
    school
        .bench
        .database
        .run_sql(
            "UPDATE payments SET confirmed_at = confirmed_at - interval '3 hours';
                  UPDATE payments SET status = 'refunded' WHERE provider_payment_id = 'pay_returned_here';
                  DELETE FROM statement_entries WHERE entry_id = 'pay_gone'",
        )
        .await;
    school.stub.take_listed(Listed::Payment, "pay_gone");
    let done = school.read().await;
    // THEN each is told with its side
    for (id, outcome) in [
        ("pay_amount", "amount_differs"),
        ("pay_currency", "amount_differs"),
        ("pay_returned_here", "refunded_here_only"),
        ("pay_gone", "ours_only"),
    ] {
        assert_eq!(school.outcome(id).await, outcome, "{id}");
        assert_eq!(school.cases("statement_gap", id).await, 1, "{id}");
    }
    assert_eq!(done["cases"], 4, "{done}");
    // and a second reading opens nothing twice
    assert_eq!(school.read().await["cases"], 0);
    // WHEN they say the same again THEN nobody is asked any more
    for id in ["pay_amount", "pay_currency", "pay_gone"] {
        school.put(school.captured(id, TimeDelta::hours(3)));
    }
    other("pay_returned_here", "amount_refunded", json!(PAID));
    school.read().await;
    assert_eq!(school.count("payment_cases WHERE status = 'open'").await, 0);
    assert_eq!(
        school
            .count("audit_log WHERE actor = 'sweep' AND action = 'case.resolve'")
            .await,
        4
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_refund_that_nobody_told_us_of_is_recorded_and_ends_what_it_paid_for() {
    let school = School::open().await;
    paid_here(&school, "pay_1").await;
    let refund = |id: &str, status: &str, amount: i64| {
        json!({"id": id, "entity": "refund", "payment_id": "pay_1", "amount": amount, "currency": "INR", "status": status,
               "created_at": (school.now - TimeDelta::hours(2)).timestamp()})
    };
    // GIVEN a part that is on its way, and one that failed
    school
        .stub
        .put_listed(Listed::Refund, refund("rfnd_part", "pending", 100));
    school
        .stub
        .put_listed(Listed::Refund, refund("rfnd_failed", "failed", 100));
    school.read().await;
    assert_eq!(school.count("refunds WHERE status = 'processed'").await, 0);
    assert_eq!(school.outcome("rfnd_part").await, "too_young");
    // WHEN all of it is back
    school
        .stub
        .put_listed(Listed::Refund, refund("rfnd_part", "processed", 100));
    school
        .stub
        .put_listed(Listed::Refund, refund("rfnd_rest", "processed", PAID - 100));
    school.read().await;
    // THEN it is recorded as its webhook would have been
    assert_eq!(school.count("refunds WHERE status = 'processed'").await, 2);
    assert_eq!(school.count("payments WHERE status = 'refunded'").await, 1);
    assert_eq!(school.outcome("rfnd_rest").await, "matched");
    school.bench.database.drop().await;
}

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
    paid_here(&school, "pay_1").await;
    let at = (school.now - TimeDelta::days(2)).timestamp();
    let line = |id: &str, kind: &str, credit: i64, debit: i64| {
        json!({"entity_id": id, "type": kind, "debit": debit, "credit": credit, "amount": credit.max(debit), "currency": "INR", "fee": 11_798,
               "tax": 1_800, "on_hold": false, "settled": true, "created_at": at, "settled_at": at, "settlement_id": "setl_1",
               "payment_id": null, "notes": "a text"})
    };
    for line in [
        line("pay_1", "payment", PAID - 11_798, 0),
        line("rfnd_1", "refund", 0, 10_000),
        line("adj_1", "adjustment", 0, 1),
    ] {
        school.stub.put_listed(Listed::Settled, line);
    }
    let settlement = |amount: i64| {
        json!({"id": "setl_1", "entity": "settlement", "amount": amount, "status": "processed", "fees": 11_798, "tax": 1_800, "utr": "1",
               "created_at": at})
    };
    let sum = PAID - 11_798 - 10_000 - 1;
    for (amount, cases) in [(sum, 0), (sum - 1, 1), (sum, 0), (sum + 1, 1)] {
        school.stub.put_listed(Listed::Settlement, settlement(amount));
        school
            .bench
            .run_with(&json!({"sweep": "statement", "since": school.now - TimeDelta::days(7)}))
            .await;
        assert_eq!(school.cases("statement_gap", "setl_1").await, cases, "{amount}");
    }
    // The payment keeps its own outcome and has its fee, tax and net.
    let settled =
        "statement_entries WHERE entry_id = 'pay_1' AND outcome = 'matched' AND settlement_id = 'setl_1'
                   AND (fee_cents, tax_cents, net_cents) = (11798, 1800, 488102)";
    assert_eq!(school.count(settled).await, 1);
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
