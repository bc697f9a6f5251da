//! What is read from a body of Stripe's, and what is not.

use super::*;
use crate::payment::returned::{DisputeStatus, RefundStatus, Returned};
use serde_json::json;

const STUDENT: &str = "5c0f3c3e-6a1b-4a55-9d39-0a1f6f0f2b11";
const COURSE: &str = "b8a1f0d2-1f6e-4b4d-8f1b-7a3f0c9d2e22";

fn event(name: &str, object: &Value) -> Value {
    json!({"id": "evt_1", "object": "event", "type": name, "livemode": true, "created": 1_767_817_344, "data": {"object": object}})
}

fn read_json(body: &Value) -> Result<Webhook, Refused> {
    read(body.to_string().as_bytes(), Place::Live, DateTime::UNIX_EPOCH)
}

fn bought() -> Value {
    json!({"studentId": STUDENT, "courseId": COURSE, "purchaseTier": "20", "email": "student@example.com"})
}

fn session() -> Value {
    json!({"id": "cs_1", "object": "checkout.session", "payment_status": "paid", "mode": "payment", "payment_intent": "pi_1",
           "amount_total": 499_900, "currency": "inr", "metadata": bought(), "customer_details": {"email": "student@example.com"}})
}

fn captured(object: &Value) -> ConfirmedPayment {
    let name = if object["object"] == "checkout.session" {
        "checkout.session.completed"
    } else {
        "payment_intent.succeeded"
    };
    match read_json(&event(name, object)) {
        Ok(Webhook::Captured(payment)) => *payment,
        other => panic!("not captured: {other:?}"),
    }
}

#[test]
fn a_paid_session_and_its_intent_are_the_same_payment_and_each_confirms_its_price() {
    let of_session = captured(&session());
    let intent = json!({"id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 499_900, "amount_received": 499_900,
                        "currency": "inr", "metadata": bought(), "payment_method_types": ["upi"]});
    let of_intent = captured(&intent);
    for payment in [&of_session, &of_intent] {
        assert_eq!(payment.own_id, derived_id(PROVIDER, "pi_1"));
        assert_eq!(payment.provider_payment_id.as_deref(), Some("pi_1"));
        assert_eq!(
            (payment.amount_minor, payment.currency.as_str()),
            (499_900, "INR")
        );
        assert!(payment.order_confirms());
        assert_eq!(payment.metadata.to_json(), json!({"purchaseTier": "20"}));
        assert_eq!(payment.paid_at.map(|at| at.timestamp()), Some(1_767_817_344));
    }
    assert_eq!(of_session.order_id.as_deref(), Some("cs_1"));
    assert_eq!(of_intent.payment_method.as_deref(), Some("upi"));
}

#[test]
fn an_intent_of_which_a_part_was_captured_does_not_confirm_its_price() {
    let mut intent = json!({"id": "pi_1", "status": "succeeded", "amount": 499_900, "amount_received": 499_899, "currency": "inr",
                            "metadata": bought()});
    let payment = captured(&intent);
    assert_eq!(payment.amount_minor, 499_899);
    assert!(!payment.order_confirms());
    // The API before 2022-11-15 has the charges in it, and an object that names no amount received took all of it.
    intent["amount_received"] = Value::Null;
    intent["charges"] = json!({"data": [{"payment_method_details": {"type": "card"}}]});
    let payment = captured(&intent);
    assert!(payment.order_confirms());
    assert_eq!(payment.payment_method.as_deref(), Some("card"));
}

#[test]
fn metadata_without_a_tier_confirms_no_price_and_without_a_student_leaves_it_to_a_begun_payment() {
    let mut object = session();
    object["metadata"]["purchaseTier"] = Value::Null;
    assert!(!captured(&object).order_confirms());
    object["metadata"]["studentId"] = json!("7");
    object["client_reference_id"] = json!(COURSE);
    let Ok(Webhook::Unnamed(unnamed)) = read_json(&event("checkout.session.completed", &object)) else {
        panic!("named");
    };
    let refusal = unnamed.refusal.unwrap();
    assert_eq!(refusal.field(), Some("data.object.metadata.studentId"));
    assert_eq!(unnamed.payment.hinted_id, COURSE.parse().ok().map(PaymentId));
    object["metadata"] = json!({"cart": "7"});
    let Ok(Webhook::Unnamed(unnamed)) = read_json(&event("checkout.session.completed", &object)) else {
        panic!("named");
    };
    assert_eq!(unnamed.refusal, None);
}

#[test]
fn what_was_not_paid_yet_or_costs_nothing_is_left_alone() {
    for (field, value) in [
        ("payment_status", "unpaid"),
        ("payment_status", "no_payment_required"),
    ] {
        let mut object = session();
        object[field] = json!(value);
        for name in [
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
        ] {
            assert!(
                matches!(read_json(&event(name, &object)), Ok(Webhook::Ignored(_))),
                "{name} {value}"
            );
        }
    }
    let intent = json!({"id": "pi_1", "status": "processing", "amount": 1, "currency": "inr"});
    let read = read_json(&event("payment_intent.succeeded", &intent));
    assert!(matches!(read, Ok(Webhook::Ignored(_))), "{read:?}");
}

#[test]
fn a_paid_session_without_an_intent_is_a_persons_to_see_where_it_names_a_student() {
    let mut object = session();
    object["payment_intent"] = Value::Null;
    let refused = read_json(&event("checkout.session.completed", &object)).unwrap_err();
    assert_eq!(refused.refusal.field(), Some("data.object.payment_intent"));
    let stranded = refused.stranded.unwrap();
    assert_eq!(
        (stranded.subject.as_str(), stranded.amount_minor),
        ("cs_1", Some(499_900))
    );
    object["metadata"] = json!({});
    let read = read_json(&event("checkout.session.completed", &object));
    assert!(matches!(read, Ok(Webhook::Ignored(_))), "{read:?}");
}

