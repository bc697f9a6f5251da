//! What follows from what went back of a payment: a function of its rows alone, so that the order of messages does not count.

use super::cases::{Question, given_back};
use super::store::{self, Money, PaymentRow, Sums};
use crate::case::{self, CaseKind};
use crate::db::Connection;
use crate::ids::PaymentId;
use crate::outbox::OutboxRow;
use crate::payment::books::{Books, PartialRefund};
use crate::payment::lines;
use crate::payment::source::SOURCE;
use crate::purchase::{EndReason, Ended, Ending, Prorated, Prorating, end_noted, end_of_payment, prorate};

/// The kinds of cases that asked for the money back, or for what it was for: answered when all of it is back.
const ANSWERED: [CaseKind; 6] = [
    CaseKind::SurplusPayment,
    CaseKind::RefundDue,
    CaseKind::AmountMismatch,
    CaseKind::Unfulfillable,
    CaseKind::UnpricedPayment,
    CaseKind::GivenBack,
];
const ANSWER: &str = "the money was given back";

/// What settling a payment came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Settled {
    /// Whether all of it is given back by now.
    pub is_given_back: bool,
    /// Events to publish after the commit.
    pub published: Vec<OutboxRow>,
}

/// Settles a payment whose capture was recorded just now: refunds and disputes that came before it are its own. Nothing happens where the
/// row was settled with another charge. `told_all`: the capture itself says that all of it was given back.
///
/// # Errors
/// Those of the database.
pub(crate) async fn settle_capture(
    transaction: &mut Connection,
    books: Books<'_>,
    id: PaymentId,
    money: Money<'_>,
    told_all: bool,
) -> Result<Settled, sqlx::Error> {
    let row = store::payment(transaction, id).await?;
    let is_its_own = row.is_some_and(|row| money.is_named(row.provider_payment_id.as_deref()));
    let Some(provider_payment_id) = money.id.filter(|_| is_its_own) else {
        return Ok(Settled::default());
    };
    store::attach(transaction, money.provider, provider_payment_id, id).await?;
    settle(transaction, books, id, told_all).await
}

/// Carries out what is true of a payment, whose row is locked, by its refunds and disputes.
///
/// # Errors
/// Those of the database.
pub(super) async fn settle(
    transaction: &mut Connection,
    books: Books<'_>,
    id: PaymentId,
    told_all: bool,
) -> Result<Settled, sqlx::Error> {
    let Some(row) = store::payment(transaction, id).await? else {
        return Ok(Settled::default());
    };
    let sums = store::sums(transaction, Some(id), row.money()).await?;
    let is_all = told_all || sums.is_all_of(row.amount_minor);
    match row.status.as_str() {
        "succeeded" if is_all => give_back(transaction, books, id, &row, &sums).await,
        "refunded" => {
            if sums.has_failed
                && !told_all
                && sums.refunded_minor.saturating_add(sums.lost_minor) < row.amount_minor
            {
                case::open(transaction, &given_back(id, &row, &sums, &Question::Failed)).await?;
            }
            // Whose one from before payments were noted is could only be said while the payment counted as succeeded.
            let ending = ending(books, &row, &sums);
            Ok(Settled {
                is_given_back: true,
                published: end_noted(transaction, id, &ending).await?,
            })
        }
        "succeeded" => part(transaction, books, id, &row, &sums).await,
        _ => Ok(Settled::default()),
    }
}

/// What a part that went back comes to, or that a part is not back after all.
async fn part(
    transaction: &mut Connection,
    books: Books<'_>,
    id: PaymentId,
    row: &PaymentRow,
    sums: &Sums,
) -> Result<Settled, sqlx::Error> {
    let asks = match books.partial_refund {
        PartialRefund::Keep => false,
        PartialRefund::Case => sums.given_back_minor() > 0,
        // Of which line a part went back is not said.
        PartialRefund::Prorate if !lines::lock_lines(transaction, id).await?.is_empty() => {
            sums.given_back_minor() > 0
        }
        PartialRefund::Prorate => {
            let prorating = Prorating {
                now: books.now,
                timezone: books.timezone,
                source: SOURCE,
            };
            let prorated = prorate(transaction, id, &prorating).await?;
            matches!(prorated, Prorated::Uncertain(_))
        }
    };
    if asks {
        case::open(transaction, &given_back(id, row, sums, &Question::Part)).await?;
    }
    Ok(Settled::default())
}

/// The purchase first: whose one from before payments were noted is, is decided among succeeded payments.
async fn give_back(
    transaction: &mut Connection,
    books: Books<'_>,
    id: PaymentId,
    row: &PaymentRow,
    sums: &Sums,
) -> Result<Settled, sqlx::Error> {
    let subjects: Vec<String> = std::iter::once(id.to_string())
        .chain(row.provider_payment_id.clone())
        .collect();
    store::close_cases_if_open(transaction, &ANSWERED, &subjects, i64::MAX, ANSWER, books.now).await?;
    let mut published = Vec::new();
    let lines = lines::lock_lines(transaction, id).await?;
    for line in std::iter::once(id).chain(lines) {
        match end_of_payment(transaction, line, &ending(books, row, sums)).await? {
            Ended::Now(events) => published.extend(events),
            Ended::NothingRuns => {}
            Ended::Uncertain(purchase) => {
                let question = Question::Whose(purchase);
                case::open(transaction, &given_back(line, row, sums, &question)).await?;
            }
        }
        store::refund_if_succeeded(transaction, line, books.now).await?;
    }
    Ok(Settled {
        is_given_back: true,
        published,
    })
}

fn ending(books: Books<'_>, row: &PaymentRow, sums: &Sums) -> Ending {
    let lost = sums.lost_minor > 0 && !sums.is_refunded(row.amount_minor);
    Ending {
        reason: if lost {
            EndReason::DisputeLost
        } else {
            EndReason::Refunded
        },
        now: books.now,
        timezone: books.timezone,
        source: SOURCE,
    }
}

/// A payment without a row here may have a case that asks for it to be given back, such as a second charge of one checkout.
///
/// # Errors
/// Those of the database.
pub(super) async fn settle_unknown(
    transaction: &mut Connection,
    books: Books<'_>,
    provider: &str,
    provider_payment_id: &str,
) -> Result<(), sqlx::Error> {
    let currencies = sqlx::query_scalar!(
        "SELECT DISTINCT currency FROM refunds WHERE provider_payment_id = $1 AND provider = $2",
        provider_payment_id,
        provider,
    )
    .fetch_all(&mut *transaction)
    .await?;
    for currency in currencies {
        let money = Money {
            provider: Some(provider),
            id: Some(provider_payment_id),
            currency: &currency,
        };
        let sums = store::sums(transaction, None, money).await?;
        let given_back = sums.given_back_minor();
        if given_back > 0 {
            let subjects = [provider_payment_id.to_owned()];
            store::close_cases_if_open(transaction, &ANSWERED, &subjects, given_back, ANSWER, books.now)
                .await?;
        }
    }
    Ok(())
}
