//! Times that Postgres can hold and chrono can't: `infinity`, `-infinity`, and years after 262142. The driver (sqlx 0.9.0) adds them to
//! its epoch without a check, which panics, so each row is looked at before anybody reads it.

use super::fault::Fault;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgRow, PgValueFormat};
use sqlx::{Column as _, Row as _, ValueRef as _};

/// The types by their numbers in `pg_type`, which never change.
const DATE: Oid = Oid(1082);
const TIMESTAMP: Oid = Oid(1114);
const TIMESTAMPTZ: Oid = Oid(1184);

/// Finds the first column of this row that holds such a time.
pub(super) fn check(row: &PgRow) -> Result<(), Fault> {
    for column in row.columns() {
        let Some(kind @ (DATE | TIMESTAMP | TIMESTAMPTZ)) = column.type_info().oid() else {
            continue;
        };
        // A row has all of its columns.
        let Ok(value) = row.try_get_raw(column.ordinal()) else {
            continue;
        };
        if value.is_null() || value.format() == PgValueFormat::Text {
            continue;
        }
        if !value.as_bytes().is_ok_and(|bytes| is_readable(kind, bytes)) {
            // The cached queries mark in the name whether it may be null.
            return Err(Fault::TimeOutOfRange(
                column.name().trim_end_matches(['!', '?']).to_owned(),
            ));
        }
    }
    Ok(())
}

/// Whether chrono can hold this time: days or microseconds since the year 2000.
fn is_readable(kind: Oid, bytes: &[u8]) -> bool {
    let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).map(NaiveDateTime::from);
    let since = if kind == DATE {
        bytes
            .try_into()
            .ok()
            .and_then(|bytes| TimeDelta::try_days(i32::from_be_bytes(bytes).into()))
    } else {
        bytes
            .try_into()
            .ok()
            .map(|bytes| TimeDelta::microseconds(i64::from_be_bytes(bytes)))
    };
    epoch
        .zip(since)
        .is_some_and(|(epoch, since)| epoch.checked_add_signed(since).is_some())
}
