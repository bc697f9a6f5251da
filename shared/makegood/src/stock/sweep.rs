//! Frees what was not paid in time: a page of reservations is read, then freed, all of it or some of it a transaction.

use super::lock::{Locks, lock_variants};
use super::release::Freed;
use crate::db::Connection;
use chrono::{DateTime, Utc};
use std::collections::BTreeSet;
use uuid::Uuid;

/// A reservation whose time is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedReservation {
    /// Its key.
    pub id: Uuid,
    /// Whose it is.
    pub payment_intent_id: String,
    /// What it holds.
    pub variant_id: Uuid,
    /// When it ended.
    pub expires_at: DateTime<Utc>,
}

/// What became of some reservations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expired {
    /// What was freed, by intent, in intent order.
    pub freed: Vec<Freed>,
    /// Those that another transaction holds, or whose intent or stock it holds; nothing of them was changed.
    pub locked: Vec<EndedReservation>,
}

/// Up to `most` active reservations that ended by `now`, in the order in which they ended, after this one; fewer than asked for
/// means that there are no more. Locks nothing, and does not ask whether they are paid.
///
/// # Errors
/// Those of the database.
pub async fn list_ended(
    connection: &mut Connection,
    now: DateTime<Utc>,
    after: Option<&EndedReservation>,
    most: i64,
) -> Result<Vec<EndedReservation>, sqlx::Error> {
    let (ended, id) = after.map_or((DateTime::UNIX_EPOCH, Uuid::nil()), |last| {
        (last.expires_at, last.id)
    });
    sqlx::query_file_as!(EndedReservation, "src/stock/due.sql", now, ended, id, most)
        .fetch_all(connection)
        .await
}

/// Frees those of these reservations that still are active, ended by `now`, and belong to an intent that is not paid (neither
/// `succeeded` nor `processing`, no successful verification), and moves these intents from `pending` to `expired`.
///
/// Locks the rows of the intents in their order, then the stock in variant order. Except with [`Locks::Wait`] what another
/// transaction holds is left out and named; with [`Locks::Wait`] it is waited for, as long as the transaction's `lock_timeout` lets it.
///
/// # Errors
/// Those of the database: 55P03 after a wait.
pub async fn expire(
    connection: &mut Connection,
    ended: &[EndedReservation],
    now: DateTime<Utc>,
    locks: Locks,
) -> Result<Expired, sqlx::Error> {
    let intents: BTreeSet<&str> = ended
        .iter()
        .map(|ended| ended.payment_intent_id.as_str())
        .collect();
    let intents: Vec<String> = intents.into_iter().map(str::to_owned).collect();
    let unpaid = lock_unpaid(connection, &intents, locks).await?;
    let held_intents = match locks {
        Locks::Skip | Locks::SkipAll if unpaid.len() < intents.len() => {
            held_by_others(connection, &intents, &unpaid).await?
        }
        Locks::Skip | Locks::SkipAll | Locks::Wait => BTreeSet::new(),
    };
    let (ours, mut others): (Vec<_>, Vec<_>) = ended
        .iter()
        .partition(|ended| unpaid.contains(&ended.payment_intent_id));
    others.retain(|ended| held_intents.contains(&ended.payment_intent_id));
    let variants: BTreeSet<Uuid> = ours.iter().map(|ended| ended.variant_id).collect();
    let variants: Vec<Uuid> = variants.into_iter().collect();
    let held_variants = lock_variants(connection, &variants, locks).await?;
    let (ours, held): (Vec<_>, Vec<_>) = ours
        .into_iter()
        .partition(|ended| !held_variants.contains(&ended.variant_id));
    let ids: Vec<Uuid> = ours.iter().map(|ended| ended.id).collect();
    let locked = lock_reservations(connection, &ids, locks).await?;
    let missing = ours.into_iter().filter(|ended| !locked.contains(&ended.id));
    let left: Vec<EndedReservation> = others.into_iter().chain(held).chain(missing).cloned().collect();
    let freed = sqlx::query_file_as!(Freed, "src/stock/expire.sql", &locked, now)
        .fetch_all(&mut *connection)
        .await?;
    let freed_intents: Vec<String> = freed
        .iter()
        .map(|freed| freed.payment_intent_id.clone())
        .collect();
    expire_if_pending(connection, &freed_intents, now).await?;
    Ok(Expired { freed, locked: left })
}

/// Locks these reservations with [`Locks::SkipAll`]; gives back those to change. One that is missing is held by another
/// transaction, or was freed meanwhile.
async fn lock_reservations(
    connection: &mut Connection,
    ids: &[Uuid],
    locks: Locks,
) -> Result<Vec<Uuid>, sqlx::Error> {
    if locks != Locks::SkipAll {
        return Ok(ids.to_vec());
    }
    sqlx::query_scalar!(
        "SELECT id FROM inventory_reservations WHERE id = ANY($1) ORDER BY id FOR UPDATE SKIP LOCKED",
        ids,
    )
    .fetch_all(connection)
    .await
}

async fn lock_unpaid(
    connection: &mut Connection,
    intents: &[String],
    locks: Locks,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let locked = match locks {
        Locks::Skip | Locks::SkipAll => {
            sqlx::query_file_scalar!("src/stock/claim_unpaid.sql", intents)
                .fetch_all(connection)
                .await?
        }
        Locks::Wait => {
            sqlx::query_file_scalar!("src/stock/wait_unpaid.sql", intents)
                .fetch_all(connection)
                .await?
        }
    };
    Ok(locked.into_iter().collect())
}

/// Of the intents that were skipped those that look unpaid all the same: another transaction holds them.
async fn held_by_others(
    connection: &mut Connection,
    intents: &[String],
    locked: &BTreeSet<String>,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let skipped: Vec<String> = intents
        .iter()
        .filter(|id| !locked.contains(*id))
        .cloned()
        .collect();
    let unpaid = sqlx::query_scalar!(
        "SELECT p.payment_intent_id FROM payment_intents p
         WHERE p.payment_intent_id = ANY($1) AND p.status NOT IN ('succeeded', 'processing')
           AND NOT coalesce((SELECT true FROM payment_gateway_verifications v
                             WHERE v.payment_intent_id = p.payment_intent_id AND v.status = 'success' LIMIT 1), false)",
        &skipped,
    )
    .fetch_all(connection)
    .await?;
    Ok(unpaid.into_iter().collect())
}

async fn expire_if_pending(
    connection: &mut Connection,
    intent_ids: &[String],
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    if intent_ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE payment_intents SET status = 'expired', updated_at = $2
         WHERE payment_intent_id = ANY($1) AND status = 'pending'",
        intent_ids,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}
