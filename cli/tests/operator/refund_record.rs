//! Refunds that no provider tells of: recorded by hand for either pipeline, refused when they do not fit, and safe to record again.

use crate::operator::{Answer, Operator};
use makegood::gateway::Provider;
use makegood_tests::recorder::Recorder;
use makegood_tests::shop::Shop;
use serde_json::json;

const INTENT: &str = "pi_khalti_1759659959000_00000001";
const PAYMENT: &str = "7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01";
const ORDERED: &str = "
    UPDATE inventory_reservations SET status = 'consumed';
    UPDATE inventory SET quantity_available = quantity_available - quantity_reserved, quantity_reserved = 0;
    INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type, reference_id)
    SELECT variant_id, 'sale', -quantity, 10 - quantity, 'order', md5('order')::uuid FROM inventory_reservations;
    INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified)
    SELECT provider, external_transaction_id, payment_intent_id, 'success', amount_cents FROM payment_intents;
    UPDATE payment_intents SET status = 'succeeded';
    INSERT INTO orders (id, order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
    SELECT md5('order')::uuid, 'ORD-1', user_id, payment_intent_id, provider, amount_cents, amount_cents FROM payment_intents;
    INSERT INTO order_items (order_id, variant_id, product_id, vendor_id, sku, product_name, quantity, unit_price_cents, total_price_cents)
    SELECT md5('order')::uuid, l.variant_id, l.product_id, l.vendor_id, l.sku, l.name, l.quantity, l.unit_price_cents, l.quantity * l.unit_price_cents
    FROM payment_intents, jsonb_to_recordset(items) AS l (variant_id uuid, product_id uuid, vendor_id uuid, sku text, name text,
                                                          quantity integer, unit_price_cents bigint)";
const BOUGHT: &str = "
    INSERT INTO payments (id, student_id, amount_cents, currency, status, provider, provider_payment_id, metadata, confirmed_at)
    VALUES ('7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01', md5('student')::uuid, 499900, 'INR', 'succeeded', 'razorpay', 'pay_1', '{}', now());
    INSERT INTO student_course_purchases (student_id, course_id, purchase_tier, payment_id)
    VALUES (md5('student')::uuid, md5('course')::uuid, 30, '7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01')";
/// What a refund changes, times and the lines of the acts themselves apart.
const ROWS: &str = "SELECT concat_ws(' / ',
    (SELECT string_agg(concat_ws(' ', provider, provider_refund_id, amount_minor, status, reason), ', ' ORDER BY provider_refund_id) FROM refunds),
    (SELECT string_agg(concat_ws(' ', status, given_back_at IS NOT NULL), ', ') FROM payment_intents),
    (SELECT string_agg(status, ', ') FROM orders), (SELECT sum(quantity_available) FROM inventory), (SELECT sum(quantity_reserved) FROM inventory),
    (SELECT string_agg(status, ', ') FROM payments), (SELECT string_agg(end_reason, ', ') FROM student_course_purchases),
    (SELECT string_agg(event_type, ', ') FROM outbox), (SELECT string_agg(concat_ws(' ', kind, status), ', ') FROM payment_cases))";

/// An operator of a shop with one checkout of two pieces at 500 rupees, and of a school with one purchase.
async fn open() -> Operator {
    let shop = Shop::open().await;
    shop.check_out(1, Provider::Khalti, &[(1, 2)]).await;
    let operator = Operator {
        database: shop.database.clone(),
        queues: Recorder::start().await,
    };
    operator.sql(BOUGHT).await;
    operator
}

async fn text(operator: &Operator, query: &str) -> String {
    let row = operator.row(&format!("SELECT ({query})::text AS text")).await;
    row["text"].as_str().unwrap_or_default().to_owned()
}

async fn record(operator: &Operator, arguments: &str) -> Answer {
    let fixed = ["refunds", "record", "--json", "--reason", "sent back"];
    let arguments: Vec<&str> = fixed.into_iter().chain(arguments.split_whitespace()).collect();
    operator.run(&arguments).await
}

#[tokio::test]
async fn a_refund_of_an_order_cancels_it_and_is_on_the_record_and_again_changes_nothing() {
    let operator = open().await;
    operator.sql(ORDERED).await;
    let part = record(&operator, "--order ORD-1 --amount 400.00 --reference rf-1")
        .await
        .succeeded()
        .json();
    assert_eq!(
        (&part["outcome"], &part["of"]),
        (&json!("a part of it is back"), &json!(INTENT))
    );
    assert_eq!(text(&operator, "SELECT status FROM orders").await, "confirmed");
    let whole = "--order ORD-1 --amount 600 --reference rf-2";
    let first = record(&operator, whole).await.succeeded().json();
    assert_eq!(
        (&first["isNew"], &first["outcome"]),
        (
            &json!(true),
            &json!("all of it is back: the order is cancelled now, and its goods are in the stock")
        )
    );
    let rows = text(&operator, ROWS).await;
    assert_eq!(
        rows,
        "khalti rf-1 40000 processed sent back, khalti rf-2 60000 processed sent back / succeeded t / cancelled / 40 / 0 / succeeded / ORDER_REFUNDED"
    );
    for again in [whole, "--order ORD-1 --amount 400.00 --reference rf-1"] {
        let again = record(&operator, again).await.succeeded().json();
        assert_eq!(again["isNew"], false);
        assert_eq!(text(&operator, ROWS).await, rows);
    }
    let audit = "SELECT string_agg(DISTINCT concat_ws(' ', actor, action, subject, reason, details ->> 'amountMinor'), ', ') FROM audit_log";
    assert_eq!(
        text(&operator, audit).await,
        "asha refund.record refund:khalti:rf-1 sent back 40000, asha refund.record refund:khalti:rf-2 sent back 60000"
    );
    operator.close().await;
}

