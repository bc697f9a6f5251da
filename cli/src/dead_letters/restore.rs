//! `makegood dead-letters restore`.

use crate::act::ActArguments;
use crate::database;
use crate::output::{Done, Output};
use operate::dead_letter::{DeadLetterId, Restore, restore_discarded_dead_letter};
use std::process::ExitCode;
use uuid::Uuid;

/// Take a discard back: the dead letters are parked again, and can be replayed. One whose body was removed since stays discarded.
///
/// Example: `makegood dead-letters restore 6f1c2a6e-… --reason "it was no test after all"`
///
/// Exit code: 0 all restored; 1 one of them was refused, and the others were restored; 2 wrong usage; 3 it could not look or
/// act.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Their ids.
    #[arg(required = true)]
    ids: Vec<Uuid>,
    #[command(flatten)]
    act: ActArguments,
}

/// Runs the command.
///
/// # Errors
/// Those of the environment and the database.
pub async fn run(arguments: &Arguments, output: Output) -> anyhow::Result<ExitCode> {
    let act = arguments.act.act().await?;
    let database = database::open().await?;
    let mut done = Vec::new();
    for id in &arguments.ids {
        let mut transaction = database.begin().await?;
        done.push(
            match restore_discarded_dead_letter(&mut transaction, DeadLetterId(*id), &act).await? {
                Restore::Restored => {
                    transaction.commit().await?;
                    Done::changed(*id, "restored: it is parked again")
                }
                Restore::Refused(refusal) => Done::refused(*id, &refusal),
            },
        );
    }
    output.changes(&done)
}
