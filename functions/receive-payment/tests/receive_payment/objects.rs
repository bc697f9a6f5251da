//! The same captured payment, told of by its own event and by those of what it pays: a link, an invoice, a subscription, a QR code, a
//! virtual account, an order.

use crate::setting::{COURSE, STUDENT, Setting, capture, signed_webhook};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use serde_json::{Value, json};

const PAID: i64 = 499_900;

/// What the merchant wrote on the link, order and so on.
fn bought() -> Value {
    json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": "20"})
}

/// The payment without notes, as each event carries it, told of by this one beside this object.
fn told(event: &str, key: &str, object: Value) -> Value {
    let mut body = capture("pay_case26");
    body["event"] = json!(event);
    body["payload"]["payment"]["entity"]["order_id"] = json!("order_case");
    body["payload"]["payment"]["entity"]["notes"] = json!([]);
    body["payload"][key] = json!({"entity": object});
    body
}

fn plain() -> Value {
    told("payment.captured", "none", json!({}))
}

fn of_order(notes: Value) -> Value {
    let order = json!({"id": "order_case", "amount": PAID, "currency": "INR", "notes": notes});
    told("order.paid", "order", order)
}

async fn send(setting: &Setting, body: &Value) -> Value {
    let (status, answer) = setting.send(signed_webhook(&body.to_string())).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Each order in which three messages may come.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

#[tokio::test]
async fn a_paid_link_is_the_capture_of_its_payment_with_the_notes_of_the_link() {
    // GIVEN no price but the link's own
    let setting = Setting::with_no_queue().await;
    setting.database.run_sql("DELETE FROM course_prices").await;
    let link = json!({"id": "plink_case", "status": "paid", "amount": PAID, "amount_paid": PAID, "currency": "INR", "notes": bought()});
    let body = told("payment_link.paid", "payment_link", link);
    for duplicate in [false, true] {
        let answer = send(&setting, &body).await;
        assert_eq!(
            (&answer["status"], &answer["duplicate"]),
            (&json!("recorded"), &json!(duplicate)),
            "{answer}"
        );
    }
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(setting.count("SELECT count(*) FROM payment_cases").await, 0);
    setting.finish().await;
}

#[tokio::test]
async fn a_payment_that_several_events_tell_of_buys_once_in_whatever_order_they_come() {
    let kinds = [
        (
            "payment_link.paid",
            "payment_link",
            json!({"id": "plink_1", "amount": PAID}),
        ),
        (
            "invoice.paid",
            "invoice",
            json!({"id": "inv_1", "amount": PAID, "order_id": "order_case"}),
        ),
        (
            "subscription.charged",
            "subscription",
            json!({"id": "sub_1", "plan_id": "plan_1"}),
        ),
        (
            "qr_code.credited",
            "qr_code",
            json!({"id": "qr_1", "fixed_amount": true, "payment_amount": PAID}),
        ),
        (
            "virtual_account.credited",
            "virtual_account",
            json!({"id": "va_1", "amount_expected": PAID}),
        ),
    ];
    for (event, key, mut object) in kinds {
        object["notes"] = bought();
        let messages = [plain(), told(event, key, object), of_order(json!([]))];
        for order in ORDERS {
            let setting = Setting::with_no_queue().await;
            for message in order {
                send(&setting, &messages[message]).await;
            }
            assert_eq!(setting.payments_and_events().await, (1, 1), "{event} {order:?}");
            assert_eq!(
                setting.count("SELECT count(*) FROM payment_cases").await,
                0,
                "{event} {order:?}"
            );
            let paid = "SELECT count(*) FROM payments WHERE status = 'succeeded' AND provider_payment_id = 'pay_case26'";
            assert_eq!(setting.count(paid).await, 1, "{event} {order:?}");
            setting.finish().await;
        }
    }
}

#[tokio::test]
async fn what_the_link_says_releases_a_payment_that_the_buyers_own_notes_left_held() {
    // GIVEN a capture whose notes ask for five hundred sessions, and a link and an order of twenty
    let mut held = capture("pay_case26");
    held["payload"]["payment"]["entity"]["notes"]["purchaseTier"] = json!("500");
    held["payload"]["payment"]["entity"]["order_id"] = json!("order_case");
    let link = json!({"id": "plink_1", "amount": PAID, "notes": bought()});
    let messages = [
        held,
        told("payment_link.paid", "payment_link", link),
        of_order(bought()),
    ];
    for order in ORDERS {
        let setting = Setting::with_no_queue().await;
        setting.database.run_sql("DELETE FROM course_prices").await;
        for message in order {
            send(&setting, &messages[message]).await;
        }
        assert_eq!(setting.payments_and_events().await, (1, 1), "{order:?}");
        let open = "SELECT count(*) FROM payment_cases WHERE status = 'open'";
        assert_eq!(setting.count(open).await, 0, "{order:?}");
        let event = setting.json("SELECT payload FROM outbox").await;
        assert_eq!(event["metadata"]["purchaseTier"], json!("20"), "{order:?}");
        setting.finish().await;
    }
}

#[tokio::test]
async fn a_part_of_a_link_is_held_and_no_event_says_that_it_was_paid() {
    let setting = Setting::with_no_queue().await;
    let link = json!({"id": "plink_1", "amount": PAID, "amount_paid": 200_000, "notes": bought()});
    let mut part = told("payment_link.partially_paid", "payment_link", link);
    part["payload"]["payment"]["entity"]["amount"] = json!(200_000);
    let answer = send(&setting, &part).await;
    assert_eq!(
        (&answer["status"], &answer["case"]),
        (&json!("held"), &json!("unpriced_payment")),
        "{answer}"
    );
    assert_eq!(setting.payments_and_events().await, (1, 0));
    setting.finish().await;
}

#[tokio::test]
async fn what_is_not_read_is_counted_by_name_and_unknown_money_by_itself() {
    let setting = Setting::with_no_queue().await;
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let recording = metrics::set_default_local_recorder(&recorder);
    let money = json!({"wallet": {"entity": {"amount": PAID}}});
    for (event, payload) in [
        ("payment.failed", json!({})),
        ("payment.failed", json!({})),
        ("wallet.credited", money.clone()),
        ("wallet.opened", json!({})),
    ] {
        let answer = send(&setting, &json!({"event": event, "payload": payload})).await;
        assert_eq!(
            (&answer["status"], &answer["event"]),
            (&json!("ignored"), &json!(event))
        );
    }
    drop(recording);
    let mut counted: Vec<(String, String, u64)> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter_map(|(key, _, _, value)| match value {
            DebugValue::Counter(count) => {
                let label = key.key().labels().find(|label| label.key() == "Event");
                let label = label.map(|label| label.value().to_owned()).unwrap_or_default();
                Some((key.key().name().to_owned(), label, count))
            }
            _ => None,
        })
        .collect();
    counted.sort();
    let counter = |name: &str, event: &str, count| (name.to_owned(), event.to_owned(), count);
    assert_eq!(
        counted,
        [
            counter("EventsIgnored", "payment.failed", 2),
            counter("EventsIgnored", "unknown", 2),
            counter("UnknownMoneyEvents", "", 1),
        ]
    );
    assert_eq!(setting.rows_in_all_tables().await, 0);
    setting.finish().await;
}
