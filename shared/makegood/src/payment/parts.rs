//! An order that is paid in several payments of the provider: each is too little, and together they are what was asked
//! (docs/decisions/0099).
//!
//! A part is noted under the payment that it counts for: the begun row, or, where nothing was begun, the first part, which is held for its
//! price. The case of the first part stands for all of them until the sum is there.

use crate::case::{self, CaseKind};
use crate::db::Connection;
use crate::ids::PaymentId;
use crate::payment::ConfirmedPayment;
use crate::payment::decide::{Decision, Hold, PaymentState};
use crate::payment::known::KnownPayment;
use crate::payment::price::Unpriced;
use chrono::{DateTime, Utc};

/// What a payment comes to, once the parts of its order are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Added {
    /// What to do.
    pub(super) decision: Decision,
    /// What was paid in all, where it is one of several parts: minor units.
    pub(super) total_minor: Option<i64>,
    /// Under which subject the case stands that waits for the rest; none where the payment's own does.
    pub(super) waits_as: Option<String>,
    /// Whether this part was known before.
    pub(super) is_repeat: bool,
}

impl Added {
    const fn nothing(decision: Decision) -> Self {
        Self {
            decision,
            total_minor: None,
            waits_as: None,
            is_repeat: false,
        }
    }
}

/// What is known of the parts of one payment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Parts {
    /// Of those before this one, less what went back of them: minor units.
    others_minor: i64,
    /// Under which of them an open case waits for the rest.
    waits_as: Option<String>,
    /// Whether this one is among them.
    has_own: bool,
    /// Whether a person decided about one of their cases: then the next is a person's too.
    is_decided: bool,
}

/// Looks whether this payment, which `decision` calls too little or unknown, is a part of what an order costs. Notes it if so.
///
/// # Errors
/// Those of the database.
pub(super) async fn add_up(
    connection: &mut Connection,
    payment: &ConfirmedPayment,
    known: &[KnownPayment],
    prices: &[i64],
    decision: Decision,
) -> Result<Added, sqlx::Error> {
    let (Some(order_id), Some(own)) = (&payment.order_id, &payment.provider_payment_id) else {
        return Ok(Added::nothing(decision));
    };
    if let Decision::Insert | Decision::InsertHeld(_) = decision
        && let Some(stands) = as_known_part(connection, own).await?
    {
        return Ok(stands);
    }
    let Some((row, unpriced)) = waiting(payment, known, &decision) else {
        return Ok(Added::nothing(decision));
    };
    if let (Some(_), Some(first)) = (unpriced, &row.provider_payment_id) {
        let first = Part {
            id: first,
            order_id,
            amount_minor: row.amount_minor,
            currency: &row.currency,
        };
        note(connection, row.id, &first).await?;
    }
    let part = Part {
        id: own,
        order_id,
        amount_minor: payment.amount_minor,
        currency: &payment.currency,
    };
    let before = load(connection, row.id, &part).await?;
    note(connection, row.id, &part).await?;
    let total = before.others_minor.saturating_add(payment.amount_minor);
    let is_complete = !before.is_decided
        && if unpriced.is_some() {
            prices.contains(&total) || payment.order_asks.is_some_and(|asked| asked <= total)
        } else {
            total >= row.amount_minor
        };
    let complete = if unpriced.is_some() {
        Decision::Release(row.id)
    } else {
        Decision::Succeed(row.id)
    };
    let hold = unpriced.map_or(Hold::FallsShort, Hold::Unpriced);
    Ok(Added {
        decision: if is_complete {
            complete
        } else {
            Decision::OpenCase(row.id, hold)
        },
        total_minor: Some(total),
        waits_as: before.waits_as.filter(|_| !before.is_decided),
        is_repeat: before.has_own,
    })
}

/// The row that waits for more money of the same order, and why it is held where it is a first part.
fn waiting<'a>(
    payment: &ConfirmedPayment,
    known: &'a [KnownPayment],
    decision: &Decision,
) -> Option<(&'a KnownPayment, Option<Unpriced>)> {
    let same_currency = |row: &&KnownPayment| row.currency.eq_ignore_ascii_case(&payment.currency);
    match decision {
        Decision::OpenCase(id, Hold::FallsShort) => {
            let row = known.iter().filter(same_currency).find(|row| row.id == *id)?;
            Some((row, None))
        }
        Decision::InsertHeld(unpriced) => {
            let course = payment.course_id.to_string();
            let row = known.iter().filter(same_currency).find(|row| {
                row.is_held
                    && row.status == "succeeded"
                    && row.is_of_order(payment)
                    && row.student_id == payment.student_id
                    && row
                        .course_id
                        .as_ref()
                        .is_some_and(|id| id.eq_ignore_ascii_case(&course))
            })?;
            Some((row, Some(*unpriced)))
        }
        _ => None,
    }
}

