//! What is read from a webhook's body, and what is not.

use super::*;
use serde_json::json;

const STUDENT: &str = "5c0f3c3e-6a1b-4a55-9d39-0a1f6f0f2b11";
const COURSE: &str = "b8a1f0d2-1f6e-4b4d-8f1b-7a3f0c9d2e22";

fn webhook(change: impl FnOnce(&mut Value)) -> Result<Webhook, Refused> {
    let mut body = json!({"event": "payment.captured", "payload": {"payment": {"entity": {
        "id": "pay_1", "amount": 499_900, "currency": "INR", "status": "captured", "method": "upi",
        "email": "someone@example.com", "contact": "+910000000000",
        "notes": {"studentId": STUDENT, "courseId": COURSE, "purchaseTier": "20", "timeSlot": "5:30 PM"}}}}});
    change(&mut body);
    read(body.to_string().as_bytes(), DateTime::UNIX_EPOCH)
}

fn entity(body: &mut Value) -> &mut Value {
    &mut body["payload"]["payment"]["entity"]
}

fn captured(change: impl FnOnce(&mut Value)) -> ConfirmedPayment {
    match webhook(change) {
        Ok(Webhook::Captured(payment)) => *payment,
        other => panic!("not captured: {other:?}"),
    }
}

#[test]
fn a_capture_is_read_with_its_notes_as_metadata() {
    let payment = captured(|_| ());
    assert_eq!(payment.own_id, derived_payment_id("pay_1"));
    assert_eq!(payment.amount_minor, 499_900);
    assert_eq!(
        payment.metadata.to_json(),
        json!({"purchaseTier": "20", "timeSlot": "5:30 PM"})
    );
    assert_eq!(payment.metadata.purchase_tier(), Ok(20));
}

#[test]
fn personal_data_goes_no_further() {
    let payment = captured(|body| {
        entity(body)["notes"]["email"] = json!("a@example.com");
        entity(body)["notes"]["parentPhone"] = json!("+91");
        entity(body)["notes"]["Contact"] = json!("+91");
    });
    assert_eq!(
        payment.metadata.to_json(),
        json!({"purchaseTier": "20", "timeSlot": "5:30 PM"})
    );
}

#[test]
fn notes_that_name_no_student_or_course_leave_it_to_a_begun_payment_and_say_which_field() {
    for (notes, field) in [
        (json!({"courseId": COURSE}), Some("notes.studentId")),
        (json!({"studentId": STUDENT}), Some("notes.courseId")),
        (
            json!({"studentId": "", "courseId": COURSE}),
            Some("notes.studentId"),
        ),
        (
            json!({"studentId": STUDENT, "courseId": "maths"}),
            Some("notes.courseId"),
        ),
        (json!({"paymentId": STUDENT}), Some("notes.studentId")),
        (json!({"woocommerce_order_id": "8812"}), None),
        (json!([]), None),
    ] {
        match webhook(|body| entity(body)["notes"] = notes.clone()) {
            Ok(Webhook::Unnamed(unnamed)) => {
                let refusal = unnamed.refusal;
                assert_eq!(refusal.as_ref().and_then(Refusal::field), field, "{notes}");
            }
            other => panic!("{notes}: {other:?}"),
        }
    }
}

#[test]
fn notes_that_cannot_be_used_strand_the_money_and_the_field_is_named() {
    for (change, field) in [
        (
            json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": 501}),
            "notes.purchaseTier",
        ),
        (
            json!({"studentId": STUDENT, "courseId": COURSE, "expiryDate": "soon"}),
            "notes.expiryDate",
        ),
        (json!("none"), "payload.payment.entity.notes"),
        (
            json!({"studentId": STUDENT, "courseId": COURSE, "timeSlot": "4\u{0} PM"}),
            "notes",
        ),
    ] {
        let refused = webhook(|body| entity(body)["notes"] = change).unwrap_err();
        assert_eq!(refused.refusal.field(), Some(field));
        let stranded = refused.stranded.unwrap();
        assert_eq!(
            (stranded.subject.as_str(), stranded.amount_minor),
            ("pay_1", Some(499_900))
        );
    }
}

#[test]
fn an_amount_is_whole_minor_units_or_refused() {
    for amount in [
        json!(4999.5),
        json!(1e300),
        json!("499900"),
        json!(-1),
        Value::Null,
    ] {
        let refused = webhook(|body| entity(body)["amount"] = amount).unwrap_err();
        assert_eq!(refused.refusal.field(), Some("payload.payment.entity.amount"));
        assert_eq!(refused.stranded.unwrap().amount_minor, None);
    }
}

#[test]
fn currency_is_rupees_unless_said() {
    assert_eq!(
        captured(|body| entity(body)["currency"] = Value::Null).currency,
        "INR"
    );
    assert_eq!(
        captured(|body| entity(body)["currency"] = json!("usd")).currency,
        "USD"
    );
}

