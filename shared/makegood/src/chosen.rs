//! What people and forms send for a day, an instant or a time of day: one reading of each, and one normal form to write. Pure.
//!
//! Nothing is guessed. What is not understood is none, and whoever asks plans as if nothing was chosen and says so
//! (docs/decisions/0055).

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use regex_lite::Regex;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// A day at the school: an ISO day, an instant with its offset (the day that it is at the school then), or a local date and time.
/// Days such as `10/12/2026` are two days, and so none.
///
/// ```
/// use chrono_tz::Tz;
/// use makegood::chosen::day;
///
/// let tenth = "2026-12-10".parse().ok();
/// assert_eq!(day("2026-12-10", Tz::Asia__Kolkata), tenth);
/// assert_eq!(day("2026-12-09T18:30:00.000Z", Tz::Asia__Kolkata), tenth);
/// assert_eq!(day("10/12/2026", Tz::Asia__Kolkata), None);
/// ```
#[must_use]
pub fn day(text: &str, timezone: Tz) -> Option<NaiveDate> {
    let text = text.trim();
    match iso_day(text) {
        Some(day) => Some(day),
        None => Some(instant(text, timezone)?.with_timezone(&timezone).date_naive()),
    }
}

/// The end of what lasts until this: a day at the school ends with its last second, an instant is one already.
#[must_use]
pub fn end(text: &str, timezone: Tz) -> Option<DateTime<Utc>> {
    let text = text.trim();
    match iso_day(text) {
        Some(day) => at_school(day.and_hms_opt(23, 59, 59)?, timezone),
        None => instant(text, timezone),
    }
}

/// `2026-12-10`, with a year of four digits.
fn iso_day(text: &str) -> Option<NaiveDate> {
    let is_shaped = text.len() == 10
        && text.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if is_shaped { text.parse().ok() } else { None }
}

/// A time after its day, in the forms that programs write: ISO 8601 with and without seconds (Java leaves out `:00`), with blanks around
/// (Ruby), an offset of hours (PostgreSQL), a zone's short name (Go) or full name (Java, Temporal) after the offset. The schemas say
/// the same ([`end_pattern`]).
const TIME: &str = "[Tt ] ?([01]?[0-9]|2[0-3]):([0-5][0-9])(:([0-5][0-9]|60)([.,][0-9]+)?)?\
                    ( ?([Zz]|UTC|GMT|([+-])([01][0-9]|2[0-3])(:?([0-5][0-9]))?( [A-Z]{3,5})?)(\\[[A-Za-z0-9_./+-]+\\])?)?";
/// A day of the calendar, with a 29 February in leap years.
const DAY: &str = "(([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29\
                   |[0-9]{4}-(02-(0[1-9]|1[0-9]|2[0-8])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])))";

/// The regular expression of the texts that [`end`] reads, and of blank ones.
pub(crate) fn end_pattern() -> String {
    format!("^\\s*({DAY}({TIME})?|[1-9][0-9]{{9,13}})?\\s*$")
}

/// A time on a day ([`TIME`]); without offset it is the school's time. Or a count since 1970.
fn instant(text: &str, timezone: Tz) -> Option<DateTime<Utc>> {
    static SHAPE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(&format!("^([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}){TIME}$")).ok());
    let is_count = text.bytes().all(|byte| byte.is_ascii_digit());
    if is_count && !text.starts_with('0') {
        return since_1970(text.parse().ok()?);
    }
    let parts = SHAPE.as_ref()?.captures(text)?;
    let number = |group| -> Option<u32> {
        parts
            .get(group)
            .map_or(Some(0), |part| part.as_str().parse().ok())
    };
    // The 61st second of a minute is the first of the next one.
    let second = number(5)?;
    let fraction = parts.get(6).map_or("", |part| &part.as_str()[1..]);
    let nanoseconds = format!("{fraction:0<9.9}").parse().ok()?;
    let time = NaiveTime::from_hms_nano_opt(number(2)?, number(3)?, second.min(59), nanoseconds)?;
    let local = iso_day(&parts[1])?
        .and_time(time)
        .checked_add_signed(TimeDelta::seconds(i64::from(second / 60)))?;
    if parts.get(8).is_none() {
        return at_school(local, timezone);
    }
    let offset = TimeDelta::minutes(i64::from(number(10)? * 60 + number(12)?));
    let is_west = parts.get(9).is_some_and(|sign| sign.as_str() == "-");
    Some(
        local
            .checked_add_signed(if is_west { offset } else { -offset })?
            .and_utc(),
    )
}

