//! Which running purchase a payment paid for, when the payment goes back.

use super::decide::{ExistingPurchase, KnownPayment};
use crate::db::Connection;
use crate::ids::{PaymentId, PurchaseId};
use uuid::Uuid;

/// What a payment paid for, as far as it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// This purchase.
    Of(PurchaseId),
    /// Nothing that runs.
    OfNone,
    /// Perhaps this purchase, which has no payment noted, or a part of this one, which it extended: a person decides.
    Uncertain(PurchaseId),
}

/// Which running purchase this payment paid for. The payment must still count as succeeded, where its purchase has no payment noted.
///
/// # Errors
/// Those of the database.
pub(super) async fn owner_of(connection: &mut Connection, payment: PaymentId) -> Result<Owner, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT student_id, makegood_object(metadata) ->> 'courseId' AS course FROM payments WHERE id = $1",
        payment.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some((student, course)) = row.map(|row| {
        (
            row.student_id,
            row.course.and_then(|id| Uuid::parse_str(id.trim()).ok()),
        )
    }) else {
        return Ok(Owner::OfNone);
    };
    let extended = sqlx::query_scalar!(
        "SELECT purchase_id FROM purchase_extensions WHERE payment_id = $1",
        payment.0
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(purchase) = extended {
        return Ok(Owner::Uncertain(PurchaseId(purchase)));
    }
    // A payment that names no course still has its own purchase by its id.
    let pair = [course.unwrap_or_default()];
    let purchases: Vec<ExistingPurchase> = sqlx::query_file!(
        "src/purchase/evidence_purchases.sql",
        &[payment.0],
        &[student],
        &pair
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .map(|row| ExistingPurchase {
        id: PurchaseId(row.id),
        payment_id: row.payment_id.map(PaymentId),
        active: row.active,
        // Whether it is over is no question here: what went back ends it either way.
        over: None,
        created_at: row.created_at,
        published: row.published,
    })
    .collect();
    let needs_payments = purchases
        .iter()
        .any(|found| found.active && found.payment_id.is_none());
    let payments = if needs_payments {
        sqlx::query_file!("src/purchase/evidence_payments.sql", &[student], &pair)
            .fetch_all(connection)
            .await?
            .into_iter()
            .map(|row| KnownPayment {
                id: PaymentId(row.id),
                marked: row.marked,
                created_at: row.created_at,
            })
            .collect()
    } else {
        Vec::new()
    };
    Ok(judge(payment, &purchases, &payments))
}

/// A purchase that notes its payment is that payment's. One from before payments were noted belongs to the first of the pair's succeeded
/// payments (decision 0002): marked ones before others, then the oldest. To end a purchase, that order must not be a guess: the payment
/// is marked, or there are no more candidates than purchases.
fn judge(payment: PaymentId, purchases: &[ExistingPurchase], payments: &[KnownPayment]) -> Owner {
    if let Some(own) = purchases.iter().find(|found| found.payment_id == Some(payment)) {
        return if own.active {
            Owner::Of(own.id)
        } else {
            Owner::OfNone
        };
    }
    let mut unowned: Vec<&ExistingPurchase> = purchases
        .iter()
        .filter(|found| found.active && found.payment_id.is_none())
        .collect();
    unowned.sort_by_key(|found| (found.created_at, found.id));
    let Some(newest) = unowned.last().map(|found| found.created_at) else {
        return Owner::OfNone;
    };
    let owns_another = |id: PaymentId| purchases.iter().any(|found| found.payment_id == Some(id));
    let mut candidates: Vec<&KnownPayment> = payments
        .iter()
        .filter(|known| !owns_another(known.id))
        .filter(|known| known.marked || known.created_at <= newest)
        .collect();
    candidates.sort_by_key(|known| (!known.marked, known.created_at, known.id));
    let is_known = payments.iter().any(|known| known.id == payment);
    let Some(rank) = candidates.iter().position(|known| known.id == payment) else {
        // Recorded after the purchase and never marked: it paid for something else. Unknown: it can't be told.
        return if is_known {
            Owner::OfNone
        } else {
            Owner::Uncertain(unowned[0].id)
        };
    };
    let marked = candidates.iter().filter(|known| known.marked).count();
    let is_sure = if candidates[rank].marked {
        marked <= unowned.len()
    } else {
        marked >= unowned.len() || candidates.len() <= unowned.len()
    };
    match unowned.get(rank) {
        Some(found) if is_sure => Owner::Of(found.id),
        None if is_sure => Owner::OfNone,
        _ => Owner::Uncertain(unowned[rank.min(unowned.len() - 1)].id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};

    const THIS: PaymentId = PaymentId(Uuid::from_u128(1));
    const OTHER: PaymentId = PaymentId(Uuid::from_u128(2));
    const BOUGHT: PurchaseId = PurchaseId(Uuid::from_u128(10));

    fn purchase(payment_id: Option<PaymentId>, active: bool) -> ExistingPurchase {
        ExistingPurchase {
            id: BOUGHT,
            payment_id,
            active,
            over: None,
            created_at: DateTime::UNIX_EPOCH + TimeDelta::days(5),
            published: true,
        }
    }

    fn payment(id: PaymentId, marked: bool, day: i64) -> KnownPayment {
        KnownPayment {
            id,
            marked,
            created_at: DateTime::UNIX_EPOCH + TimeDelta::days(day),
        }
    }

    #[test]
    fn a_purchase_that_notes_its_payment_is_that_payments_and_no_others() {
        for (noted, active, expected) in [
            (THIS, true, Owner::Of(BOUGHT)),
            (THIS, false, Owner::OfNone),
            (OTHER, true, Owner::OfNone),
        ] {
            assert_eq!(judge(THIS, &[purchase(Some(noted), active)], &[]), expected);
        }
    }

    #[test]
    fn a_purchase_without_a_payment_is_ended_only_when_its_owner_is_no_guess() {
        let legacy = [purchase(None, true)];
        for (payments, expected) in [
            (vec![payment(THIS, true, 1)], Owner::Of(BOUGHT)),
            (vec![payment(THIS, false, 1)], Owner::Of(BOUGHT)),
            (
                vec![payment(THIS, true, 1), payment(OTHER, false, 0)],
                Owner::Of(BOUGHT),
            ),
            // The other's event is marked: that one paid for it.
            (
                vec![payment(THIS, false, 1), payment(OTHER, true, 2)],
                Owner::OfNone,
            ),
            // Two that may have paid, and nothing tells them apart.
            (
                vec![payment(THIS, false, 1), payment(OTHER, false, 2)],
                Owner::Uncertain(BOUGHT),
            ),
            (
                vec![payment(THIS, false, 2), payment(OTHER, false, 1)],
                Owner::Uncertain(BOUGHT),
            ),
            (
                vec![payment(THIS, true, 2), payment(OTHER, true, 1)],
                Owner::Uncertain(BOUGHT),
            ),
            // Recorded after the purchase, and never marked.
            (vec![payment(THIS, false, 9)], Owner::OfNone),
            (vec![payment(OTHER, true, 1)], Owner::Uncertain(BOUGHT)),
        ] {
            assert_eq!(judge(THIS, &legacy, &payments), expected, "{payments:?}");
        }
    }
}
