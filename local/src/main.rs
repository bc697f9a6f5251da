//! `makegood-local`: the admin service stand-in, and payments to watch going through the local stack.

use clap::{Parser, Subcommand};
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood_local::run::{Options, run};
use makegood_local::serve_forever;
use makegood_local::settings::{Settings, admin_port};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "makegood-local",
    about = "What stands in for the outside when Makegood runs on one machine"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sends signed payments to the deployed stack, shows how they move, and checks the guarantees.
    Run(Options),
    /// Serves the admin service stand-in on MAKEGOOD_ADMIN_PORT until it is stopped.
    AdminService,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut environment = Environment::of_process();
    match Arguments::parse().command {
        Command::AdminService => {
            let port = admin_port(&mut environment);
            environment.finish()?;
            serve_forever(port).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run(options) => {
            let settings = Settings::read(&mut environment);
            environment.finish()?;
            let kept = run(&settings, &options, Clock::System).await?;
            Ok(if kept {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            })
        }
    }
}
