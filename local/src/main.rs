//! `makegood-local`: what stands in for the outside, and traffic to watch going through the local stack.

use clap::{Args, Parser, Subcommand};
use makegood::clock::Clock;
use makegood::config::Environment;
use makegood_local::identity::Who;
use makegood_local::run::{Options, run};
use makegood_local::settings::{Outside, Settings};
use makegood_local::{Stub, identity_of, start_all};
use std::process::ExitCode;
use uuid::Uuid;

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
    /// Sends payments and buyers to the deployed stack, shows how they move, and checks the guarantees.
    Run(Options),
    /// Serves one stub on its port until it is stopped.
    Serve {
        /// Which.
        stub: Stub,
    },
    /// Starts every server of the outside that does not run yet, and leaves it running.
    Up,
    /// Prints a token that the local stack believes.
    Token(Token),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Token {
    /// Of this buyer, for the shop's API.
    #[arg(long, value_name = "UUID")]
    buyer: Option<Uuid>,
    /// Of the operator on call, for the console.
    #[arg(long)]
    operator: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let mut environment = Environment::of_process();
    match Arguments::parse().command {
        Command::Serve { stub } => {
            let outside = Outside::read(&mut environment);
            environment.finish()?;
            stub.serve(outside).await?;
        }
        Command::Up => {
            let outside = Outside::read(&mut environment);
            environment.finish()?;
            start_all(&outside).await?;
        }
        Command::Token(Token { buyer, .. }) => {
            let outside = Outside::read(&mut environment);
            environment.finish()?;
            let who = buyer.map_or(Who::Operator, Who::Buyer);
            println!("{}", identity_of(&outside, Clock::System)?.token(who));
        }
        Command::Run(options) => {
            let settings = Settings::read(&mut environment);
            environment.finish()?;
            if !run(&settings, &options, Clock::System).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
