//! What those who fill windows know beyond the rows.

use super::store::Allocation;
use crate::clash_rules::ClashRules;
use crate::ids::AllocationId;
use crate::school_days::TeachingDays;
use chrono::{DateTime, NaiveDate};
use chrono_tz::Tz;
use std::collections::HashMap;

/// Who fills, when, and what they know beyond the rows.
#[derive(Debug)]
pub struct Filling {
    /// The present, at the school.
    pub now: DateTime<Tz>,
    /// The days of the week on which the school teaches.
    pub teaching_days: TeachingDays,
    /// What the school wants where two sessions would be at one time.
    pub clash_rules: ClashRules,
    /// Who publishes the sessions.
    pub source: &'static str,
    /// Only windows with fewer future sessions than this are filled.
    pub refill_below: usize,
    /// What events said of allocations; may be empty.
    pub told: HashMap<AllocationId, Told>,
}

/// What the event that asked for sessions says of its allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The correlation to go on with.
    pub correlation_id: String,
    /// The start date, for an allocation that has none of its own.
    pub starts_on: NaiveDate,
}

/// The event's, else the payment's id; older purchases know no payment, there the allocation stands in.
pub(super) fn correlation(allocation: &Allocation, filling: &Filling) -> String {
    match (filling.told.get(&allocation.id), allocation.payment) {
        (Some(told), _) => told.correlation_id.clone(),
        (None, Some(payment)) => payment.to_string(),
        (None, None) => allocation.id.to_string(),
    }
}
