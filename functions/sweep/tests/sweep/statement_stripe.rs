//! Stripe's lists: whatever it took and no webhook told us of is found within one run, and a payment is one payment, however it is told.

use crate::statement::{PAID, School};
use chrono::{TimeDelta, Utc};
use makegood::config::{Environment, Place};
use makegood::gateway::StripeConfig;
use makegood::payment::record::{self, Receipt};
use makegood::payment::stripe::{self, Webhook};
use makegood::payment::{Books, PartialRefund};
use makegood_local::gateway::{Behaviour, GatewayStub, StripeObject};
use serde_json::{Value, json};
use uuid::Uuid;

/// A school on Stripe alone.
pub async fn open() -> School {
    let mut school = School::open().await;
    school.bench.sweep.razorpay = None;
    school.bench.sweep.stripe = Some(account(&school.stub).await);
    school
}

async fn account(stub: &GatewayStub) -> makegood::gateway::Stripe {
    let variables = stub.stripe_variables();
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let config = StripeConfig::read_if_any(&mut Environment::of(&variables)).unwrap();
    config.open(&makegood::runtime::aws().await).await.unwrap()
}

/// What Stripe has of a payment.
pub struct Paid {
    pub intent: Value,
    pub charge: Value,
}

impl School {
    pub fn metadata_of_ours(&self) -> Value {
        json!({"studentId": Uuid::new_v4(), "courseId": self.course, "purchaseTier": "20", "timeSlot": "5:30 PM"})
    }

    /// A PaymentIntent that succeeded this long ago, and its charge.
    pub fn paid(&self, name: &str, ago: TimeDelta) -> Paid {
        let at = (self.now - ago).timestamp();
        let (intent, charge) = (format!("pi_{name}"), format!("ch_{name}"));
        let booked = json!({"id": format!("txn_{name}"), "object": "balance_transaction", "fee": 11_798, "net": 488_102, "currency": "inr",
            "fee_details": [{"type": "tax", "amount": 1_800, "currency": "inr"}]});
        Paid {
            charge: json!({"id": charge, "object": "charge", "amount": PAID, "amount_captured": PAID, "amount_refunded": 0, "captured": true,
                "currency": "inr", "created": at, "livemode": false, "disputed": false, "status": "succeeded", "payment_intent": intent,
                "payment_method_details": {"type": "upi"}, "balance_transaction": booked, "metadata": {"studentId": "an older one"},
                "billing_details": {"email": "someone@example.com"}}),
            intent: json!({"id": intent, "object": "payment_intent", "amount": PAID, "amount_received": PAID, "currency": "inr",
                "created": at - 60, "livemode": false, "status": "succeeded", "latest_charge": charge, "metadata": self.metadata_of_ours()}),
        }
    }

    pub fn lists(&self, paid: &Paid) {
        self.stub.put_stripe(StripeObject::Intent, paid.intent.clone());
        self.stub.put_stripe(StripeObject::Charge, paid.charge.clone());
    }

    /// The same, with another PaymentIntent or charge.
    pub fn lists_with(&self, name: &str, change: impl FnOnce(&mut Paid)) -> Paid {
        let mut paid = self.paid(name, TimeDelta::hours(3));
        change(&mut paid);
        self.lists(&paid);
        paid
    }

    /// A Checkout Session that was paid by this PaymentIntent.
    fn session(&self, name: &str, said: Value) -> Value {
        let session = json!({"id": format!("cs_{name}"), "object": "checkout.session", "payment_status": "paid", "currency": "inr",
            "amount_total": PAID, "payment_intent": format!("pi_{name}"), "created": self.now.timestamp(), "livemode": false, "metadata": said});
        self.stub.put_stripe(StripeObject::Session, session.clone());
        session
    }

