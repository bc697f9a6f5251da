//! What a second payment for a purchase that runs comes to, where the school has said that it extends it.

use super::decide::PurchaseOutcome;
use super::fallback::lock_payable;
use super::renew::lock_allocations;
use super::request::PurchaseRequest;
use crate::db::Connection;
use crate::event::LARGEST_TIER;
use crate::ids::PurchaseId;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::str::FromStr;
use uuid::Uuid;

/// What becomes of a second payment for a purchase that runs (`SECOND_PAYMENT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecondPayment {
    /// It is a case: a person refunds it.
    #[default]
    Surplus,
    /// It adds its sessions to the purchase and moves its end.
    Extend,
}

impl SecondPayment {
    /// Every one of them.
    pub const ALL: [Self; 2] = [Self::Surplus, Self::Extend];

    /// As the environment has it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Surplus => "surplus",
            Self::Extend => "extend",
        }
    }
}

impl FromStr for SecondPayment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|one| one.wire_name() == text)
            .ok_or(())
    }
}

/// Adds what was paid to the purchases that these outcomes extend; `tiers` are those of the purchases, which are locked. One that would
/// grow beyond what a purchase may hold is a person's: its payment is surplus.
pub(super) async fn extend(
    transaction: &mut Connection,
    requests: &[PurchaseRequest],
    outcomes: &mut [PurchaseOutcome],
    mut tiers: HashMap<Uuid, i32>,
) -> Result<(), sqlx::Error> {
    replace_recorded(transaction, requests, outcomes).await?;
    let mut extended: Vec<(&PurchaseRequest, Uuid)> = Vec::new();
    for (request, outcome) in requests.iter().zip(outcomes) {
        let PurchaseOutcome::Extended(purchase) = *outcome else {
            continue;
        };
        // The same payment, twice in one batch, adds once.
        let payment = request.event.payment_id;
        if extended
            .iter()
            .any(|(other, _)| other.event.payment_id == payment)
        {
            continue;
        }
        let total = tiers
            .get(&purchase.0)
            .map(|tier| tier.saturating_add(request.tier));
        match total.filter(|total| i64::from(*total) <= LARGEST_TIER) {
            Some(total) => {
                tiers.insert(purchase.0, total);
                extended.push((request, purchase.0));
            }
            None => *outcome = PurchaseOutcome::Surplus(purchase),
        }
    }
    if extended.is_empty() {
        return Ok(());
    }
    let (students, courses): (Vec<Uuid>, Vec<Uuid>) =
        extended.iter().map(|(request, _)| request.key()).unzip();
    lock_allocations(transaction, &students, &courses).await?;
    let payments: Vec<Uuid> = extended
        .iter()
        .map(|(request, _)| request.event.payment_id.0)
        .collect();
    let purchases: Vec<Uuid> = extended.iter().map(|(_, purchase)| *purchase).collect();
    let sessions: Vec<i32> = extended.iter().map(|(request, _)| request.tier).collect();
    let ends: Vec<Option<DateTime<Utc>>> = extended.iter().map(|(request, _)| request.expiry).collect();
    sqlx::query_file!(
        "src/purchase/extend.sql",
        &payments,
        &purchases,
        &sessions,
        &ends as &[Option<DateTime<Utc>>],
    )
    .fetch_all(transaction)
    .await?;
    Ok(())
}

/// Between the look and the lock another delivery of the same payment may have extended the purchase, or its money gone back.
async fn replace_recorded(
    transaction: &mut Connection,
    requests: &[PurchaseRequest],
    outcomes: &mut [PurchaseOutcome],
) -> Result<(), sqlx::Error> {
    let payments: Vec<Uuid> = requests
        .iter()
        .zip(outcomes.iter())
        .filter(|(_, outcome)| matches!(outcome, PurchaseOutcome::Extended(_)))
        .map(|(request, _)| request.event.payment_id.0)
        .collect();
    if payments.is_empty() {
        return Ok(());
    }
    let payable = lock_payable(transaction, &payments).await?;
    let recorded: HashMap<Uuid, Uuid> = sqlx::query!(
        "SELECT payment_id, purchase_id FROM purchase_extensions WHERE payment_id = ANY($1)",
        &payments,
    )
    .fetch_all(transaction)
    .await?
    .into_iter()
    .map(|row| (row.payment_id, row.purchase_id))
    .collect();
    for (request, outcome) in requests.iter().zip(outcomes) {
        let is_payable = payable.contains(&request.event.payment_id.0);
        let recorded = recorded.get(&request.event.payment_id.0);
        if let (PurchaseOutcome::Extended(_), Some(purchase)) = (*outcome, recorded) {
            *outcome = PurchaseOutcome::AlreadyFulfilled {
                purchase: PurchaseId(*purchase),
                adopt: false,
                publish: false,
            };
        } else if matches!(outcome, PurchaseOutcome::Extended(_)) && !is_payable {
            *outcome = PurchaseOutcome::Refunded;
        }
    }
    Ok(())
}
