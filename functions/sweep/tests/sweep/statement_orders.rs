//! Payments of the statement that name nothing of ours: their order is asked for, once, before one is called another site's.

use crate::statement::{PAID, School};
use chrono::TimeDelta;
use makegood_local::gateway::Behaviour;
use serde_json::{Value, json};
use uuid::Uuid;

impl School {
    fn bought(&self) -> Value {
        json!({"studentId": Uuid::new_v4(), "courseId": self.course, "purchaseTier": "10"})
    }

    /// An order of the merchant's server.
    fn ordered(&self, amount: i64, notes: Value) -> String {
        let order = self.stub.put_order(amount, "INR", notes);
        order["id"].as_str().unwrap().to_owned()
    }

    /// A captured payment without notes of an order.
    fn pays(&self, id: &str, order: &str) {
        let mut payment = self.with(id, "notes", json!([]));
        payment["order_id"] = json!(order);
        self.put(payment);
    }

    async fn purchases(&self) -> usize {
        self.bench.published("purchase-confirmed").await.len()
    }
}

#[tokio::test]
async fn a_payment_whose_notes_stand_on_its_order_alone_is_recorded_and_fulfilled_once() {
    // GIVEN a payment without notes that no webhook told of, and an order of ten sessions at its own price
    let school = School::open().await;
    let order = school.ordered(PAID, school.bought());
    school.pays("pay_1", &order);
    // WHEN two runs read at once, and one more later
    tokio::join!(school.read(), school.read());
    school.read().await;
    // THEN the order is believed as that of a webhook is
    assert_eq!(school.outcome("pay_1").await, "matched");
    let ten = "payments WHERE status = 'succeeded' AND provider_payment_id = 'pay_1' AND metadata ->> 'purchaseTier' = '10'";
    assert_eq!(school.count(ten).await, 1);
    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.count("payment_cases").await, 0);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn an_order_of_another_site_is_asked_for_once_and_its_payment_is_not_ours() {
    let school = School::open().await;
    let order = school.ordered(PAID, json!({"woocommerce_order_id": "8812"}));
    school.pays("pay_1", &order);
    for _ in 0..3 {
        school.read().await;
        assert_eq!(school.outcome("pay_1").await, "not_ours");
    }
    assert_eq!(school.stub.questions(&order), 1);
    assert_eq!(
        school.count("payments").await + school.count("payment_cases").await,
        0
    );
    // AND one whose order Razorpay does not know is not ours either
    school.pays("pay_2", "order_unknown");
    school.read().await;
    assert_eq!(school.outcome("pay_2").await, "not_ours");
    school.bench.database.drop().await;
}

