//! Why a job will never succeed as it is, closed: each reason names the thing, and knows which case it leaves.

use makegood::case::CaseKind;
use makegood::job::JobFailure;
use makegood::money::money;
use makegood::stock::Shortage;
use uuid::Uuid;

/// Why a job will never succeed as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Written by a newer version, or by hand.
    #[error("no function here runs jobs of type {0:?}; cancel the job or deploy the version that does")]
    UnknownJobType(String),
    /// The payload does not say which intent.
    #[error("the payload has no payment_intent_id; cancel the job and enqueue it with one")]
    NoIntentNamed,
    /// No such row.
    #[error("there is no payment intent {0}; cancel the job")]
    UnknownIntent(String),
    /// It is not paid, as far as we know.
    #[error("the gateway has not called this intent paid; verify the payment, then retry the job")]
    NotVerified,
    /// The money goes back.
    #[error("a refund was requested or paid for this intent; cancel the job")]
    RefundRequested,
    /// Nothing was bought.
    #[error("the intent has no items; refund the buyer")]
    NoItems,
    /// The snapshot can't be read.
    #[error("the intent's items can't be read: {0}; fix the intent and retry the job, or refund the buyer")]
    UnreadableItems(String),
    /// What was snapshotted is not what was paid.
    #[error(
        "the items come to {}, {} were paid; refund the difference or the order",
        money(*.items_minor, .currency),
        money(*.paid_minor, .currency)
    )]
    AmountDiffers {
        /// The sum of the items.
        items_minor: i64,
        /// The intent's amount.
        paid_minor: i64,
        /// Of both.
        currency: String,
    },
    /// No such variant.
    #[error("unknown variant {variant_id} (sku {sku}); restore it and retry the job, or refund the buyer")]
    UnknownVariant {
        /// The variant.
        variant_id: Uuid,
        /// Its sku when it was bought.
        sku: String,
    },
    /// No such product.
    #[error("unknown product {product_id} (sku {sku}); restore it and retry the job, or refund the buyer")]
    UnknownProduct {
        /// The product.
        product_id: Uuid,
        /// The variant's sku when it was bought.
        sku: String,
    },
    /// The product or its variant was taken off the shop.
    #[error("inactive product {product_id} (sku {sku}); activate it and retry the job, or refund the buyer")]
    InactiveProduct {
        /// The product.
        product_id: Uuid,
        /// The variant's sku when it was bought.
        sku: String,
    },
    /// The vendor has no profile.
    #[error("missing vendor profile {vendor_id} (sku {sku}); make it and retry the job, or refund the buyer")]
    MissingVendor {
        /// The vendor.
        vendor_id: Uuid,
        /// The variant's sku when it was bought.
        sku: String,
    },
    /// Another payment of the same checkout became the order.
    #[error(
        "the buyer paid this checkout twice: {order_number} was made of the other payment; refund the buyer this one"
    )]
    BoughtAlready {
        /// The order that there is.
        order_number: String,
    },
    /// Paid too late for the prices of the checkout.
    #[error(
        "the checkout was paid after its prices had ended, and costs more now; refund the buyer, or clear the intent's price_until and retry the job"
    )]
    PriceEnded,
    /// The reservation was freed before the payment came, and others bought the goods.
    #[error("out of stock: {}; refund the buyer, or restock and retry the job", named(.0))]
    StockGone(Vec<Shortage>),
}

impl Refusal {
    /// Stable, for filters.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::UnknownJobType(_) => "unknown_job_type",
            Self::NoIntentNamed => "no_intent_named",
            Self::UnknownIntent(_) => "unknown_intent",
            Self::NotVerified => "not_verified",
            Self::RefundRequested => "refund_requested",
            Self::NoItems => "no_items",
            Self::UnreadableItems(_) => "unreadable_items",
            Self::AmountDiffers { .. } => "amount_differs",
            Self::UnknownVariant { .. } => "unknown_variant",
            Self::UnknownProduct { .. } => "unknown_product",
            Self::InactiveProduct { .. } => "inactive_product",
            Self::MissingVendor { .. } => "missing_vendor_profile",
            Self::BoughtAlready { .. } => "bought_already",
            Self::PriceEnded => "price_ended",
            Self::StockGone(_) => "stock_gone",
        }
    }

    /// The case that it leaves when the intent is paid; none where nothing is owed, or another case says so already.
    pub(crate) const fn case(&self) -> Option<CaseKind> {
        match self {
            Self::UnknownJobType(_)
            | Self::NoIntentNamed
            | Self::UnknownIntent(_)
            | Self::NotVerified
            | Self::RefundRequested => None,
            Self::AmountDiffers { .. } => Some(CaseKind::AmountMismatch),
            Self::BoughtAlready { .. } | Self::PriceEnded | Self::StockGone(_) => Some(CaseKind::RefundDue),
            Self::NoItems
            | Self::UnreadableItems(_)
            | Self::UnknownVariant { .. }
            | Self::UnknownProduct { .. }
            | Self::InactiveProduct { .. }
            | Self::MissingVendor { .. } => Some(CaseKind::Unfulfillable),
        }
    }

    /// Whether what the intent holds is free with it: nothing can make an order of it any more, or only a person who restocks. The job
    /// then takes anew what it needs.
    pub(crate) const fn frees_stock(&self) -> bool {
        matches!(self, Self::BoughtAlready { .. } | Self::StockGone(_))
    }

    /// As the job's row tells it.
    pub(crate) fn failure(&self) -> JobFailure {
        JobFailure::permanent(self.code(), self.to_string())
    }
}

fn named(short: &[Shortage]) -> String {
    let each: Vec<String> = short
        .iter()
        .map(|short| {
            format!(
                "{} pieces of {} ({}), {} left",
                short.wanted, short.sku, short.variant_id, short.available
            )
        })
        .collect();
    each.join("; ")
}
