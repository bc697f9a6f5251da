//! What was bought, as free fields: tier, time slot, start date, expiry.

use super::number::whole_number;
use super::reader::{EventError, wrong};
use crate::chosen;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// The most sessions that one purchase may hold, as the column's CHECK says; the fewest are one.
pub const LARGEST_TIER: i64 = 500;
const DEFAULT_TIER: i32 = 30;
const EXPECTED_TIER: &str = "a number of sessions, 1 to 500";

/// Under which name [`Metadata::of_event`] keeps a text that holds no object.
pub const UNREAD_TEXT: &str = "unreadText";

/// The `metadata` object of an event; unknown fields are kept as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(transform = super::schema::metadata)]
pub struct Metadata(pub Map<String, Value>);

/// Under which name [`Metadata::normalised`] keeps what was chosen and not understood.
pub const NOT_UNDERSTOOD: &str = "notUnderstood";
const SCHEDULE: &str = "schedule";
const START_DATE: &str = "startDate";
const TIME_SLOT: &str = "timeSlot";

/// Writes one choice in its normal form, or notes it under this path.
fn normalise(
    fields: &mut Map<String, Value>,
    name: &str,
    read: impl Fn(&str) -> Option<String>,
    path: &str,
    unread: &mut Map<String, Value>,
) {
    let Some(value) = fields.get_mut(name).filter(|value| !is_absent(value)) else {
        return;
    };
    match value.as_str().and_then(read) {
        Some(text) => *value = Value::String(text),
        None => drop(unread.insert(path.to_owned(), value.clone())),
    }
}

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

    /// Reads the metadata of an event. A text that holds no object says nothing that is understood: it counts as nothing said,
    /// since a paid purchase is not refused for it, and is kept under [`UNREAD_TEXT`].
    ///
    /// # Errors
    /// When it is neither an object, nor a text, nor null.
    pub fn of_event(value: Option<&Value>) -> Result<Self, EventError> {
        let read = Self::read(value);
        match value {
            Some(Value::String(text)) if read.is_err() => {
                let unread = (UNREAD_TEXT.to_owned(), Value::String(text.clone()));
                Ok(Self(Map::from_iter([unread])))
            }
            _ => read,
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
            let number =
                whole_number(value).or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
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
        chosen::end(text, timezone).map(Some).ok_or_else(refuse)
    }

    /// The chosen time of day in its normal form; none where nothing was chosen that is understood.
    #[must_use]
    pub fn time_slot(&self) -> Option<String> {
        let text = self.0.get(TIME_SLOT)?.as_str()?;
        chosen::slot(text).map(chosen::write_slot)
    }

    /// The day on which the sessions start: `schedule.startDate`, else `startDate`; none where nothing was chosen that is understood,
    /// since a paid purchase is not refused for it.
    #[must_use]
    pub fn start_date(&self, timezone: Tz) -> Option<NaiveDate> {
        let schedule = self.0.get(SCHEDULE).and_then(chosen::object);
        let nested = schedule.as_ref().and_then(|schedule| schedule.get(START_DATE));
        let read = |value: &Value| chosen::day(value.as_str()?, timezone);
        nested
            .and_then(read)
            .or_else(|| self.0.get(START_DATE).and_then(read))
    }

    /// Days and times in their normal form: `schedule` an object, the start an ISO day, the time of day such as `4:00 PM`. What is not
    /// understood stays as it came and is named, with its value, under [`NOT_UNDERSTOOD`].
    #[must_use]
    pub fn normalised(&self, timezone: Tz) -> Self {
        let mut fields = self.0.clone();
        let mut unread = Map::new();
        fields.remove(NOT_UNDERSTOOD);
        let day = |text: &str| chosen::day(text, timezone).map(|day| day.to_string());
        let slot = |text: &str| chosen::slot(text).map(chosen::write_slot);
        if let Some(schedule) = fields.get(SCHEDULE).filter(|value| !is_absent(value)) {
            match chosen::object(schedule) {
                Some(mut object) => {
                    normalise(&mut object, START_DATE, day, "schedule.startDate", &mut unread);
                    fields.insert(SCHEDULE.to_owned(), Value::Object(object));
                }
                None => drop(unread.insert(SCHEDULE.to_owned(), schedule.clone())),
            }
        }
        normalise(&mut fields, START_DATE, day, START_DATE, &mut unread);
        normalise(&mut fields, TIME_SLOT, slot, TIME_SLOT, &mut unread);
        if !unread.is_empty() {
            fields.insert(NOT_UNDERSTOOD.to_owned(), Value::Object(unread));
        }
        Self(fields)
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
    fn a_text_that_holds_no_object_says_nothing_and_is_kept() {
        for text in ["not json", "[10]", "{\"purchaseTier\":10"] {
            let read = Metadata::of_event(Some(&json!(text))).unwrap();
            assert_eq!(read.purchase_tier(), Ok(30));
            assert_eq!(read.to_json(), json!({"unreadText": text}));
        }
        assert_eq!(
            Metadata::of_event(Some(&json!(" null "))),
            Ok(Metadata::default())
        );
        assert!(Metadata::of_event(Some(&json!([10]))).is_err());
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
        assert_eq!(merged.time_slot().as_deref(), Some("4:00 PM"));
        assert_eq!(merged.purchase_tier(), Ok(20));
    }

    #[test]
    fn days_and_times_are_written_in_one_form_and_what_is_not_understood_is_kept_and_named() {
        let sent = metadata(json!({
            "timeSlot": "16:00", "startDate": "", "schedule": "{\"startDate\": \"2026-12-10T18:30:00.000Z\", \"days\": 5}",
            "notUnderstood": {"forged": true}, "coupon": "A",
        }));
        let school = Tz::Asia__Kolkata;
        let expected = json!({
            "timeSlot": "4:00 PM", "startDate": "", "schedule": {"startDate": "2026-12-11", "days": 5}, "coupon": "A",
        });
        assert_eq!(sent.normalised(school).to_json(), expected);
        assert_eq!(sent.start_date(school), "2026-12-11".parse().ok());
        let unread = json!({"timeSlot": "evening", "schedule": {"startDate": "10/12/2026"}, "startDate": 7});
        let normalised = metadata(unread.clone()).normalised(school).to_json();
        assert_eq!(
            normalised["notUnderstood"],
            json!({"timeSlot": "evening", "schedule.startDate": "10/12/2026", "startDate": 7})
        );
        assert_eq!(normalised["schedule"], unread["schedule"]);
        assert_eq!(
            (
                metadata(unread).time_slot(),
                metadata(normalised).start_date(school)
            ),
            (None, None)
        );
        let text = metadata(json!({"schedule": "after the exams"}))
            .normalised(school)
            .to_json();
        assert_eq!(text["notUnderstood"], json!({"schedule": "after the exams"}));
    }

    #[test]
    fn the_normal_form_means_itself() {
        for sent in [
            json!({"timeSlot": "5.30pm", "schedule": "{\"startDate\": \"2026-12-10\"}"}),
            json!({"timeSlot": "evening", "startDate": "10/12/2026"}),
            json!({}),
        ] {
            let once = metadata(sent).normalised(Tz::UTC);
            assert_eq!(once.normalised(Tz::UTC), once);
        }
    }

    #[test]
    fn an_end_is_a_day_at_the_school_or_an_instant_and_nothing_where_a_form_left_it_empty() {
        let end = |value: Value| metadata(json!({"expiryDate": value})).expiry(Tz::Asia__Kolkata);
        assert_eq!(end(json!("2026-12-31")), Ok("2026-12-31T18:29:59Z".parse().ok()));
        assert_eq!(
            end(json!("2026-12-31T00:00:00Z")),
            Ok("2026-12-31T00:00:00Z".parse().ok())
        );
        assert_eq!(
            (end(json!("")), end(json!(" ")), end(json!(null))),
            (Ok(None), Ok(None), Ok(None))
        );
        assert!(end(json!("31/12/2026")).is_err());
    }
}