/// Seconds or milliseconds since 1970, which their size tells apart: so many seconds are after the year 5138, so many milliseconds
/// before 1973. From 2001 on; a smaller count is none.
///
/// ```
/// use makegood::chosen::since_1970;
///
/// assert_eq!(since_1970(1_796_990_400), "2026-12-11T12:00:00Z".parse().ok());
/// assert_eq!(since_1970(1_796_990_400_000), since_1970(1_796_990_400));
/// assert_eq!(since_1970(20_261_210), None);
/// ```
#[must_use]
pub fn since_1970(count: i64) -> Option<DateTime<Utc>> {
    match count {
        1_000_000_000..100_000_000_000 => DateTime::from_timestamp(count, 0),
        100_000_000_000..100_000_000_000_000 => DateTime::from_timestamp_millis(count),
        _ => None,
    }
}

/// Where the clock is set back then, the later of both; an hour that it leaves out is the one after.
fn at_school(local: NaiveDateTime, timezone: Tz) -> Option<DateTime<Utc>> {
    let at = |local: NaiveDateTime| timezone.from_local_datetime(&local).latest();
    let instant = at(local).or_else(|| at(local.checked_add_signed(TimeDelta::hours(1))?))?;
    Some(instant.with_timezone(&Utc))
}

/// A time of day: `5:30 PM`, `5.30pm`, `5 p.m.`, `17:30`, `17:30:00`, and the start of `5:30 PM - 6:10 PM`. A bare `5` is none.
///
/// ```
/// use makegood::chosen::{slot, write_slot};
///
/// for text in ["4:00 PM", "4 PM", "04:00 pm", "16:00", "16:00:00", "4.00 p.m."] {
///     assert_eq!(slot(text).map(write_slot).as_deref(), Some("4:00 PM"));
/// }
/// assert_eq!(slot("evening"), None);
/// ```
#[must_use]
pub fn slot(text: &str) -> Option<NaiveTime> {
    let text = text
        .trim()
        .to_uppercase()
        .replace("A.M.", "AM")
        .replace("P.M.", "PM")
        .replace('.', ":");
    let start = text.split(['-', '–', '—']).next().unwrap_or_default();
    let (clock, afternoon) = match start.find(['A', 'P']) {
        None => (start, None),
        Some(at) => match start[at..].trim() {
            "AM" => (&start[..at], Some(false)),
            "PM" => (&start[..at], Some(true)),
            _ => return None,
        },
    };
    let mut parts = clock.trim().split(':').map(|part| digits(part.trim()));
    let hour = parts.next()??;
    let minute = match parts.next() {
        Some(minute) => minute?,
        // `5 PM` is a time; a bare `5` is not.
        None => afternoon.map(|_| 0)?,
    };
    let second = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_opt(hour_of_day(hour, afternoon)?, minute, second)?.with_second(0)
}

/// One or two digits.
fn digits(text: &str) -> Option<u32> {
    let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn hour_of_day(hour: u32, afternoon: Option<bool>) -> Option<u32> {
    match afternoon {
        None => Some(hour),
        Some(_) if !(1..=12).contains(&hour) => None,
        Some(false) => Some(hour % 12),
        Some(true) => Some(hour % 12 + 12),
    }
}

/// The normal form of a time of day, which older readers of the column understand: `4:00 PM`.
#[must_use]
pub fn write_slot(time: NaiveTime) -> String {
    let (afternoon, hour) = time.hour12();
    format!(
        "{hour}:{:02} {}",
        time.minute(),
        if afternoon { "PM" } else { "AM" }
    )
}

/// An object, or the JSON text of one, which is all that a form or a provider's note can hold.
#[must_use]
pub fn object(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object.clone()),
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Some(object),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
#[path = "chosen_tests.rs"]
mod tests;
