//! Every client may ask, and no answer says anything about a buyer.

use crate::till::{Till, question, read, request, send};
use makegood::delivery::Deadline;
use makegood::gateway::Provider;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn an_answer_holds_nothing_about_the_buyer_and_is_the_same_for_everybody() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    till.gateway.pay(&checkout.external).unwrap();
    let mut with_login = request(&question(&checkout).to_string());
    with_login["requestContext"]["authorizer"] = json!({"jwt": {"claims": {"sub": uuid::Uuid::new_v4()}}});
    let deadline = Deadline::after(Duration::from_secs(30));
    let first = read(&till.function.handle(with_login, deadline).await.unwrap());
    let (_, answer) = till.verify(&checkout).await;
    let keys: Vec<&String> = answer.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "already_verified",
            "payment_intent_id",
            "provider",
            "status",
            "success"
        ]
    );
    assert_eq!(crate::till::said(&first).1, crate::till::said(&(200, answer)).1);
    till.close().await;
}

#[tokio::test]
async fn a_payment_that_we_never_opened_is_not_found_and_no_gateway_is_asked() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    for body in [
        json!({"provider": "khalti", "pidx": "unknown"}),
        json!({"provider": "esewa", "transaction_uuid": checkout.external}),
    ] {
        let (status, answer) = till.send(&body).await;
        assert_eq!(
            (status, answer),
            (
                404,
                json!({"error": {"code": "not_found", "message": "there is no such payment"}})
            )
        );
    }
    assert!(till.gateway.report().questions.is_empty());
    till.close().await;
}

#[tokio::test]
async fn what_is_no_question_is_refused_by_field() {
    let till = Till::open().await;
    let cases = [
        (json!([]), Value::Null),
        (json!({"pidx": "x"}), json!("provider")),
        (json!({"provider": "stripe", "pidx": "x"}), json!("provider")),
        (json!({"provider": "khalti"}), json!("pidx")),
        (json!({"provider": "khalti", "pidx": " "}), json!("pidx")),
        (json!({"provider": "khalti", "pidx": "a\u{0}b"}), json!("pidx")),
        (
            json!({"provider": "khalti", "pidx": "x".repeat(201)}),
            json!("pidx"),
        ),
        (
            json!({"provider": "khalti", "transaction_uuid": "x"}),
            json!("pidx"),
        ),
        (json!({"provider": "esewa", "data": 7}), json!("data")),
        (json!({"provider": "esewa"}), json!("transaction_uuid")),
    ];
    for (body, field) in cases {
        let (status, answer) = till.send(&body).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!("invalid_request")),
            "{body}"
        );
        assert_eq!(answer["error"]["field"], field, "{body}");
    }
    let (status, _) = send(&till.function, "{\"provider\":").await;
    assert_eq!(status, 400);
    let (status, _) = send(
        &till.function,
        &format!("{{\"pad\": \"{}\"}}", "x".repeat(20_000)),
    )
    .await;
    assert_eq!(status, 413);
    till.close().await;
}

#[tokio::test]
async fn only_a_post_to_its_path_is_served() {
    let till = Till::open().await;
    let ask = async |change: &dyn Fn(&mut Value)| {
        let mut event = request("{}");
        change(&mut event);
        let deadline = Deadline::after(Duration::from_secs(30));
        read(&till.function.handle(event, deadline).await.unwrap()).0
    };
    assert_eq!(ask(&|event| event["rawPath"] = json!("/payments")).await, 404);
    assert_eq!(
        ask(&|event| event["requestContext"]["http"]["method"] = json!("GET")).await,
        405
    );
    assert_eq!(ask(&|event| event["isBase64Encoded"] = json!(true)).await, 400);
    let deadline = Deadline::after(Duration::from_secs(30));
    assert!(
        till.function
            .handle(json!({"Records": []}), deadline)
            .await
            .is_err()
    );
    till.close().await;
}

#[tokio::test]
async fn a_database_that_is_away_asks_the_caller_to_come_again() {
    let till = Till::open().await;
    let checkout = till.buyer(1, Provider::Khalti, &[(1, 1)]).await;
    till.function.verifier.database.close();
    let (status, answer) = till.verify(&checkout).await;
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("unavailable")));
    till.close().await;
}
