//! An order that is paid in parts: fulfilled once, when the sum is there, and one case until then.

use crate::setting::{STUDENT, Setting, capture, signed_webhook};
use makegood::payment::razorpay::derived_payment_id;
use serde_json::{Value, json};
use uuid::Uuid;

const ORDER: &str = "order_parts";

fn part(id: &str, amount: i64, begun: Option<Uuid>) -> Value {
    let mut webhook = capture(id);
    let entity = &mut webhook["payload"]["payment"]["entity"];
    (entity["amount"], entity["order_id"]) = (json!(amount), json!(ORDER));
    if let Some(begun) = begun {
        entity["notes"]["paymentId"] = json!(begun);
        entity["notes"]["purchaseTier"] = json!("10");
    }
    webhook
}

async fn send(setting: &Setting, webhook: &Value) -> Value {
    let (status, answer) = setting.send(signed_webhook(&webhook.to_string())).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Kind, state, amount and subject of each case.
async fn cases(setting: &Setting) -> Value {
    setting
        .json(
            "SELECT coalesce(jsonb_agg(concat_ws(' ', kind, status, amount_cents, subject) ORDER BY opened_at, subject), '[]')
             FROM payment_cases",
        )
        .await
}

async fn event_amounts(setting: &Setting) -> Value {
    setting
        .json("SELECT coalesce(jsonb_agg(payload -> 'amountCents'), '[]') FROM outbox WHERE event_type = 'PURCHASE_CONFIRMED'")
        .await
}

/// Every order of arrival of these amounts: the last makes the sum, whichever it is.
fn orders(amounts: &[i64]) -> Vec<Vec<(String, i64)>> {
    let named: Vec<(String, i64)> = amounts
        .iter()
        .enumerate()
        .map(|(n, amount)| (format!("pay_{n}"), *amount))
        .collect();
    if named.len() < 2 {
        return vec![named];
    }
    (0..named.len())
        .flat_map(|first| {
            let mut rest = named.clone();
            let first = rest.remove(first);
            let rest: Vec<i64> = rest.iter().map(|(_, amount)| *amount).collect();
            orders(&rest).into_iter().map(move |tail| {
                let tail = tail.into_iter().map(|(id, amount)| (format!("{id}x"), amount));
                std::iter::once(first.clone()).chain(tail).collect()
            })
        })
        .collect()
}

#[tokio::test]
async fn the_parts_of_a_begun_order_add_up_in_any_order_with_one_case_before() {
    for amounts in [vec![200_000, 299_900], vec![100_000, 150_000, 249_900]] {
        for arrivals in orders(&amounts) {
            // GIVEN a begun payment of 4,999 rupees
            let setting = Setting::with_no_queue().await;
            let begun = setting.begin_payment("initiated", 499_900).await;
            let (last, before) = arrivals.split_last().unwrap();
            let mut sum = 0;
            for (id, amount) in before {
                // WHEN each part but the last comes, twice THEN it is held, under the first one's case
                for duplicate in [false, true] {
                    let answer = send(&setting, &part(id, *amount, Some(begun))).await;
                    assert_eq!(
                        (&answer["status"], &answer["case"], &answer["duplicate"]),
                        (&json!("held"), &json!("amount_mismatch"), &json!(duplicate)),
                        "{arrivals:?}: {answer}"
                    );
                }
                sum += amount;
                let waits = json!([format!("amount_mismatch open {sum} {}", arrivals[0].0)]);
                assert_eq!(cases(&setting).await, waits, "{arrivals:?}");
                assert_eq!(event_amounts(&setting).await, json!([]));
            }
            // WHEN the last comes THEN the whole is recorded, published once, and no case is open any more
            let answer = send(&setting, &part(&last.0, last.1, Some(begun))).await;
            assert_eq!(
                (&answer["status"], &answer["paymentId"]),
                (&json!("recorded"), &json!(begun)),
                "{arrivals:?}: {answer}"
            );
            for (id, amount) in &arrivals {
                let again = send(&setting, &part(id, *amount, Some(begun))).await;
                assert_eq!(
                    (&again["status"], &again["duplicate"], &again["paymentId"]),
                    (&json!("recorded"), &json!(true), &json!(begun)),
                    "{arrivals:?}: {again}"
                );
            }
            assert_eq!(event_amounts(&setting).await, json!([499_900]));
            assert_eq!(
                cases(&setting).await,
                json!([format!("amount_mismatch resolved {sum} {}", arrivals[0].0)])
            );
            assert_eq!(setting.count("SELECT amount_cents FROM payments").await, 499_900);
            setting.finish().await;
        }
    }
}

#[tokio::test]
async fn the_parts_of_an_order_without_a_begun_payment_add_up_to_the_price() {
    // GIVEN a course of 4,999 rupees, and no begun payment
    let setting = Setting::with_no_queue().await;
    for (at, id) in ["pay_a", "pay_b"].into_iter().enumerate() {
        let answer = send(&setting, &part(id, [200_000, 99_900][at], None)).await;
        assert_eq!(
            (&answer["status"], &answer["case"]),
            (&json!("held"), &json!("unpriced_payment")),
            "{answer}"
        );
    }
    assert_eq!(
        cases(&setting).await,
        json!(["unpriced_payment open 299900 pay_a"])
    );
    // WHEN the rest comes THEN the first part's row is the payment
    let answer = send(&setting, &part("pay_c", 200_000, None)).await;
    assert_eq!(answer["status"], json!("recorded"), "{answer}");
    for id in ["pay_a", "pay_b", "pay_c"] {
        let again = send(&setting, &part(id, 200_000, None)).await;
        assert_eq!(
            (&again["paymentId"], &again["duplicate"]),
            (&answer["paymentId"], &json!(true)),
            "{id}: {again}"
        );
    }
    assert_eq!(setting.payments_and_events().await, (1, 1));
    assert_eq!(event_amounts(&setting).await, json!([499_900]));
    assert_eq!(
        cases(&setting).await,
        json!(["unpriced_payment resolved 299900 pay_a"])
    );
    setting.finish().await;
}

/// `order.paid` brings the order itself, whose notes and amount the merchant's server set.
#[tokio::test]
async fn parts_of_a_course_without_a_price_add_up_to_what_the_order_asks() {
    for asks in [499_900, 500_000] {
        let setting = Setting::with_no_queue().await;
        setting.database.run_sql("DELETE FROM course_prices").await;
        send(&setting, &part("pay_a", 200_000, None)).await;
        let mut paid = part("pay_b", 299_900, None);
        paid["event"] = json!("order.paid");
        let notes = paid["payload"]["payment"]["entity"]["notes"].clone();
        paid["payload"]["order"] = json!({"entity": {"id": ORDER, "amount": asks, "currency": "INR", "status": "paid", "notes": notes}});
        let answer = send(&setting, &paid).await;
        let is_enough = asks == 499_900;
        assert_eq!(
            answer["status"],
            json!(if is_enough { "recorded" } else { "held" }),
            "{answer}"
        );
        let told = if is_enough { json!([499_900]) } else { json!([]) };
        assert_eq!(event_amounts(&setting).await, told);
        setting.finish().await;
    }
}

#[tokio::test]
async fn money_of_another_order_currency_student_or_course_is_no_part() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 4] = [
        // The buyer's note leads to the row all the same.
        ("order", |entity| {
            entity["order_id"] = json!("order_other");
            entity["notes"]["paymentId"] = json!(derived_payment_id("pay_a"));
        }),
        ("currency", |entity| entity["currency"] = json!("USD")),
        ("student", |entity| {
            entity["notes"]["studentId"] = json!(Uuid::from_u128(77))
        }),
        ("course", |entity| {
            entity["notes"]["courseId"] = json!(Uuid::from_u128(78))
        }),
    ];
    for (what, change) in changes {
        let setting = Setting::with_no_queue().await;
        send(&setting, &part("pay_a", 200_000, None)).await;
        let mut other = part("pay_b", 299_900, None);
        change(&mut other["payload"]["payment"]["entity"]);
        let answer = send(&setting, &other).await;
        assert_eq!(answer["status"], json!("held"), "{what}: {answer}");
        assert_eq!(event_amounts(&setting).await, json!([]), "{what}");
        assert_eq!(
            setting
                .count("SELECT count(*) FROM payment_cases WHERE status = 'open'")
                .await,
            2,
            "{what}"
        );
        setting.finish().await;
    }
}