#[test]
fn an_amount_that_can_not_be_told_is_refused_with_the_payment() {
    for (field, value) in [
        ("amount_total", json!(1.5)),
        ("amount_total", json!(-1)),
        ("currency", json!("zzz")),
        ("currency", Value::Null),
        ("metadata", json!([1])),
    ] {
        let mut object = session();
        object[field] = value;
        let refused = read_json(&event("checkout.session.completed", &object)).unwrap_err();
        assert_eq!(refused.stranded.unwrap().subject, "pi_1", "{field}");
    }
}

#[test]
fn an_event_of_the_other_mode_or_of_a_connected_account_is_not_ours() {
    let mut body = event("checkout.session.completed", &session());
    for (is_live, place) in [(false, Place::Live), (true, Place::Sandbox)] {
        body["livemode"] = json!(is_live);
        let Ok(Webhook::Ignored(ignored)) = read(body.to_string().as_bytes(), place, DateTime::UNIX_EPOCH)
        else {
            panic!("read");
        };
        assert_eq!(ignored.counted, events::OF_OTHER_MODE);
        assert!(ignored.reason.is_some());
    }
    body["account"] = json!("acct_1");
    let Ok(Webhook::Ignored(ignored)) = read_json(&body) else {
        panic!("read");
    };
    assert_eq!(ignored.counted, events::OF_OTHER_ACCOUNT);
    body["livemode"] = Value::Null;
    assert_eq!(read_json(&body).unwrap_err().refusal.field(), Some("livemode"));
}

fn returned(name: &str, object: &Value) -> Returned {
    match read_json(&event(name, object)) {
        Ok(Webhook::Returned(returned)) => *returned,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_refund_has_the_state_that_it_says_and_is_about_its_intent_or_else_its_charge() {
    for (status, name, expected) in [
        (json!("pending"), "refund.created", RefundStatus::Created),
        (json!("requires_action"), "refund.updated", RefundStatus::Created),
        (Value::Null, "refund.created", RefundStatus::Created),
        (json!("succeeded"), "refund.created", RefundStatus::Processed),
        (
            json!("succeeded"),
            "charge.refund.updated",
            RefundStatus::Processed,
        ),
        (json!("canceled"), "refund.updated", RefundStatus::Failed),
        (json!("failed"), "refund.failed", RefundStatus::Failed),
        (Value::Null, "refund.failed", RefundStatus::Failed),
    ] {
        let mut object = json!({"id": "re_1", "amount": 100, "currency": "inr", "charge": "ch_1", "payment_intent": "pi_1"});
        object["status"] = status;
        let Returned::Refund(refund) = returned(name, &object) else {
            panic!("{name}");
        };
        assert_eq!(
            (refund.status, refund.payment_id.as_str()),
            (expected, "pi_1"),
            "{object}"
        );
        object["payment_intent"] = Value::Null;
        assert_eq!(returned(name, &object).payment_id(), "ch_1");
    }
}

#[test]
fn a_refunded_charge_tells_the_sum_and_the_older_api_the_refund_as_well() {
    let mut charge = json!({"id": "ch_1", "payment_intent": "pi_1", "amount": 500, "amount_refunded": 300, "currency": "inr"});
    let told = |charge: &Value| match returned("charge.refunded", charge) {
        Returned::Refund(refund) => (refund.id, refund.amount_minor, refund.payment_refunded_minor),
        Returned::Dispute(_) => panic!("a dispute"),
    };
    assert_eq!(told(&charge), ("ch_1".to_owned(), 0, Some(300)));
    charge["refunds"] =
        json!({"data": [{"id": "re_2", "amount": 100, "currency": "inr", "status": "succeeded"}]});
    assert_eq!(told(&charge), ("re_2".to_owned(), 100, Some(300)));
    charge["refunds"]["data"][0]["status"] = json!("pending");
    assert_eq!(told(&charge), ("re_2".to_owned(), 100, None));
}

#[test]
fn a_dispute_has_its_state_its_deadline_and_whether_it_is_an_inquiry() {
    for (status, name, expected, phase) in [
        ("needs_response", "created", DisputeStatus::Open, "chargeback"),
        (
            "warning_needs_response",
            "created",
            DisputeStatus::Open,
            "inquiry",
        ),
        (
            "warning_under_review",
            "updated",
            DisputeStatus::UnderReview,
            "inquiry",
        ),
        (
            "under_review",
            "funds_withdrawn",
            DisputeStatus::UnderReview,
            "chargeback",
        ),
        ("won", "funds_reinstated", DisputeStatus::Won, "chargeback"),
        ("lost", "closed", DisputeStatus::Lost, "chargeback"),
        ("warning_closed", "closed", DisputeStatus::Closed, "inquiry"),
        ("a_new_state", "closed", DisputeStatus::Closed, "chargeback"),
        ("a_new_state", "updated", DisputeStatus::Open, "chargeback"),
    ] {
        let object = json!({"id": "dp_1", "amount": 100, "currency": "inr", "charge": "ch_1", "payment_intent": {"id": "pi_1"},
                            "status": status, "reason": "fraudulent", "evidence_details": {"due_by": 1_768_000_000}});
        let Returned::Dispute(dispute) = returned(&format!("charge.dispute.{name}"), &object) else {
            panic!("{name}");
        };
        assert_eq!(
            (dispute.status, dispute.phase.as_deref()),
            (expected, Some(phase)),
            "{status}"
        );
        assert_eq!(
            (
                dispute.payment_id.as_str(),
                dispute.respond_by.map(|at| at.timestamp())
            ),
            ("pi_1", Some(1_768_000_000))
        );
    }
}
