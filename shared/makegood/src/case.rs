//! Payment cases: what a person must decide, because healing it alone would not be safe.

use crate::db::Connection;
use crate::ids::PaymentId;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Why a case is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseKind {
    /// A second payment for what is owned already.
    SurplusPayment,
    /// Paid, and it can't be delivered.
    RefundDue,
    /// The gateway's amount differs from ours.
    AmountMismatch,
    /// Paid, and it can't be made out what for.
    Unfulfillable,
    /// Paid at a provider, and nothing that the buyer can't change says that this is what it costs.
    UnpricedPayment,
    /// An event names a payment that is not recorded as it says.
    UnknownPayment,
    /// The buyer's bank takes the money back unless the merchant answers in time.
    Dispute,
    /// The money went back, and a person says what that ends.
    GivenBack,
    /// The provider's statement and what is here differ.
    StatementGap,
}

impl CaseKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::SurplusPayment,
        Self::RefundDue,
        Self::AmountMismatch,
        Self::Unfulfillable,
        Self::UnpricedPayment,
        Self::UnknownPayment,
        Self::Dispute,
        Self::GivenBack,
        Self::StatementGap,
    ];

    /// The kind of this wire name.
    #[must_use]
    pub fn from_wire_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.wire_name() == name)
    }

    /// As the column has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::SurplusPayment => "surplus_payment",
            Self::RefundDue => "refund_due",
            Self::AmountMismatch => "amount_mismatch",
            Self::Unfulfillable => "unfulfillable",
            Self::UnpricedPayment => "unpriced_payment",
            Self::UnknownPayment => "unknown_payment",
            Self::Dispute => "dispute",
            Self::GivenBack => "given_back",
            Self::StatementGap => "statement_gap",
        }
    }
}

/// Who resolves cases without being a person, as `resolved_by` has it: a function's name. One resolved by any of these said that all
/// would be well; where it is not, the case does not answer for the payment.
pub const PROGRAMS: [&str; 6] = [
    "receive-payment",
    "create-purchase",
    "finalize-order",
    "verify-payment",
    "sweep",
    "makegood",
];

/// [`PROGRAMS`] as a query takes them.
#[must_use]
pub fn programs() -> Vec<String> {
    PROGRAMS.map(str::to_owned).to_vec()
}

/// A case to open.
#[derive(Debug, Clone)]
pub struct NewCase {
    /// Why.
    pub kind: CaseKind,
    /// What names it; unique with the kind.
    pub subject: String,
    /// The payment, in the course pipeline.
    pub payment_id: Option<PaymentId>,
    /// The intent, in the order pipeline.
    pub payment_intent_id: Option<String>,
    /// The amount in minor units.
    pub amount_minor: Option<i64>,
    /// ISO 4217. Where it is none, the case gets that of its payment or intent.
    pub currency: Option<String>,
    /// What the person needs to decide.
    pub details: Value,
}

/// Opens a case unless the same one is open. One that was resolved is opened again when a program had resolved it, or when the money
/// came after a person did; otherwise what a person resolved stays resolved. True when it was opened now.
///
/// # Errors
/// Those of the database.
pub async fn open(connection: &mut Connection, case: &NewCase) -> Result<bool, sqlx::Error> {
    let done = sqlx::query_file!(
        "src/case/open.sql",
        case.kind.wire_name(),
        case.subject,
        case.payment_id.map(|id| id.0),
        case.payment_intent_id,
        case.amount_minor,
        case.currency,
        case.details,
        &programs(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Resolves up to `most` open cases that a program opened because a purchase could not be made, or because its payment was not recorded
/// as succeeded yet, where it was made since; each with its line in the audit log. One about an event that differs from its payment
/// stays: a person must know who sent it. Gives back how many. Skips a case that another transaction is changing at this moment.
///
/// # Errors
/// Those of the database.
pub async fn close_made_purchases(
    connection: &mut Connection,
    program: &str,
    now: DateTime<Utc>,
    most: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query_file!("src/case/close_made_purchases.sql", program, now, most)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
