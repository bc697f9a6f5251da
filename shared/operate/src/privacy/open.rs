//! What is open of a person: an erasure waits for it, or is told to go on all the same.

use super::{Footprint, Person};
use chrono::NaiveDate;
use makegood::case::programs;
use makegood::db::Connection;
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// What may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpenKind {
    /// Paid for, and neither a purchase nor a case.
    PaymentUnfulfilled,
    /// Begun, and may be paid.
    PaymentBegun,
    /// A course runs.
    PurchaseRunning,
    /// A trainer is allocated, or sessions are planned, without a purchase that runs.
    AllocationRunning,
    /// A checkout that may be paid at any moment.
    IntentOpen,
    /// Paid for, and neither an order nor a case.
    IntentUnfulfilled,
    /// Its goods need the address.
    OrderNotShipped,
    /// Money of an order is to go back.
    RefundDue,
    /// A person must decide.
    CaseOpen,
    /// A message that may still be replayed.
    DeadLetterParked,
    /// An operator sends it at this moment.
    DeadLetterReplayed,
    /// Other services are not told yet.
    EventUnpublished,
    /// A job runs, or will.
    JobOpen,
    /// A job that an operator may retry.
    JobFailed,
    /// The provider gives money back at this moment.
    RefundUnderWay,
    /// The buyer's bank asks for the money back.
    DisputeOpen,
}

impl OpenKind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::PaymentUnfulfilled,
        Self::PaymentBegun,
        Self::PurchaseRunning,
        Self::AllocationRunning,
        Self::IntentOpen,
        Self::IntentUnfulfilled,
        Self::OrderNotShipped,
        Self::RefundDue,
        Self::CaseOpen,
        Self::DeadLetterParked,
        Self::DeadLetterReplayed,
        Self::EventUnpublished,
        Self::JobOpen,
        Self::JobFailed,
        Self::RefundUnderWay,
        Self::DisputeOpen,
    ];

    /// As the queries have it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::PaymentUnfulfilled => "payment-unfulfilled",
            Self::PaymentBegun => "payment-begun",
            Self::PurchaseRunning => "purchase-running",
            Self::AllocationRunning => "allocation-running",
            Self::IntentOpen => "intent-open",
            Self::IntentUnfulfilled => "intent-unfulfilled",
            Self::OrderNotShipped => "order-not-shipped",
            Self::RefundDue => "refund-due",
            Self::CaseOpen => "case-open",
            Self::DeadLetterParked => "dead-letter-parked",
            Self::DeadLetterReplayed => "dead-letter-replayed",
            Self::EventUnpublished => "event-unpublished",
            Self::JobOpen => "job-open",
            Self::JobFailed => "job-failed",
            Self::RefundUnderWay => "refund-under-way",
            Self::DisputeOpen => "dispute-open",
        }
    }

    /// Whether it ends by itself within minutes, so that it should not be erased around.
    #[must_use]
    pub const fn ends_by_itself(self) -> bool {
        matches!(
            self,
            Self::IntentOpen | Self::DeadLetterReplayed | Self::EventUnpublished | Self::JobOpen
        )
    }

    /// What it means, and what an erasure does about it.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::PaymentUnfulfilled => {
                "paid, and nothing was delivered; with --also-open a case refund_due is opened"
            }
            Self::PaymentBegun => "begun, and may be paid; with --also-open it is cancelled",
            Self::PurchaseRunning => "a course runs; with --also-open it ends now",
            Self::AllocationRunning => {
                "a trainer or sessions are planned; with --also-open they are cancelled"
            }
            Self::IntentOpen => "may be paid at any moment; it ends by itself, so run this again later",
            Self::IntentUnfulfilled => {
                "paid, and there is no order; with --also-open a case refund_due is opened"
            }
            Self::OrderNotShipped => {
                "its goods need the address; with --also-open the address goes all the same"
            }
            Self::RefundDue => {
                "money is to go back; with --also-open its amount and ids stay, and nothing else"
            }
            Self::CaseOpen => {
                "a person must decide; with --also-open it stays open, with ids and amount alone"
            }
            Self::DeadLetterParked => "may still be replayed; with --also-open it is discarded",
            Self::DeadLetterReplayed => "an operator is sending it; run this again in a minute",
            Self::EventUnpublished => "other services are not told yet; run this again in a minute",
            Self::JobOpen => "runs soon; run this again in a minute",
            Self::JobFailed => "may still be retried; with --also-open it is cancelled",
            Self::RefundUnderWay => {
                "the provider is giving it back; with --also-open it stays, with ids and amount alone"
            }
            Self::DisputeOpen => "the bank decides; with --also-open it stays, with ids and amount alone",
        }
    }

    fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Something that is open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Open {
    /// What.
    pub kind: OpenKind,
    /// Its id, or its order's number.
    pub id: String,
}

impl fmt::Display for Open {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} {}: {}",
            self.kind.code(),
            self.id,
            self.kind.explanation()
        )
    }
}

/// Lists what is open of a person, in order.
///
/// # Errors
/// Those of the database.
pub(super) async fn list(
    connection: &mut Connection,
    person: Person,
    ids: &[Uuid],
    footprint: &Footprint,
    today: NaiveDate,
) -> Result<Vec<Open>, sqlx::Error> {
    let own: Vec<(String, String)> = match person {
        Person::Student(_) => {
            let found = sqlx::query_file!("src/privacy/sql/open_course.sql", ids, today, &programs());
            let rows = found.fetch_all(&mut *connection).await?;
            rows.into_iter().map(|row| (row.code, row.id)).collect()
        }
        Person::Buyer(_) => {
            let found = sqlx::query_file!("src/privacy/sql/open_shop.sql", ids, &programs());
            let rows = found.fetch_all(&mut *connection).await?;
            rows.into_iter().map(|row| (row.code, row.id)).collect()
        }
    };
    let shared = sqlx::query_file!(
        "src/privacy/sql/open_shared.sql",
        &footprint.cases,
        &footprint.dead_letters,
        &footprint.outbox,
        &footprint.jobs,
        &footprint.refunds,
        &footprint.disputes,
    )
    .fetch_all(connection)
    .await?;
    let mut open: Vec<Open> = own
        .into_iter()
        .chain(shared.into_iter().map(|row| (row.code, row.id)))
        .filter_map(|(code, id)| {
            Some(Open {
                kind: OpenKind::from_code(&code)?,
                id,
            })
        })
        .collect();
    open.sort();
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_queries_is_a_kind_and_every_kind_is_asked_for() {
        let queries = [
            include_str!("sql/open_course.sql"),
            include_str!("sql/open_shop.sql"),
            include_str!("sql/open_shared.sql"),
        ]
        .concat();
        for kind in OpenKind::ALL {
            assert!(queries.contains(&format!("'{}'", kind.code())), "{kind:?}");
            assert_eq!(OpenKind::from_code(kind.code()), Some(kind));
        }
    }
}
