//! A browser from which an operator logged in lately. When that login ends, its requests still pass the gateway, so that the
//! console itself can answer and keep what was typed. It opens nothing: the function asks for a token all the same.

use super::Seal;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

const PURPOSE: &str = "returning";

/// How long a browser is remembered after a login: a week of being on call.
pub const LASTS: Duration = Duration::from_secs(7 * 24 * 3_600);

/// What the browser keeps: until when, sealed.
#[must_use]
pub fn close(seal: &Seal, now: DateTime<Utc>) -> String {
    let lasts = TimeDelta::from_std(LASTS).unwrap_or_default();
    seal.close(PURPOSE, &(now + lasts).timestamp().to_string())
}

/// Whether this is what we gave a browser, and still holds.
#[must_use]
pub fn is_returning(seal: &Seal, kept: Option<&str>, now: DateTime<Utc>) -> bool {
    let until = kept.and_then(|kept| seal.open(PURPOSE, kept));
    let until = until.and_then(|until| until.parse::<i64>().ok());
    until.is_some_and(|until| now.timestamp() < until)
}