#[tokio::test]
async fn a_refund_of_an_intent_without_order_frees_its_stock_and_a_part_may_ask_a_person() {
    let operator = open().await;
    let part = format!("--intent {INTENT} --amount 1.00 --reference rf-1 --partial case");
    record(&operator, &part).await.succeeded();
    assert_eq!(
        text(
            &operator,
            "SELECT concat_ws(' ', kind, status) FROM payment_cases"
        )
        .await,
        "given_back open"
    );
    let rest = format!("--intent {INTENT} --amount 999.00 --reference rf-2");
    let answer = record(&operator, &rest).await.succeeded().json();
    assert_eq!(answer["outcome"], "all of it is back: no order will be made");
    assert_eq!(
        text(&operator, "SELECT sum(quantity_reserved)::text FROM inventory").await,
        "0"
    );
    operator.close().await;
}

#[tokio::test]
async fn a_refund_of_a_course_ends_its_purchase_as_the_providers_message_does() {
    let operator = open().await;
    let part = format!("--payment {PAYMENT} --amount 1000 --reference rfnd_1");
    record(&operator, &part).await.succeeded();
    assert_eq!(text(&operator, "SELECT status FROM payments").await, "succeeded");
    let rest = format!("--payment {PAYMENT} --amount 3999.00 --reference rfnd_2");
    let mut seen = Vec::new();
    for is_new in [true, false] {
        let answer = record(&operator, &rest).await.succeeded().json();
        assert_eq!(answer["isNew"], is_new);
        seen.push(text(&operator, ROWS).await);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(
        seen[0].ends_with("refunded / refunded / PURCHASE_ENDED"),
        "{}",
        seen[0]
    );
    operator.close().await;
}

/// What does not fit, each with its exit code and what is said; PAYMENT and INTENT stand for the ids, BEGUN for an unpaid payment's.
const MISFITS: [(&str, i32, &str); 13] = [
    (
        "--intent pi_unknown --amount 1 --reference r",
        1,
        "no payment intent pi_unknown",
    ),
    ("--order ORD-9 --amount 1 --reference r", 1, "no order ORD-9"),
    ("--payment INTENT --amount 1 --reference r", 2, "invalid value"),
    (
        "--payment 00000000-0000-4000-8000-000000000009 --amount 1 --reference r",
        1,
        "no payment 0000",
    ),
    (
        "--payment BEGUN --amount 1 --reference r",
        1,
        "the payment is initiated",
    ),
    (
        "--intent INTENT --amount 1000.01 --reference r",
        1,
        "NPR 1,000.01 is more than is left: NPR 0.00 of NPR 1,000.00",
    ),
    (
        "--intent INTENT --amount 1,000 --reference r",
        1,
        "no amount of NPR above 0; write it like 1000.00",
    ),
    (
        "--intent INTENT --amount 0.00 --reference r",
        1,
        "no amount of NPR above 0",
    ),
    (
        "--payment PAYMENT --amount 11 --reference taken",
        1,
        "razorpay's refund taken is recorded already, as INR 10.00",
    ),
    (
        "--payment PAYMENT --amount 4990 --reference r",
        1,
        "INR 10.00 of INR 4,999.00 is back already",
    ),
    (
        "--intent INTENT --order ORD-1 --amount 1 --reference r",
        2,
        "cannot be used with",
    ),
    ("--amount 1 --reference r", 2, "required"),
    (
        "--intent INTENT --amount 1 --reference r --partial half",
        2,
        "invalid value",
    ),
];

#[tokio::test]
async fn what_does_not_fit_is_refused_by_name_and_changes_nothing() {
    let operator = open().await;
    operator
        .sql("INSERT INTO payments (id, student_id, amount_cents, status) VALUES (md5('begun')::uuid, md5('student')::uuid, 1, 'initiated')")
        .await;
    let begun = text(&operator, "SELECT md5('begun')::uuid::text").await;
    let taken = format!("--payment {PAYMENT} --amount 10 --reference taken");
    record(&operator, &taken).await.succeeded();
    let before = text(&operator, ROWS).await;
    for (arguments, code, says) in MISFITS {
        let arguments = arguments
            .replace("PAYMENT", PAYMENT)
            .replace("INTENT", INTENT)
            .replace("BEGUN", &begun);
        let answer = record(&operator, &arguments).await;
        assert_eq!(answer.code, code, "{arguments}: {answer:?}");
        let told = format!("{}{}", answer.output, answer.errors);
        assert!(told.contains(says), "{arguments}: {told}");
        assert_eq!(text(&operator, ROWS).await, before, "{arguments}");
    }
    assert_eq!(text(&operator, "SELECT count(*)::text FROM audit_log").await, "1");
    operator.close().await;
}
