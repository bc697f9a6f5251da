//! Sets: many orders in one transaction, in the same number of round trips as one.

use crate::misfits::state;
use crate::shop::{LEASE, Shop, run_all};
use finalize_order::{FinalizeOrder, Finished};
use makegood::job::{self, Job};
use makegood_tests::link::Link;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Claims all that is runnable for this environment.
async fn claim_all(function: &FinalizeOrder) -> Vec<Job> {
    let mut connection = function.publisher.database.acquire().await.unwrap();
    job::acquire_next_jobs(&mut connection, &function.worker, LEASE, 50)
        .await
        .unwrap()
}

/// Everything that was reserved is free, as after the sweep.
const FREED: &str = "UPDATE inventory_reservations SET status = 'expired' WHERE status = 'active';
                     UPDATE inventory SET quantity_reserved = 0, reserved_written = 0";

#[tokio::test]
async fn a_set_of_twenty_costs_as_many_round_trips_as_a_set_of_one() {
    let shop = Shop::open().await;
    shop.sql("UPDATE inventory SET quantity_available = 1000").await;
    let link = Link::to_url(&shop.database.pooler_url()).await;
    let mut function = shop.function();
    function.publisher.database = shop.database.through_link(&link, 1);
    // The first set pays for the connection and for preparing the statements.
    let mut number = 0;
    let mut costs = Vec::new();
    for (buyers, is_late) in [(1, false), (1, false), (20, false), (1, true), (20, true)] {
        for _ in 0..buyers {
            number += 1;
            shop.paid(number, &[(1, 1), (1 + number % 4, 2)]).await;
        }
        if is_late {
            shop.sql(FREED).await;
        }
        // A connection that idled for a second is asked whether it lives. On a slow machine the buyers above took that long.
        let mut connection = function.publisher.database.acquire().await.unwrap();
        sqlx::raw_sql("SELECT 1").execute(&mut connection).await.unwrap();
        drop(connection);
        let before = link.round_trips();
        let mut finished = Vec::new();
        assert_eq!(function.run_next(50, &mut finished).await.unwrap(), buyers);
        assert_eq!(finished, vec![Finished::Completed; buyers]);
        costs.push(link.round_trips() - before);
    }
    // The claim; to begin and lock, to read, to write, to commit; and the mark that the events are out.
    assert_eq!(costs[1..], [6; 4]);
    assert_eq!(shop.orders().await, i64::from(number));
    shop.database.drop().await;
}

