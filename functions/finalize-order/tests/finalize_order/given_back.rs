//! Money of an intent that goes back: before its order, while it is made, and after it. Every order of arrival, each told twice, comes to
//! the same rows.

use crate::shop::{Buyer, Shop, run};
use chrono::{DateTime, Utc};
use finalize_order::Finished;
use makegood::db::Connection;
use makegood::refund::{self, NewRefund, PartialRefund, Settled, Settling};
use sqlx::{AssertSqlSafe, PgConnection};

const ORDER: &str =
    "SELECT concat_ws(' ', o.status, string_agg(DISTINCT l.fulfillment_status, ' ')) FROM orders o
                     JOIN order_items l ON l.order_id = o.id GROUP BY o.id";
const MOVEMENTS: &str = "SELECT string_agg(concat_ws(' ', v.sku, m.movement_type, m.quantity_change, m.quantity_after), ', '
                         ORDER BY v.sku, m.created_at, m.movement_type DESC) FROM inventory_movements m JOIN product_variants v ON v.id = m.variant_id
                         WHERE m.reference_type = 'order'";
pub const CASES: &str = "SELECT string_agg(concat_ws(' ', kind, status, details ->> 'code'), ', ' ORDER BY kind) FROM payment_cases";
/// Everything that a refund may change, times apart.
const ROWS: &str = "SELECT concat_ws(E'\n',
  (SELECT string_agg(concat_ws(' ', provider_refund_id, amount_minor, status), ', ' ORDER BY provider_refund_id) FROM refunds),
  (SELECT string_agg(concat_ws(' ', status, given_back_at IS NOT NULL), ', ') FROM payment_intents),
  (SELECT string_agg(status, ', ') FROM orders), (SELECT string_agg(fulfillment_status, ', ' ORDER BY sku) FROM order_items),
  (SELECT string_agg(concat_ws(' ', status, quantity), ', ' ORDER BY quantity) FROM inventory_reservations),
  (SELECT string_agg(concat_ws(' ', quantity_available, quantity_reserved), ', ' ORDER BY variant_id) FROM inventory),
  (SELECT count(*) FROM inventory_movements), (SELECT string_agg(status, ', ') FROM job_queue),
  (SELECT string_agg(event_type, ', ' ORDER BY event_type) FROM outbox),
  (SELECT string_agg(concat_ws(' ', kind, status, details ->> 'code'), ', ' ORDER BY kind) FROM payment_cases),
  (SELECT count(*) FROM audit_log))";

pub fn refund_of(buyer: &Buyer, id: &str, amount_minor: i64) -> NewRefund {
    NewRefund {
        provider: "esewa".to_owned(),
        provider_refund_id: id.to_owned(),
        payment: None,
        payment_intent_id: Some(buyer.intent.clone()),
        provider_payment_id: None,
        amount_minor,
        currency: "NPR".to_owned(),
        payment_refunded_minor: None,
        reason: Some("sent back".to_owned()),
        told_at: DateTime::<Utc>::UNIX_EPOCH,
    }
}

const fn settling(partial_refund: PartialRefund) -> Settling {
    Settling {
        partial_refund,
        now: DateTime::<Utc>::UNIX_EPOCH,
        source: "test",
    }
}

pub async fn tell(connection: &mut Connection, refund: &NewRefund, policy: PartialRefund) -> Settled {
    let settling = Settling {
        now: Utc::now(),
        ..settling(policy)
    };
    refund::note(connection, refund, settling.now).await.unwrap();
    refund::settle(
        connection,
        refund.payment_intent_id.as_deref().unwrap(),
        &settling,
    )
    .await
    .unwrap()
}

impl Shop {
    /// A provider says that so much of what this buyer paid is back.
    pub async fn given_back(&self, buyer: &Buyer, id: &str, minor: i64, policy: PartialRefund) -> Settled {
        let database = self.database.through_pooler(2);
        let mut transaction = database.begin().await.unwrap();
        let settled = tell(&mut transaction, &refund_of(buyer, id, minor), policy).await;
        transaction.commit().await.unwrap();
        settled
    }

