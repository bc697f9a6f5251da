//! Brings each fault about, for its time, and takes it away again.

mod catalogue;
mod clock;
mod database;
mod environment;
mod kafka;
mod rows;
mod secrets;
mod services;
mod sqs;

pub(crate) use secrets::set_password_in;

use crate::broker::Misbehaviour;
use crate::fault::Cell;
use crate::plan::PlannedFault;
use crate::world::World;
use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an acknowledged payment is waited for after a fault, for the table.
const MEASURED: Duration = Duration::from_secs(60);

/// The faults of one cell, one after the other, each at its time.
pub async fn run_cell(world: Arc<World>, cell: Cell, started: Instant) {
    let planned: Vec<PlannedFault> = world.outside.plan.faults.clone();
    for fault in planned.into_iter().filter(|planned| planned.fault.cell() == cell) {
        tokio::time::sleep_until((started + fault.at).into()).await;
        let done = bring(&world, fault).await;
        world.ledger.note_fault(fault.fault, |record| match &done {
            Ok(()) => record.times += 1,
            Err(error) => record.failed = Some(format!("{error:#}")),
        });
        tokio::spawn(measure(Arc::clone(&world), fault));
    }
}

/// Ends whatever a fault that failed half-way may have left.
///
/// # Errors
/// When a server can't be brought back.
pub async fn end_all(world: &World) -> Result<()> {
    for proxy in [
        &world.database,
        &world.gateways_proxy,
        &world.admin_proxy,
        &world.redis,
    ] {
        proxy.clear();
    }
    world.broker.behave(Misbehaviour::default());
    world.broker.kill_next_sender(None);
    if let Some(topics) = &world.topics {
        topics.rebalance(false);
    }
    world.environments.shorten_deadlines(0);
    world.admin.set_latency(Duration::ZERO);
    world.gateways.set_latency(Duration::ZERO);
    world.servers.tell("postgres-start", "").await?;
    for pooler in ["rw", "ro"] {
        world.servers.tell("pgbouncer-start", pooler).await?;
    }
    database::allow_writes(world).await?;
    clock::set_right(world).await;
    secrets::set_password(world).await?;
    world.secrets.hold_password();
    catalogue::ensure_index(world).await
}

async fn bring(world: &World, fault: PlannedFault) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(fault.seed);
    match fault.fault.cell() {
        Cell::Sqs => {
            sqs::bring(world, fault).await;
            Ok(())
        }
        Cell::Environment => {
            environment::bring(world, fault, &mut rng).await;
            Ok(())
        }
        Cell::Database => database::bring(world, fault, &mut rng).await,
        Cell::Services => {
            services::bring(world, fault, &mut rng).await;
            Ok(())
        }
        Cell::Kafka => kafka::bring(world, fault, &mut rng).await,
        Cell::Clock => clock::bring(world, fault, &mut rng).await,
        Cell::Secrets => secrets::bring(world, fault, &mut rng).await,
    }
}

/// From the end of the fault to the next payment that is acknowledged.
async fn measure(world: Arc<World>, fault: PlannedFault) {
    let ended = Instant::now();
    let _ = tokio::time::timeout(MEASURED, world.ledger.next_acknowledged()).await;
    if !world.outside.is_over() {
        world.ledger.note_fault(fault.fault, |record| {
            record.served_again = record.served_again.max(ended.elapsed());
        });
    }
}
