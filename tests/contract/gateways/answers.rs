//! Every answer that the two document has its meaning, and nothing that goes wrong on the way has any.

use super::{AMOUNT, RETURN_URL, asked, clients, now, open, request, scene};
use makegood::gateway::{GatewayAnswer, GatewayError, Provider, Verdict};
use makegood_local::gateway::{Behaviour, GatewayStub, PaymentState, Side, spawn};
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

const BOTH: [(Provider, Side); 2] = [(Provider::Esewa, Side::Esewa), (Provider::Khalti, Side::Khalti)];
const ID: &str = "txn-1";
/// Much longer than the patience of a client that is left waiting here.
const LEFT_WITHIN: Duration = Duration::from_secs(5);

fn reference(stub: &GatewayStub) -> Option<String> {
    stub.payment(ID).expect("known").reference
}

#[tokio::test]
async fn every_answer_of_esewa_has_its_meaning() {
    let (stub, gateways) = scene().await;
    let unknown = gateways
        .ask(Provider::Esewa, &asked(ID))
        .await
        .expect("an answer");
    assert_eq!(
        unknown.answer,
        GatewayAnswer::NotFound,
        "the buyer has not sent the form yet"
    );
    stub.put(Side::Esewa, ID, AMOUNT);
    for (state, answer) in [
        (PaymentState::Initiated, GatewayAnswer::Pending),
        (PaymentState::Pending, GatewayAnswer::Pending),
        (PaymentState::Ambiguous, GatewayAnswer::Ambiguous),
        (PaymentState::Cancelled, GatewayAnswer::Cancelled),
        (PaymentState::Expired, GatewayAnswer::NotFound),
        (
            PaymentState::Refunded,
            GatewayAnswer::Refunded { partially: false },
        ),
        (
            PaymentState::PartiallyRefunded,
            GatewayAnswer::Refunded { partially: true },
        ),
    ] {
        stub.set(ID, state).expect("known");
        let reply = gateways
            .ask(Provider::Esewa, &asked(ID))
            .await
            .expect("an answer");
        assert_eq!(reply.answer, answer, "{state:?}");
    }
    stub.pay(ID).expect("known");
    let reply = gateways
        .ask(Provider::Esewa, &asked(ID))
        .await
        .expect("an answer");
    assert_eq!(
        reply.answer,
        GatewayAnswer::Paid {
            amount_minor: AMOUNT,
            reference: reference(&stub)
        }
    );
    assert_eq!(
        reply.record["total_amount"],
        json!("1000.0"),
        "kept as it was written"
    );
    assert_eq!(reply.record["status"], json!("COMPLETE"));
}

