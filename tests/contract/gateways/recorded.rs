//! Answers as eSewa and Khalti document them, dead letter by dead letter, through the real clients.

use super::{AMOUNT, RETURN_URL, now, open, request};
use chrono::DateTime;
use makegood::gateway::{
    AskedPayment, GatewayAnswer, GatewayError, GatewayReply, Gateways, GatewaysConfig, Provider,
};
use serde_json::{Value, json};
use wiremock::matchers::{any, body_json, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

async fn server() -> (MockServer, Gateways) {
    let server = MockServer::start().await;
    let (esewa, khalti) = (
        format!("{}/rc/", server.uri()),
        format!("{}/api/v2/", server.uri()),
    );
    let variables = [
        ("ESEWA_BASE_URL", "https://rc-epay.esewa.com.np"),
        ("ESEWA_STATUS_BASE_URL", esewa.as_str()),
        ("ESEWA_PRODUCT_CODE", "EPAYTEST"),
        ("STAGE", "sandbox"),
        ("ESEWA_SECRET", "8gBm/:&EnhH.1/q"),
        ("KHALTI_BASE_URL", khalti.as_str()),
        ("KHALTI_SECRET", "recorded-khalti-key"),
        ("PAYMENT_RETURN_URL", RETURN_URL),
    ];
    let gateways = open(&variables, GatewaysConfig::PATIENCE)
        .await
        .expect("gateways");
    (server, gateways)
}

/// What the client makes of this answer to a question about this payment.
async fn read(provider: Provider, id: &str, status: u16, body: &str) -> Result<GatewayReply, GatewayError> {
    let (server, gateways) = server().await;
    let answer = ResponseTemplate::new(status).set_body_raw(body.to_owned(), "application/json");
    Mock::given(any()).respond_with(answer).mount(&server).await;
    gateways
        .ask(
            provider,
            &AskedPayment {
                external_transaction_id: id,
                amount_minor: 10_000,
            },
        )
        .await
}

async fn answer(provider: Provider, id: &str, status: u16, body: &str) -> GatewayAnswer {
    let reply = read(provider, id, status, body).await;
    reply.unwrap_or_else(|error| panic!("{error}: {body}")).answer
}

fn paid(reference: &str) -> GatewayAnswer {
    GatewayAnswer::Paid {
        amount_minor: 10_000,
        reference: Some(reference.to_owned()),
    }
}

#[tokio::test]
async fn esewas_documented_answers_are_read() {
    let refunded = |partially| GatewayAnswer::Refunded { partially };
    for (id, amount, status, reference, expected) in [
        (
            "240508-101430",
            "100.0",
            "PENDING",
            "null",
            GatewayAnswer::Pending,
        ),
        (
            "240508-10108",
            "100.0",
            "COMPLETE",
            "\"0007G36\"",
            paid("0007G36"),
        ),
        ("240508-10108", "100", "COMPLETE", "\"0007G36\"", paid("0007G36")),
        (
            "240508-10108",
            "\"100.0\"",
            "COMPLETE",
            "\"0007G36\"",
            paid("0007G36"),
        ),
        (
            "240508-101431",
            "100",
            "FULL_REFUND",
            "\"0007G36\"",
            refunded(false),
        ),
        (
            "240508-101431",
            "100.0",
            "PARTIAL_REFUND",
            "\"0007G36\"",
            refunded(true),
        ),
        (
            "240508-101431",
            "100.0",
            "AMBIGUOUS",
            "\"0KDL6NA\"",
            GatewayAnswer::Ambiguous,
        ),
        (
            "240508-101430",
            "100.0",
            "NOT_FOUND",
            "null",
            GatewayAnswer::NotFound,
        ),
        (
            "240508-102939",
            "10.0",
            "CANCELED",
            "\"0KDL6NA\"",
            GatewayAnswer::Cancelled,
        ),
    ] {
        let body = format!(
            "{{\n\"product_code\": \"EPAYTEST\",\n\"transaction_uuid\": \"{id}\",\n\"total_amount\": {amount},\n\
             \"status\": \"{status}\",\n\"ref_id\": {reference}\n}}"
        );
        assert_eq!(answer(Provider::Esewa, id, 200, &body).await, expected, "{body}");
    }
    let down = "{\"code\": 0, \"error_message\": \"Service is currently unavailable\"}";
    let error = read(Provider::Esewa, "240508-101430", 200, down).await;
    assert_eq!(error, Err(GatewayError::Unavailable { status: 200 }));
}

#[tokio::test]
async fn khaltis_documented_answers_are_read_in_whatever_case() {
    let id = "HT6o6PEZRWFJ5ygavzHWd5";
    let refunded = |partially| GatewayAnswer::Refunded { partially };
    for (http, status, transaction, refund, expected) in [
        (
            200,
            "Completed",
            "\"GFq9PFS7b2iYvL8Lir9oXe\"",
            false,
            paid("GFq9PFS7b2iYvL8Lir9oXe"),
        ),
        (
            200,
            "Completed",
            "\"GFq9PFS7b2iYvL8Lir9oXe\"",
            true,
            refunded(false),
        ),
        (200, "Pending", "null", false, GatewayAnswer::Pending),
        (200, "Initiated", "null", false, GatewayAnswer::Pending),
        (
            200,
            "Refunded",
            "\"GFq9PFS7b2iYvL8Lir9oXe\"",
            true,
            refunded(false),
        ),
        (
            200,
            "Partially Refunded",
            "\"GFq9PFS7b2iYvL8Lir9oXe\"",
            true,
            refunded(true),
        ),
        (
            200,
            "Partially refunded",
            "\"GFq9PFS7b2iYvL8Lir9oXe\"",
            true,
            refunded(true),
        ),
        (400, "Expired", "null", false, GatewayAnswer::Expired),
        (400, "User canceled", "null", false, GatewayAnswer::Cancelled),
        (200, "User Canceled", "null", false, GatewayAnswer::Cancelled),
    ] {
        let body = format!(
            "{{\n   \"pidx\": \"{id}\",\n   \"total_amount\": 10000,\n   \"status\": \"{status}\",\n   \"transaction_id\": {transaction},\n   \
             \"fee\": 0,\n   \"refunded\": {refund}\n}}"
        );
        assert_eq!(
            answer(Provider::Khalti, id, http, &body).await,
            expected,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_payment_is_never_read_into_what_is_not_one() {
    let esewa = |name: &str, value: Value| {
        let mut body = json!({"product_code": "EPAYTEST", "transaction_uuid": "t", "total_amount": "100.0", "status": "COMPLETE"});
        body[name] = value;
        (Provider::Esewa, 200, body)
    };
    let khalti = |http, name: &str, value: Value| {
        let mut body = json!({"pidx": "t", "total_amount": 10000, "status": "Completed"});
        body[name] = value;
        (Provider::Khalti, http, body)
    };
    for (provider, http, body) in [
        esewa("transaction_uuid", json!("another")),
        esewa("product_code", json!("ANOTHER")),
        esewa("transaction_uuid", Value::Null),
        esewa("total_amount", Value::Null),
        esewa("total_amount", json!("100.001")),
        esewa("total_amount", json!("NaN")),
        esewa("status", json!("COMPLETED")),
        esewa("status", json!("complete?")),
        khalti(200, "pidx", json!("another")),
        khalti(200, "pidx", Value::Null),
        khalti(200, "total_amount", json!("100.5")),
        khalti(200, "total_amount", Value::Null),
        khalti(200, "status", json!("Paid")),
        khalti(400, "status", json!("Completed")),
    ] {
        let read = read(provider, "t", http, &body.to_string()).await;
        assert!(
            matches!(read, Err(GatewayError::Unreadable { .. })),
            "{body}: {read:?}"
        );
    }
    for (provider, http) in [
        (Provider::Esewa, 400),
        (Provider::Esewa, 302),
        (Provider::Esewa, 500),
        (Provider::Khalti, 500),
    ] {
        let body = json!({"product_code": "EPAYTEST", "transaction_uuid": "t", "pidx": "t", "total_amount": 100, "status": "COMPLETE"});
        let read = read(provider, "t", http, &body.to_string()).await;
        assert!(read.is_err(), "{provider} {http}: {read:?}");
    }
}

#[tokio::test]
async fn esewa_is_asked_and_signed_as_documented() {
    let (server, gateways) = server().await;
    let body = json!({"product_code": "EPAYTEST", "transaction_uuid": "123", "total_amount": 100, "status": "PENDING"});
    Mock::given(method("GET"))
        .and(path("/rc/api/epay/transaction/status/"))
        .and(query_param("product_code", "EPAYTEST"))
        .and(query_param("total_amount", "100"))
        .and(query_param("transaction_uuid", "123"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .expect(1)
        .mount(&server)
        .await;
    let question = AskedPayment {
        external_transaction_id: "123",
        amount_minor: 10_000,
    };
    assert!(gateways.ask(Provider::Esewa, &question).await.is_ok());
    let opened = gateways
        .open_payment(Provider::Esewa, &request(AMOUNT), now())
        .await
        .expect("open");
    assert_eq!(
        opened.payment_url,
        "https://rc-epay.esewa.com.np/api/epay/main/v2/form"
    );
    let fields = gateways.esewa.form_fields("241028", 11_000);
    assert_eq!(fields["total_amount"], "110");
    assert_eq!(
        fields["signature"],
        "i94zsd3oXF6ZsSr/kGqT4sSzYQzjj1W/waxjWyRwaME="
    );
}

#[tokio::test]
async fn khalti_is_asked_as_documented_and_says_when_its_link_ends() {
    let (server, gateways) = server().await;
    let wanted = json!({
        "return_url": RETURN_URL, "website_url": "https://shop.test", "amount": AMOUNT,
        "purchase_order_id": request(AMOUNT).payment_intent_id, "purchase_order_name": request(AMOUNT).payment_intent_id,
    });
    let body = "{\"pidx\": \"bZQLD9wRVWo4CdESSfuSsB\", \"payment_url\": \"https://test-pay.khalti.com/?pidx=bZQLD9wRVWo4CdESSfuSsB\", \
                \"expires_at\": \"2023-05-25T16:26:16.471649+05:45\", \"expires_in\": 1800}";
    Mock::given(method("POST"))
        .and(path("/api/v2/epayment/initiate/"))
        .and(header("Authorization", "Key recorded-khalti-key"))
        .and(body_json(wanted))
        .respond_with(ResponseTemplate::new(200).set_body_raw(body, "application/json"))
        .expect(1)
        .mount(&server)
        .await;
    let opened = gateways
        .open_payment(Provider::Khalti, &request(AMOUNT), now())
        .await
        .expect("open");
    assert_eq!(opened.external_transaction_id, "bZQLD9wRVWo4CdESSfuSsB");
    assert_eq!(
        opened.payment_url,
        "https://test-pay.khalti.com/?pidx=bZQLD9wRVWo4CdESSfuSsB"
    );
    assert_eq!(
        opened.expires_at,
        DateTime::parse_from_rfc3339("2023-05-25T10:41:16.471649Z").expect("an instant")
    );
}
