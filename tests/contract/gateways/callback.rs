//! eSewa's callback: verified over what was written, and nothing that eSewa did not sign as a callback is believed.

use super::{AMOUNT, asked, clients, scene};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use makegood::gateway::{EsewaCallback, ForgedCallback, Gateways, Provider};
use makegood_local::gateway::{AmountStyle, Side};
use serde_json::json;

/// As eSewa documents it, signed with the key of its public sandbox.
const DOCUMENTED: &str = r#"{"transaction_code":"000AWEO","status":"COMPLETE","total_amount":1000.0,"transaction_uuid":"250610-162413","product_code":"EPAYTEST","signed_field_names":"transaction_code,status,total_amount,transaction_uuid,product_code,signed_field_names","signature":"62GcfZTmVkzhtUeh+QJ1AqiJrjoWWGof3U+eTPTZ7fA="}"#;
/// The same payment with a separator in its amount, signed with the same key over `1,000.0`.
const SEPARATED_SIGNATURE: &str = "papjo8JJpF2skOaVl21DUR7k7hdectT5lWk+z5xvYIU=";

fn read(gateways: &Gateways, json: &str) -> Result<EsewaCallback, ForgedCallback> {
    gateways.esewa.read_callback(&STANDARD.encode(json))
}

fn separated(literal: &str) -> String {
    DOCUMENTED.replace("1000.0", literal).replace(
        "62GcfZTmVkzhtUeh+QJ1AqiJrjoWWGof3U+eTPTZ7fA=",
        SEPARATED_SIGNATURE,
    )
}

#[tokio::test]
async fn the_documented_callback_verifies_over_the_amount_as_it_was_written() {
    let (_stub, gateways) = scene().await;
    let documented = EsewaCallback {
        transaction_uuid: "250610-162413".to_owned(),
        amount_minor: AMOUNT,
        status: "COMPLETE".to_owned(),
        transaction_code: Some("000AWEO".to_owned()),
    };
    assert_eq!(read(&gateways, DOCUMENTED), Ok(documented.clone()));
    for literal in ["\"1,000.0\"", "1,000.0"] {
        assert_eq!(
            read(&gateways, &separated(literal)),
            Ok(documented.clone()),
            "{literal}"
        );
    }
    assert_eq!(
        read(&gateways, &DOCUMENTED.replace("1000.0", "\"1000.0\"")),
        Ok(documented.clone())
    );
    // The same number written otherwise is not what was signed.
    for literal in ["1000", "1000.00", "1e3", "\"1,000.0\""] {
        let rewritten = DOCUMENTED.replace("1000.0", literal);
        assert_eq!(
            read(&gateways, &rewritten),
            Err(ForgedCallback::Mismatch),
            "{literal}"
        );
    }
}

#[tokio::test]
async fn every_way_in_which_esewa_writes_an_amount_verifies() {
    let (stub, gateways) = scene().await;
    for amount_minor in [AMOUNT, 123_456_789, 100_050, 5] {
        stub.put(Side::Esewa, "txn-1", amount_minor);
        stub.pay("txn-1").expect("known");
        for style in [
            AmountStyle::Number,
            AmountStyle::SeparatedText,
            AmountStyle::SeparatedNumber,
        ] {
            stub.set_amount_style(style);
            let data = stub.callback("txn-1").expect("a callback");
            let callback = gateways
                .esewa
                .read_callback(&data)
                .unwrap_or_else(|error| panic!("{style:?}: {error}"));
            assert_eq!(callback.amount_minor, amount_minor, "{style:?}");
        }
    }
}