/// No payment was begun, so that no row is there to wait for: the order is what they share.
#[tokio::test]
async fn parts_that_come_at_once_add_up_as_well() {
    for _ in 0..5 {
        let setting = Setting::with_no_queue().await;
        let parts = [("pay_a", 100_000), ("pay_b", 150_000), ("pay_c", 249_900)]
            .map(|(id, amount)| part(id, amount, None));
        let answers = futures::future::join_all(parts.iter().map(|part| send(&setting, part))).await;
        let recorded = answers
            .iter()
            .filter(|answer| answer["status"] == json!("recorded"));
        assert_eq!(recorded.count(), 1, "{answers:?}");
        assert_eq!(setting.payments_and_events().await, (1, 1));
        assert_eq!(event_amounts(&setting).await, json!([499_900]));
        setting.finish().await;
    }
}

/// Money of another order for the same begun payment does not add up with it, and its case stays when the first order is complete.
#[tokio::test]
async fn two_orders_for_one_begun_payment_are_counted_apart() {
    let setting = Setting::with_no_queue().await;
    let begun = setting.begin_payment("initiated", 499_900).await;
    let mut other = part("pay_z", 299_900, Some(begun));
    other["payload"]["payment"]["entity"]["order_id"] = json!("order_other");
    send(&setting, &part("pay_a", 200_000, Some(begun))).await;
    for duplicate in [false, true] {
        let answer = send(&setting, &other).await;
        assert_eq!(
            (&answer["status"], &answer["duplicate"]),
            (&json!("held"), &json!(duplicate)),
            "{answer}"
        );
    }
    let waiting = json!([
        "amount_mismatch open 200000 pay_a",
        "amount_mismatch open 299900 pay_z"
    ]);
    assert_eq!(cases(&setting).await, waiting);
    let answer = send(&setting, &part("pay_b", 299_900, Some(begun))).await;
    assert_eq!(answer["status"], json!("recorded"), "{answer}");
    let left = json!([
        "amount_mismatch resolved 200000 pay_a",
        "amount_mismatch open 299900 pay_z"
    ]);
    assert_eq!(cases(&setting).await, left);
    // A repeat of what still waits is no first result of what is complete.
    let again = send(&setting, &other).await;
    assert_eq!(
        (&again["status"], &again["duplicate"]),
        (&json!("held"), &json!(true)),
        "{again}"
    );
    assert_eq!(event_amounts(&setting).await, json!([499_900]));
    setting.finish().await;
}

