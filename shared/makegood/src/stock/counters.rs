//! `quantity_reserved` is what the active reservations hold together, counted along. They are the truth: a counter that says
//! something else, as after a change by hand, stops no order and no end of a reservation, and is corrected where it would refuse a buyer.
//! One that says too little would sell pieces that are reserved: `reserved_written` is what the counter was after our own last change, so
//! a checkout sees in the row that it locks anyway whether another hand has changed it, and recounts (docs/decisions/0105).

use crate::db::Connection;
use uuid::Uuid;

/// Whether the counters of these variants say what their active reservations hold. Locks nothing; both are read in one snapshot.
///
/// # Errors
/// Those of the database.
pub async fn are_counters_right(connection: &mut Connection, variants: &[Uuid]) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (
             SELECT FROM inventory i
             WHERE i.variant_id = ANY($1)
               AND i.quantity_reserved <> (SELECT coalesce(sum(r.quantity), 0) FROM inventory_reservations r
                                           WHERE r.variant_id = i.variant_id AND r.status = 'active')) AS "right!""#,
        variants,
    )
    .fetch_one(connection)
    .await
}

/// Sets the counters of these variants to what their active reservations hold, and notes that they were counted; gives back how many said
/// something else. The caller holds their rows, and took them in a statement before: who changes reservations holds them too.
///
/// # Errors
/// Those of the database.
pub async fn correct_counters(connection: &mut Connection, variants: &[Uuid]) -> Result<u64, sqlx::Error> {
    let corrected = sqlx::query_scalar!(
        r#"WITH truth AS MATERIALIZED (
             SELECT v.variant_id, i.quantity_reserved AS said, coalesce(sum(r.quantity), 0)::integer AS held
             FROM unnest($1::uuid[]) AS v (variant_id)
             JOIN inventory i ON i.variant_id = v.variant_id
             LEFT JOIN inventory_reservations r ON r.variant_id = v.variant_id AND r.status = 'active'
             GROUP BY v.variant_id, i.quantity_reserved
           ), counted AS (
             UPDATE inventory i
             SET quantity_reserved = t.held, reserved_written = t.held, version = i.version + 1, updated_at = now()
             FROM truth t
             WHERE i.variant_id = t.variant_id
               AND (i.quantity_reserved <> t.held OR i.reserved_written IS DISTINCT FROM t.held)
           )
           SELECT count(*) FILTER (WHERE said <> held) AS "corrected!" FROM truth"#,
        variants,
    )
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(corrected).unwrap_or_default())
}
