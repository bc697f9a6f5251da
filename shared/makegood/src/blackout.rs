//! The days on which a school is closed, as its table `session_blackout_dates` has them. A module of its own, so that a function that needs
//! them does not need the other tables of the calendar.

use crate::db::Connection;
use crate::school_days::{SchoolDays, TeachingDays};
use chrono::NaiveDate;

/// The days of a school that teaches on these days of the week, with its blackout days from this day on.
///
/// # Errors
/// Those of the database.
pub async fn school_days(
    connection: &mut Connection,
    teaching: TeachingDays,
    from: NaiveDate,
) -> Result<SchoolDays, sqlx::Error> {
    let days = sqlx::query_scalar!("SELECT day FROM session_blackout_dates WHERE day >= $1", from);
    Ok(SchoolDays {
        teaching,
        blackout: days.fetch_all(connection).await?.into_iter().collect(),
    })
}
