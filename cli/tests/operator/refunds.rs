//! Refunds: listed and found by every id that a person may have.

use crate::operator::Operator;
use serde_json::json;

#[tokio::test]
async fn refunds_are_listed_the_newest_first_and_found_by_every_id_they_have() {
    let operator = Operator::open().await;
    operator
        .sql(
            "INSERT INTO refunds (provider, provider_refund_id, provider_payment_id, payment_id, amount_minor, currency, status, told_at, created_at)
             VALUES ('razorpay', 'rfnd_1', 'pay_1', '7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01', 499900, 'INR', 'processed', '2026-01-07', '2026-01-07'),
                    ('razorpay', 'rfnd_2', 'pay_2', NULL, 100, 'INR', 'failed', '2026-01-08', '2026-01-08')",
        )
        .await;
    let listed = operator
        .run(&["refunds", "list", "--json"])
        .await
        .succeeded()
        .json();
    let ids: Vec<_> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["providerRefundId"])
        .collect();
    assert_eq!(ids, [&json!("rfnd_2"), &json!("rfnd_1")]);
    let failed = operator
        .run(&["refunds", "list", "--status", "failed", "--json"])
        .await
        .succeeded()
        .json();
    assert_eq!(failed["items"].as_array().unwrap().len(), 1);
    for id in ["rfnd_1", "pay_1", "7b0c6b0e-2f0b-4c5e-9f57-3a6f1d0c9a01"] {
        let found = operator
            .run(&["refunds", "show", id, "--json"])
            .await
            .succeeded()
            .json();
        assert_eq!(found[0]["providerRefundId"], "rfnd_1", "{id}");
    }
    let none = operator.run(&["refunds", "show", "rfnd_9"]).await;
    assert_eq!(none.code, 1);
    operator.close().await;
}