    /// As the webhook records it.
    async fn webhook(&self, event: &str, object: &Value) -> Receipt {
        let body = json!({"type": event, "livemode": false, "created": Utc::now().timestamp(), "data": {"object": object}}).to_string();
        let books = Books {
            database: &self.bench.sweep.publisher.database,
            trusts_notes: false,
            partial_refund: PartialRefund::Keep,
            timezone: chrono_tz::Asia::Kolkata,
            now: Utc::now(),
        };
        let Ok(Webhook::Captured(payment)) = stripe::read(body.as_bytes(), Place::Sandbox, Utc::now()) else {
            panic!("{body}");
        };
        let (receipt, rows) = record::record(books, &payment).await.unwrap();
        self.bench.sweep.publisher.publish(&rows).await;
        receipt
    }

    pub async fn bought_count(&self) -> usize {
        self.bench.published("purchase-confirmed").await.len()
    }
}

#[tokio::test]
async fn a_webhook_of_stripes_that_never_arrived_is_found_within_one_run_and_paid_for_once() {
    let school = open().await;
    // GIVEN more payments than two pages hold, some with an attempt that failed before, none of which anybody told us of
    for n in 0..230 {
        school.lists(&school.paid(&format!("{n:03}"), TimeDelta::minutes(20 + n)));
        if n % 10 == 0 {
            let mut failed = school.paid(&format!("{n:03}"), TimeDelta::minutes(21 + n)).charge;
            (failed["id"], failed["status"]) = (json!(format!("ch_failed_{n:03}")), json!("failed"));
            school.stub.put_stripe(StripeObject::Charge, failed);
        }
    }
    // WHEN two runs read at once, and one more later
    let (first, second) = tokio::join!(school.read(), school.read());
    for done in [first, second] {
        assert!(!done["stripe"]["completedAt"].is_null(), "{done}");
    }
    school.read().await;
    // THEN each has its payment and its event, once
    let paid = "payments WHERE status = 'succeeded' AND provider = 'stripe' AND provider_payment_id LIKE 'pi_%' AND payment_method = 'upi'";
    assert_eq!(school.count(paid).await, 230);
    assert_eq!(school.bought_count().await, 230, "each event is sent once");
    let kept = "statement_entries WHERE provider = 'stripe' AND outcome = 'matched' AND (fee_cents, tax_cents) = (11798, 1800)";
    assert_eq!(school.count(kept).await, 230);
    assert_eq!(school.count("payment_cases").await, 0);
    school.bench.database.drop().await;
}

impl School {
    /// Payments that their session names, one of them by a row that was begun here; gives back that row.
    async fn lists_what_sessions_name(&self) -> Uuid {
        self.lists_with("session", |paid| paid.intent["metadata"] = json!({}));
        self.session("session", self.metadata_of_ours());
        let begun = Uuid::new_v4();
        let insert = format!(
            "INSERT INTO payments (id, student_id, amount_cents, currency, status, metadata)
             VALUES ('{begun}', gen_random_uuid(), {PAID}, 'INR', 'initiated', '{{\"courseId\": \"{}\", \"sessionCount\": 10}}')",
            self.course
        );
        self.bench.database.run_sql(&insert).await;
        self.lists_with("begun", |paid| paid.intent["metadata"] = json!({}));
        let mut session = self.session("begun", json!({}));
        session["client_reference_id"] = json!(begun);
        self.stub.put_stripe(StripeObject::Session, session);
        begun
    }

    /// Payments with which nothing can be bought, that are not ours, or that are no money yet.
    fn lists_what_buys_nothing(&self) {
        self.lists_with("unpriced", |paid| {
            paid.intent["metadata"] = json!({"studentId": Uuid::new_v4(), "courseId": Uuid::new_v4()});
        });
        self.lists_with("unusable", |paid| {
            paid.intent["metadata"]["purchaseTier"] = json!("501")
        });
        self.lists_with("without", |paid| {
            (paid.charge["payment_intent"], paid.charge["metadata"]) = (Value::Null, self.metadata_of_ours());
        });
        self.lists_with("no_unit", |paid| paid.intent["currency"] = json!("clf"));
        self.lists_with("no_mode", |paid| paid.intent["livemode"] = json!("yes"));
        self.lists_with("live", |paid| paid.intent["livemode"] = json!(true));
        self.lists_with("other_site", |paid| {
            paid.intent["metadata"] = json!({"order_id": "8812"})
        });
        self.lists_with("held", |paid| {
            (paid.intent["status"], paid.charge["captured"]) = (json!("requires_capture"), json!(false));
        });
        self.lists(&self.paid("young", TimeDelta::minutes(5)));
    }
}