/// The first result, where this payment is a part that was noted before: it waits, alone or under the case of its order, or its payment is
/// settled.
async fn as_known_part(connection: &mut Connection, own: &str) -> Result<Option<Added>, sqlx::Error> {
    let part = sqlx::query!(
        r#"SELECT t.payment_id, y.status, w.kind AS "kind?", w.subject AS "subject?"
           FROM payment_parts t JOIN payments y ON y.id = t.payment_id
           LEFT JOIN LATERAL (
             SELECT k.kind, k.subject FROM payment_cases k
             WHERE k.payment_id = t.payment_id AND k.kind IN ('amount_mismatch', 'unpriced_payment') AND k.status = 'open'
               AND k.subject IN (SELECT p.provider_payment_id FROM payment_parts p
                                 WHERE p.payment_id = t.payment_id AND p.order_id = t.order_id)
             ORDER BY k.subject <> t.provider_payment_id, k.opened_at, k.id LIMIT 1) w ON true
           WHERE t.provider_payment_id = $1"#,
        own
    )
    .fetch_optional(connection)
    .await?;
    Ok(part.map(|part| {
        let id = PaymentId(part.payment_id);
        let is_unpriced = part.kind.as_deref() == Some(CaseKind::UnpricedPayment.wire_name());
        let decision = match (part.status.as_str(), &part.subject) {
            (_, Some(_)) if is_unpriced => Decision::OpenCase(id, Hold::Unpriced(Unpriced::OtherPrice)),
            (_, Some(_)) => Decision::OpenCase(id, Hold::FallsShort),
            ("succeeded", None) => Decision::Stand(id, PaymentState::Recorded),
            ("refunded", None) => Decision::Stand(id, PaymentState::Refunded),
            (_, None) => Decision::OpenCase(id, Hold::FallsShort),
        };
        Added {
            decision,
            total_minor: None,
            waits_as: part.subject,
            is_repeat: true,
        }
    }))
}

async fn load(
    connection: &mut Connection,
    counts_for: PaymentId,
    part: &Part<'_>,
) -> Result<Parts, sqlx::Error> {
    let row = sqlx::query_file!(
        "src/payment/parts.sql",
        counts_for.0,
        part.id,
        part.currency,
        &case::programs(),
        part.order_id,
    )
    .fetch_one(connection)
    .await?;
    Ok(Parts {
        others_minor: row.others_minor,
        waits_as: row.waits_as,
        has_own: row.has_own,
        is_decided: row.is_decided,
    })
}

/// One payment of the provider that is less than what was asked.
struct Part<'a> {
    id: &'a str,
    order_id: &'a str,
    amount_minor: i64,
    currency: &'a str,
}

/// Notes a part, once, at the time of the transaction.
async fn note(
    connection: &mut Connection,
    counts_for: PaymentId,
    part: &Part<'_>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO payment_parts (provider_payment_id, payment_id, order_id, amount_minor, currency)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (provider_payment_id) DO NOTHING",
        part.id,
        counts_for.0,
        part.order_id,
        part.amount_minor,
        part.currency,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes into the open case that waits for the rest what was paid by now, in minor units.
///
/// # Errors
/// Those of the database.
pub(super) async fn tell_sum(
    connection: &mut Connection,
    hold: Hold,
    subject: &str,
    total_minor: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_cases SET amount_cents = $3 WHERE kind = $1 AND subject = $2 AND status = 'open'",
        hold.kind().wire_name(),
        subject,
        total_minor,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Closes the cases that waited for the rest of this order. Those of another order for the same payment are other money.
///
/// # Errors
/// Those of the database.
pub(super) async fn close_cases(
    connection: &mut Connection,
    payment: PaymentId,
    order_id: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH resolved AS (
           UPDATE payment_cases k
           SET status = 'resolved', resolved_at = $2, resolved_by = 'receive-payment', note = 'the other parts of the order were paid'
           WHERE k.kind IN ('amount_mismatch', 'unpriced_payment') AND k.payment_id = $1 AND k.status = 'open'
             AND k.subject IN (SELECT t.provider_payment_id FROM payment_parts t WHERE t.payment_id = $1 AND t.order_id = $3)
           RETURNING k.id, k.kind, k.note)
         INSERT INTO audit_log (at, actor, action, subject, reason, details)
         SELECT $2, 'receive-payment', 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind, 'paymentId', $1::uuid)
         FROM resolved r",
        payment.0,
        now,
        order_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}
