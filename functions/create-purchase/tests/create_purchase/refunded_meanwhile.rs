//! A renewal and a refund of the purchase that it renews at one moment: whoever has the rows first decides, and the other one sees it.

use crate::renewals::{EXPIRE, school_with, states, until_waiting};
use crate::school::{Payment, School, purchase_ids};
use makegood::db::Transaction;
use makegood::ids::{PaymentId, PurchaseId};
use makegood::purchase::{EndReason, Ended, Ending, SecondPayment, end, end_of_payment};
use makegood_tests::invariants::assert_doctor_finds_no_breach_of;
use operate::doctor::Guarantee;
use sqlx::{Connection, PgConnection};

/// All of the money of this payment is back; not committed. Its row is locked before, as whoever records a refund does.
async fn give_back(transaction: &mut Transaction, payment: Payment) -> Ended {
    sqlx::query("SELECT FROM payments WHERE id = $1 FOR UPDATE")
        .bind(payment.payment_id)
        .execute(&mut **transaction)
        .await
        .unwrap();
    let ending = Ending {
        reason: EndReason::Refunded,
        now: chrono::Utc::now(),
        timezone: chrono_tz::Tz::Asia__Kolkata,
        source: "receive-payment",
    };
    let ended = end_of_payment(transaction, PaymentId(payment.payment_id), &ending)
        .await
        .unwrap();
    sqlx::query("UPDATE payments SET status = 'refunded' WHERE id = $1")
        .bind(payment.payment_id)
        .execute(&mut **transaction)
        .await
        .unwrap();
    ended
}

/// The older purchase has ended once, for this reason, and said so once; the new one runs.
async fn assert_one_end(school: &School, old: Payment, new: Payment, reason: &str) {
    assert_eq!(states(school, old).await, [(false, Some(reason.to_owned()))]);
    assert_eq!(states(school, new).await, [(true, None)]);
    let told = "SELECT payload ->> 'reason' FROM outbox WHERE event_type = 'PURCHASE_ENDED'";
    let told: Vec<String> = sqlx::query_scalar(told)
        .fetch_all(&school.database.direct())
        .await
        .unwrap();
    assert_eq!(told, [reason]);
    let ahead =
        "SELECT count(*) FROM tutoring_sessions WHERE status = 'scheduled' AND scheduled_date > current_date";
    assert_eq!(school.database.count(ahead).await, 0);
    assert_eq!(school.cases("surplus_payment").await, 0);
    school.assert_sound().await;
    assert_doctor_finds_no_breach_of(&school.database, [Guarantee::G1, Guarantee::G3]).await;
}

async fn the_refund_comes_first(before: &str) {
    let first = Payment::number(1);
    let school = school_with(first).await;
    let second = first.again(1);
    school.database.run_sql(EXPIRE).await;
    school.database.run_sql(before).await;
    // GIVEN a refund that has ended the purchase and is not committed
    let refunds = school.database.through_pooler(1);
    let mut refund = refunds.begin().await.unwrap();
    assert!(matches!(give_back(&mut refund, first).await, Ended::Now(events) if events.len() == 1));
    // WHEN the second payment comes, which waits for it, and again where it was told to
    let bodies = [second.confirmed()];
    tokio::join!(school.deliver(&bodies), async {
        until_waiting(&school, 1).await;
        refund.commit().await.unwrap();
    });
    assert_eq!(school.deliver(&bodies).await, 0);
    // Whoever recorded the refund has published its event.
    let published = "UPDATE outbox SET published_at = now() WHERE payload ->> 'reason' = 'refunded'";
    school.database.run_sql(published).await;
    // THEN it has bought the course anew, and what was refunded stays refunded
    assert_one_end(&school, first, second, "refunded").await;
    school.close().await;
}

