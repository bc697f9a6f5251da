//! What was bought, as free fields: tier, time slot, start date, expiry.

use super::reader::{EventError, wrong};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// The most sessions that one purchase may hold, as the column's CHECK says; the fewest are one.
pub const LARGEST_TIER: i64 = 500;
const DEFAULT_TIER: i32 = 30;
const EXPECTED_TIER: &str = "a number of sessions, 1 to 500";

/// The `metadata` object of an event; unknown fields are kept as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(transform = super::schema::metadata)]
pub struct Metadata(pub Map<String, Value>);

/// Whether a field counts as not there: null, or a text of nothing but blanks, which forms send for a field that nobody filled in.
#[must_use]
pub fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

impl Metadata {
    /// Reads an object, or a JSON string that holds one; missing and null are empty.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn read(value: Option<&Value>) -> Result<Self, EventError> {
        const EXPECTED: &str = "an object, or a JSON string that holds one";
        match value {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Object(object)) => Ok(Self(object.clone())),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(Self::default()),
            Some(Value::String(text)) => match serde_json::from_str(text) {
                Ok(Value::Object(object)) => Ok(Self(object)),
                Ok(Value::Null) => Ok(Self::default()),
                _ => Err(wrong("metadata", text, EXPECTED)),
            },
            Some(other) => Err(wrong("metadata", &other.to_string(), EXPECTED)),
        }
    }

    /// These fields over those of the payment: the event's win (SPEC 2).
    #[must_use]
    pub fn over(&self, payments: &Self) -> Self {
        let mut merged = payments.0.clone();
        merged.extend(self.0.clone());
        Self(merged)
    }

    /// The number of sessions bought: `purchaseTier`, else `sessionCount`, else 30.
    ///
    /// # Errors
    /// When the one that is there is no whole number of sessions, 1 to 500.
    pub fn purchase_tier(&self) -> Result<i32, EventError> {
        Ok(self.stated_tier()?.unwrap_or(DEFAULT_TIER))
    }

    /// The number of sessions that is written here: `purchaseTier`, else `sessionCount`; none when neither is.
    ///
    /// # Errors
    /// When the one that is there is no whole number of sessions, 1 to 500.
    pub fn stated_tier(&self) -> Result<Option<i32>, EventError> {
        for name in ["purchaseTier", "sessionCount"] {
            let Some(value) = self.0.get(name).filter(|value| !is_absent(value)) else {
                continue;
            };
            let number = value
                .as_i64()
                .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
            return number
                .filter(|number| (1..=LARGEST_TIER).contains(number))
                .and_then(|number| i32::try_from(number).ok())
                .map(Some)
                .ok_or_else(|| wrong(&format!("metadata.{name}"), &value.to_string(), EXPECTED_TIER));
        }
        Ok(None)
    }

    /// When the purchase ends: `expiryDate`, an instant or a day (its end in the school's time zone); none when it does not.
    ///
    /// # Errors
    /// When it is there and neither.
    pub fn expiry(&self, timezone: Tz) -> Result<Option<DateTime<Utc>>, EventError> {
        const EXPECTED: &str = "an ISO 8601 instant or day, or null";
        let Some(value) = self.0.get("expiryDate").filter(|value| !is_absent(value)) else {
            return Ok(None);
        };
        let refuse = || wrong("metadata.expiryDate", &value.to_string(), EXPECTED);
        let text = value.as_str().ok_or_else(refuse)?.trim();
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(Some(instant.with_timezone(&Utc)));
        }
        let day: NaiveDate = text.parse().map_err(|_| refuse())?;
        let last = NaiveTime::from_hms_opt(23, 59, 59).ok_or_else(refuse)?;
        let end = day.and_time(last);
        // Where the clock is set back then, the later of both; where it is set forward, as it stood before.
        let local = timezone.from_local_datetime(&end).latest();
        Ok(Some(local.map_or_else(
            || end.and_utc(),
            |local| local.with_timezone(&Utc),
        )))
    }

    /// The chosen time of day, as it was written.
    #[must_use]
    pub fn time_slot(&self) -> Option<&str> {
        self.0
            .get("timeSlot")
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|slot| !slot.is_empty())
    }

    /// The day on which the sessions start: `schedule.startDate`, else `startDate`; a text that is no day counts
    /// as not chosen, since a paid purchase is not refused for it.
    #[must_use]
    pub fn start_date(&self) -> Option<NaiveDate> {
        let nested = self
            .0
            .get("schedule")
            .and_then(|schedule| schedule.get("startDate"));
        let text = nested
            .or_else(|| self.0.get("startDate"))
            .and_then(Value::as_str)?;
        text.get(..10).and_then(|day| day.parse().ok())
    }

    /// The wire form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn metadata(value: Value) -> Metadata {
        Metadata::read(Some(&value)).unwrap()
    }

    #[test]
    fn metadata_may_be_a_json_string() {
        assert_eq!(metadata(json!("{\"purchaseTier\":10}")).purchase_tier(), Ok(10));
    }

    #[test]
    fn tier_falls_back_to_session_count_and_then_to_thirty() {
        assert_eq!(metadata(json!({"sessionCount": 20})).purchase_tier(), Ok(20));
        assert_eq!(
            metadata(json!({"purchaseTier": 10, "sessionCount": 20})).purchase_tier(),
            Ok(10)
        );
        assert_eq!(metadata(json!({})).purchase_tier(), Ok(30));
        assert_eq!(metadata(json!({"purchaseTier": "20"})).purchase_tier(), Ok(20));
    }

    #[test]
    fn a_tier_that_is_not_sold_is_refused_by_name() {
        let refusal = metadata(json!({"purchaseTier": 501}))
            .purchase_tier()
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "field `metadata.purchaseTier` is 501; it must be a number of sessions, 1 to 500"
        );
        for wrong in [json!(0), json!(-10), json!(7.5), json!("ten"), json!(1e300)] {
            let tier = metadata(json!({"purchaseTier": wrong})).purchase_tier();
            assert!(tier.is_err(), "{wrong}");
        }
        for sold in [1, 7, 15, 60, 500] {
            assert_eq!(metadata(json!({"purchaseTier": sold})).purchase_tier(), Ok(sold));
        }
    }

    #[test]
    fn the_events_fields_win_over_the_payments() {
        let merged = metadata(json!({"timeSlot": "4:00 PM"}))
            .over(&metadata(json!({"timeSlot": "5:30 PM", "purchaseTier": 20})));
        assert_eq!(merged.time_slot(), Some("4:00 PM"));
        assert_eq!(merged.purchase_tier(), Ok(20));
    }
}
