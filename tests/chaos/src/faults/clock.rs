//! Hosts whose clocks are off.

use crate::environments::Slot;
use crate::plan::PlannedFault;
use crate::world::World;
use anyhow::{Result, bail};
use futures::future::join_all;
use makegood_tests::environment::skewing_library;
use rand::Rng;
use rand::rngs::StdRng;
use std::sync::Arc;

/// A clock is off by so many seconds at least and at most, either way.
const OFF_BY: std::ops::RangeInclusive<i64> = 60..=600;

/// Half of the slots are on hosts whose clocks are off, each by another time; whatever starts there meanwhile has that clock.
pub(super) async fn bring(world: &World, planned: PlannedFault, rng: &mut StdRng) -> Result<()> {
    if skewing_library().is_none() {
        bail!("libfaketime is not there (as root: local/stack/install.sh chaos)");
    }
    let mut skewed = Vec::new();
    for slot in world.environments.all() {
        if rng.random_ratio(1, 2) {
            let seconds = rng.random_range(OFF_BY);
            let skew = if rng.random_ratio(1, 2) { seconds } else { -seconds };
            skewed.push(move_to_clock(slot, skew));
        }
    }
    join_all(skewed).await;
    tokio::time::sleep(planned.lasts).await;
    set_right(world).await;
    Ok(())
}

/// Every clock is right again.
pub(super) async fn set_right(world: &World) {
    let skewed = world.environments.all().iter().filter(|slot| slot.skew() != 0);
    join_all(skewed.map(|slot| move_to_clock(slot, 0))).await;
}

/// What runs there ends after its invocation; what starts next is on a host with this clock.
async fn move_to_clock(slot: &Arc<Slot>, skew: i64) {
    slot.set_skew(skew);
    slot.retire().await;
}