async fn the_renewal_comes_first(before: &str) {
    let first = Payment::number(1);
    let school = school_with(first).await;
    let second = first.again(1);
    school.database.run_sql(EXPIRE).await;
    school.database.run_sql(before).await;
    // GIVEN a renewal that has the older purchase, and waits for its allocation
    let mut holder = PgConnection::connect(&school.database.direct_url())
        .await
        .unwrap();
    sqlx::raw_sql("BEGIN; SELECT FROM trainer_allocations FOR UPDATE")
        .execute(&mut holder)
        .await
        .unwrap();
    let refunds = school.database.through_pooler(1);
    let mut refund = refunds.begin().await.unwrap();
    let bodies = [second.confirmed()];
    // WHEN the older payment is refunded, which waits for the renewal
    let (returned, ended, ()) = tokio::join!(
        school.deliver(&bodies),
        async {
            until_waiting(&school, 1).await;
            let ended = give_back(&mut refund, first).await;
            refund.commit().await.unwrap();
            ended
        },
        async {
            until_waiting(&school, 2).await;
            sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
        }
    );
    // THEN the refund ends nothing: what it paid for is over, and what renewed it is another payment's
    assert_eq!(returned, 0);
    assert!(matches!(&ended, Ended::NothingRuns | Ended::Now(_)), "{ended:?}");
    assert!(
        !matches!(&ended, Ended::Now(events) if !events.is_empty()),
        "{ended:?}"
    );
    assert_one_end(&school, first, second, "expired").await;
    school.close().await;
}

/// This payment, which is delivered, is given back before it is fulfilled, and its event is not told so: it had read the payment before.
/// Gives back how many records are returned, then and when it comes again.
async fn given_back_meanwhile(school: &School, payment: Payment) -> (usize, usize) {
    let bodies = [payment.confirmed()];
    school.record(&bodies).await;
    let refunds = school.database.through_pooler(1);
    let mut refund = refunds.begin().await.unwrap();
    sqlx::query("UPDATE payments SET status = 'refunded' WHERE id = $1")
        .bind(payment.payment_id)
        .execute(&mut *refund)
        .await
        .unwrap();
    let (returned, ()) = tokio::join!(school.deliver_unrecorded(&bodies), async {
        until_waiting(school, 1).await;
        refund.commit().await.unwrap();
    });
    (returned, school.deliver_unrecorded(&bodies).await)
}

#[tokio::test]
async fn a_payment_that_is_given_back_while_it_is_delivered_renews_nothing() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    school.database.run_sql(EXPIRE).await;
    let second = first.again(1);
    // It comes again, since what it read before is not true any more.
    assert_eq!(given_back_meanwhile(&school, second).await, (1, 0));
    assert_eq!(states(&school, second).await, []);
    assert_eq!(states(&school, first).await, [(true, None)]);
    school.close().await;
}

#[tokio::test]
async fn a_payment_that_is_given_back_while_it_is_delivered_extends_nothing() {
    let first = Payment::number(1);
    let mut school = school_with(first).await;
    school.second_payment = SecondPayment::Extend;
    assert_eq!(given_back_meanwhile(&school, first.again(1)).await, (0, 0));
    let added = "SELECT count(*) FROM purchase_extensions";
    let tier = "SELECT purchase_tier::bigint FROM student_course_purchases";
    assert_eq!(
        (
            school.database.count(added).await,
            school.database.count(tier).await
        ),
        (0, 20)
    );
    school.close().await;
}

#[tokio::test]
async fn a_purchase_ends_once_and_keeps_why() {
    let first = Payment::number(1);
    let school = school_with(first).await;
    let purchase = purchase_ids(&school).await.into_iter().next().unwrap();
    let database = school.database.through_pooler(1);
    for (reason, events) in [(EndReason::ByHand, 1), (EndReason::Refunded, 0)] {
        let ending = Ending {
            reason,
            now: chrono::Utc::now(),
            timezone: chrono_tz::Tz::Asia__Kolkata,
            source: "test",
        };
        let mut transaction = database.begin().await.unwrap();
        let told = end(&mut transaction, &[PurchaseId(purchase)], &ending)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(told.len(), events, "{reason:?}");
    }
    assert_eq!(
        states(&school, first).await,
        [(false, Some("by_hand".to_owned()))]
    );
    school.close().await;
}

#[tokio::test]
async fn a_refund_that_is_first_is_seen_by_the_renewal() {
    the_refund_comes_first("SELECT 1").await;
}

#[tokio::test]
async fn a_refund_that_is_first_is_seen_by_the_renewal_without_the_index_too() {
    the_refund_comes_first("DROP INDEX unique_active_purchase").await;
}

#[tokio::test]
async fn a_renewal_that_is_first_is_seen_by_the_refund() {
    the_renewal_comes_first("SELECT 1").await;
}

#[tokio::test]
async fn a_renewal_that_is_first_is_seen_by_the_refund_without_the_index_too() {
    the_renewal_comes_first("DROP INDEX unique_active_purchase").await;
}
