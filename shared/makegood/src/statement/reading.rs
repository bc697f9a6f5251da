//! Where reading the statement is: kept as the `done` of its sweep's run, so that the next run goes on from there.

use crate::db::Connection;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How far a reading goes back behind the end of the one before: what was captured late, and what both of a day's ends hold.
const OVERLAP: TimeDelta = TimeDelta::days(1);
/// How far back the first one goes.
const FIRST: TimeDelta = TimeDelta::days(7);
/// How often one list is begun anew because it moved under the reader, before it is taken as it comes.
const MOST_RESTARTS: u32 = 3;

/// What is read, in order. A provider that has no such list ends it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// The provider's payments.
    Payments,
    /// Its refunds.
    Refunds,
    /// Its disputes.
    Disputes,
    /// Disputes of ours that are open: each is asked for by itself.
    OpenDisputes,
    /// Entries of earlier readings whose money had not moved: each is asked for by itself.
    Waiting,
    /// Our own paid payments that the statement does not have.
    Ours,
    /// What the settlements of each day hold.
    Settled,
    /// The settlements.
    Settlements,
}

impl List {
    const fn next(self) -> Option<Self> {
        match self {
            Self::Payments => Some(Self::Refunds),
            Self::Refunds => Some(Self::Disputes),
            Self::Disputes => Some(Self::OpenDisputes),
            Self::OpenDisputes => Some(Self::Waiting),
            Self::Waiting => Some(Self::Ours),
            Self::Ours => Some(Self::Settled),
            Self::Settled => Some(Self::Settlements),
            Self::Settlements => None,
        }
    }
}

/// One reading of the statement, from its beginning to its end over any number of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reading {
    /// The first instant that it reads.
    pub from: DateTime<Utc>,
    /// The last one.
    pub to: DateTime<Utc>,
    /// When it was through; none while it goes on.
    pub completed_at: Option<DateTime<Utc>>,
    /// Until when the statement is read, by the last reading that was through.
    pub through: Option<DateTime<Utc>>,
    /// What it reads now.
    pub list: List,
    /// How many entries of it are read.
    pub skip: usize,
    /// The last of them: by it a list that moved is noticed, or the next page begins after it; of our own payments, where in them it is.
    pub last: Option<String>,
    /// How often this list was begun anew because it had moved.
    pub restarts: u32,
    /// The day whose settlements are read, as days before `to`.
    pub days_before: u32,
    /// Entries read.
    pub read: u64,
    /// Entries that differed from what is here.
    pub differed: u64,
    /// Payments and refunds that were recorded because the statement has them.
    pub recorded: u64,
    /// Cases that were opened.
    pub cases: u64,
    /// Why the last run stopped before the end, as a code; none when its time was up or it was through.
    pub stopped: Option<String>,
}

impl Reading {
    /// One that begins now: from a day before the end of the last one, or seven days back. `since` reads further back.
    #[must_use]
    pub fn begin(last: Option<&Self>, since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let through = last.and_then(|last| last.through);
        let from = through.map_or(now - FIRST, |through| through - OVERLAP);
        Self {
            from: since.map_or(from, |since| since.min(from)),
            to: now,
            completed_at: None,
            through,
            list: List::Payments,
            skip: 0,
            last: None,
            restarts: 0,
            days_before: 0,
            read: 0,
            differed: 0,
            recorded: 0,
            cases: 0,
            stopped: None,
        }
    }

    /// The entries to skip so that the next page begins with the last one that was read.
    #[must_use]
    pub const fn skip_to_last(&self) -> usize {
        self.skip.saturating_sub(1)
    }

    /// What of a page is new: the page began with the last entry that was read. None when the list moved, and this one is begun anew;
    /// a list that keeps moving is taken as it comes, since what is read twice does no harm and the next reading overlaps.
    pub fn unread<T>(&mut self, page: Vec<T>, id: impl Fn(&T) -> Option<String>) -> Option<Vec<T>> {
        if self.skip == 0 {
            return Some(page);
        }
        if page.first().and_then(id) == self.last {
            return Some(page.into_iter().skip(1).collect());
        }
        if self.restarts >= MOST_RESTARTS {
            return Some(page);
        }
        (self.skip, self.last) = (0, None);
        self.restarts += 1;
        None
    }

    /// This list is begun anew, if it was not too often: the provider does not know the entry any more after which the next page begins.
    pub fn begin_list_anew(&mut self) -> bool {
        let may = self.last.is_some() && self.restarts < MOST_RESTARTS;
        if may {
            (self.skip, self.last) = (0, None);
            self.restarts += 1;
        }
        may
    }

    /// A page of so many new entries was handled; `last` is the id of its last one.
    pub fn advance(&mut self, entries: usize, last: Option<String>) {
        self.skip += entries;
        self.read += u64::try_from(entries).unwrap_or(u64::MAX);
        if last.is_some() {
            self.last = last;
        }
    }

    /// This list is read to its end.
    pub fn end_list(&mut self, now: DateTime<Utc>) {
        (self.skip, self.last, self.restarts, self.days_before) = (0, None, 0, 0);
        match self.list.next() {
            Some(next) => self.list = next,
            None => {
                self.completed_at = Some(now);
                self.through = Some(self.to);
            }
        }
    }
}