    pub async fn all_given_back(&self, buyer: &Buyer) -> Settled {
        let paid = self.count("SELECT amount_cents FROM payment_intents").await;
        self.given_back(buyer, "rf-1", paid, PartialRefund::Keep).await
    }
}

#[tokio::test]
async fn an_order_whose_money_is_all_back_is_cancelled_and_its_goods_are_in_the_stock_again() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2), (2, 3)]).await;
    shop.work().await;
    for _ in 0..2 {
        assert!(matches!(shop.all_given_back(&buyer).await, Settled::Cancelled(_)));
        assert_eq!(shop.text(ORDER).await, "cancelled cancelled");
        assert_eq!(
            shop.text(MOVEMENTS).await,
            "SKU-1 sale -2 8, SKU-1 return 2 10, SKU-2 sale -3 7, SKU-2 return 3 10"
        );
        assert_eq!(
            shop.text("SELECT string_agg(event_id, ' ') FROM outbox WHERE event_type = 'ORDER_REFUNDED'")
                .await,
            shop.text("SELECT 'order-refunded-' || id FROM refunds").await
        );
    }
    let event =
        "SELECT concat_ws(' ', topic, payload ->> 'amountCents', payload ->> 'currency', payload ->> 'orderNumber' = o.order_number,
                          payload ->> 'orderId' = o.id::text, payload ->> 'userId' = o.user_id::text)
         FROM outbox, orders o WHERE event_type = 'ORDER_REFUNDED'";
    assert_eq!(shop.text(event).await, "order-refunded 8000 NPR t t t");
    assert_eq!(shop.text("SELECT status FROM payment_intents").await, "succeeded");
    // AND the job, run again, changes nothing
    let before = shop.text(ROWS).await;
    shop.sql("UPDATE job_queue SET status = 'pending', completed_at = NULL")
        .await;
    assert_eq!(shop.run_one().await, Finished::Completed);
    assert_eq!(shop.text(ROWS).await, before);
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn of_an_intent_whose_money_is_all_back_no_order_is_made_and_its_stock_is_free() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2), (2, 3)]).await;
    for _ in 0..2 {
        assert_eq!(shop.all_given_back(&buyer).await, Settled::NoOrder);
        assert_eq!(
            shop.count("SELECT sum(quantity_reserved) FROM inventory").await,
            0
        );
        assert_eq!(shop.text("SELECT status FROM payment_intents").await, "failed");
        assert_eq!(shop.text("SELECT status FROM job_queue").await, "cancelled");
    }
    // Nothing is owed: no sweep makes an order or a case of it.
    shop.sql("UPDATE payment_gateway_verifications SET verified_at = now() - interval '1 hour'")
        .await;
    assert_eq!(shop.sweep("reconcile").await["order"]["paidUnfulfilled"], 0);
    // Nor does a person who retries the job.
    shop.sql("UPDATE job_queue SET status = 'pending'").await;
    let Finished::Failed(reason) = shop.run_one().await else {
        panic!("the money is back")
    };
    assert!(reason.starts_with("refund_requested: "), "{reason}");
    assert_eq!((shop.orders().await, shop.text(CASES).await), (0, String::new()));
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_comes_while_the_order_is_made_waits_and_cancels_it() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    // GIVEN a worker that has the intent and waits for the stock
    let mut holder = <PgConnection as sqlx::Connection>::connect(&shop.database.direct_url())
        .await
        .unwrap();
    let mut held = sqlx::Connection::begin(&mut holder).await.unwrap();
    sqlx::query(AssertSqlSafe("SELECT FROM inventory FOR UPDATE".to_owned()))
        .execute(&mut *held)
        .await
        .unwrap();
    // WHEN the refund comes
    let (finished, settled, ()) = tokio::join!(
        shop.run_one(),
        async {
            shop.until_waiting(1).await;
            shop.all_given_back(&buyer).await
        },
        async {
            shop.until_waiting(2).await;
            held.commit().await.unwrap();
        }
    );
    // THEN the order was made, and cancelled
    assert_eq!(finished, Finished::Completed);
    assert!(matches!(settled, Settled::Cancelled(events) if events.len() == 1));
    assert_eq!(shop.text(ORDER).await, "cancelled cancelled");
    assert_eq!(shop.text(MOVEMENTS).await, "SKU-1 sale -2 8, SKU-1 return 2 10");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_begun_while_a_refund_is_written_waits_and_is_not_made() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    let database = shop.database.through_pooler(2);
    let function = shop.function();
    let job = shop.claim(&function).await;
    let mut transaction = database.begin().await.unwrap();
    let refund = refund_of(&buyer, "rf-1", 2000);
    assert_eq!(
        tell(&mut transaction, &refund, PartialRefund::Keep).await,
        Settled::NoOrder
    );
    let (finished, ()) = tokio::join!(run(&function, &job), async {
        shop.until_waiting(1).await;
        transaction.commit().await.unwrap();
    });
    assert!(matches!(finished, Finished::Failed(reason) if reason.starts_with("refund_requested: ")));
    assert_eq!((shop.orders().await, shop.text(CASES).await), (0, String::new()));
    assert_eq!(
        shop.count("SELECT sum(quantity_reserved) FROM inventory").await,
        0
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn goods_that_were_sent_are_a_persons_question_and_nothing_moves() {
    for sent in [
        "UPDATE orders SET status = 'shipped'",
        "UPDATE orders SET status = 'delivered'",
        "UPDATE order_items SET fulfillment_status = 'shipped' WHERE sku = 'SKU-1'",
    ] {
        let shop = Shop::open().await;
        let buyer = shop.paid(1, &[(1, 2), (2, 3)]).await;
        shop.work().await;
        shop.sql(sent).await;
        let order = shop.text(ORDER).await;
        shop.given_back(&buyer, "rf-0", 1, PartialRefund::Case).await;
        assert_eq!(shop.text(CASES).await, "given_back open part", "{sent}");
        let mut rows = Vec::new();
        for _ in 0..2 {
            assert_eq!(shop.all_given_back(&buyer).await, Settled::PersonAsked, "{sent}");
            assert_eq!(shop.text(ORDER).await, order, "{sent}");
            assert_eq!(shop.text(CASES).await, "given_back open shipped", "{sent}");
            rows.push(shop.text(ROWS).await);
        }
        assert_eq!(rows[0], rows[1], "{sent}");
        assert_eq!(
            shop.count("SELECT count(*) FROM outbox WHERE event_type = 'ORDER_REFUNDED'")
                .await,
            0
        );
        // What a person resolved stays resolved.
        shop.sql("UPDATE payment_cases SET status = 'resolved', resolved_at = now(), resolved_by = 'asha', note = 'left'")
            .await;
        shop.all_given_back(&buyer).await;
        assert_eq!(shop.text(CASES).await, "given_back resolved shipped", "{sent}");
        shop.assert_sound().await;
        shop.close().await;
    }
}

#[tokio::test]
async fn a_part_leaves_the_order_or_asks_a_person_and_with_the_rest_it_is_cancelled() {
    for (policy, case, after) in [
        (PartialRefund::Keep, "", ""),
        (
            PartialRefund::Case,
            "given_back open part",
            "given_back resolved part",
        ),
    ] {
        let shop = Shop::open().await;
        let buyer = shop.paid(1, &[(1, 2), (2, 3)]).await;
        shop.work().await;
        for _ in 0..2 {
            assert_eq!(shop.given_back(&buyer, "rf-1", 3000, policy).await, Settled::Part);
            assert_eq!(shop.text(ORDER).await, "confirmed pending");
            assert_eq!(shop.text(CASES).await, case);
        }
        for _ in 0..2 {
            let settled = shop.given_back(&buyer, "rf-2", 5000, policy).await;
            assert!(matches!(settled, Settled::Cancelled(_)));
            assert_eq!(shop.text(CASES).await, after);
        }
        assert_eq!(
            shop.count("SELECT count(*) FROM outbox WHERE event_type = 'ORDER_REFUNDED'")
                .await,
            1
        );
        shop.assert_sound().await;
        shop.close().await;
    }
}

#[tokio::test]
async fn a_part_that_goes_back_before_the_order_is_made_does_not_keep_it_from_being_made() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2), (2, 3)]).await;
    shop.given_back(&buyer, "rf-1", 3000, PartialRefund::Case).await;
    // Its case does not answer for the order either.
    shop.sql("UPDATE payment_gateway_verifications SET verified_at = now() - interval '1 hour'")
        .await;
    assert_eq!(shop.sweep("reconcile").await["order"]["paidUnfulfilled"], 1);
    shop.work().await;
    assert_eq!(shop.text(ORDER).await, "confirmed pending");
    assert_eq!(shop.text(CASES).await, "given_back open part");
    shop.assert_sound().await;
    shop.close().await;
}

