//! Stripe's webhook: who is believed, and that one payment is one purchase, whichever of its events come, in whatever order.

use crate::setting::{COURSE, NOW, STUDENT, Setting, stripe_request};
use makegood::config::Place;
use makegood::payment::stripe::{PROVIDER, derived_id};
use makegood::secret::Rotating;
use metrics_util::debugging::DebuggingRecorder;
use receive_payment::signature::{Keys, sign};
use serde_json::{Value, json};

const STRIPE_SECRET: &str = "whsec_of_the_tests";
pub const PAID: i64 = 499_900;

pub fn bought() -> Value {
    json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": "20"})
}

pub fn event(name: &str, created: i64, object: Value) -> Value {
    json!({"id": "evt_1", "object": "event", "type": name, "livemode": true, "created": created, "data": {"object": object}})
}

pub fn session(name: &str, status: &str, metadata: Value) -> Value {
    let object = json!({"id": "cs_1", "object": "checkout.session", "payment_status": status, "payment_intent": "pi_1",
                        "amount_total": PAID, "currency": "inr", "metadata": metadata});
    event(&format!("checkout.session.{name}"), NOW, object)
}

fn intent(metadata: Value) -> Value {
    let object = json!({"id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": PAID, "amount_received": PAID,
                        "currency": "inr", "metadata": metadata});
    event("payment_intent.succeeded", NOW, object)
}

fn v1(secret: &str, time: i64, body: &str) -> String {
    let time = time.to_string();
    sign(secret, &[time.as_bytes(), b".", body.as_bytes()])
}

pub fn signed(body: &Value) -> Value {
    let body = body.to_string();
    let header = format!("t={NOW},v1={}", v1(STRIPE_SECRET, NOW, &body));
    stripe_request(&body, Some(&header))
}

