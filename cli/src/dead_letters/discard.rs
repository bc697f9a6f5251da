//! `makegood dead-letters discard`.

use crate::act::ActArguments;
use crate::database;
use crate::output::{Done, Output};
use operate::dead_letter::{DeadLetterId, Discard, discard_parked_dead_letter};
use std::process::ExitCode;
use uuid::Uuid;

/// Give dead letters up. They stay in the table with their payload, and are not replayed.
///
/// Example: `makegood dead-letters discard 6f1c2a6e-… --reason "a test of the payment service"`
///
/// Exit code: 0 all discarded; 1 one of them was refused, and the others were discarded; 2 wrong usage; 3 it could not look or
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
            match discard_parked_dead_letter(&mut transaction, DeadLetterId(*id), &act).await? {
                Discard::Discarded => {
                    transaction.commit().await?;
                    Done::changed(*id, "discarded")
                }
                Discard::Refused(refusal) => Done::refused(*id, &refusal),
            },
        );
    }
    output.changes(&done)
}