/// What may happen to a paid intent, in any order.
#[derive(Debug, Clone, Copy)]
enum Step {
    Work,
    Refund(&'static str, i64),
}

#[tokio::test]
async fn every_order_of_two_parts_and_the_orders_making_each_told_twice_comes_to_the_same() {
    use Step::{Refund, Work};
    let (first, second) = (Refund("rf-1", 3000), Refund("rf-2", 5000));
    // The order is made unless all of the money is back before: these are the two ends that there are.
    let made = [
        [Work, first, second],
        [Work, second, first],
        [first, Work, second],
        [second, Work, first],
    ];
    let unmade = [[first, second, Work], [second, first, Work]];
    for orders in [made.as_slice(), unmade.as_slice()] {
        let mut ends = Vec::new();
        for steps in orders {
            let shop = Shop::open().await;
            let buyer = shop.paid(1, &[(1, 2), (2, 3)]).await;
            for step in steps.iter().flat_map(|step| [step, step]) {
                match *step {
                    Work => shop.work().await,
                    Refund(id, amount) => {
                        shop.given_back(&buyer, id, amount, PartialRefund::Keep).await;
                    }
                }
            }
            ends.push(shop.text(ROWS).await);
            shop.assert_sound().await;
            shop.close().await;
        }
        assert!(ends.iter().all(|end| *end == ends[0]), "{ends:#?}");
    }
}

#[tokio::test]
async fn an_order_that_was_ended_by_hand_is_asked_about_while_its_goods_are_out_of_the_stock() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    shop.work().await;
    shop.sql("UPDATE orders SET status = 'cancelled'").await;
    for _ in 0..2 {
        assert_eq!(shop.all_given_back(&buyer).await, Settled::PersonAsked);
        assert_eq!(shop.text(CASES).await, "given_back open stock");
        assert_eq!(shop.text(MOVEMENTS).await, "SKU-1 sale -2 8");
    }
    // A person put them back, and said so in the books: the question is answered.
    shop.sql(
        "UPDATE inventory SET quantity_available = 10;
         INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type, reference_id)
         SELECT md5('variant1')::uuid, 'return', 2, 10, 'order', id FROM orders",
    )
    .await;
    assert_eq!(shop.all_given_back(&buyer).await, Settled::Cancelled(Vec::new()));
    assert_eq!(shop.text(CASES).await, "given_back resolved stock");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_case_that_asked_for_the_money_is_answered_by_it() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    shop.sql("UPDATE inventory SET quantity_available = 1, quantity_reserved = 0; DELETE FROM inventory_reservations;
              INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
              SELECT variant_id, 'adjustment', -9, 1 FROM inventory")
        .await;
    shop.work().await;
    assert_eq!(shop.text(CASES).await, "refund_due open stock_gone");
    assert_eq!(shop.all_given_back(&buyer).await, Settled::NoOrder);
    assert_eq!(shop.text(CASES).await, "refund_due resolved stock_gone");
    assert_eq!(
        shop.text("SELECT concat_ws(' ', actor, action, reason) FROM audit_log")
            .await,
        "makegood case.resolve the money was given back"
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_refund_in_another_currency_or_of_nothing_gives_nothing_back() {
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 2)]).await;
    let database = shop.database.through_pooler(2);
    let mut transaction = database.begin().await.unwrap();
    let refund = NewRefund {
        currency: "INR".to_owned(),
        ..refund_of(&buyer, "rf-1", 2000)
    };
    assert_eq!(
        tell(&mut transaction, &refund, PartialRefund::Case).await,
        Settled::Nothing
    );
    transaction.commit().await.unwrap();
    shop.work().await;
    assert_eq!(shop.text(ORDER).await, "confirmed pending");
    shop.close().await;
}
