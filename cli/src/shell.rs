//! `makegood completions` and `makegood man`: what a shell and `man` know of the command. Nothing is asked for.

use crate::exit::BadInput;
use crate::output::Output;
use anyhow::Context;
use clap::Command;
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print what completes this command in a shell.
///
/// Examples:
///   makegood completions bash | sudo tee /etc/bash_completion.d/makegood
///   source <(makegood completions zsh)
///   makegood completions fish > ~/.config/fish/completions/makegood.fish
///
/// Exit code: 0 printed; 2 wrong usage; 3 it could not be printed.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Completions {
    /// Which shell.
    shell: Shell,
}

/// Write a manual page for each command into a folder, which is made where it is missing.
///
/// Example:
///   makegood man ~/.local/share/man/man1 && man makegood-dead-letters-replay
///
/// Exit code: 0 written; 2 wrong usage, or a folder that can't be written; 3 the answer could not be printed.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Man {
    /// Where the pages go.
    folder: PathBuf,
}

/// Prints the script.
///
/// # Errors
/// When it can't be printed.
pub fn completions(
    arguments: &Completions,
    mut command: Command,
    output: Output,
) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "makegood", &mut script);
    output.plain(&String::from_utf8(script)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the pages.
///
/// # Errors
/// When the folder can't be made or written.
pub fn man(arguments: &Man, command: Command, output: Output) -> anyhow::Result<ExitCode> {
    let folder = &arguments.folder;
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    written
        .with_context(|| format!("no manual pages can be written into {}", folder.display()))
        .map_err(BadInput::of)?;
    let told = format!(
        "the manual pages are in {}; `man -l {}/makegood.1` shows the first",
        folder.display(),
        folder.display()
    );
    output.answer(&serde_json::json!({"folder": folder}), &[told])?;
    Ok(ExitCode::SUCCESS)
}