/// The reading of a provider as its sweep's last run that ended well left it, in this field of what it did, or in all of it; none when it
/// never ran.
///
/// # Errors
/// Those of the database.
pub async fn last_reading(
    connection: &mut Connection,
    sweep: &str,
    field: Option<&str>,
) -> Result<Option<Reading>, sqlx::Error> {
    let done = sqlx::query_scalar!(
        r#"SELECT done AS "done!" FROM sweep_runs WHERE sweep = $1 AND done IS NOT NULL ORDER BY id DESC LIMIT 1"#,
        sweep,
    )
    .fetch_optional(connection)
    .await?;
    let reading = done.and_then(|mut done| match field {
        Some(field) => done.get_mut(field).map(serde_json::Value::take),
        None => Some(done),
    });
    // What an older version wrote may not be readable: then it begins anew.
    Ok(reading.and_then(|reading| serde_json::from_value(reading).ok()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    #[test]
    fn a_reading_overlaps_the_one_before_by_a_day_and_reads_on_from_nothing_else() {
        let mut first = Reading::begin(None, None, at(1_000));
        assert_eq!(first.from, at(1_000 - 7 * 24));
        for _ in 0..8 {
            assert_eq!(first.completed_at, None);
            first.end_list(at(1_001));
        }
        assert_eq!(
            (first.completed_at, first.through),
            (Some(at(1_001)), Some(at(1_000)))
        );
        let second = Reading::begin(Some(&first), None, at(1_010));
        assert_eq!((second.from, second.to), (at(1_000 - 24), at(1_010)));
        // One that was not through moves nothing.
        assert_eq!(
            Reading::begin(Some(&second), None, at(1_020)).from,
            at(1_000 - 24)
        );
        assert_eq!(Reading::begin(Some(&first), Some(at(5)), at(1_010)).from, at(5));
    }

    #[test]
    fn a_list_that_moves_all_the_time_is_begun_anew_three_times_and_then_taken_as_it_comes() {
        let mut reading = Reading::begin(None, None, at(1_000));
        for restarts in 0..4 {
            reading.advance(2, Some("read".to_owned()));
            let page = reading.unread(vec!["moved".to_owned()], |id| Some(id.clone()));
            assert_eq!(page.is_some(), restarts == 3, "{restarts}");
        }
    }

    proptest! {
        /// However entries come and go while a list is read, all that stay the whole time are read.
        #[test]
        fn what_stays_in_a_list_is_read_however_it_moves(
            stays in 1_usize..40,
            moves in proptest::collection::vec((0_usize..40, any::<bool>()), 0..3),
            page in 2_usize..6,
        ) {
            let mut list: Vec<String> = (0..stays).map(|n| format!("stays_{n}")).collect();
            list.insert(0, "goes_0".to_owned());
            list.insert(list.len() / 2, "goes_1".to_owned());
            let mut moves = moves.into_iter();
            let mut reading = Reading::begin(None, None, at(1_000));
            let mut seen = std::collections::BTreeSet::new();
            loop {
                let skip = reading.skip_to_last();
                let answer: Vec<String> = list.iter().skip(skip).take(page).cloned().collect();
                let is_end = answer.len() < page;
                if let Some(new) = reading.unread(answer, |id| Some(id.clone())) {
                    seen.extend(new.iter().cloned());
                    reading.advance(new.len(), new.last().cloned());
                    if is_end {
                        break;
                    }
                }
                if let Some((place, comes)) = moves.next() {
                    if comes {
                        list.insert(place.min(list.len()), format!("came_{place}"));
                    } else if let Some(place) = list.iter().position(|id| id.starts_with("goes")) {
                        list.remove(place);
                    }
                }
            }
            for n in 0..stays {
                prop_assert!(seen.contains(&format!("stays_{n}")), "stays_{n} of {seen:?}");
            }
        }

        /// A list whose pages begin after an entry is read to its end once, whatever comes in above and however it was stopped between.
        #[test]
        fn what_is_in_a_list_of_pages_after_an_entry_is_read_once_whatever_comes_above(
            stays in 1_usize..40,
            comes in proptest::collection::vec(0_usize..4, 0..20),
            page in 1_usize..6,
        ) {
            let mut list: Vec<String> = (0..stays).map(|n| format!("stays_{n}")).collect();
            let mut comes = comes.into_iter().enumerate();
            let mut reading = Reading::begin(None, None, at(1_000));
            let mut seen = Vec::new();
            loop {
                let begin = reading.last.as_ref().map_or(0, |last| list.iter().position(|id| id == last).unwrap() + 1);
                let answer: Vec<String> = list.iter().skip(begin).take(page).cloned().collect();
                let has_more = begin + answer.len() < list.len();
                seen.extend(answer.iter().filter(|id| id.starts_with("stays")).cloned());
                reading.advance(answer.len(), answer.last().cloned());
                if !has_more {
                    break;
                }
                // As the next run has it.
                reading = serde_json::from_value(serde_json::to_value(&reading).unwrap()).unwrap();
                if let Some((n, new)) = comes.next() {
                    list.splice(0..0, (0..new).map(|of| format!("came_{n}_{of}")));
                }
            }
            let all: Vec<String> = (0..stays).map(|n| format!("stays_{n}")).collect();
            prop_assert_eq!(seen, all);
        }
    }
}