#[tokio::test]
async fn every_payer_of_stripes_list_has_goods_or_a_case() {
    let school = open().await;
    let begun = school.lists_what_sessions_name().await;
    // Its unit at Stripe is a hundred of ours.
    school.lists_with("ariary", |paid| {
        for object in [&mut paid.intent, &mut paid.charge] {
            object["currency"] = json!("mga");
        }
    });
    school.lists_what_buys_nothing();
    // WHEN it is read, twice
    school.read().await;
    school.read().await;
    // THEN each has goods, or a case, or nothing is due
    for (id, outcome, kind) in [
        ("pi_session", "matched", None),
        ("pi_begun", "matched", None),
        ("pi_ariary", "matched", None),
        ("pi_unpriced", "matched", Some("unpriced_payment")),
        ("pi_unusable", "theirs_only", Some("unfulfillable")),
        ("ch_without", "theirs_only", Some("unfulfillable")),
        ("pi_other_site", "not_ours", None),
        ("pi_held", "too_young", None),
        ("pi_young", "too_young", None),
    ] {
        assert_eq!(school.outcome(id).await, outcome, "{id}");
        let about = format!("payment_cases WHERE subject = '{id}' AND status = 'open'");
        assert_eq!(school.count(&about).await, i64::from(kind.is_some()), "{id}");
        if let Some(kind) = kind {
            assert_eq!(school.cases(kind, id).await, 1, "{id}");
        }
    }
    assert_eq!(school.bought_count().await, 3);
    let ariary =
        "payments WHERE provider_payment_id = 'pi_ariary' AND amount_cents = 49990000 AND currency = 'MGA'";
    assert_eq!(school.count(ariary).await, 1);
    assert_eq!(
        school
            .count(&format!("payments WHERE id = '{begun}' AND status = 'succeeded'"))
            .await,
        1
    );
    for unread in ["pi_no_unit", "pi_no_mode"] {
        assert_eq!(school.cases("statement_gap", unread).await, 1, "{unread}");
    }
    let of_live = "(SELECT provider_payment_id AS id FROM payments UNION ALL SELECT entry_id FROM statement_entries) x WHERE id = 'pi_live'";
    assert_eq!(school.count(of_live).await, 0);
    assert_eq!(
        school.stub.questions("pi_other_site"),
        1,
        "its session is asked for once"
    );
    school.bench.database.drop().await;
}

#[tokio::test]
async fn webhook_and_list_come_to_one_payment_in_either_order() {
    for webhook_first in [true, false] {
        let school = open().await;
        // GIVEN one payment that its intent tells, one that its session tells, and one that both do
        let named = school.lists_with("intent", |_| {});
        school.lists_with("session", |paid| paid.intent["metadata"] = json!({}));
        let session = school.session("session", school.metadata_of_ours());
        let both = school.lists_with("both", |_| {});
        let of_both = school.session("both", both.intent["metadata"].clone());
        let told = [
            ("payment_intent.succeeded", &named.intent),
            ("checkout.session.completed", &session),
            ("checkout.session.completed", &of_both),
            ("payment_intent.succeeded", &both.intent),
        ];
        if !webhook_first {
            school.read().await;
        }
        for (n, (event, object)) in told.into_iter().enumerate() {
            let receipt = school.webhook(event, object).await;
            assert_eq!(
                receipt.duplicate,
                !webhook_first || n == 3,
                "{event} {webhook_first}"
            );
        }
        let done = school.read().await;
        // THEN each is one payment with one event, and both sides say the same
        assert_eq!(done["stripe"]["recorded"], 0, "{done}");
        assert_eq!(school.count("payments").await, 3);
        assert_eq!(school.bought_count().await, 3);
        assert_eq!(
            school.count("statement_entries WHERE outcome = 'matched'").await,
            3
        );
        assert_eq!(school.count("payment_cases").await, 0);
        school.bench.database.drop().await;
    }
}

