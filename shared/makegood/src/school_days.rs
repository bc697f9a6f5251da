//! Which days a school teaches on: the days of its week, and the blackout days on which it is closed all the same. Pure; where both come
//! from, the callers know.

use chrono::{Datelike, NaiveDate, Weekday, WeekdaySet};
use std::collections::BTreeSet;
use std::str::FromStr;

/// The days of the week on which a school teaches; at least one. Monday to Friday unless said otherwise.
///
/// They are read from English names, short or long, in any case, with commas or blanks between them. A range runs over the end of the week.
///
/// ```
/// use makegood::school_days::TeachingDays;
///
/// let nepal: TeachingDays = "Sun-Fri".parse()?;
/// assert_eq!(nepal, "sunday, MON tue,Wed,Thursday,fri".parse()?);
/// assert!(nepal.contains("2026-01-11".parse().unwrap()), "a Sunday");
/// assert!(!nepal.contains("2026-01-10".parse().unwrap()), "a Saturday");
/// assert_eq!("Mon-Fri".parse(), Ok(TeachingDays::default()));
/// assert!("".parse::<TeachingDays>().is_err() && "Mon-Fry".parse::<TeachingDays>().is_err());
/// # Ok::<(), makegood::school_days::NoTeachingDays>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeachingDays(WeekdaySet);

/// The text names no day of the week, or something that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("these are not {}", TeachingDays::EXPECTED)]
pub struct NoTeachingDays;

impl TeachingDays {
    /// What a text must be.
    pub const EXPECTED: &str = "the days of the week on which the school teaches, at least one, such as Mon-Fri or Sun,Mon,Tue,Wed,Thu";

    /// Whether the school teaches on this day of the week.
    #[must_use]
    pub fn contains(self, day: NaiveDate) -> bool {
        self.0.contains(day.weekday())
    }

    /// The numbers of these days, Monday being 1 and Sunday 7, as PostgreSQL's `isodow` has them.
    ///
    /// ```
    /// assert_eq!(makegood::school_days::TeachingDays::default().iso_numbers(), [1, 2, 3, 4, 5]);
    /// ```
    #[must_use]
    pub fn iso_numbers(self) -> Vec<i32> {
        (1..)
            .zip(WeekdaySet::ALL.iter(Weekday::Mon))
            .filter_map(|(number, day)| self.0.contains(day).then_some(number))
            .collect()
    }
}

impl Default for TeachingDays {
    fn default() -> Self {
        use Weekday::{Fri, Mon, Thu, Tue, Wed};
        Self(WeekdaySet::from_array([Mon, Tue, Wed, Thu, Fri]))
    }
}

impl FromStr for TeachingDays {
    type Err = NoTeachingDays;

    fn from_str(text: &str) -> Result<Self, NoTeachingDays> {
        let entries = text
            .split(|character: char| character == ',' || character.is_whitespace())
            .filter(|entry| !entry.is_empty());
        let mut days = WeekdaySet::EMPTY;
        for entry in entries {
            days = days.union(named(entry).ok_or(NoTeachingDays)?);
        }
        if days.is_empty() {
            return Err(NoTeachingDays);
        }
        Ok(Self(days))
    }
}

/// A day, or all from one to another.
fn named(entry: &str) -> Option<WeekdaySet> {
    let Some((first, last)) = entry.split_once('-') else {
        return Some(WeekdaySet::single(entry.parse().ok()?));
    };
    let (first, last): (Weekday, Weekday) = (first.parse().ok()?, last.parse().ok()?);
    let count = usize::try_from(last.days_since(first)).ok()? + 1;
    Some(WeekdaySet::ALL.iter(first).take(count).collect())
}

/// The days on which a school teaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchoolDays {
    /// The days of its week.
    pub teaching: TeachingDays,
    /// The days on which it is closed all the same.
    pub blackout: BTreeSet<NaiveDate>,
}

impl SchoolDays {
    /// Whether the school teaches on this day.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.teaching.contains(day) && !self.blackout.contains(&day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(text: &str) -> Option<Vec<i32>> {
        text.parse::<TeachingDays>().ok().map(TeachingDays::iso_numbers)
    }

    #[test]
    fn days_are_read_from_names_and_ranges() {
        for (text, days) in [
            ("Mon-Fri", vec![1, 2, 3, 4, 5]),
            ("Sun,Mon,Tue,Wed,Thu", vec![1, 2, 3, 4, 7]),
            ("Sun-Thu", vec![1, 2, 3, 4, 7]),
            (" SUNDAY  monday,\ttue ", vec![1, 2, 7]),
            ("Sat-Mon,Wed", vec![1, 3, 6, 7]),
            ("Mon-Sun", vec![1, 2, 3, 4, 5, 6, 7]),
            ("Sun-Sat", vec![1, 2, 3, 4, 5, 6, 7]),
            ("wed", vec![3]),
            ("Wed-Wed,Wed,", vec![3]),
        ] {
            assert_eq!(numbers(text), Some(days), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            " ",
            ",",
            "-",
            "Mon-",
            "-Fri",
            "Mon - Fri",
            "Mon-Tue-Wed",
            "Mon–Fri",
            "Mon;Tue",
            "Mo,Di",
            "1,2,3",
            "Monday,Funday",
            "Tues",
            "weekdays",
            "Mon\0",
        ] {
            assert_eq!(text.parse::<TeachingDays>(), Err(NoTeachingDays), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_day_is_taught_on_when_its_number_is_named(numbers in prop::collection::btree_set(1_i32..=7, 1..=7), offset in 0_i64..3_000) {
            const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
            let names: Vec<&str> = numbers.iter().map(|number| NAMES[usize::try_from(number - 1).unwrap()]).collect();
            let days: TeachingDays = names.join(",").parse().unwrap();
            prop_assert_eq!(days.iso_numbers(), numbers.iter().copied().collect::<Vec<_>>());
            let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + chrono::TimeDelta::days(offset);
            let number = i32::try_from(day.weekday().number_from_monday()).unwrap();
            prop_assert_eq!(days.contains(day), numbers.contains(&number));
        }
    }
}
