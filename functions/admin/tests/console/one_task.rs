//! One trouble is one task: the case of a payment and its parked message lead to each other, and the amount says its currency.

use crate::stage::Stage;

const PAYMENT: &str = "00000000-0000-4000-8000-0000000000a1";
const OTHER: &str = "00000000-0000-4000-8000-0000000000a2";

#[tokio::test]
async fn a_case_and_the_dead_letter_of_its_payment_lead_to_each_other_while_both_are_open() {
    let stage = Stage::open().await;
    stage
        .database
        .run_sql(&format!(
            "INSERT INTO payment_cases (id, kind, subject, payment_id, amount_cents, currency) VALUES
               ('00000000-0000-4000-8000-0000000000f1', 'unfulfillable', '{PAYMENT}', '{PAYMENT}', 499900, NULL),
               ('00000000-0000-4000-8000-0000000000f2', 'unfulfillable', '{OTHER}', '{OTHER}', 499900, 'INR');
             INSERT INTO dead_letters (id, source, message_id, failure_reason, correlation_id, raw) VALUES
               ('00000000-0000-4000-8000-0000000000d1', 'q', 'm1', 'x', '{PAYMENT}', '{{}}'),
               ('00000000-0000-4000-8000-0000000000d2', 'q', 'm2', 'x', NULL, '{{}}')"
        ))
        .await;
    let case = "/admin/cases/00000000-0000-4000-8000-0000000000f1";
    let dead_letter = "/admin/dead-letters/00000000-0000-4000-8000-0000000000d1";
    let page = async |address: &str| stage.page(address).await.body;
    let leads = |body: &str, to: &str| body.contains(&format!("href=\"{to}\""));

    assert!(leads(&page(case).await, dead_letter) && leads(&page(dead_letter).await, case));
    let (other_case, other_dead_letter) = (case.replace("f1", "f2"), dead_letter.replace("d1", "d2"));
    assert!(
        !page(&other_case).await.contains("one task") && !page(&other_dead_letter).await.contains("one task")
    );

    // Amounts say their currency, or that it was not recorded.
    assert!(page(case).await.contains("4,999.00 (currency not recorded)"));
    let list = page("/admin/cases").await;
    assert!(list.contains("INR 4,999.00") && list.contains("4,999.00 (currency not recorded)"));

    // Once one of the two is over, it is no task any more.
    let over = "UPDATE dead_letters SET status = 'replayed'; UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = 'asha', note = 'done'";
    stage.database.run_sql(over).await;
    assert!(!page(case).await.contains("one task") && !page(dead_letter).await.contains("one task"));
    stage.close().await;
}
