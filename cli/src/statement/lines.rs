//! A line of a merchant's file as an entry of the statement. Pure.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;
use makegood::gateway::Provider;
use makegood::money::minor;
use makegood::statement::{Entry, EntryKind, EntryState};
use std::collections::BTreeMap;

/// How instants are written, besides RFC 3339, which has its own zone.
const INSTANTS: [&str; 4] = [
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%d/%m/%Y %H:%M:%S",
];

/// Which column has what, by its place in the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    pub id: usize,
    pub amount: usize,
    pub status: usize,
    pub at: usize,
    pub fee: Option<usize>,
    pub refunded: Option<usize>,
}

/// How the file's texts are read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub columns: Columns,
    /// What each status means, in lower case.
    pub statuses: BTreeMap<String, Meaning>,
    pub currency: String,
    pub timezone: Tz,
}

/// What a status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The merchant has the money.
    Moved,
    /// All of it went back.
    Returned,
    /// Not yet.
    Waiting,
    /// It never moved.
    Failed,
}

/// The words of a provider for its states, as its documentation of the status question has them.
pub(super) fn words_of(provider: Provider) -> BTreeMap<String, Meaning> {
    let words: &[(&str, Meaning)] = match provider {
        Provider::Esewa => &[
            ("complete", Meaning::Moved),
            ("partial_refund", Meaning::Moved),
            ("full_refund", Meaning::Returned),
            ("pending", Meaning::Waiting),
            ("ambiguous", Meaning::Waiting),
            ("canceled", Meaning::Failed),
            ("not_found", Meaning::Failed),
        ],
        Provider::Khalti => &[
            ("completed", Meaning::Moved),
            ("partially refunded", Meaning::Moved),
            ("refunded", Meaning::Returned),
            ("pending", Meaning::Waiting),
            ("initiated", Meaning::Waiting),
            ("expired", Meaning::Failed),
            ("user canceled", Meaning::Failed),
        ],
    };
    words
        .iter()
        .map(|(word, meaning)| ((*word).to_owned(), *meaning))
        .collect()
}

