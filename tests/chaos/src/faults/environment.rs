//! What happens to the functions' processes.

use crate::broker::KillPoint;
use crate::environments::signal;
use crate::fault::Fault;
use crate::plan::PlannedFault;
use crate::world::World;
use rand::Rng;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

/// How many environments stand still at once.
const FROZEN: usize = 4;
/// Chances in a thousand of a short invocation.
const SHORTENED: u64 = 700;

pub(super) async fn bring(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    match planned.fault {
        Fault::KillAtRandom => kill_at_random(world, planned, rng).await,
        Fault::KillAtSend => kill_at_send(world, planned, rng).await,
        Fault::Freeze => freeze(world, planned, rng).await,
        Fault::ShortDeadlines => {
            world.environments.shorten_deadlines(SHORTENED);
            tokio::time::sleep(planned.lasts).await;
            world.environments.shorten_deadlines(0);
        }
        _ => {}
    }
}

async fn kill_at_random(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    let until = Instant::now() + planned.lasts;
    while Instant::now() < until {
        if let Some(slot) = world.environments.pick(rng) {
            slot.kill().await;
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(50..600))).await;
    }
}

async fn kill_at_send(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    let until = Instant::now() + planned.lasts;
    let mut to_kill = world.to_kill.lock().await;
    while Instant::now() < until {
        let point = if rng.random_ratio(1, 2) {
            KillPoint::BeforeTaking
        } else {
            KillPoint::AfterTaking
        };
        world.broker.kill_next_sender(Some(point));
        let left = until.saturating_duration_since(Instant::now());
        if let Ok(Some(key)) = tokio::time::timeout(left, to_kill.recv()).await
            && let Some(slot) = world.environments.of_key(&key)
        {
            slot.kill().await;
        }
    }
    world.broker.kill_next_sender(None);
    // Whoever sent at the last moment must not wait for its answer for ever.
    while let Ok(key) = to_kill.try_recv() {
        if let Some(slot) = world.environments.of_key(&key) {
            slot.kill().await;
        }
    }
}

async fn freeze(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    let mut frozen = Vec::new();
    for _ in 0..FROZEN {
        if let Some(slot) = world.environments.pick(rng) {
            frozen.extend(slot.signal("STOP"));
        }
    }
    tokio::time::sleep(planned.lasts).await;
    for process in frozen {
        signal(process, "CONT");
    }
}
