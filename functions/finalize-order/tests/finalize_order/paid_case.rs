//! The case of a paid intent whose job failed: for whom it is opened, and when it is opened again.

use crate::shop::Shop;
use makegood::case::CaseKind;
use makegood::job::{self, JobFailure, JobId};

/// Whether a case of this kind was opened for the intent, now or again.
async fn opened(shop: &Shop, intent: &str, kind: CaseKind) -> bool {
    let database = shop.database.through_pooler(1);
    let mut connection = database.acquire().await.unwrap();
    let failure = JobFailure::permanent("test", "no order can be made");
    job::open_case_of_paid_intent(&mut connection, kind, intent, JobId(uuid::Uuid::nil()), &failure)
        .await
        .unwrap()
}

#[tokio::test]
async fn only_a_paid_intent_without_its_order_and_with_its_money_here_is_a_persons() {
    let nothing_owed = [
        ("unpaid", "DELETE FROM payment_gateway_verifications"),
        ("given back", "UPDATE payment_intents SET given_back_at = now()"),
        (
            "ordered",
            "INSERT INTO orders (order_number, user_id, payment_intent_id, payment_provider, subtotal_cents, total_cents)
             SELECT 'ORD-1', user_id, payment_intent_id, provider, amount_cents, amount_cents FROM payment_intents",
        ),
    ];
    for (what, sql) in nothing_owed {
        let shop = Shop::open().await;
        let buyer = shop.paid(1, &[(1, 2)]).await;
        shop.sql(sql).await;
        assert!(
            !opened(&shop, &buyer.intent, CaseKind::Unfulfillable).await,
            "{what}"
        );
        assert_eq!(
            shop.count("SELECT count(*) FROM payment_cases").await,
            0,
            "{what}"
        );
        shop.close().await;
    }
}

#[tokio::test]
async fn a_case_is_opened_again_unless_it_was_a_refund_that_a_person_paid() {
    for (kind, is_opened_again) in [(CaseKind::Unfulfillable, true), (CaseKind::RefundDue, false)] {
        let shop = Shop::open().await;
        let buyer = shop.paid(1, &[(1, 2)]).await;
        assert!(opened(&shop, &buyer.intent, kind).await);
        assert!(!opened(&shop, &buyer.intent, kind).await, "it is open already");
        shop.sql("UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = 'asha', note = 'done'")
            .await;
        assert_eq!(opened(&shop, &buyer.intent, kind).await, is_opened_again);
        let open = "SELECT count(*) FROM payment_cases WHERE status = 'open'";
        assert_eq!(shop.count(open).await, i64::from(is_opened_again));
        shop.close().await;
    }
}
