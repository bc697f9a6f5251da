//! How a command answers: text for people, JSON for programs.
//!
//! Nothing here panics when the reader has gone (`| head -1`): whoever reads no further has what they wanted, and the command
//! goes on to its end and its exit code.

use crate::exit;
use anyhow::Context;
use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use makegood::schema::BuildProgress;
use serde::Serialize;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::Duration;
use uuid::Uuid;

/// Where and how the answer is written.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// JSON on standard output instead of text.
    pub json: bool,
}

impl Output {
    /// Prints the answer: this value as JSON, or these lines.
    pub fn answer<T: Serialize>(self, value: &T, lines: &[String]) -> anyhow::Result<()> {
        if self.json {
            return print(&printable_json(&serde_json::to_string_pretty(value)?));
        }
        lines.iter().try_for_each(|line| print(&printable(line)))
    }

    /// Prints a text as it is.
    ///
    /// # Errors
    /// When standard output can't be written, for another reason than that its reader has gone.
    pub fn plain(self, text: &str) -> anyhow::Result<()> {
        print(text)
    }

    /// Prints what a person should know; with `--json` it is part of the answer already.
    pub fn warn(self, warnings: &[String]) {
        if !self.json {
            warnings
                .iter()
                .for_each(|warning| tell(&format!("warning: {}", printable(warning))));
        }
    }

    /// Prints an error and its causes, and gives back its exit code.
    pub fn failed(self, error: &anyhow::Error) -> ExitCode {
        self.say_why("error", &message(error));
        exit::of_error(error)
    }

    /// Prints why nothing was done.
    pub fn refused(self, reason: &str) {
        self.say_why("refused", reason);
    }

    /// In JSON it is the answer. An output that can't be written leaves standard error.
    fn say_why(self, what: &str, why: &str) {
        let is_told =
            self.json && print(&printable_json(&serde_json::json!({ what: why }).to_string())).is_ok();
        if !is_told {
            tell(&format!("{what}: {}", printable(why)));
        }
    }

    /// Prints what became of each change; the exit code says whether all were made.
    pub fn changes(self, changes: &[Done]) -> anyhow::Result<ExitCode> {
        let lines: Vec<String> = changes.iter().map(Done::line).collect();
        self.answer(&changes, &lines)?;
        Ok(exit::of(changes.iter().all(|change| change.done)))
    }

    /// A line that counts what is done of so many, on a terminal, and is silent elsewhere.
    pub fn count_progress(self, total: u64) -> anyhow::Result<ProgressBar> {
        if self.json {
            return Ok(ProgressBar::hidden());
        }
        let style =
            ProgressStyle::with_template("{spinner} {elapsed} {pos} of {len} {wide_bar} {eta} left {msg}")?;
        let bar = ProgressBar::new(total).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Ok(bar)
    }

    /// A line that says what is waited for and for how long, on a terminal, and is silent elsewhere.
    pub fn waiting_for(self, what: &'static str) -> anyhow::Result<ProgressBar> {
        if self.json {
            return Ok(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}")?;
        let bar = ProgressBar::new_spinner().with_style(style).with_message(what);
        bar.enable_steady_tick(Duration::from_millis(100));
        Ok(bar)
    }

    /// A line that follows index builds on a terminal, and is silent elsewhere.
    pub fn build_progress(self) -> anyhow::Result<ProgressBar> {
        if self.json {
            return Ok(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {elapsed} {msg} {wide_bar} {percent}%")?;
        let bar = ProgressBar::new(0).with_style(style);
        bar.enable_steady_tick(Duration::from_millis(100));
        Ok(bar)
    }
}

/// A line on standard output. A reader that has gone is no error.
fn print(line: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{line}").and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("the answer can't be written to standard output"),
    }
}

/// A line on standard error. Where that can't be written, there is no other place to say it.
fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// What became of one change.
#[derive(Debug, Serialize)]
pub struct Done {
    id: Uuid,
    done: bool,
    what: String,
}

impl Done {
    /// It was made.
    pub fn changed(id: Uuid, what: &str) -> Self {
        Self {
            id,
            done: true,
            what: what.to_owned(),
        }
    }

    /// It was not.
    pub fn refused(id: Uuid, why: &impl ToString) -> Self {
        Self {
            id,
            done: false,
            what: why.to_string(),
        }
    }

    fn line(&self) -> String {
        let verb = if self.done { "" } else { "refused: " };
        format!("{} {verb}{}", self.id, self.what)
    }
}

/// Rows under their headings, in columns.
pub fn table(headings: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<String> {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(headings.to_vec());
    rows.for_each(|row| {
        table.add_row(row);
    });
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// An instant to the second, in UTC.
pub fn instant(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A text for a terminal. What others wrote may hold characters that would move its cursor, colour it, or turn what follows
/// around; they are shown by their numbers.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmless(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_unicode());
        }
    }
    shown
}

/// The same for a JSON document: another spelling of the same strings. A serializer escapes control characters up to U+001F only.
fn printable_json(document: &str) -> String {
    let mut shown = String::with_capacity(document.len());
    for character in document.chars() {
        if is_harmless(character) {
            shown.push(character);
        } else {
            // None of them is above U+FFFF.
            shown.push_str(&format!("\\u{:04x}", u32::from(character)));
        }
    }
    shown
}

fn is_harmless(character: char) -> bool {
    let turns_text = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    matches!(character, '\n' | '\t') || !character.is_control() && !turns_text
}

/// The beginning of a text, on one line; control characters, which could paint a terminal, are shown as blanks.
pub fn one_line(text: &str, most: usize) -> String {
    let line: String = text
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .take(most)
        .collect();
    if text.chars().count() > most {
        format!("{line}…")
    } else {
        line
    }
}

/// Shows one look at a build.
pub fn show_progress(bar: &ProgressBar, progress: &BuildProgress) {
    let waiting = progress
        .waiting_for
        .map(|pid| format!(" (waiting for process {pid})"))
        .unwrap_or_default();
    bar.set_length(progress.total);
    bar.set_position(progress.done);
    bar.set_message(format!("{}: {}{waiting}", progress.index, progress.phase));
}

/// The error and those of its causes that it does not repeat already.
fn message(error: &anyhow::Error) -> String {
    error
        .chain()
        .map(ToString::to_string)
        .fold(String::new(), |message, cause| {
            match (message.is_empty(), message.contains(&cause)) {
                (true, _) => cause,
                (false, true) => message,
                (false, false) => format!("{message}: {cause}"),
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::{Context, anyhow};

    #[test]
    fn what_others_wrote_does_not_paint_the_terminal() {
        let hostile = "studentId is \u{1b}[2J\u{9b}1m\u{202e}cisum\r\n\tनमस्ते";
        assert_eq!(
            printable(hostile),
            "studentId is \\u{1b}[2J\\u{9b}1m\\u{202e}cisum\\u{d}\n\tनमस्ते"
        );
    }

    #[test]
    fn json_says_the_same_and_nothing_of_it_paints_the_terminal() {
        let every: String = ('\0'..='\u{ffff}').collect();
        let document = serde_json::to_string_pretty(&serde_json::json!({ "why": every })).unwrap();
        let shown = printable_json(&document);
        assert!(shown.chars().all(is_harmless));
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!(read["why"], every);
        assert!(
            shown.contains("\\u009b")
                && shown.contains("\\u202e")
                && shown.contains("नमस्ते".get(..3).unwrap())
        );
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = Err::<(), _>(anyhow!("no route"))
            .context("no answer: no route; try again")
            .context("it failed");
        assert_eq!(
            message(&error.unwrap_err()),
            "it failed: no answer: no route; try again"
        );
    }
}
