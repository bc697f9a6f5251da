//! What happens to the functions' processes.

use crate::broker::Trap;
use crate::fault::Fault;
use crate::fleet::signal;
use crate::plan::PlannedFault;
use crate::world::World;
use rand::Rng;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

/// How many environments stand still at once.
const FROZEN: usize = 4;
/// Chances in a thousand of a short invocation.
const HURRIED: u64 = 700;

pub(super) async fn bring(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    match planned.fault {
        Fault::KillAtRandom => kill_at_random(world, planned, rng).await,
        Fault::KillAtSend => kill_at_send(world, planned, rng).await,
        Fault::Freeze => freeze(world, planned, rng).await,
        Fault::ShortDeadlines => {
            world.fleet.hurry(HURRIED);
            tokio::time::sleep(planned.lasts).await;
            world.fleet.hurry(0);
        }
        _ => {}
    }
}

async fn kill_at_random(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    let until = Instant::now() + planned.lasts;
    while Instant::now() < until {
        if let Some(slot) = world.fleet.pick(rng) {
            slot.kill().await;
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(50..600))).await;
    }
}

async fn kill_at_send(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    let until = Instant::now() + planned.lasts;
    let mut trapped = world.trapped.lock().await;
    while Instant::now() < until {
        let trap = if rng.random_ratio(1, 2) {
            Trap::BeforeTaking
        } else {
            Trap::AfterTaking
        };
        world.broker.set_trap(Some(trap));
        let left = until.saturating_duration_since(Instant::now());
        if let Ok(Some(key)) = tokio::time::timeout(left, trapped.recv()).await
            && let Some(slot) = world.fleet.of_key(&key)
        {
            slot.kill().await;
        }
    }
    world.broker.set_trap(None);
    // Whoever stepped in at the last moment must not wait for its answer for ever.
    while let Ok(key) = trapped.try_recv() {
        if let Some(slot) = world.fleet.of_key(&key) {
            slot.kill().await;
        }
    }
}

async fn freeze(world: &World, planned: PlannedFault, rng: &mut StdRng) {
    let mut frozen = Vec::new();
    for _ in 0..FROZEN {
        if let Some(slot) = world.fleet.pick(rng) {
            frozen.extend(slot.signal("STOP"));
        }
    }
    tokio::time::sleep(planned.lasts).await;
    for process in frozen {
        signal(process, "CONT");
    }
}