#[tokio::test]
async fn a_callback_survives_what_browsers_and_pages_do_to_base64() {
    let (_stub, gateways) = scene().await;
    // Long enough for `+` and `/` to be in it.
    let data = STANDARD.encode(DOCUMENTED.replacen('{', "{\"note\":\"~~~???>>>\",", 1));
    assert!(data.contains('+') || data.contains('/'), "{data}");
    for changed in [
        data.replace('+', " "),
        data.trim_end_matches('=').to_owned(),
        data.replace('+', "-").replace('/', "_"),
        format!("{}\r\n{}", &data[..76], &data[76..]),
    ] {
        assert!(gateways.esewa.read_callback(&changed).is_ok(), "{changed}");
    }
}

#[tokio::test]
async fn a_changed_or_foreign_callback_is_refused() {
    let (stub, gateways) = scene().await;
    for (from, to) in [
        ("1000.0", "1.0"),
        ("250610-162413", "250610-162414"),
        ("000AWEO", "000AWEP"),
        ("\"COMPLETE\"", "\"PENDING\""),
        ("\"EPAYTEST\"", "\"ANOTHER\""),
        ("62Gc", "62Gd"),
        ("62GcfZTmVkzhtUeh+QJ1AqiJrjoWWGof3U+eTPTZ7fA=", ""),
        (
            "62GcfZTmVkzhtUeh+QJ1AqiJrjoWWGof3U+eTPTZ7fA=",
            "62GcfZTmVkzhtUeh+QJ1AqiJrjoWWGof",
        ),
    ] {
        let forged = DOCUMENTED.replace(from, to);
        assert_eq!(
            read(&gateways, &forged),
            Err(ForgedCallback::Mismatch),
            "{from} → {to}"
        );
    }
    let with_another_key = clients(&stub, &[("ESEWA_SECRET", "another")]).await;
    assert_eq!(read(&with_another_key, DOCUMENTED), Err(ForgedCallback::Mismatch));
    let of_another_merchant = clients(&stub, &[("ESEWA_PRODUCT_CODE", "ANOTHER")]).await;
    assert_eq!(
        read(&of_another_merchant, DOCUMENTED),
        Err(ForgedCallback::AnotherMerchant)
    );
}

#[tokio::test]
async fn the_forms_own_signature_which_every_buyer_sees_is_no_callback() {
    let (_stub, gateways) = scene().await;
    let fields = gateways.esewa.form_fields("txn-1", AMOUNT);
    let mut forged = json!(fields);
    forged["status"] = json!("COMPLETE");
    forged["transaction_code"] = json!("000AWEO");
    assert_eq!(
        read(&gateways, &forged.to_string()),
        Err(ForgedCallback::NotSigned("status"))
    );
    for name in ["status", "total_amount", "transaction_uuid", "product_code"] {
        let unsigned = DOCUMENTED.replace(&format!("{name},"), "");
        assert_eq!(read(&gateways, &unsigned), Err(ForgedCallback::NotSigned(name)));
    }
    let without_signature = DOCUMENTED.replace("\"signature\"", "\"seal\"");
    assert_eq!(
        read(&gateways, &without_signature),
        Err(ForgedCallback::NotSigned("signature"))
    );
}

#[tokio::test]
async fn what_is_no_callback_at_all_is_refused_without_a_fuss() {
    let (_stub, gateways) = scene().await;
    let long = "A".repeat(100_000);
    for data in ["", "{}", "e30=", "bm90IGpzb24=", "W10=", "/w==", long.as_str()] {
        let refused = gateways.esewa.read_callback(data).expect_err(data);
        assert!(
            matches!(
                refused,
                ForgedCallback::Unreadable(_) | ForgedCallback::NotSigned(_)
            ),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_callback_about_a_payment_that_is_open_again_is_only_a_hint() {
    let (stub, gateways) = scene().await;
    stub.put(Side::Esewa, "250610-162413", AMOUNT);
    assert!(read(&gateways, DOCUMENTED).is_ok(), "eSewa signed it, some day");
    let reply = gateways
        .ask(Provider::Esewa, &asked("250610-162413"))
        .await
        .expect("an answer");
    assert_eq!(
        reply.answer.code(),
        "pending",
        "what counts is eSewa's own answer"
    );
}
