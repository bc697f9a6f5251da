//! Pages of a list that may be long: the newest first, each from where the last one ended. Nothing is counted, and no page
//! costs more than the first.

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Where a page ended: the instant and the id of its last row. As a text it fits into a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// What the list is ordered by.
    pub at: DateTime<Utc>,
    /// What tells rows of one instant apart.
    pub id: Uuid,
}

impl Cursor {
    /// Before every row of a list that begins with the newest.
    pub const NEWEST: Self = Self {
        // No row is that young; the greatest instant that chrono knows is beyond what Postgres keeps.
        at: match DateTime::from_timestamp(253_402_300_799, 0) {
            Some(at) => at,
            None => DateTime::UNIX_EPOCH,
        },
        id: Uuid::max(),
    };
    /// Before every row of a list that begins with the oldest.
    pub const OLDEST: Self = Self {
        at: DateTime::UNIX_EPOCH,
        id: Uuid::nil(),
    };
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.at.timestamp_micros(), self.id.simple())
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no place in a list; take what the page before gave as `next`")]
pub struct NoCursor;

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (micros, id) = text.split_once('.').ok_or(NoCursor)?;
        let micros = micros.parse().map_err(|_| NoCursor)?;
        let cursor = Self {
            at: DateTime::from_timestamp_micros(micros).ok_or(NoCursor)?,
            id: Uuid::parse_str(id).map_err(|_| NoCursor)?,
        };
        // Beyond these, Postgres has no such instant; and what is written otherwise was not written by us.
        let is_place = (Self::OLDEST.at..=Self::NEWEST.at).contains(&cursor.at) && cursor.to_string() == text;
        is_place.then_some(cursor).ok_or(NoCursor)
    }
}

/// Which page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest<C = Cursor> {
    /// Where the page before ended; the first page when none.
    pub after: Option<C>,
    /// The most rows, 1 to [`PageRequest::MOST`]; what lies outside is brought inside.
    pub limit: i64,
}

impl<C> PageRequest<C> {
    /// The most rows of a page.
    pub const MOST: i64 = 500;

    /// The first page.
    #[must_use]
    pub const fn first(limit: i64) -> Self {
        Self { after: None, limit }
    }

    /// How many rows to read: one more than are shown, to know whether there is a next page.
    pub(crate) fn reading(&self) -> i64 {
        self.limit.clamp(1, Self::MOST) + 1
    }

    /// The page of the rows that were read.
    pub(crate) fn page<T>(&self, mut rows: Vec<T>, cursor_of: impl Fn(&T) -> C) -> Page<T, C> {
        let shown = usize::try_from(self.limit.clamp(1, Self::MOST)).unwrap_or(usize::MAX);
        let has_more = rows.len() > shown;
        rows.truncate(shown);
        let next = rows.last().filter(|_| has_more).map(cursor_of);
        Page { items: rows, next }
    }
}

/// Some rows of a list, and where the next ones begin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<T, C = Cursor> {
    /// The rows, in order.
    pub items: Vec<T>,
    /// What to ask for the next page with; none when this is the last.
    pub next: Option<C>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_to_the_microsecond() {
        let cursor = Cursor {
            at: DateTime::from_timestamp_micros(1_767_817_344_753_123).unwrap(),
            id: Uuid::from_u128(7),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let nowhere = [
            "1".to_owned(),
            format!("-1.{}", Uuid::nil().simple()),
            format!("+1.{}", Uuid::nil().simple()),
            format!("1.{}", Uuid::nil()),
            format!("9223372036854775807.{}", Uuid::nil().simple()),
            format!("253402300800000000.{}", Uuid::nil().simple()),
        ];
        for text in nowhere {
            assert_eq!(text.parse::<Cursor>(), Err(NoCursor), "{text}");
        }
        for end in [Cursor::OLDEST, Cursor::NEWEST] {
            assert_eq!(end.to_string().parse(), Ok(end));
        }
        assert!(Cursor::NEWEST.at > cursor.at && Cursor::OLDEST.at < cursor.at);
    }

    #[test]
    fn a_full_page_names_the_next_and_the_last_does_not() {
        let request = PageRequest::<i64>::first(2);
        assert_eq!(request.page(vec![9, 8, 7], |row| *row).next, Some(8));
        assert_eq!(request.page(vec![9, 8], |row| *row).next, None);
    }
}
