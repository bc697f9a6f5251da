//! The unique index of active purchases goes, and comes back as an operator would bring it back.

use super::database::run;
use crate::plan::PlannedFault;
use crate::world::World;
use anyhow::{Result, bail};

const INDEX: &str = "unique_active_purchase";

pub(super) async fn without_index(world: &World, planned: PlannedFault) -> Result<()> {
    let mut connection = world.servers.connect().await?;
    run(&mut connection, "SET lock_timeout = '3s'").await?;
    run(&mut connection, &format!("DROP INDEX IF EXISTS {INDEX}")).await?;
    tokio::time::sleep(planned.lasts).await;
    ensure_index(world).await
}

/// As a concurrent build leaves it that failed half-way.
pub(super) async fn with_invalid_index(world: &World, planned: PlannedFault) -> Result<()> {
    let mut connection = world.servers.connect().await?;
    let text = format!("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{INDEX}'::regclass");
    run(&mut connection, &text).await?;
    tokio::time::sleep(planned.lasts).await;
    ensure_index(world).await
}

/// `makegood ensure-index`, which refuses where there are duplicates.
pub(super) async fn ensure_index(world: &World) -> Result<()> {
    let (code, said) = world.servers.makegood("makegood", &["ensure-index"]).await?;
    if code != Some(0) {
        bail!("makegood ensure-index ended with {code:?}: {said}");
    }
    Ok(())
}
