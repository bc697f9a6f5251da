//! What the providers say, on one page.

use crate::stage::Stage;

#[tokio::test]
async fn totals_are_by_day_and_provider_and_what_no_case_answers_for_is_listed() {
    let stage = Stage::open().await;
    let entry = |id: &str, amount: i64, outcome: &str| {
        format!(
            "('razorpay', 'payment', '{id}', '{id}', {amount}, 'INR', 118, 'moved', now() - interval '1 hour', '{outcome}', now(), now())"
        )
    };
    let entries = [
        entry("pay_1", 499_900, "matched"),
        entry("pay_2", 100, "matched"),
        entry("pay_3", 700, "amount_differs"),
        entry("pay_4", 900, "amount_differs"),
    ]
    .join(", ");
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO statement_entries (provider, kind, entry_id, pays, amount_cents, currency, fee_cents, state, occurred_at, outcome,
                                            first_seen_at, seen_at) VALUES {entries};
             INSERT INTO payment_cases (kind, subject) VALUES ('statement_gap', 'pay_4')"
        ))
        .await;
    let page = stage.page("/admin/statement").await.body;
    for part in [
        "INR 5,000.00",
        "INR 2.36",
        "pay_3",
        "INR 7.00",
        "kind=statement_gap",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("pay_4"), "its case answers for it: {page}");
    stage.close().await;
}
