//! Who acts and why, pages, and instants: arguments that several commands take.

use crate::caller::caller;
use crate::exit::BadInput;
use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use operate::audit::Act;
use operate::page::{Cursor, PageRequest};
use std::str::FromStr;

/// Who and why, for a command that always changes something.
#[derive(Debug, clap::Args)]
pub struct ActArguments {
    /// Why; it is kept in the audit log.
    #[arg(long, value_name = "TEXT", visible_alias = "note")]
    reason: String,
    /// Who does it; it is kept in the audit log.
    #[arg(
        long = "as",
        value_name = "NAME",
        visible_alias = "actor",
        env = "USER",
        hide_env_values = true
    )]
    actor: String,
}

impl ActArguments {
    /// The act; asks AWS who calls, where there are credentials.
    ///
    /// # Errors
    /// When a text is empty or can't be kept.
    pub async fn act(&self) -> anyhow::Result<Act> {
        act(&self.actor, &self.reason).await
    }
}

/// Who and why; asks AWS who calls, where there are credentials.
///
/// # Errors
/// When a text is empty or can't be kept.
pub async fn act(actor: &str, reason: &str) -> anyhow::Result<Act> {
    let act = Act::new(actor, reason)
        .context("use --as and --reason")
        .map_err(BadInput::of)?;
    let caller = caller().await;
    Ok(Act { caller, ..act })
}

/// Which page of a list.
#[derive(Debug, clap::Args)]
pub struct PageArguments {
    /// The most rows to show.
    #[arg(long, value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(i64).range(1..=PageRequest::<Cursor>::MOST))]
    limit: i64,
    /// Go on after this place: the `next` of the page before.
    #[arg(long, value_name = "PLACE")]
    after: Option<Cursor>,
}

impl PageArguments {
    /// The request.
    #[must_use]
    pub fn request(&self) -> PageRequest {
        PageRequest {
            after: self.after,
            limit: self.limit,
        }
    }
}

/// What to say when there are more rows.
#[must_use]
pub fn next_line(next: Option<Cursor>) -> Option<String> {
    next.map(|cursor| format!("more: --after {cursor}"))
}

/// An instant, or how long ago it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// This instant.
    At(DateTime<Utc>),
    /// So long before now.
    Ago(TimeDelta),
}

impl Moment {
    /// The instant, seen from now.
    #[must_use]
    pub fn instant(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(instant) => instant,
            Self::Ago(delta) => now - delta,
        }
    }
}

impl FromStr for Moment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text)
            && (Cursor::OLDEST.at..=Cursor::NEWEST.at).contains(&instant.to_utc())
        {
            return Ok(Self::At(instant.to_utc()));
        }
        let (number, unit) = text.split_at(text.len() - text.chars().last().map_or(0, char::len_utf8));
        let delta = match (number.parse::<u32>().map(i64::from), unit) {
            (Ok(number), "s") => TimeDelta::try_seconds(number),
            (Ok(number), "m") => TimeDelta::try_minutes(number),
            (Ok(number), "h") => TimeDelta::try_hours(number),
            (Ok(number), "d") if number <= 36_500 => TimeDelta::try_days(number),
            _ => None,
        };
        match delta {
            Some(delta) => Ok(Self::Ago(delta)),
            None => {
                bail!("give an instant such as 2026-11-21T03:00:00Z, or how long ago, such as 30m, 2h or 7d")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_an_instant_or_so_long_ago() {
        let now = DateTime::from_timestamp(1_767_817_344, 0).unwrap();
        let instant = |text: &str| {
            text.parse::<Moment>()
                .map(|moment| moment.instant(now).to_rfc3339())
        };
        assert_eq!(
            instant("2026-01-01T05:30:00+05:30").unwrap(),
            "2026-01-01T00:00:00+00:00"
        );
        assert_eq!(instant("2h").unwrap(), (now - TimeDelta::hours(2)).to_rfc3339());
        for text in [
            "",
            "h",
            "2",
            "2w",
            "-2h",
            "yesterday",
            "9é",
            "1969-12-31T00:00:00Z",
        ] {
            assert!(instant(text).is_err(), "{text}");
        }
    }
}