fn refund(id: &str, of: &str, amount: i64) -> Value {
    json!({"entity": "event", "event": "refund.processed", "payload": {"refund": {"entity": {
        "id": id, "payment_id": of, "amount": amount, "currency": "INR", "status": "processed"}}}})
}

#[tokio::test]
async fn a_part_that_went_back_does_not_count_and_the_rest_may_still_come() {
    let setting = Setting::with_no_queue().await;
    let begun = setting.begin_payment("initiated", 499_900).await;
    send(&setting, &part("pay_a", 200_000, Some(begun))).await;
    send(&setting, &refund("rfnd_1", "pay_a", 200_000)).await;
    // WHEN the other part comes THEN it is not enough, and a case of its own says so
    let answer = send(&setting, &part("pay_b", 299_900, Some(begun))).await;
    assert_eq!(answer["status"], json!("held"), "{answer}");
    assert_eq!(
        cases(&setting).await,
        json!([
            "amount_mismatch resolved 200000 pay_a",
            "amount_mismatch open 299900 pay_b"
        ])
    );
    let answer = send(&setting, &part("pay_c", 200_000, Some(begun))).await;
    assert_eq!(answer["status"], json!("recorded"), "{answer}");
    assert_eq!(event_amounts(&setting).await, json!([499_900]));
    setting.finish().await;
}

#[tokio::test]
async fn what_a_person_decided_about_a_part_is_not_decided_again() {
    let setting = Setting::with_no_queue().await;
    let begun = setting.begin_payment("initiated", 499_900).await;
    send(&setting, &part("pay_a", 200_000, Some(begun))).await;
    setting
        .database
        .run_sql("UPDATE payment_cases SET status = 'resolved', resolved_by = 'asha', resolved_at = now()")
        .await;
    let answer = send(&setting, &part("pay_b", 299_900, Some(begun))).await;
    assert_eq!(
        (&answer["status"], &answer["case"]),
        (&json!("held"), &json!("amount_mismatch")),
        "{answer}"
    );
    assert_eq!(event_amounts(&setting).await, json!([]));
    assert_eq!(
        setting
            .count("SELECT count(*) FROM payment_cases WHERE status = 'open' AND subject = 'pay_b'")
            .await,
        1
    );
    setting.finish().await;
}

#[tokio::test]
async fn when_every_part_went_back_the_purchase_ends() {
    let setting = Setting::with_no_queue().await;
    let begun = setting.begin_payment("initiated", 499_900).await;
    for (id, amount) in [("pay_a", 200_000), ("pay_b", 299_900)] {
        send(&setting, &part(id, amount, Some(begun))).await;
    }
    setting
        .database
        .run_sql(&format!(
            "INSERT INTO student_course_purchases (student_id, course_id, payment_id, purchase_tier)
             SELECT '{STUDENT}', (metadata ->> 'courseId')::uuid, id, 10 FROM payments"
        ))
        .await;
    let running = "SELECT count(*) FROM student_course_purchases WHERE is_active";
    send(&setting, &refund("rfnd_1", "pay_a", 200_000)).await;
    assert_eq!(setting.count(running).await, 1);
    send(&setting, &refund("rfnd_2", "pay_b", 299_900)).await;
    assert_eq!(setting.count(running).await, 0);
    assert_eq!(
        setting
            .count("SELECT count(*) FROM payments WHERE status = 'refunded'")
            .await,
        1
    );
    setting.finish().await;
}