#[tokio::test]
async fn a_payment_that_is_kept_under_another_name_is_met_by_it() {
    let school = open().await;
    // GIVEN a payment of another provider with the same id, and one that another program keeps by its charge
    let insert = |provider: &str, id: &str| {
        format!(
            "INSERT INTO payments (student_id, amount_cents, currency, status, provider, provider_payment_id, metadata, confirmed_at)
             VALUES (gen_random_uuid(), {PAID}, 'INR', 'succeeded', '{provider}', '{id}', '{{\"courseId\": \"{}\"}}', now() - interval '3 hours')",
            school.course
        )
    };
    school
        .bench
        .database
        .run_sql(&insert("razorpay", "pi_same"))
        .await;
    school
        .bench
        .database
        .run_sql(&insert("stripe", "ch_by_charge"))
        .await;
    // and one of which no list can be asked
    school
        .bench
        .database
        .run_sql(&insert("stripe", "cs_by_session"))
        .await;
    school.lists_with("same", |_| {});
    school.lists_with("by_charge", |_| {});
    for _ in 0..2 {
        school.read().await;
        assert_eq!(school.outcome("pi_same").await, "matched");
        assert_eq!(school.outcome("pi_by_charge").await, "matched");
        assert_eq!(
            school
                .count("payments WHERE provider_payment_id = 'stripe:pi_same'")
                .await,
            1
        );
        assert_eq!(school.count("payments").await, 4);
        assert_eq!(school.count("payment_cases").await, 0);
    }
    school.bench.database.drop().await;
}

#[tokio::test]
async fn a_payment_of_ours_that_stripe_does_not_know_is_a_case_and_one_that_was_held_is_asked_for() {
    let school = open().await;
    let held = school.lists_with("held", |paid| {
        paid.charge["created"] = json!((school.now - TimeDelta::days(3)).timestamp());
        (paid.intent["status"], paid.charge["captured"]) = (json!("requires_capture"), json!(false));
    });
    school.lists_with("gone", |_| {});
    school.read().await;
    assert_eq!(school.outcome("pi_held").await, "too_young");
    // WHEN one is captured after its list was read, and the other is not known any more
    school.stub.put_stripe(
        StripeObject::Intent,
        school.paid("held", TimeDelta::days(3)).intent,
    );
    let mut charge = held.charge;
    charge["captured"] = json!(true);
    school.stub.put_stripe(StripeObject::Charge, charge);
    school.stub.take_stripe(StripeObject::Intent, "pi_gone");
    school.stub.take_stripe(StripeObject::Charge, "ch_gone");
    let sql = "UPDATE statement_entries SET seen_at = seen_at - interval '1 hour';
               UPDATE payments SET confirmed_at = confirmed_at - interval '3 hours';
               DELETE FROM statement_entries WHERE entry_id = 'pi_gone'";
    school.bench.database.run_sql(sql).await;
    school.read().await;
    assert_eq!(school.outcome("pi_held").await, "matched");
    assert_eq!(school.outcome("pi_gone").await, "ours_only");
    assert_eq!(school.cases("statement_gap", "pi_gone").await, 1);
    school.bench.database.drop().await;
}

#[tokio::test]
async fn two_providers_are_read_in_one_run_and_one_that_is_down_does_not_hide_the_other() {
    let mut school = School::open().await;
    school.bench.sweep.stripe = Some(account(&school.stub).await);
    school.put(school.captured("pay_1", TimeDelta::hours(3)));
    school.lists_with("1", |_| {});
    school.stub.script_for("payments", [Behaviour::ServerError]);
    let done = school.read().await;
    assert_eq!(
        (&done["stopped"], &done["completedAt"]),
        (&json!("gateway_unavailable"), &Value::Null)
    );
    assert!(!done["stripe"]["completedAt"].is_null(), "{done}");
    assert_eq!(school.outcome("pi_1").await, "matched");
    // WHEN the first answers again THEN each goes on from where it was
    let next = school.read().await;
    assert_eq!(next["to"], done["to"]);
    assert_ne!(next["stripe"]["to"], done["stripe"]["to"]);
    assert_eq!(school.outcome("pay_1").await, "matched");
    school.bench.database.drop().await;
}