impl Reading {
    /// The entry of a line, or what is wrong with which column.
    pub(super) fn entry(&self, line: &csv::StringRecord) -> Result<Entry, String> {
        let text = |place: usize| line.get(place).unwrap_or_default().trim();
        let Columns {
            id,
            amount,
            status,
            at,
            ..
        } = self.columns;
        let id = text(id);
        if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) {
            return Err("the id is empty, or no id".to_owned());
        }
        let amount_minor = self.amount("amount", text(amount))?;
        let meaning = self.meaning(text(status))?;
        let refunded = self.columns.refunded.map(&text).filter(|text| !text.is_empty());
        let returned_minor = match (refunded, meaning) {
            (Some(text), _) => self.amount("refunded amount", text)?,
            (None, Meaning::Returned) => amount_minor,
            (None, _) => 0,
        };
        let fee = self.columns.fee.map(&text).filter(|text| !text.is_empty());
        Ok(Entry {
            kind: EntryKind::Payment,
            id: id.to_owned(),
            payment_id: id.to_owned(),
            amount_minor,
            currency: self.currency.clone(),
            fee_minor: fee.map(|text| self.amount("fee", text)).transpose()?,
            tax_minor: None,
            returned_minor,
            is_disputed: false,
            state: match meaning {
                Meaning::Moved | Meaning::Returned => EntryState::Moved,
                Meaning::Waiting => EntryState::Waiting,
                Meaning::Failed => EntryState::Failed,
            },
            occurred_at: self.instant(text(at))?,
        })
    }

    fn meaning(&self, status: &str) -> Result<Meaning, String> {
        let known = self.statuses.get(&status.to_lowercase()).copied();
        known.ok_or_else(|| {
            format!("the status {status:?} is not known; say what it means with --moved, --returned, --waiting or --failed")
        })
    }

    /// An amount as people write it: with or without the currency before it, and marks for thousands.
    fn amount(&self, what: &str, text: &str) -> Result<i64, String> {
        let number = text.trim_start_matches(|mark: char| !mark.is_ascii_digit() && mark != '-');
        let number = number.replace([',', ' ', '\u{a0}'], "");
        minor(&number, &self.currency).ok_or_else(|| {
            format!(
                "the {what} {text:?} is no amount of {} such as 1500.00",
                self.currency
            )
        })
    }

    fn instant(&self, text: &str) -> Result<DateTime<Utc>, String> {
        if let Ok(instant) = text.parse::<DateTime<Utc>>() {
            return Ok(instant);
        }
        let local = INSTANTS
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .or_else(|| text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0));
        let instant = local.and_then(|local| self.timezone.from_local_datetime(&local).earliest());
        instant.map(|instant| instant.to_utc()).ok_or_else(|| {
            format!("the time {text:?} can't be read; it must be one such as 2026-01-31 17:45:00 or 2026-01-31T17:45:00+05:45")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading() -> Reading {
        Reading {
            columns: Columns {
                id: 0,
                amount: 1,
                status: 2,
                at: 3,
                fee: Some(4),
                refunded: Some(5),
            },
            statuses: words_of(Provider::Khalti),
            currency: "NPR".to_owned(),
            timezone: chrono_tz::Asia::Kathmandu,
        }
    }

    fn entry(line: [&str; 6]) -> Result<Entry, String> {
        reading().entry(&csv::StringRecord::from(line.to_vec()))
    }

    #[test]
    fn amounts_and_times_are_read_as_people_write_them() {
        for (amount, minor) in [
            ("1500", 150_000),
            ("1,500.5", 150_050),
            ("Rs. 1,500.00", 150_000),
            ("NPR 12", 1_200),
        ] {
            let entry = entry(["p", amount, "Completed", "2026-01-31 17:45:00", "", ""]).unwrap();
            assert_eq!((entry.amount_minor, entry.returned_minor), (minor, 0), "{amount}");
        }
        for at in [
            "2026-01-31 17:45:00",
            "2026-01-31T12:00:00Z",
            "2026-01-31T17:45:00+05:45",
            "31/01/2026 17:45:00",
            "2026-01-31 17:45",
        ] {
            let entry = entry(["p", "1", "completed", at, "", ""]).unwrap();
            assert_eq!(
                entry.occurred_at.to_rfc3339(),
                "2026-01-31T12:00:00+00:00",
                "{at}"
            );
        }
    }

    #[test]
    fn a_status_says_whether_the_money_moved_and_how_much_of_it_is_back() {
        let read = |status: &str, refunded: &str| {
            let entry = entry(["p", "10", status, "2026-01-31", "0.30", refunded]).unwrap();
            (entry.state, entry.returned_minor)
        };
        assert_eq!(read("Refunded", ""), (EntryState::Moved, 1_000));
        assert_eq!(read("Partially Refunded", "2.50"), (EntryState::Moved, 250));
        assert_eq!(read("Initiated", ""), (EntryState::Waiting, 0));
        assert_eq!(read("User canceled", ""), (EntryState::Failed, 0));
    }

    #[test]
    fn what_can_not_be_read_is_named_with_its_column() {
        for (line, said) in [
            (["", "1", "Completed", "2026-01-31", "", ""], "the id"),
            (["p", "-1", "Completed", "2026-01-31", "", ""], "the amount"),
            (["p", "1.234", "Completed", "2026-01-31", "", ""], "the amount"),
            (["p", "1", "Done", "2026-01-31", "", ""], "the status \"Done\""),
            (["p", "1", "Completed", "31.1.26", "", ""], "the time"),
            (["p", "1", "Completed", "2026-01-31", "free", ""], "the fee"),
            (
                ["p", "1", "Completed", "2026-01-31", "", "x"],
                "the refunded amount",
            ),
        ] {
            let refusal = entry(line).unwrap_err();
            assert!(refusal.starts_with(said), "{refusal}");
        }
    }
}
