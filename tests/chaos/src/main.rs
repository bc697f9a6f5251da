//! `chaos`: one run, its table, and an exit code.

use anyhow::{Result, bail};
use clap::Parser;
use makegood_chaos::fault::{Cell, Chosen, Fault};
use makegood_chaos::plan::{Plan, Transport, Wanted};
use makegood_chaos::report::report;
use makegood_chaos::run::{Options, Run, run};
use makegood_chaos::sabotage::{SABOTAGES, Sabotage, sabotage};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Something was lost, doubled or breached.
const UNSOUND: u8 = 1;
/// The run itself failed, or a sabotage was not seen.
const FAILED: u8 = 2;
/// Of a run whose rows are then broken; nothing goes wrong in it.
const SABOTAGED: Duration = Duration::from_secs(8);

/// Drives the built functions with payments and checkouts while queues, environments, database and services fail.
///
/// Prints its seed first and a table at the end. The same seed, time and cells give the same payments and the same faults.
///
/// Exit code: 0 everything that was paid was made good once, or is in a person's hands; 1 something was lost, doubled or
/// breached (with --sabotage always, when it was seen); 2 the run failed, or a sabotage was not seen.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
struct Arguments {
    /// What the plan follows from; another one each time unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// For how many minutes payments come and faults happen.
    #[arg(long, default_value_t = 1)]
    minutes: u64,
    /// The same in seconds, in place of minutes.
    #[arg(long)]
    seconds: Option<u64>,
    /// What goes wrong: cells or single faults, comma-separated; `all`, `none`. An unknown name prints all of them.
    #[arg(long, default_value = "all")]
    cells: Chosen,
    /// How events travel; one run after the other over each, for the whole time, where faults were chosen for both.
    #[arg(long)]
    transport: Option<Over>,
    /// Payments for courses in ten seconds; checkouts are a third of it.
    #[arg(long, default_value_t = 40)]
    payments_in_ten_seconds: u64,
    /// Also fails when anything is left to a person.
    #[arg(long)]
    strict: bool,
    /// Breaks rows after a run without faults and must fail; all ways in turn, or this one.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "all")]
    sabotage: Option<String>,
    /// Prints the faults of the plan and ends.
    #[arg(long)]
    plan: bool,
    /// Leaves the servers and what the functions wrote, to be looked at.
    #[arg(long)]
    keep: bool,
    /// Tells each fault as it comes.
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Over {
    Sqs,
    Kafka,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let code = tokio::select! {
        done = chaos(&arguments) => done,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("interrupted")),
    };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

async fn chaos(arguments: &Arguments) -> Result<u8> {
    let all = arguments.wanted();
    println!("seed {}", all[0].seed);
    let mut worst = 0;
    for wanted in &all {
        let code = if arguments.plan {
            print_plan(wanted);
            0
        } else {
            chaos_over(arguments, wanted).await?
        };
        worst = worst.max(code);
    }
    Ok(worst)
}

fn print_plan(wanted: &Wanted) {
    println!("{:?}", wanted.transport);
    for planned in Plan::of(wanted).faults {
        let (at, lasts) = (planned.at.as_millis(), planned.lasts.as_millis());
        println!(
            "{at:>8} ms for {lasts:>6} ms  {:<22} {}",
            planned.fault,
            planned.fault.says()
        );
    }
}

/// One run over one transport, and what it came to.
async fn chaos_over(arguments: &Arguments, wanted: &Wanted) -> Result<u8> {
    let options = Options {
        keeps: arguments.keep,
        is_verbose: arguments.verbose,
    };
    let done = run(wanted, options).await?;
    println!("over {:?}\n{}", wanted.transport, report(&done));
    let code = match &arguments.sabotage {
        Some(name) => break_rows(&done, name).await,
        None => Ok(arguments.judge(&done)),
    };
    // Whoever still measures holds the world, which the next run must not meet.
    done.world.servers.end();
    code
}

impl Arguments {
    /// One run over each transport that is wanted.
    fn wanted(&self) -> Vec<Wanted> {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = self.seed.unwrap_or_else(|| u64::from(clock.subsec_micros()));
        let wanted = Wanted {
            seed,
            lasts: Duration::from_secs(self.seconds.unwrap_or(self.minutes * 60)),
            payments_in_ten_seconds: self.payments_in_ten_seconds,
            faults: self.cells.clone(),
            transport: Transport::Sqs,
        };
        if self.sabotage.is_some() {
            return vec![Wanted {
                lasts: SABOTAGED,
                faults: Chosen(Vec::<Fault>::new()),
                ..wanted
            }];
        }
        let of_sqs = Wanted {
            faults: Chosen(self.chosen(|fault| fault.cell() != Cell::Kafka)),
            ..wanted.clone()
        };
        let of_kafka = Wanted {
            transport: Transport::Kafka,
            ..wanted
        };
        match self.transport {
            Some(Over::Sqs) => vec![of_sqs],
            Some(Over::Kafka) => vec![of_kafka],
            None if self.chosen(|fault| fault.cell() == Cell::Kafka).is_empty() => vec![of_sqs],
            None if of_sqs.faults.0.is_empty() => vec![of_kafka],
            None => vec![of_sqs, of_kafka],
        }
    }

    fn chosen(&self, is_meant: impl Fn(&Fault) -> bool) -> Vec<Fault> {
        self.cells.0.iter().copied().filter(is_meant).collect()
    }

    fn judge(&self, done: &Run) -> u8 {
        let is_sound = done.verdict.is_sound() && done.healed.is_at_rest;
        let is_left = self.strict && !done.verdict.left_to_a_person.is_empty();
        if is_sound && !is_left { 0 } else { UNSOUND }
    }
}

async fn break_rows(done: &Run, name: &str) -> Result<u8> {
    if !done.verdict.is_sound() {
        bail!("the run was unsound before anything was broken");
    }
    let chosen: Vec<Sabotage> = SABOTAGES
        .into_iter()
        .filter(|sabotage| name == "all" || sabotage.name == name)
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = SABOTAGES.iter().map(|sabotage| sabotage.name).collect();
        bail!("there is no sabotage {name:?}; they are {}", names.join(", "));
    }
    let mut unseen = 0;
    for broken in chosen {
        let verdict = sabotage(&done.world, broken).await?;
        let (lost, doubled) = (verdict.lost.len(), verdict.doubled.len());
        let (stock, breaches) = (verdict.stock.len(), verdict.breaches.len());
        let seen = if verdict.is_sound() { "NOT SEEN" } else { "seen" };
        println!(
            "sabotage {:<26} {seen}: lost {lost}, doubled {doubled}, stock {stock}, doctor {breaches}",
            broken.name
        );
        unseen += u8::from(verdict.is_sound());
    }
    Ok(if unseen == 0 { UNSOUND } else { FAILED })
}
