//! What is on the record of a refund already, and what a case asks for beyond it.

use crate::given_back::{CASES, refund_of};
use crate::shop::Shop;
use chrono::Utc;
use makegood::refund::{self, NewRefund, PartialRefund, Settled};

#[tokio::test]
async fn a_refund_that_is_on_the_record_is_not_recorded_again() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    let database = shop.database.through_pooler(2);
    let mut transaction = database.begin().await.unwrap();
    let refund = refund_of(&buyer, "rf-1", 700);
    let more = NewRefund {
        payment_refunded_minor: Some(900),
        ..refund.clone()
    };
    // A repeat, and a message that knows less than the record, change nothing; a higher sum of the whole does.
    let told = [
        (&refund, true),
        (&refund, false),
        (&more, true),
        (&more, false),
        (&refund, false),
    ];
    for (step, (refund, is_new)) in told.into_iter().enumerate() {
        let noted = refund::note(&mut transaction, refund, Utc::now()).await.unwrap();
        assert_eq!(noted, is_new, "message {step}");
    }
    transaction.commit().await.unwrap();
    let row =
        "SELECT string_agg(concat_ws(' ', amount_minor, payment_refunded_minor, status), ', ') FROM refunds";
    assert_eq!(shop.text(row).await, "700 900 processed");
    shop.close().await;
}

#[tokio::test]
async fn a_case_about_more_money_than_went_back_stays_open() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    shop.work().await;
    // GIVEN a case that asks for more than the intent's 2,000: a buyer who paid twice
    shop.sql(
        "INSERT INTO payment_cases (kind, subject, payment_intent_id, amount_cents, currency, details)
         SELECT 'refund_due', payment_intent_id, payment_intent_id, 3000, 'NPR', '{\"code\": \"twice\"}' FROM payment_intents",
    )
    .await;
    let settled = shop.all_given_back(&buyer).await;
    assert!(matches!(settled, Settled::Cancelled(_)), "{settled:?}");
    assert_eq!(shop.text(CASES).await, "refund_due open twice");
    // WHEN the rest is back, too
    shop.given_back(&buyer, "rf-2", 1000, PartialRefund::Keep).await;
    assert_eq!(shop.text(CASES).await, "refund_due resolved twice");
    shop.close().await;
}
