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
///
/// ```
/// use makegood::event::Metadata;
/// use serde_json::json;
///
/// let metadata = Metadata::read(Some(&json!({"purchaseTier": 20, "timeSlot": "16:00", "coupon": "SPRING"})))?;
/// assert_eq!(metadata.purchase_tier(), Ok(20));
/// assert_eq!(metadata.0["coupon"], "SPRING");
/// # Ok::<(), makegood::event::EventError>(())
/// ```
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

/// Whether a field counts as not there: null, or a text of nothing but blanks, which forms send for a field that was left empty.
///
/// ```
/// use makegood::event::is_absent;
/// use serde_json::json;
///
/// assert!(is_absent(&json!(null)) && is_absent(&json!(" ")));
/// assert!(!is_absent(&json!(0)) && !is_absent(&json!(false)));
/// ```
#[must_use]
pub fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

impl Metadata {
    /// Reads an object, or a JSON string that holds one; missing and null are empty.
    ///
    /// ```
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// assert_eq!(Metadata::read(Some(&json!("{\"purchaseTier\": 10}")))?.purchase_tier(), Ok(10));
    /// assert_eq!(Metadata::read(None)?, Metadata::default());
    /// assert!(Metadata::read(Some(&json!("ten sessions"))).is_err());
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
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
                // Encoded once more; each layer is a shorter text.
                Ok(inner @ Value::String(_)) => {
                    Self::read(Some(&inner)).map_err(|_| wrong("metadata", text, EXPECTED))
                }
                _ => Err(wrong("metadata", text, EXPECTED)),
            },
            Some(other) => Err(wrong("metadata", &other.to_string(), EXPECTED)),
        }
    }

    /// Reads the metadata of an event. A text that holds no object says nothing that is understood: it counts as nothing said,
    /// since a paid purchase is not refused for it, and is kept under `UNREAD_TEXT`.
    ///
    /// ```
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let metadata = Metadata::of_event(Some(&json!("ten sessions")))?;
    /// assert_eq!(metadata.to_json(), json!({"unreadText": "ten sessions"}));
    /// assert!(Metadata::of_event(Some(&json!(10))).is_err());
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
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
    ///
    /// ```
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let payments = Metadata::read(Some(&json!({"timeSlot": "5:30 PM", "purchaseTier": 20})))?;
    /// let events = Metadata::read(Some(&json!({"timeSlot": "4:00 PM"})))?;
    /// assert_eq!(events.over(&payments).to_json(), json!({"timeSlot": "4:00 PM", "purchaseTier": 20}));
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn over(&self, payments: &Self) -> Self {
        let mut merged = payments.0.clone();
        merged.extend(self.0.clone());
        Self(merged)
    }

    /// The number of sessions bought: `purchaseTier`, else `sessionCount`, else 30.
    ///
    /// ```
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let tier = |fields| Metadata::read(Some(&fields))?.purchase_tier();
    /// assert_eq!(tier(json!({"sessionCount": "20"})), Ok(20));
    /// assert_eq!(tier(json!({})), Ok(30));
    /// let refusal = tier(json!({"purchaseTier": 501})).unwrap_err();
    /// assert_eq!(refusal.to_string(), "field `metadata.purchaseTier` is 501; it must be a number of sessions, 1 to 500");
    /// ```
    ///
    /// # Errors
    /// When the one that is there is no whole number of sessions, 1 to 500.
    pub fn purchase_tier(&self) -> Result<i32, EventError> {
        Ok(self.stated_tier()?.unwrap_or(DEFAULT_TIER))
    }

    /// The number of sessions that is written here: `purchaseTier`, else `sessionCount`; none when neither is.
    ///
    /// ```
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let stated = |fields| Metadata::read(Some(&fields))?.stated_tier();
    /// assert_eq!(stated(json!({"purchaseTier": null, "sessionCount": 20})), Ok(Some(20)));
    /// assert_eq!(stated(json!({"coupon": "SPRING"})), Ok(None));
    /// assert!(stated(json!({"purchaseTier": 7.5})).is_err());
    /// ```
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

    /// When the purchase ends: `expiryDate`, an instant or a day (its end in the school's time zone), or seconds
    /// or milliseconds since 1970; none when it does not.
    ///
    /// A day ends with its last second there, in UTC here.
    ///
    /// ```
    /// use chrono_tz::Tz;
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let expiry = |value| Metadata::read(Some(&json!({"expiryDate": value})))?.expiry(Tz::Asia__Kolkata);
    /// assert_eq!(expiry(json!("2026-12-31")), Ok("2026-12-31T18:29:59Z".parse().ok()));
    /// assert_eq!(expiry(json!("2026-12-31T10:00:00+05:30")), Ok("2026-12-31T04:30:00Z".parse().ok()));
    /// assert_eq!(expiry(json!(1_798_693_199)), Ok("2026-12-31T04:59:59Z".parse().ok()));
    /// assert_eq!(expiry(json!("")), Ok(None));
    /// assert!(expiry(json!("31/12/2026")).is_err());
    /// ```
    ///
    /// # Errors
    /// When it is there and neither.
    pub fn expiry(&self, timezone: Tz) -> Result<Option<DateTime<Utc>>, EventError> {
        const EXPECTED: &str = "an ISO 8601 instant or day, or null";
        let Some(value) = self.0.get("expiryDate").filter(|value| !is_absent(value)) else {
            return Ok(None);
        };
        let refuse = || wrong("metadata.expiryDate", &value.to_string(), EXPECTED);
        let end = match value {
            Value::String(text) => chosen::end(text, timezone),
            // An integer, as JSON Schema has it: 1797000000.0 is one.
            Value::Number(_) => whole_number(value).and_then(chosen::since_1970),
            _ => None,
        };
        end.map(Some).ok_or_else(refuse)
    }

    /// The chosen time of day in its normal form; none where nothing was chosen that is understood.
    ///
    /// ```
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let slot = |text| Metadata::read(Some(&json!({"timeSlot": text}))).unwrap_or_default().time_slot();
    /// assert_eq!(slot("17:30").as_deref(), Some("5:30 PM"));
    /// assert_eq!(slot("in the evening"), None);
    /// ```
    #[must_use]
    pub fn time_slot(&self) -> Option<String> {
        let text = self.0.get(TIME_SLOT)?.as_str()?;
        chosen::slot(text).map(chosen::write_slot)
    }

    /// The day on which the sessions start: `schedule.startDate`, else `startDate`; none where nothing was chosen that is understood,
    /// since a paid purchase is not refused for it.
    ///
    /// ```
    /// use chrono_tz::Tz;
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let sent = json!({"schedule": {"startDate": "2026-12-09T18:30:00Z"}, "startDate": "2026-11-01"});
    /// let metadata = Metadata::read(Some(&sent))?;
    /// assert_eq!(metadata.start_date(Tz::Asia__Kolkata), "2026-12-10".parse().ok());
    /// assert_eq!(Metadata::default().start_date(Tz::Asia__Kolkata), None);
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
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
    ///
    /// ```
    /// use chrono_tz::Tz;
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let sent = Metadata::read(Some(&json!({"timeSlot": "16:00", "startDate": "10/12/2026"})))?;
    /// assert_eq!(
    ///     sent.normalised(Tz::Asia__Kolkata).to_json(),
    ///     json!({"timeSlot": "4:00 PM", "startDate": "10/12/2026", "notUnderstood": {"startDate": "10/12/2026"}})
    /// );
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
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
    ///
    /// ```
    /// use makegood::event::Metadata;
    /// use serde_json::json;
    ///
    /// let text = json!("{\"purchaseTier\": 10}");
    /// assert_eq!(Metadata::read(Some(&text))?.to_json(), json!({"purchaseTier": 10}));
    /// # Ok::<(), makegood::event::EventError>(())
    /// ```
    #[must_use]
    pub fn to_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

#[cfg(test)]
#[path = "metadata_tests.rs"]
mod tests;
