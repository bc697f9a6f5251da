//! The parameters of a page or a change, each read as what it must be.
//!
//! One that is not understood is refused by name, never dropped: a filter without its mistyped part is a wider filter, and a
//! bulk action would take what the operator did not ask for.

use super::form::Form;
use chrono::{DateTime, Utc};
use operate::page::Cursor;
use std::ops::Deref;
use std::str::FromStr;

/// The most characters of a text that a row can hold or a person types.
const LONGEST: usize = 200;
/// How much of a wrong name or value is shown again.
const SHOWN: usize = 60;

/// A parameter that is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its name.
    pub name: String,
    /// What is wrong with it, to be read after its name.
    pub why: String,
}

/// The parameters that a page knows, and those that it does not understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    form: Form,
    wrong: Vec<Wrong>,
}

/// The known parameters that are not empty, as they came.
impl Deref for Asked {
    type Target = Form;

    fn deref(&self) -> &Form {
        &self.form
    }
}

impl Asked {
    /// Those of these names. Every other name, and a name that comes twice, is noted as wrong.
    #[must_use]
    pub fn of(form: &Form, known: &[&str]) -> Self {
        let mut asked = Self {
            form: form.only(known),
            wrong: Vec::new(),
        };
        let mut seen: Vec<&str> = Vec::new();
        for (name, _) in form.fields() {
            if !known.contains(&name) {
                asked.note(name, "is no parameter here");
            } else if seen.contains(&name) {
                asked.note(name, "is given more than once");
            }
            seen.push(name);
        }
        asked
    }

    /// Notes that a parameter is wrong, once for each name.
    pub fn note(&mut self, name: &str, why: impl Into<String>) {
        let name: String = name.chars().take(SHOWN).collect();
        if self.why(&name).is_none() {
            let why = why.into();
            self.wrong.push(Wrong { name, why });
        }
    }

    /// What is wrong with this parameter.
    #[must_use]
    pub fn why(&self, name: &str) -> Option<&str> {
        let found = self.wrong.iter().find(|wrong| wrong.name == name);
        found.map(|wrong| wrong.why.as_str())
    }

    /// All that is wrong.
    #[must_use]
    pub fn wrong(&self) -> &[Wrong] {
        &self.wrong
    }

    /// A text of at most 200 characters that a row can hold.
    pub fn words(&mut self, name: &str) -> Option<String> {
        let text = self.form.text(name)?.to_owned();
        // What was no UTF-8 has become U+FFFD.
        let is_unreadable = |character: char| character.is_control() || character == '\u{fffd}';
        if text.chars().any(is_unreadable) {
            self.note(name, "holds characters that can't be read");
            return None;
        }
        if text.chars().count() > LONGEST {
            self.note(name, format!("is longer than {LONGEST} characters"));
            return None;
        }
        Some(text)
    }

    /// One of a few names.
    pub fn one_of<T>(&mut self, name: &str, of: impl Fn(&str) -> Option<T>, names: &[&str]) -> Option<T> {
        let text = self.form.text(name)?;
        let found = of(text);
        if found.is_none() {
            self.refuse(name, &format!("one of {}", names.join(", ")));
        }
        found
    }

    /// Whatever reads itself from a text; `expected` says what that must be.
    pub fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let found = self.form.text(name)?.parse().ok();
        if found.is_none() {
            self.refuse(name, expected);
        }
        found
    }

    /// An instant that the database can hold, as `2026-11-21T03:00:00Z`.
    pub fn instant(&mut self, name: &str) -> Option<DateTime<Utc>> {
        let text = self.form.text(name)?;
        let found = DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|instant| instant.to_utc());
        let found = found.filter(|instant| (Cursor::OLDEST.at..=Cursor::NEWEST.at).contains(instant));
        if found.is_none() {
            self.refuse(name, "an instant such as 2026-11-21T03:00:00Z");
        }
        found
    }

    /// A tick: `yes`, or nothing.
    pub fn ticked(&mut self, name: &str) -> bool {
        self.one_of(name, |text| (text == "yes").then_some(()), &["yes"])
            .is_some()
    }

    /// Notes that a parameter must be something else.
    pub fn refuse(&mut self, name: &str, expected: &str) {
        let found: String = self
            .form
            .text(name)
            .unwrap_or_default()
            .chars()
            .take(SHOWN)
            .collect();
        self.note(name, format!("is “{found}”; it must be {expected}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::of(&Form::parse(query), &["status", "since", "text", "force"])
    }

    #[test]
    fn unknown_and_repeated_names_are_wrong_even_when_they_are_empty() {
        assert_eq!(asked("status=&text=a").wrong(), []);
        for (query, name) in [
            ("statsu=parked", "statsu"),
            ("statsu=", "statsu"),
            ("status=parked&status=parked", "status"),
            ("status=&status=parked", "status"),
            ("Status=parked", "Status"),
        ] {
            assert!(asked(query).why(name).is_some(), "{query}");
        }
    }

    #[test]
    fn a_value_that_is_not_understood_is_wrong_and_never_nothing() {
        let one = |query: &str| {
            let mut asked = asked(query);
            let found = asked.one_of("status", |text| (text == "open").then_some(1), &["open"]);
            (found, asked.wrong().len())
        };
        assert_eq!(
            (one("status=open"), one(""), one("status=opne")),
            ((Some(1), 0), (None, 0), (None, 1))
        );
        for query in ["text=a%00b", "text=%FF", &format!("text={}", "x".repeat(201))] {
            let mut asked = asked(query);
            assert_eq!((asked.words("text"), asked.wrong().len()), (None, 1), "{query}");
        }
        for query in [
            "since=yesterday",
            "since=2026-11-21",
            "since=1969-12-31T23:59:59Z",
            "since=%2B262000-01-01T00:00:00Z",
        ] {
            let mut asked = asked(query);
            assert_eq!(
                (asked.instant("since"), asked.wrong().len()),
                (None, 1),
                "{query}"
            );
        }
        for query in ["force=no", "force=1", "force=true"] {
            let mut asked = asked(query);
            assert!(!asked.ticked("force") && asked.wrong().len() == 1, "{query}");
        }
    }
}
