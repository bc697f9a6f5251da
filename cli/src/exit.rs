//! What an exit code says: one table for every command.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// It looked or acted, and there is something for a person: a guarantee is broken, something is missing or unknown, something
/// was refused, or not all of it was done.
pub const FOUND: u8 = 1;
/// Wrong usage or bad input; nothing was done. Clap's own too.
pub const USAGE: u8 = 2;
/// It could not look or act.
pub const AWAY: u8 = 3;

/// As every help and docs/operations.md have it.
pub const TABLE: &str = "\
Exit codes, the same for every command:
  0  done; or it looked, and nothing is wrong (an empty list is nothing wrong)
  1  it looked or acted, and the answer has something for you: a guarantee is broken, something is missing
     or unknown, something was refused, or not all of it was done
  2  wrong usage or bad input; nothing was done
  3  it could not look or act: the environment, the database or a queue is away or fails; run it again
A reader that goes away (`| head -1`) changes none of them.";

/// The code for whether everything is well.
pub fn of(is_well: bool) -> ExitCode {
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FOUND)
    }
}

/// The code of an error.
pub fn of_error(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(if error.is::<BadInput>() { USAGE } else { AWAY })
}

/// What was given can't be used: the person who typed it corrects it.
#[derive(Debug)]
pub struct BadInput(anyhow::Error);

impl BadInput {
    /// Around the error that says what is wrong.
    pub fn of(error: impl Into<anyhow::Error>) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Error for BadInput {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};

    #[test]
    fn bad_input_is_known_under_what_was_said_about_it() {
        let error = Err::<(), _>(BadInput::of(anyhow!("no JSON").context("dead-letter.json")))
            .context("give another file")
            .unwrap_err();
        assert_eq!(
            format!("{error:#}"),
            "give another file: dead-letter.json: no JSON"
        );
        assert_eq!(
            format!("{:?}", of_error(&error)),
            format!("{:?}", ExitCode::from(USAGE))
        );
        let away = anyhow!("connection refused");
        assert_eq!(
            format!("{:?}", of_error(&away)),
            format!("{:?}", ExitCode::from(AWAY))
        );
    }

    #[test]
    fn the_runbook_has_the_same_table() {
        let runbook = include_str!("../../docs/operations.md");
        assert!(runbook.contains(TABLE), "docs/operations.md lacks:\n{TABLE}");
    }
}