#[test]
fn other_events_are_left_alone() {
    let ignored = webhook(|body| body["event"] = json!("payment.failed"));
    let Ok(Webhook::Ignored(ignored)) = ignored else {
        panic!("not ignored: {ignored:?}");
    };
    assert_eq!(
        (ignored.counted, ignored.is_unknown_money),
        ("payment.failed", false)
    );
}

#[test]
fn what_names_no_payment_strands_nothing() {
    for (body, field) in [
        ("{}", Some("event")),
        ("{\"event\":\"payment.captured\"}", Some("payload.payment.entity")),
        (
            "{\"event\":\"payment.captured\",\"payload\":{\"payment\":{\"entity\":{\"id\":7}}}}",
            Some("payload.payment.entity.id"),
        ),
        ("{\"event\":", None),
        ("[]", None),
    ] {
        let refused = read(body.as_bytes(), DateTime::UNIX_EPOCH).unwrap_err();
        assert_eq!(
            (refused.refusal.field(), refused.stranded),
            (field, None),
            "{body}"
        );
    }
}

#[test]
fn an_empty_text_is_a_field_that_was_left_empty() {
    let payment = captured(|body| entity(body)["notes"]["expiryDate"] = json!(""));
    assert_eq!(payment.metadata.expiry(chrono_tz::UTC), Ok(None));
}

#[test]
fn a_paid_order_is_the_capture_of_its_payment_and_its_own_notes_decide() {
    let order = |body: &mut Value| {
        body["event"] = json!("order.paid");
        entity(body)["order_id"] = json!("order_1");
        entity(body)["notes"]["purchaseTier"] = json!("30");
        let notes = json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": 10});
        body["payload"]["order"] = json!({"entity": {"id": "order_1", "amount": 499_900, "notes": notes}});
    };
    let paid = captured(order);
    assert!(paid.order_confirms());
    assert_eq!(
        (paid.own_id, paid.metadata.purchase_tier()),
        (derived_payment_id("pay_1"), Ok(10))
    );
    let changes: [(&str, Value); 5] = [
        ("amount", json!(499_901)),
        ("id", json!("order_2")),
        ("notes", json!({"studentId": STUDENT})),
        ("notes", json!({"studentId": STUDENT, "courseId": COURSE})),
        ("currency", json!("USD")),
    ];
    for (field, value) in changes {
        let unconfirmed = captured(|body| {
            order(body);
            body["payload"]["order"]["entity"][field] = value;
        });
        assert!(!unconfirmed.order_confirms(), "{field}");
    }
}

#[test]
fn a_capture_that_was_given_back_says_so() {
    for (returned, is_given_back) in [(json!(499_900), true), (json!(1), false), (Value::Null, false)] {
        let payment = captured(|body| entity(body)["amount_refunded"] = returned);
        assert_eq!(payment.is_given_back, is_given_back);
    }
}

/// A payment without notes, told of by `event`, which carries this object beside it.
fn beside(event: &str, key: &str, object: Value) -> Result<Webhook, Refused> {
    webhook(|body| {
        body["event"] = json!(event);
        entity(body)["notes"] = json!([]);
        body["payload"][key] = json!({"entity": object});
    })
}

fn bought() -> Value {
    json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": "10"})
}

#[test]
fn notes_are_taken_from_whatever_the_payment_pays_and_a_fixed_amount_confirms_it() {
    for (event, key, mut object, confirms) in [
        (
            "payment_link.paid",
            "payment_link",
            json!({"id": "plink_1", "amount": 499_900}),
            true,
        ),
        (
            "payment_link.partially_paid",
            "payment_link",
            json!({"id": "plink_1", "amount": 999_800}),
            false,
        ),
        (
            "invoice.paid",
            "invoice",
            json!({"id": "inv_1", "amount": 499_900, "payment_id": "pay_1"}),
            true,
        ),
        (
            "invoice.paid",
            "invoice",
            json!({"id": "inv_1", "amount": 499_900, "payment_id": "pay_2"}),
            false,
        ),
        (
            "subscription.charged",
            "subscription",
            json!({"id": "sub_1", "amount": 1}),
            false,
        ),
        (
            "qr_code.credited",
            "qr_code",
            json!({"id": "qr_1", "fixed_amount": true, "payment_amount": 499_900}),
            true,
        ),
        (
            "qr_code.credited",
            "qr_code",
            json!({"id": "qr_1", "fixed_amount": false, "payment_amount": 1}),
            false,
        ),
        (
            "qr_code.credited",
            "qr_code",
            json!({"id": "qr_1", "fixed_amount": true, "payment_amount": 0}),
            false,
        ),
        (
            "virtual_account.credited",
            "virtual_account",
            json!({"id": "va_1", "amount_expected": 499_900}),
            true,
        ),
    ] {
        object["notes"] = bought();
        match beside(event, key, object.clone()) {
            Ok(Webhook::Captured(payment)) => {
                assert_eq!(payment.order_confirms(), confirms, "{event} {object}");
                assert_eq!(payment.metadata.purchase_tier(), Ok(10), "{event}");
                assert_eq!(
                    (payment.own_id, payment.amount_minor),
                    (derived_payment_id("pay_1"), 499_900)
                );
            }
            other => panic!("{event} {object}: {other:?}"),
        }
    }
}

