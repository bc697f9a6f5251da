//! A run from its first payment to its verdict.

use crate::environments::function::FUNCTIONS;
use crate::environments::{Api, poll};
use crate::fault::{Cell, Fault};
use crate::faults;
use crate::heal::{Healed, heal};
use crate::plan::{Plan, Wanted};
use crate::servers::Servers;
use crate::sweeps::{Sweeps, read_mail};
use crate::traffic::{Outside, ask_again_for_orders, buy, pay, read_console};
use crate::verdict::Verdict;
use crate::world::World;
use anyhow::Result;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet};

/// After the faults every payment must be acknowledged and every buyer be done within this time; payers pause up to four seconds
/// between tries, and a busy machine takes its time.
const DONE_WITHIN: Duration = Duration::from_secs(120);

/// How to run, beside what.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Leaves the servers and what the environments wrote.
    pub keeps: bool,
    /// Tells each fault as it comes.
    pub is_verbose: bool,
}

/// A run that has come to rest, with its world to look at.
#[derive(Debug)]
pub struct Run {
    /// The world, in which nothing moves any more.
    pub world: Arc<World>,
    /// How it came to rest.
    pub healed: Healed,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took in all.
    pub took: Duration,
}

/// Runs a plan.
///
/// # Errors
/// When a server does not start, or the database does not answer once the faults are over.
pub async fn run(wanted: &Wanted, options: Options) -> Result<Run> {
    let began = Instant::now();
    let plan = Plan::of(wanted);
    let fills_disk = plan.faults.iter().any(|planned| planned.fault == Fault::DiskFull);
    let servers = Servers::start(fills_disk, options.keeps)?;
    let logs = options.keeps.then(|| servers.home().join("logs"));
    if let Some(logs) = &logs {
        std::fs::create_dir_all(logs)?;
    }
    let world = Arc::new(World::build(servers, plan, wanted, logs.as_deref()).await?);
    world.stock().await?;
    let sweeps = Sweeps::of(&world);
    let always = start_readers_of_queues(&world);
    let traffic = act(&world, &sweeps, wanted, options).await;
    faults::end_all(&world).await?;
    world.over.send_replace(true);
    wait_for(traffic).await;
    let healed = heal(&world, &sweeps, options.is_verbose).await?;
    ask_again_for_orders(&world.outside).await;
    for task in always {
        task.abort();
    }
    world.environments.retire().await;
    let verdict = Verdict::with_doctor(&world, "makegood").await?;
    Ok(Run {
        world,
        healed,
        verdict,
        took: began.elapsed(),
    })
}

/// The event sources and the mailer.
fn start_readers_of_queues(world: &Arc<World>) -> Vec<JoinHandle<()>> {
    let mut tasks = start_readers_of_topics(world);
    for slot in world.environments.all() {
        let reads_topics = world.topics.is_some() && !slot.function.topics().is_empty();
        if !slot.function.reads.is_empty() && !reads_topics {
            let (environments, slot, broker) = (
                Arc::clone(&world.environments),
                Arc::clone(slot),
                Arc::clone(&world.broker),
            );
            tasks.push(tokio::spawn(poll(environments, slot, broker)));
        }
    }
    let broker = Arc::clone(&world.broker);
    tasks.push(tokio::spawn(async move { read_mail(&broker).await }));
    tasks
}

/// One for each partition of each function that reads topics, and the driver's own.
fn start_readers_of_topics(world: &Arc<World>) -> Vec<JoinHandle<()>> {
    let Some(topics) = &world.topics else {
        return Vec::new();
    };
    let mut tasks = Vec::new();
    for function in &FUNCTIONS {
        let api = Api::of(&world.environments, function.name);
        for place in topics.subscribe(function) {
            let delivering = Arc::clone(topics).deliver(function, Arc::clone(&api), place);
            tasks.push(tokio::spawn(delivering));
        }
    }
    tasks.push(tokio::spawn(Arc::clone(topics).follow()));
    tasks
}

/// Everything that happens in the time of the run; what payers and buyers have under way at its end.
async fn act(world: &Arc<World>, sweeps: &Sweeps, wanted: &Wanted, options: Options) -> JoinSet<()> {
    let started = Instant::now();
    let mut traffic = JoinSet::new();
    for (place, payment) in world.outside.plan.payments.iter().enumerate() {
        let (outside, at) = (Arc::clone(&world.outside), started + payment.at);
        traffic.spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            pay(&outside, place).await;
        });
    }
    for (place, checkout) in world.outside.plan.checkouts.iter().enumerate() {
        let (outside, at) = (Arc::clone(&world.outside), started + checkout.at);
        traffic.spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            buy(&outside, place).await;
        });
    }
    start_schedules_and_operator(world, sweeps, &mut traffic);
    let mut cells = JoinSet::new();
    for cell in Cell::ALL {
        cells.spawn(faults::run_cell(Arc::clone(world), cell, started));
    }
    if options.is_verbose {
        tell(world, started, &mut cells);
    }
    tokio::time::sleep_until((started + wanted.lasts).into()).await;
    // The last fault of a cell may be a moment late.
    while cells.join_next().await.is_some() {}
    traffic
}

/// Those who don't pay: the schedules and the operator.
fn start_schedules_and_operator(world: &Arc<World>, sweeps: &Sweeps, traffic: &mut JoinSet<()>) {
    let (running, sweeps) = (Arc::clone(world), sweeps.clone());
    traffic.spawn(async move { sweeps.run(&running).await });
    let reading = Arc::clone(world);
    traffic.spawn(async move { read_console(&reading.outside, &reading.issuer).await });
}

fn tell(world: &Arc<World>, started: Instant, cells: &mut JoinSet<()>) {
    for planned in world.outside.plan.faults.clone() {
        cells.spawn(async move {
            tokio::time::sleep_until((started + planned.at).into()).await;
            let (at, lasts) = (planned.at.as_millis(), planned.lasts.as_millis());
            eprintln!("· {at:>7} ms  {} for {lasts} ms", planned.fault);
        });
    }
}

/// Until every payment is acknowledged and every buyer is done, within bounds.
async fn wait_for(mut traffic: JoinSet<()>) {
    let all = async { while traffic.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DONE_WITHIN, all).await;
}

impl Run {
    /// Those outside.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.world.outside
    }
}