#[tokio::test]
async fn an_entry_that_an_older_version_called_not_ours_is_asked_about_all_the_same() {
    let school = School::open().await;
    school.put(school.with("pay_1", "notes", json!([])));
    school.read().await;
    assert_eq!(school.outcome("pay_1").await, "not_ours");
    let order = school.ordered(PAID, school.bought());
    school.pays("pay_1", &order);
    school.read().await;
    assert_eq!(
        (school.outcome("pay_1").await.as_str(), school.purchases().await),
        ("matched", 1)
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn an_order_that_does_not_say_it_all_is_a_case() {
    let school = School::open().await;
    let mut no_course = school.bought();
    no_course.as_object_mut().unwrap().remove("courseId");
    let mut dear = school.bought();
    dear["purchaseTier"] = json!("7");
    for (id, amount, notes, kind) in [
        ("pay_no_course", PAID, no_course, "unfulfillable"),
        ("pay_dear", PAID + 1, dear, "unpriced_payment"),
    ] {
        school.pays(id, &school.ordered(amount, notes));
        school.read().await;
        assert_eq!(school.cases(kind, id).await, 1, "{id}");
    }
    assert_eq!(school.purchases().await, 0);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn an_order_that_is_not_told_is_asked_for_again_and_nothing_is_called_not_ours_meanwhile() {
    let school = School::open().await;
    let order = school.ordered(PAID, school.bought());
    school.pays("pay_1", &order);
    school.stub.script_for(&order, [Behaviour::Unavailable; 1]);
    school.read().await;
    assert_eq!(school.outcome("pay_1").await, "too_young");
    assert_eq!(school.count("payments").await, 0);
    school.read().await;
    assert_eq!(
        (school.outcome("pay_1").await.as_str(), school.purchases().await),
        ("matched", 1)
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_provider_that_tells_no_order_three_times_in_a_row_is_left_alone_until_the_next_run() {
    let school = School::open().await;
    let order = school.ordered(PAID, json!([]));
    for n in 0..5 {
        school.pays(&format!("pay_{n}"), &order);
    }
    school.stub.script_for(&order, [Behaviour::Unavailable; 3]);
    school.read().await;
    assert_eq!(school.stub.questions(&order), 3);
    assert_eq!(
        school
            .count("statement_entries WHERE outcome = 'too_young'")
            .await,
        5
    );
    school.read().await;
    assert_eq!(school.stub.questions(&order), 8);
    assert_eq!(
        school.count("statement_entries WHERE outcome = 'not_ours'").await,
        5
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_run_asks_for_so_many_orders_and_the_next_one_reads_on() {
    // GIVEN payments of another site on five pages
    let school = School::open().await;
    let order = school.ordered(PAID, json!([]));
    for n in 0..430 {
        let mut payment = school.captured(&format!("pay_{n:03}"), TimeDelta::minutes(20 + n));
        payment["notes"] = json!([]);
        payment["order_id"] = json!(order);
        school.put(payment);
    }
    let first = school.read().await;
    assert!(first["completedAt"].is_null(), "{first}");
    let asked = school.stub.questions(&order);
    assert!((300..430).contains(&asked), "{asked}");
    // WHEN the next run goes on THEN each is asked about once
    let second = school.read().await;
    assert!(!second["completedAt"].is_null(), "{second}");
    assert_eq!(school.stub.questions(&order), 430);
    assert_eq!(
        school.count("statement_entries WHERE outcome = 'not_ours'").await,
        430
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_payment_that_an_offer_made_less_is_recorded_once_its_order_is_paid() {
    // GIVEN a begun payment, its order, and a capture with an offer of a tenth that no webhook told of
    let school = School::open().await;
    let order = school.ordered(PAID, json!([]));
    let (student, course) = (Uuid::new_v4(), school.course);
    let metadata = json!({"courseId": course, "purchaseTier": 10, "orderId": order});
    let begun = format!(
        "INSERT INTO payments (student_id, amount_cents, status, metadata) VALUES ('{student}', {PAID}, 'initiated', '{metadata}')"
    );
    school.bench.database.run_sql(&begun).await;
    let mut payment = school.with("pay_1", "offer_id", json!("offer_JTUADI4ZWBGWur"));
    (payment["order_id"], payment["amount"], payment["notes"]) =
        (json!(order), json!(PAID - 49_990), json!([]));
    school.put(payment);
    // WHEN the order is not paid yet THEN a person is asked
    school.read().await;
    assert_eq!(school.stub.questions(&order), 1);
    assert_eq!(school.cases("amount_mismatch", "pay_1").await, 1);
    assert_eq!(school.purchases().await, 0);
    // WHEN Razorpay does not tell THEN nothing changes
    school.stub.script_for(&order, [Behaviour::Unavailable; 1]);
    school.read().await;
    assert_eq!(school.cases("amount_mismatch", "pay_1").await, 1);
    // WHEN it is THEN it is recorded with what was paid, and the case closes
    school.stub.pay_order(&order, PAID - 49_990);
    school.read().await;
    school.read().await;
    assert_eq!(school.outcome("pay_1").await, "matched");
    assert_eq!(
        school
            .count("payments WHERE status = 'succeeded' AND amount_cents = 449910")
            .await,
        1
    );
    assert_eq!(school.purchases().await, 1);
    assert_eq!(school.cases("amount_mismatch", "pay_1").await, 0);
    assert_eq!(school.stub.questions(&order), 3);
    school.bench.database.drop().await;
}
