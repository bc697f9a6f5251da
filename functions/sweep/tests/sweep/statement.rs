//! The provider's own statement: whatever it took or gave back and no webhook told us of is made right within one run, or is a
//! case.

use crate::bench::Bench;
use chrono::{DateTime, TimeDelta, Utc};
use makegood::config::Environment;
use makegood::gateway::{Razorpay, RazorpayConfig};
use makegood_local::gateway::{self, GatewayStub, Listed};
use serde_json::{Value, json};
use uuid::Uuid;

pub const PAID: i64 = 499_900;

/// A school on Razorpay: one course of twenty sessions has a price.
pub struct School {
    pub stub: GatewayStub,
    pub bench: Bench,
    pub course: Uuid,
    pub now: DateTime<Utc>,
}

impl School {
    pub async fn open() -> Self {
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
    pub fn captured(&self, id: &str, ago: TimeDelta) -> Value {
        let notes = json!({"studentId": Uuid::new_v4(), "courseId": self.course, "purchaseTier": "20", "timeSlot": "5:30 PM"});
        json!({"id": id, "entity": "payment", "amount": PAID, "currency": "INR", "status": "captured", "captured": true,
               "order_id": null, "method": "upi", "amount_refunded": 0, "refund_status": null, "notes": notes, "fee": 11_798, "tax": 1_800,
               "email": "someone@example.com", "contact": "+910000000000", "created_at": (self.now - ago).timestamp()})
    }

    /// The same, with one field another.
    pub fn with(&self, id: &str, field: &str, value: Value) -> Value {
        let mut payment = self.captured(id, TimeDelta::hours(3));
        payment[field] = value;
        payment
    }

    pub fn put(&self, payment: Value) {
        self.stub.put_listed(Listed::Payment, payment);
    }

    pub async fn read(&self) -> Value {
        self.bench.run("statement").await
    }

    pub async fn count(&self, what: &str) -> i64 {
        self.bench
            .database
            .count(&format!("SELECT count(*) FROM {what}"))
            .await
    }

    pub async fn outcome(&self, id: &str) -> String {
        let mut connection = self.bench.sweep.publisher.database.acquire().await.unwrap();
        sqlx::query_scalar::<_, String>("SELECT outcome FROM statement_entries WHERE entry_id = $1")
            .bind(id)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    /// An open case of this kind about this entry.
    pub async fn cases(&self, kind: &str, subject: &str) -> i64 {
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
    school.put(school.with("pay_unreadable", "amount", json!("free")));
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
    assert_eq!(school.cases("statement_gap", "pay_unreadable").await, 1);
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
pub async fn paid_here(school: &School, id: &str) {
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
    // WHEN they say the same again THEN no case is open any more
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
async fn a_refund_without_a_webhook_is_recorded_and_ends_what_it_paid_for() {
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
async fn each_part_of_an_order_is_compared_with_its_own_amount() {
    for (listed, outcome) in [(200_000, "matched"), (199_999, "amount_differs")] {
        let school = School::open().await;
        // GIVEN a payment that was paid in two parts; the row has the id of the last, and the sum
        school
            .bench
            .database
            .run_sql(&format!(
                "INSERT INTO payments (id, student_id, amount_cents, currency, status, provider, provider_payment_id, metadata, confirmed_at)
                 VALUES (md5('whole')::uuid, gen_random_uuid(), {PAID}, 'INR', 'succeeded', 'razorpay', 'pay_b',
                         jsonb_build_object('courseId', '{}'), now() - interval '3 hours');
                 INSERT INTO student_course_purchases (student_id, course_id, payment_id, purchase_tier)
                 SELECT student_id, '{}', id, 20 FROM payments;
                 INSERT INTO payment_parts (provider_payment_id, payment_id, order_id, amount_minor, currency)
                 VALUES ('pay_a', md5('whole')::uuid, 'order_1', 200000, 'INR'), ('pay_b', md5('whole')::uuid, 'order_1', 299900, 'INR')",
                school.course, school.course
            ))
            .await;
        for (id, amount) in [("pay_a", listed), ("pay_b", 299_900)] {
            school.put(school.with(id, "amount", json!(amount)));
        }
        // WHEN the statement is read THEN neither is a second payment
        school.read().await;
        assert_eq!(school.outcome("pay_a").await, outcome);
        assert_eq!(school.outcome("pay_b").await, "matched");
        assert_eq!(school.count("payments").await, 1);
        assert_eq!(school.cases("statement_gap", "pay_b").await, 0);
        school.bench.database.drop().await;
    }
}