pub async fn send(setting: &Setting, body: &Value) -> Value {
    let (status, answer) = setting.send(signed(body)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

pub async fn configured() -> Setting {
    let mut setting = Setting::with_no_queue().await;
    let keys = Keys::read("STRIPE_WEBHOOK_SECRET", STRIPE_SECRET, 16).unwrap();
    setting.function.stripe = Rotating::fixed(keys);
    setting
}

/// Without a price but what Stripe's own objects ask for.
pub async fn unpriced() -> Setting {
    let setting = configured().await;
    setting.database.run_sql("DELETE FROM course_prices").await;
    setting
}

/// Each order of so many messages.
pub fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: Vec<usize>| {
        (0..count).map(move |at| {
            let mut longer = order.clone();
            longer.insert(at, count - 1);
            longer
        })
    };
    orders(count - 1).into_iter().flat_map(insert).collect()
}

#[tokio::test]
async fn a_signature_is_believed_by_any_v1_of_either_secret_for_five_minutes() {
    let mut setting = Setting::with_no_queue().await;
    let two = format!("whsec_that_is_new\n{STRIPE_SECRET}");
    setting.function.stripe = Rotating::fixed(Keys::read("STRIPE_WEBHOOK_SECRET", &two, 16).unwrap());
    let body = session("completed", "paid", bought()).to_string();
    let of = |secret, time| v1(secret, time, &body);
    let (right, wrong) = (of(STRIPE_SECRET, NOW), of("another secret", NOW));
    for (header, code) in [
        (Some(format!("t={NOW},v1={right}")), None),
        (Some(format!("t={NOW},v1={}", of("whsec_that_is_new", NOW))), None),
        (Some(format!("t={NOW},v1={wrong},v1={right},v0={wrong}")), None),
        (Some(format!("v1={right}, t={NOW}")), None),
        (
            Some(format!("t={},v1={}", NOW - 300, of(STRIPE_SECRET, NOW - 300))),
            None,
        ),
        (
            Some(format!("t={},v1={}", NOW + 300, of(STRIPE_SECRET, NOW + 300))),
            None,
        ),
        (
            Some(format!("t={},v1={}", NOW - 301, of(STRIPE_SECRET, NOW - 301))),
            Some("stale_timestamp"),
        ),
        (
            Some(format!("t={},v1={}", NOW + 301, of(STRIPE_SECRET, NOW + 301))),
            Some("stale_timestamp"),
        ),
        (
            Some(format!("t={},v1={right}", NOW - 1)),
            Some("invalid_signature"),
        ),
        (Some(format!("t={NOW},v1={wrong}")), Some("invalid_signature")),
        (Some(format!("t={NOW},v0={right}")), Some("invalid_signature")),
        (Some(format!("v1={right}")), Some("invalid_signature")),
        (
            Some(format!("t={NOW},v1={}", &right[..62])),
            Some("invalid_signature"),
        ),
        (Some(right.clone()), Some("invalid_signature")),
        (None, Some("missing_signature")),
    ] {
        let (status, answer) = setting.send(stripe_request(&body, header.as_deref())).await;
        assert_eq!(
            status,
            if code.is_some() { 401 } else { 200 },
            "{header:?}: {answer}"
        );
        assert_eq!(answer["error"]["code"], json!(code), "{header:?}");
    }
    // What is no JSON is not looked at before the signature holds.
    let (status, _) = setting
        .send(stripe_request("{", Some(&format!("t={NOW},v1={right}"))))
        .await;
    assert_eq!(status, 401);
    assert_eq!(setting.payments_and_events().await, (1, 1));
    setting.finish().await;
}

#[tokio::test]
async fn where_stripe_is_not_configured_it_has_no_address() {
    let mut setting = Setting::with_no_queue().await;
    setting.function.stripe = Rotating::fixed(Keys::none());
    let body = session("completed", "paid", bought());
    let (status, answer) = setting.send(signed(&body)).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (404, &json!("not_found")),
        "{answer}"
    );
    let unsigned = sign(
        "",
        &[NOW.to_string().as_bytes(), b".", body.to_string().as_bytes()],
    );
    let request = stripe_request(&body.to_string(), Some(&format!("t={NOW},v1={unsigned}")));
    assert_eq!(setting.send(request).await.0, 404);
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn a_session_and_its_intent_in_any_order_are_one_payment_wherever_the_metadata_is() {
    for (of_session, of_intent) in [(bought(), json!({})), (json!({}), bought()), (bought(), bought())] {
        let messages = [
            session("completed", "unpaid", of_session.clone()),
            session("async_payment_succeeded", "paid", of_session),
            intent(of_intent),
        ];
        for order in orders(3) {
            let setting = unpriced().await;
            for message in order.iter().chain(&order) {
                send(&setting, &messages[*message]).await;
            }
            assert_eq!(setting.payments_and_events().await, (1, 1), "{order:?}");
            assert_eq!(
                setting.count("SELECT count(*) FROM payment_cases").await,
                0,
                "{order:?}"
            );
            let row = setting.json("SELECT to_jsonb(p) FROM payments p").await;
            assert_eq!(row["id"], json!(derived_id(PROVIDER, "pi_1")));
            assert_eq!(
                (&row["provider"], &row["provider_payment_id"], &row["status"]),
                (&json!("stripe"), &json!("pi_1"), &json!("succeeded"))
            );
            setting.finish().await;
        }
    }
}

#[tokio::test]
async fn what_is_not_paid_buys_nothing() {
    let setting = unpriced().await;
    for (name, status) in [
        ("completed", "unpaid"),
        ("completed", "no_payment_required"),
        ("async_payment_failed", "unpaid"),
        ("expired", "unpaid"),
    ] {
        let answer = send(&setting, &session(name, status, bought())).await;
        assert_eq!(answer["status"], json!("ignored"), "{name} {status}");
    }
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}

#[tokio::test(flavor = "current_thread")]
async fn an_event_of_the_other_mode_or_of_another_account_is_named_counted_and_kept_nowhere() {
    let recorder = DebuggingRecorder::new();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let mut setting = unpriced().await;
    let mut body = session("completed", "paid", bought());
    body["livemode"] = json!(false);
    let mut answers = vec![send(&setting, &body).await];
    body["livemode"] = json!(true);
    setting.function.place = Place::Sandbox;
    answers.push(send(&setting, &body).await);
    setting.function.place = Place::Live;
    body["account"] = json!("acct_1");
    answers.push(send(&setting, &body).await);
    for answer in &answers {
        assert_eq!(answer["status"], json!("ignored"));
        assert!(answer["reason"].is_string(), "{answer}");
    }
    assert_eq!(setting.rows_in_all_tables().await, 0);
    let counted: Vec<String> = recorder
        .snapshotter()
        .snapshot()
        .into_vec()
        .iter()
        .filter(|(key, ..)| key.key().name() == "EventsIgnored")
        .flat_map(|(key, ..)| {
            key.key()
                .labels()
                .map(|label| label.value().to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    for name in ["of-other-mode", "of-other-account"] {
        assert!(counted.iter().any(|counted| counted == name), "{counted:?}");
    }
    setting.finish().await;
}

#[tokio::test]
async fn the_price_is_compared_in_minor_units_of_iso_4217() {
    for (currency, amount, kept) in [
        ("jpy", 5_000, 5_000),
        ("mga", 5_000, 500_000),
        ("ugx", 50_000, 500),
        ("kwd", 12_340, 12_340),
    ] {
        let setting = unpriced().await;
        let code = currency.to_uppercase();
        setting
            .database
            .run_sql(&format!(
                "INSERT INTO course_prices (course_id, tier, currency, amount_minor, valid_from) VALUES ('{COURSE}', 20, '{code}', {kept}, 'epoch')"
            ))
            .await;
        let mut body = intent(bought());
        for (field, value) in [
            ("amount", json!(amount * 2)),
            ("amount_received", json!(amount)),
            ("currency", json!(currency)),
        ] {
            body["data"]["object"][field] = value;
        }
        assert_eq!(
            send(&setting, &body).await["status"],
            json!("recorded"),
            "{currency}"
        );
        assert_eq!(
            setting.json("SELECT to_jsonb(amount_cents) FROM payments").await,
            json!(kept),
            "{currency}"
        );
        setting.finish().await;
    }
}

#[tokio::test]
async fn less_than_was_asked_is_held_and_less_than_was_begun_too() {
    let setting = unpriced().await;
    let mut short = intent(bought());
    short["data"]["object"]["amount_received"] = json!(1);
    assert_eq!(send(&setting, &short).await["case"], json!("unpriced_payment"));
    setting.finish().await;
    let setting = unpriced().await;
    let begun = setting.begin_payment("initiated", PAID + 1).await;
    let mut body = session("completed", "paid", json!({}));
    body["data"]["object"]["client_reference_id"] = json!(begun);
    assert_eq!(send(&setting, &body).await["case"], json!("amount_mismatch"));
    setting
        .database
        .run_sql(&format!("UPDATE payments SET amount_cents = {PAID}"))
        .await;
    assert_eq!(send(&setting, &body).await["paymentId"], json!(begun));
    assert_eq!(setting.payments_and_events().await, (1, 1));
    setting.finish().await;
}
