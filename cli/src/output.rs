//! How a command answers: text for people, JSON for programs.

use indicatif::{ProgressBar, ProgressStyle};
use makegood::schema::BuildProgress;
use serde::Serialize;
use std::process::ExitCode;
use std::time::Duration;

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
            println!("{}", serde_json::to_string_pretty(value)?);
        } else {
            lines.iter().for_each(|line| println!("{line}"));
        }
        Ok(())
    }

    /// Prints what a person should know; with `--json` it is part of the answer already.
    pub fn warn(self, warnings: &[String]) {
        if !self.json {
            warnings
                .iter()
                .for_each(|warning| eprintln!("warning: {warning}"));
        }
    }

    /// Prints an error and its causes.
    pub fn failed(self, error: &anyhow::Error) -> ExitCode {
        let message = message(error);
        if self.json {
            println!("{}", serde_json::json!({ "error": message }));
        } else {
            eprintln!("error: {message}");
        }
        ExitCode::FAILURE
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