#[tokio::test]
async fn of_two_workers_with_overlapping_sets_each_finishes_what_it_still_owns() {
    // GIVEN a worker with four jobs, two of whose leases run out
    let shop = Shop::open().await;
    for number in 0..4 {
        shop.paid(number, &[(1, 1), (2, 1)]).await;
    }
    let (one, other) = (shop.function(), shop.function());
    let first = claim_all(&one).await;
    shop.sql("UPDATE job_queue SET locked_until = now() - interval '1 second' WHERE idempotency_key IN ('payment_esewa_txn-1', 'payment_esewa_txn-2')")
        .await;
    shop.sweep("stale-jobs").await;
    // AND two more buyers, and another worker with all that is runnable now
    for number in 4..6 {
        shop.paid(number, &[(2, 1), (1, 1)]).await;
    }
    let mut second = claim_all(&other).await;
    second.extend(claim_all(&other).await);
    second.extend(claim_all(&other).await);
    assert_eq!((first.len(), second.len()), (4, 4));
    // WHEN both run at once
    let (one, other) = tokio::join!(run_all(&one, first), run_all(&other, second));
    // THEN each order is made once, by the owner of its job
    let count = |finished: &[Finished], what: &Finished| finished.iter().filter(|one| *one == what).count();
    assert_eq!(
        (
            count(&one, &Finished::Completed),
            count(&one, &Finished::LostLease)
        ),
        (2, 2)
    );
    assert_eq!(other, vec![Finished::Completed; 4]);
    assert_eq!((shop.orders().await, shop.published().await.len()), (6, 6));
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn of_a_hot_variant_with_fewer_pieces_than_orders_the_first_get_them_and_the_ledger_runs_down() {
    // GIVEN twelve paid buyers of ten pieces, of whom only the last two still hold theirs
    let shop = Shop::open().await;
    for number in 0..12 {
        if number < 10 {
            shop.paid(number, &[(1, 1)]).await;
        } else {
            if number == 10 {
                shop.sql(FREED).await;
            }
            shop.paid(number, &[(1, 1)]).await;
        }
    }
    // WHEN one set makes what can be made
    let mut finished = Vec::new();
    shop.function().run_next(50, &mut finished).await.unwrap();
    // THEN those who hold a piece have it, the first eight of the others too, and the money of two is due
    assert_eq!(shop.orders().await, 10);
    for number in [0, 7, 10, 11] {
        assert_eq!(state(&shop, number).await, "completed", "{number}");
    }
    for number in [8, 9] {
        assert_eq!(state(&shop, number).await, "failed stock_gone", "{number}");
    }
    let reason = shop
        .text("SELECT last_error FROM job_queue WHERE status = 'failed' LIMIT 1")
        .await;
    assert!(
        reason.contains("1 pieces of SKU-1") && reason.contains("0 left"),
        "{reason}"
    );
    // AND each movement says what was left after it, in the order of the set
    let ledger = "SELECT string_agg(quantity_after::text, ' ' ORDER BY (SELECT j.created_at FROM orders o JOIN job_queue j
                    ON j.payload ->> 'payment_intent_id' = o.payment_intent_id WHERE o.id = m.reference_id))
                  FROM inventory_movements m WHERE movement_type = 'sale'";
    assert_eq!(shop.text(ledger).await, "9 8 7 6 5 4 3 2 1 0");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn what_several_orders_take_of_one_variant_is_taken_once_and_noted_for_each() {
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2), (2, 1), (1, 1)]).await;
    shop.paid(2, &[(2, 4)]).await;
    shop.paid(3, &[(1, 4)]).await;
    let mut finished = Vec::new();
    shop.function().run_next(50, &mut finished).await.unwrap();
    let stock = "SELECT string_agg(sku || ' ' || quantity_available || ' v' || version, ', ' ORDER BY sku)
                 FROM inventory i JOIN product_variants v ON v.id = i.variant_id WHERE version > 0";
    assert_eq!(shop.text(stock).await, "SKU-1 3 v1, SKU-2 5 v1");
    let ledger = "SELECT string_agg(o.payment_intent_id || ' ' || sku || ' ' || quantity_change || ' ' || quantity_after, ', '
                                    ORDER BY o.payment_intent_id, sku)
                  FROM inventory_movements m JOIN orders o ON o.id = m.reference_id JOIN product_variants v ON v.id = m.variant_id";
    let ledger = shop
        .text(ledger)
        .await
        .replace("pi_esewa_1759659959000_0000000", "");
    assert_eq!(ledger, "1 SKU-1 -3 7, 1 SKU-2 -1 9, 2 SKU-2 -4 5, 3 SKU-1 -4 3");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn one_buyers_intents_and_two_jobs_of_one_intent_are_decided_one_after_the_other() {
    // GIVEN a buyer with two paid intents of one checkout, the second of which holds nothing any more, and two jobs for the first
    let shop = Shop::open().await;
    let first = shop.paid(1, &[(1, 2)]).await;
    let second = shop.paid(2, &[(1, 2)]).await;
    shop.sql(&format!(
        "UPDATE payment_intents SET user_id = md5('buyer1')::uuid, cart_id = md5('cart1')::uuid, metadata = '{{\"checkout\": \"{}\"}}';
         INSERT INTO job_queue (job_type, payload, priority, idempotency_key)
         SELECT job_type, payload, priority, 'again' FROM job_queue WHERE payload ->> 'payment_intent_id' = '{}'",
        first.intent, first.intent
    ))
    .await;
    // WHEN they are claimed together
    let mut finished = Vec::new();
    assert_eq!(shop.function().run_next(50, &mut finished).await.unwrap(), 3);
    // THEN the first is the order, its second job finds it, and the other payment goes back
    assert_eq!(state(&shop, 1).await, "completed");
    assert_eq!(state(&shop, 2).await, "failed bought_already");
    assert_eq!(
        shop.text("SELECT status FROM job_queue WHERE idempotency_key = 'again'")
            .await,
        "completed"
    );
    assert_eq!(shop.published().await, [first.intent]);
    let case = "SELECT concat_ws(' ', kind, status) FROM payment_cases WHERE subject = ";
    assert_eq!(
        shop.text(&format!("{case}'{}'", second.intent)).await,
        "refund_due open"
    );
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_piece_that_a_lost_job_would_have_taken_goes_to_the_next_in_the_set() {
    // GIVEN two paid buyers who hold nothing, one piece, and a worker that has both jobs and loses the first
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 1)]).await;
    shop.paid(2, &[(1, 1)]).await;
    shop.sql(FREED).await;
    shop.sql(
        "UPDATE inventory SET quantity_available = 1 WHERE variant_id = md5('variant1')::uuid;
              INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after)
              VALUES (md5('variant1')::uuid, 'adjustment', -9, 1)",
    )
    .await;
    let owner = shop.function();
    let jobs = claim_all(&owner).await;
    assert_eq!(jobs.len(), 2);
    shop.sql("UPDATE job_queue SET locked_until = now() - interval '1 second' WHERE idempotency_key = 'payment_esewa_txn-1'").await;
    shop.sweep("stale-jobs").await;
    // WHEN it runs them THEN the second is not told that another took the piece before it
    let finished = run_all(&owner, jobs).await;
    assert_eq!(finished, [Finished::LostLease, Finished::Completed]);
    assert_eq!(state(&shop, 2).await, "completed");
    // AND the first, whose owner is another now, is
    shop.work().await;
    assert_eq!(state(&shop, 1).await, "failed stock_gone");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_new_intent_takes_what_the_open_ones_of_its_checkout_hold_and_ends_them() {
    // GIVEN a paid intent that was replaced and holds nothing, and the open one of its checkout that holds the last pieces
    let shop = Shop::open().await;
    let paid = shop.paid(1, &[(1, 6)]).await;
    shop.sql(FREED).await;
    let open = shop.paid(2, &[(1, 7)]).await;
    shop.sql(&format!(
        "DELETE FROM payment_gateway_verifications WHERE payment_intent_id = '{open}';
         DELETE FROM job_queue WHERE payload ->> 'payment_intent_id' = '{open}';
         UPDATE payment_intents SET user_id = md5('buyer1')::uuid, metadata = '{{\"checkout\": \"{paid}\"}}'",
        open = open.intent,
        paid = paid.intent,
    ))
    .await;
    // AND another buyer in the same set, who needs what is left of them
    shop.paid(3, &[(1, 3)]).await;
    shop.sql(
        "UPDATE inventory_reservations SET status = 'expired' WHERE quantity = 3;
              UPDATE inventory SET quantity_reserved = 7 WHERE variant_id = md5('variant1')::uuid",
    )
    .await;
    let mut finished = Vec::new();
    shop.function().run_next(50, &mut finished).await.unwrap();
    assert_eq!(finished, [Finished::Completed, Finished::Completed]);
    let ended = format!(
        "SELECT concat_ws(' ', status, metadata ->> 'replaced_by', metadata ->> 'checkout') FROM payment_intents
         WHERE payment_intent_id = '{}'",
        open.intent
    );
    assert_eq!(shop.text(&ended).await, format!("cancelled {0} {0}", paid.intent));
    let reservations = "SELECT string_agg(status || ' ' || quantity, ', ' ORDER BY status, quantity) FROM inventory_reservations";
    assert_eq!(
        shop.text(reservations).await,
        "consumed 3, consumed 6, expired 3, expired 6, released 7"
    );
    let level = "SELECT quantity_available || ' ' || quantity_reserved FROM inventory WHERE variant_id = md5('variant1')::uuid";
    assert_eq!(shop.text(level).await, "1 0");
    shop.assert_sound().await;
    shop.close().await;
}

#[tokio::test]
async fn a_cart_that_its_buyer_changes_meanwhile_keeps_what_was_added() {
    // GIVEN two paid buyers, one of whom is about to put one more piece into the cart
    let shop = Shop::open().await;
    shop.paid(1, &[(1, 2)]).await;
    shop.paid(2, &[(1, 2)]).await;
    let mut buyer = PgConnection::connect(&shop.database.direct_url()).await.unwrap();
    let mut adding = buyer.begin().await.unwrap();
    let add = "UPDATE cart_items SET quantity = 3 WHERE cart_id = md5('cart2')::uuid";
    sqlx::query(AssertSqlSafe(add))
        .execute(&mut *adding)
        .await
        .unwrap();
    let function = shop.function();
    let mut finished = Vec::new();
    let (ran, ()) = tokio::join!(function.run_next(50, &mut finished), async {
        shop.until_waiting(1).await;
        adding.commit().await.unwrap();
    });
    assert_eq!(ran.unwrap(), 2);
    let cart = "SELECT string_agg(quantity::text, ' ') FROM cart_items";
    assert_eq!(shop.text(cart).await, "1");
    shop.assert_sound().await;
    shop.close().await;
}