#[test]
fn a_link_of_another_order_confirms_nothing_and_one_without_notes_names_nothing() {
    let link = |order: &str, notes: Value| {
        webhook(|body| {
            body["event"] = json!("payment_link.paid");
            entity(body)["order_id"] = json!("order_1");
            let link = json!({"id": "plink_1", "order_id": order, "amount": 1, "notes": notes});
            body["payload"]["payment_link"] = json!({"entity": link});
        })
    };
    for (order, notes, confirms) in [
        ("order_1", bought(), true),
        ("order_2", bought(), false),
        ("order_1", json!([]), false),
        ("order_1", json!({"purchaseTier": "10"}), false),
    ] {
        match link(order, notes.clone()) {
            Ok(Webhook::Captured(payment)) => {
                assert_eq!(payment.order_confirms(), confirms, "{order} {notes}")
            }
            other => panic!("{order} {notes}: {other:?}"),
        }
    }
}

#[test]
fn a_tier_of_the_buyers_notes_never_stands_beside_that_of_the_order() {
    // GIVEN an order of ten sessions, and a browser that writes five hundred under the tier's other name, or none at all
    for (own, of_order) in [("purchaseTier", "sessionCount"), ("sessionCount", "purchaseTier")] {
        let paid = captured(|body| {
            body["event"] = json!("order.paid");
            entity(body)["order_id"] = json!("order_1");
            let notes = entity(body)["notes"].as_object_mut().unwrap();
            notes.remove("purchaseTier");
            notes.insert(own.to_owned(), json!(500));
            let notes = json!({"studentId": STUDENT, "courseId": COURSE, of_order: 10, "timeSlot": ""});
            body["payload"]["order"] =
                json!({"entity": {"id": "order_1", "amount": 499_900, "notes": notes}});
        });
        // THEN ten were bought, and an empty note of the order takes nothing away
        assert_eq!(paid.metadata.purchase_tier(), Ok(10), "{own}");
        assert_eq!(paid.metadata.time_slot().as_deref(), Some("5:30 PM"));
        assert!(paid.order_confirms());
    }
}

#[test]
fn of_two_objects_that_name_different_students_only_the_one_that_decides_confirms() {
    let other = json!({"studentId": COURSE, "courseId": COURSE, "purchaseTier": "10"});
    for (order_amount, confirms) in [(499_900, true), (499_901, false)] {
        let paid = captured(|body| {
            body["event"] = json!("payment_link.paid");
            entity(body)["order_id"] = json!("order_1");
            body["payload"]["payment_link"] = json!({"entity": {"amount": 1, "notes": other}});
            body["payload"]["order"] =
                json!({"entity": {"id": "order_1", "amount": order_amount, "notes": bought()}});
        });
        assert_eq!(paid.student_id.0.to_string(), STUDENT);
        assert_eq!(paid.order_confirms(), confirms);
    }
}

#[test]
fn a_payment_whose_money_was_not_taken_yet_is_no_capture_whatever_carries_it() {
    for (status, is_capture) in [
        ("created", false),
        ("authorized", false),
        ("failed", false),
        ("captured", true),
        ("refunded", true),
    ] {
        let read = webhook(|body| {
            body["event"] = json!("subscription.charged");
            entity(body)["status"] = json!(status);
        });
        assert_eq!(
            matches!(read, Ok(Webhook::Captured(_))),
            is_capture,
            "{status}: {read:?}"
        );
    }
}

#[test]
fn an_unknown_event_is_counted_under_one_name_and_told_apart_when_it_names_an_amount() {
    let ignored = |event: &str, payload: Value| match webhook(|body| {
        *body = json!({"event": event, "payload": payload})
    }) {
        Ok(Webhook::Ignored(ignored)) => (ignored.counted, ignored.is_unknown_money),
        other => panic!("{event}: {other:?}"),
    };
    let wallet = json!({"wallet": {"entity": {"id": "w_1", "amount": 499_900}}});
    assert_eq!(ignored("wallet.credited", wallet.clone()), ("unknown", true));
    assert_eq!(
        ignored("wallet.opened", json!({"wallet": {"entity": {"id": "w_1"}}})),
        ("unknown", false)
    );
    assert_eq!(ignored("wallet.opened", json!([])), ("unknown", false));
    // What is documented here is no news, whatever it carries.
    assert_eq!(ignored("payout.processed", wallet), ("payout.processed", false));
}