#[tokio::test]
async fn every_answer_of_khalti_has_its_meaning_and_its_two_400s_are_answers() {
    let (stub, gateways) = scene().await;
    stub.put(Side::Khalti, ID, AMOUNT);
    for (state, answer, status) in [
        (PaymentState::Initiated, GatewayAnswer::Pending, 200),
        (PaymentState::Pending, GatewayAnswer::Pending, 200),
        (PaymentState::Cancelled, GatewayAnswer::Cancelled, 400),
        (PaymentState::Expired, GatewayAnswer::Expired, 400),
        (
            PaymentState::Refunded,
            GatewayAnswer::Refunded { partially: false },
            200,
        ),
        (
            PaymentState::PartiallyRefunded,
            GatewayAnswer::Refunded { partially: true },
            200,
        ),
    ] {
        stub.set(ID, state).expect("known");
        let reply = gateways
            .ask(Provider::Khalti, &asked(ID))
            .await
            .expect("an answer");
        assert_eq!(reply.answer, answer, "{state:?}");
        let raw = reqwest::Client::new()
            .post(format!("{}/epayment/lookup/", stub.khalti_base_url()))
            .header("Authorization", "Key khalti-key-of-the-stub")
            .json(&json!({"pidx": ID}));
        assert_eq!(
            raw.send().await.expect("sent").status(),
            status,
            "{state:?} on the wire"
        );
    }
    stub.pay(ID).expect("known");
    let reply = gateways
        .ask(Provider::Khalti, &asked(ID))
        .await
        .expect("an answer");
    assert_eq!(
        reply.answer,
        GatewayAnswer::Paid {
            amount_minor: AMOUNT,
            reference: reference(&stub)
        }
    );
    assert_eq!(
        reply.record["total_amount"],
        json!("100000"),
        "kept as it was written"
    );
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_no_answer_and_the_next_question_gets_one() {
    let (stub, gateways) = scene().await;
    for (provider, side) in BOTH {
        stub.put(side, ID, AMOUNT);
        stub.pay(ID).expect("known");
        for (behaviour, code) in [
            (Behaviour::ServerError, "gateway_unavailable"),
            (Behaviour::RateLimited, "gateway_unavailable"),
            (Behaviour::Unavailable, "gateway_unavailable"),
            (Behaviour::Garbage, "gateway_unreadable"),
            (Behaviour::DropConnection, "gateway_unreachable"),
            (Behaviour::Refuse, "gateway_refused"),
        ] {
            stub.script([behaviour]);
            let error = gateways.ask(provider, &asked(ID)).await.expect_err("no answer");
            assert_eq!(error.code(), code, "{provider} {behaviour:?}: {error}");
            let later = gateways.ask(provider, &asked(ID)).await.expect("an answer");
            assert_eq!(
                later.answer.verdict(false),
                Verdict::Paid,
                "{provider} after {behaviour:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_gateway_that_hangs_is_left_in_time_and_says_nothing() {
    let stub = spawn().await.expect("a free port");
    let owned = stub.variables(RETURN_URL);
    let variables: Vec<(&str, &str)> = owned
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let impatient = open(&variables, Duration::from_millis(50))
        .await
        .expect("gateways");
    for (provider, side) in BOTH {
        stub.put(side, ID, AMOUNT);
        stub.script([Behaviour::Hang]);
        let left = timeout(LEFT_WITHIN, impatient.ask(provider, &asked(ID))).await;
        assert_eq!(left.expect("left"), Err(GatewayError::TimedOut), "{provider}");
    }
    stub.script([Behaviour::Hang]);
    let payment = request(AMOUNT);
    let opening = impatient.open_payment(Provider::Khalti, &payment, now());
    let left = timeout(LEFT_WITHIN, opening).await;
    assert_eq!(left.expect("left"), Err(GatewayError::TimedOut));
}

#[tokio::test]
async fn a_gateway_that_is_not_there_says_nothing() {
    let stub = spawn().await.expect("a free port");
    let gone = clients(
        &stub,
        &[
            ("ESEWA_BASE_URL", "http://127.0.0.1:1"),
            ("KHALTI_BASE_URL", "http://127.0.0.1:1"),
        ],
    )
    .await;
    for (provider, _) in BOTH {
        let error = gone.ask(provider, &asked(ID)).await.expect_err("no answer");
        assert_eq!(error.code(), "gateway_unreachable", "{error}");
        assert!(
            !error.to_string().contains(ID),
            "the address holds the payment's id: {error}"
        );
    }
}

#[tokio::test]
async fn undecided_answers_stay_open_and_one_paisa_more_is_told() {
    let (stub, gateways) = scene().await;
    for (provider, side) in BOTH {
        stub.put(side, ID, AMOUNT);
        for state in [PaymentState::Pending, PaymentState::Ambiguous] {
            stub.script([Behaviour::Answer(state)]);
            let reply = gateways.ask(provider, &asked(ID)).await.expect("an answer");
            assert_eq!(reply.answer.verdict(true), Verdict::Open, "{provider} {state:?}");
        }
        stub.script([Behaviour::WrongAmount]);
        let reply = gateways.ask(provider, &asked(ID)).await.expect("an answer");
        assert!(
            matches!(reply.answer, GatewayAnswer::Paid { amount_minor, .. } if amount_minor == AMOUNT + 1),
            "{provider}: {:?}",
            reply.answer
        );
    }
}

#[tokio::test]
async fn a_script_for_one_payment_leaves_the_others_alone() {
    let (stub, gateways) = scene().await;
    for id in [ID, "txn-2"] {
        stub.put(Side::Esewa, id, AMOUNT);
    }
    stub.script_for("txn-2", [Behaviour::ServerError]);
    assert!(gateways.ask(Provider::Esewa, &asked(ID)).await.is_ok());
    assert!(gateways.ask(Provider::Esewa, &asked("txn-2")).await.is_err());
    assert_eq!((stub.questions(ID), stub.questions("txn-2")), (1, 1));
}

#[tokio::test]
async fn a_wrong_key_and_too_small_an_amount_are_refused_with_a_reason() {
    let (stub, gateways) = scene().await;
    let small = gateways
        .open_payment(Provider::Khalti, &request(999), now())
        .await;
    let Err(GatewayError::Refused { status: 400, reason }) = small else {
        panic!("{small:?}")
    };
    assert!(reason.contains("1000 paisa"), "{reason}");
    stub.put(Side::Khalti, ID, AMOUNT);
    let stranger = clients(&stub, &[("KHALTI_SECRET", "another")]).await;
    let refused = stranger.ask(Provider::Khalti, &asked(ID)).await;
    assert!(
        matches!(refused, Err(GatewayError::Refused { status: 401, .. })),
        "{refused:?}"
    );
    let unknown = gateways.ask(Provider::Khalti, &asked("unknown")).await;
    assert!(
        matches!(unknown, Err(GatewayError::Refused { status: 404, .. })),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn a_running_stub_takes_orders_over_http() {
    let (stub, gateways) = scene().await;
    stub.put(Side::Esewa, ID, AMOUNT);
    let told = |body: serde_json::Value| {
        reqwest::Client::new()
            .post(format!("{}/_control", stub.base_url))
            .json(&body)
            .send()
    };
    let orders = json!({"set": {ID: "completed"}, "script": ["server_error", {"answer": "ambiguous"}, {"slow": 1}], "payment": ID});
    assert_eq!(told(orders).await.expect("sent").status(), 200);
    assert!(gateways.ask(Provider::Esewa, &asked(ID)).await.is_err());
    let ambiguous = gateways
        .ask(Provider::Esewa, &asked(ID))
        .await
        .expect("an answer");
    assert_eq!(ambiguous.answer, GatewayAnswer::Ambiguous);
    let paid = gateways
        .ask(Provider::Esewa, &asked(ID))
        .await
        .expect("an answer");
    assert_eq!(paid.answer.verdict(false), Verdict::Paid);
    assert_eq!(
        told(json!({"set": {"unknown": "completed"}}))
            .await
            .expect("sent")
            .status(),
        404
    );
    let report = reqwest::get(format!("{}/_control", stub.base_url))
        .await
        .expect("sent");
    let report: serde_json::Value = report.json().await.expect("JSON");
    assert_eq!(report["questions"][ID], json!(3));
}
