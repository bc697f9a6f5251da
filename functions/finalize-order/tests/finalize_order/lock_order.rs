//! Stock is locked in variant order by everybody, also where reservations were edited by hand.

use crate::shop::Shop;
use finalize_order::Finished;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The stock that comes first, or last, in everybody's order.
async fn lock_stock(holder: &mut PgConnection, which: &str) {
    let statement = format!(
        "SELECT FROM inventory WHERE variant_id = (SELECT variant_id FROM inventory ORDER BY variant_id {which} LIMIT 1) FOR UPDATE"
    );
    sqlx::query(AssertSqlSafe(statement))
        .execute(holder)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_reservations_were_edited_by_hand_takes_its_locks_in_everybodys_order() {
    // GIVEN a paid buyer of all variants, whose reservation of the first variant was deleted
    let shop = Shop::open().await;
    let buyer = shop.paid(1, &[(1, 1), (2, 1), (3, 1), (4, 1)]).await;
    shop.sql(
        "WITH gone AS (DELETE FROM inventory_reservations
           WHERE variant_id = (SELECT variant_id FROM inventory ORDER BY variant_id LIMIT 1) RETURNING variant_id)
         UPDATE inventory SET quantity_reserved = 0 WHERE variant_id IN (SELECT variant_id FROM gone)",
    )
    .await;
    // AND a checkout that has the first variant and is about to take the last
    let mut checkout = PgConnection::connect(&shop.database.direct_url()).await.unwrap();
    sqlx::raw_sql("SET deadlock_timeout = '1min'")
        .execute(&mut checkout)
        .await
        .unwrap();
    let mut held = checkout.begin().await.unwrap();
    lock_stock(&mut held, "ASC").await;
    // WHEN the job waits for the first variant, and the checkout goes on
    let (finished, ()) = tokio::join!(shop.run_one(), async {
        shop.until_waiting(1).await;
        lock_stock(&mut held, "DESC").await;
        held.commit().await.unwrap();
    });
    // THEN both go through, and the server saw no deadlock
    assert_eq!(finished, Finished::Completed);
    assert_eq!(shop.published().await, [buyer.intent]);
    shop.assert_sound().await;
    shop.close().await;
}
