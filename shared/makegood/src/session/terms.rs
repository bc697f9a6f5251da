//! What sessions are planned by, and whether it was changed since they were planned. Pure.

use super::TimeSlot;
use crate::chosen;
use crate::ids::TrainerId;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the rows of an allocation and its purchase say, as they say it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Terms {
    pub(super) trainer: Option<Uuid>,
    pub(super) slot: Option<String>,
    pub(super) start: Option<String>,
    pub(super) purchase: Option<Uuid>,
    pub(super) purchase_slot: Option<String>,
    pub(super) purchase_start: Option<String>,
}

/// What sessions are to be planned by, and what of it is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    /// The time of day.
    pub(super) slot: TimeSlot,
    /// The first day, as the allocation has it, or as the purchase has it since.
    pub(super) starts_on: Option<NaiveDate>,
    /// The first day that the purchase names: it counts after the allocation's and the event's.
    pub(super) purchase_starts_on: Option<NaiveDate>,
    /// The time is another one than that of the sessions ahead.
    pub(super) is_slot_new: bool,
    /// The first day is another one, and not in the past both times.
    pub(super) is_start_new: bool,
    /// Who taught before, where another trainer does now.
    pub(super) earlier_trainer: Option<TrainerId>,
    /// The purchase's time, where the allocation is to take it.
    pub(super) taken_slot: Option<String>,
    /// The purchase's first day, where the allocation is to take it.
    pub(super) taken_start: Option<String>,
}

impl Terms {
    /// Compares these with those that the sessions ahead were planned by; none when they were not noted. The allocation's word counts
    /// before the purchase's, unless the purchase's alone was changed since.
    pub(super) fn plan(&self, planned: Option<&Self>, today: NaiveDate, timezone: Tz) -> Plan {
        let day = |text: Option<&String>| text.and_then(|text| chosen::day(text, timezone));
        let same_purchase = planned.filter(|planned| planned.purchase == self.purchase);
        let was_changed = |pick: fn(&Self) -> (&Option<String>, &Option<String>)| {
            let (own, purchase) = pick(self);
            same_purchase.is_some_and(|planned| pick(planned).0 == own && pick(planned).1 != purchase)
                && own.is_some()
        };
        let slot = |terms: &Self| terms.slot.clone().or_else(|| terms.purchase_slot.clone());
        let taken_slot = self
            .purchase_slot
            .as_deref()
            .filter(|_| was_changed(|terms| (&terms.slot, &terms.purchase_slot)))
            .and_then(chosen::slot)
            .map(chosen::write_slot);
        let taken_start = day(self.purchase_start.as_ref())
            .filter(|_| was_changed(|terms| (&terms.start, &terms.purchase_start)));
        let own_slot = TimeSlot::chosen(taken_slot.clone().or_else(|| slot(self)).as_deref());
        let starts_on = taken_start.or_else(|| day(self.start.as_ref()));
        let purchase_starts_on = day(self.purchase_start.as_ref());
        let first = |day: Option<NaiveDate>| day.map_or(today, |day| day.max(today));
        Plan {
            is_slot_new: planned.is_some_and(|planned| {
                TimeSlot::chosen(slot(planned).as_deref()).starts() != own_slot.starts()
            }),
            is_start_new: planned.is_some_and(|planned| {
                let before = day(planned.start.as_ref()).or_else(|| day(planned.purchase_start.as_ref()));
                first(before) != first(starts_on.or(purchase_starts_on))
            }),
            earlier_trainer: planned
                .and_then(|planned| planned.trainer)
                .filter(|earlier| Some(*earlier) != self.trainer)
                .map(TrainerId),
            slot: own_slot,
            starts_on,
            purchase_starts_on,
            taken_start: taken_start.map(|day| day.to_string()),
            taken_slot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(
        slot: Option<&str>,
        start: Option<&str>,
        purchase_slot: Option<&str>,
        purchase_start: Option<&str>,
    ) -> Terms {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Terms {
            trainer: Some(Uuid::from_u128(1)),
            slot: text(slot),
            start: text(start),
            purchase: Some(Uuid::from_u128(2)),
            purchase_slot: text(purchase_slot),
            purchase_start: text(purchase_start),
        }
    }

    fn plan(now: &Terms, planned: Option<&Terms>) -> Plan {
        now.plan(planned, "2026-01-08".parse().unwrap(), Tz::Asia__Kolkata)
    }

    #[test]
    fn what_says_the_same_in_another_spelling_is_not_new() {
        let before = terms(Some("4 PM"), Some("2026-01-12"), None, None);
        let now = terms(Some("16:00"), Some("2026-01-11T18:30:00.000Z"), None, None);
        let plan = plan(&now, Some(&before));
        assert!(!plan.is_slot_new && !plan.is_start_new, "{plan:?}");
        assert_eq!(plan.slot.as_str(), "4:00 PM");
    }

    #[test]
    fn what_was_never_noted_is_not_new() {
        let plan = plan(&terms(Some("5 PM"), Some("2026-01-20"), None, None), None);
        assert!(!plan.is_slot_new && !plan.is_start_new && plan.earlier_trainer.is_none());
    }

    #[test]
    fn the_last_change_counts_and_the_allocations_before_the_purchases() {
        let before = terms(Some("4 PM"), Some("2026-01-12"), Some("4 PM"), Some("2026-01-12"));
        for (now, slot, start, taken) in [
            (
                terms(Some("5 PM"), Some("2026-01-13"), Some("4 PM"), Some("2026-01-12")),
                "5:00 PM",
                "2026-01-13",
                false,
            ),
            (
                terms(Some("4 PM"), Some("2026-01-12"), Some("6 PM"), Some("2026-01-14")),
                "6:00 PM",
                "2026-01-14",
                true,
            ),
            (
                terms(Some("5 PM"), Some("2026-01-13"), Some("6 PM"), Some("2026-01-14")),
                "5:00 PM",
                "2026-01-13",
                false,
            ),
        ] {
            let plan = plan(&now, Some(&before));
            assert!(plan.is_slot_new && plan.is_start_new, "{now:?}");
            assert_eq!(
                (plan.slot.as_str(), plan.starts_on),
                (slot, start.parse().ok()),
                "{now:?}"
            );
            assert_eq!(
                (plan.taken_slot.is_some(), plan.taken_start.is_some()),
                (taken, taken),
                "{now:?}"
            );
        }
    }

    #[test]
    fn an_unreadable_change_of_a_purchase_and_one_of_another_purchase_change_nothing() {
        let before = terms(Some("4 PM"), Some("2026-01-12"), Some("4 PM"), None);
        let unread = terms(
            Some("4 PM"),
            Some("2026-01-12"),
            Some("evening"),
            Some("10/12/2026"),
        );
        let other = Terms {
            purchase: Some(Uuid::from_u128(9)),
            ..terms(Some("4 PM"), Some("2026-01-12"), Some("6 PM"), Some("2026-01-20"))
        };
        for now in [unread, other] {
            let plan = plan(&now, Some(&before));
            assert!(!plan.is_slot_new && !plan.is_start_new, "{now:?}");
        }
    }

    #[test]
    fn a_first_day_that_is_past_both_times_is_not_new() {
        let before = terms(None, Some("2026-01-05"), None, None);
        assert!(!plan(&terms(None, Some("2026-01-06"), None, None), Some(&before)).is_start_new);
        assert!(plan(&terms(None, Some("2026-01-12"), None, None), Some(&before)).is_start_new);
    }
}
