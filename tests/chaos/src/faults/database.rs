//! What happens to Postgres, PgBouncer and the link to them.

use super::{catalogue, rows};
use crate::fault::Fault;
use crate::plan::PlannedFault;
use crate::proxy::LinkFaults;
use crate::secrets::ROLE;
use crate::world::World;
use anyhow::{Context, Result, bail};
use rand::Rng;
use rand::rngs::StdRng;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

const OF_FUNCTIONS: &str = "usename = 'makegood_app' AND pid <> pg_backend_pid()";

pub(super) async fn bring(world: &World, planned: PlannedFault, rng: &mut StdRng) -> Result<()> {
    match planned.fault {
        Fault::Crash => crash(world, planned).await,
        Fault::TerminatedLinks => {
            terminate(world, planned, Duration::from_millis(400), "AND random() < 0.5").await
        }
        Fault::Flapping => terminate(world, planned, Duration::from_millis(100), "").await,
        Fault::LateAnswers => late(world, planned, 60, None).await,
        Fault::LateBegin => late(world, planned, 330, Some("BEGIN")).await,
        Fault::VanishedPeer => {
            world.database.vanish();
            tokio::time::sleep(planned.lasts).await;
            Ok(())
        }
        Fault::ReadOnlyHost => read_only(world, planned).await,
        Fault::Failover => fail_over(world, planned).await,
        Fault::LockedRows => rows::hold(world, planned, rng).await,
        Fault::FullTable => fill_connections(world, planned).await,
        Fault::BouncerRestart => restart_pooler(world, planned).await,
        Fault::DroppedIndex => catalogue::without_index(world, planned).await,
        Fault::InvalidIndex => catalogue::with_invalid_index(world, planned).await,
        Fault::DiskFull => fill_disk(world, planned).await,
        _ => Ok(()),
    }
}

async fn crash(world: &World, planned: PlannedFault) -> Result<()> {
    world.servers.tell("postgres-crash", "").await?;
    tokio::time::sleep(planned.lasts).await;
    world.servers.tell("postgres-start", "").await
}

async fn late(world: &World, planned: PlannedFault, per_mille: u32, to: Option<&'static str>) -> Result<()> {
    world.database.set(LinkFaults {
        late_per_mille: per_mille,
        late_millis: (2_000, 5_000),
        late_to: to,
        ..LinkFaults::default()
    });
    tokio::time::sleep(planned.lasts).await;
    world.database.clear();
    Ok(())
}

/// Again and again, at this pace, whatever the functions' role has open and this condition chooses.
async fn terminate(world: &World, planned: PlannedFault, pace: Duration, chosen: &str) -> Result<()> {
    let mut connection = world.servers.connect().await?;
    let until = Instant::now() + planned.lasts;
    let text = format!(
        "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {OF_FUNCTIONS} {chosen}) t"
    );
    while Instant::now() < until {
        run(&mut connection, &text).await?;
        tokio::time::sleep(pace).await;
    }
    Ok(())
}

async fn read_only(world: &World, planned: PlannedFault) -> Result<()> {
    let mut connection = world.servers.connect().await?;
    run(
        &mut connection,
        "ALTER SYSTEM SET default_transaction_read_only = on",
    )
    .await?;
    run(&mut connection, "SELECT pg_reload_conf()").await?;
    tokio::time::sleep(planned.lasts).await;
    allow_writes(world).await
}

/// Whatever a fault did, the server takes writes again.
pub(super) async fn allow_writes(world: &World) -> Result<()> {
    let mut connection = world.servers.connect().await?;
    run(&mut connection, "SET default_transaction_read_only = off").await?;
    run(
        &mut connection,
        "ALTER SYSTEM RESET default_transaction_read_only",
    )
    .await?;
    run(&mut connection, "SELECT pg_reload_conf()").await
}

/// Those who connect meanwhile stay with the old writer when it is over, as long as they keep their link.
async fn fail_over(world: &World, planned: PlannedFault) -> Result<()> {
    world.database.set(LinkFaults {
        elsewhere: Some(format!("127.0.0.1:{}", world.servers.read_only)),
        ..LinkFaults::default()
    });
    world.database.cut();
    tokio::time::sleep(planned.lasts).await;
    world.database.clear();
    Ok(())
}

async fn fill_connections(world: &World, planned: PlannedFault) -> Result<()> {
    let options: PgConnectOptions = world.servers.url("makegood").parse()?;
    let options = options.username(ROLE);
    let mut control = world.servers.connect().await?;
    let until = Instant::now() + planned.lasts;
    let mut held = Vec::new();
    let text = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {OF_FUNCTIONS} AND application_name <> 'crowd'"
    );
    run(&mut control, &text).await?;
    while Instant::now() < until {
        let login = options.clone().password(&world.secrets.password());
        match login.application_name("crowd").connect().await {
            Ok(connection) => held.push(connection),
            // None is left.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    drop(held);
    Ok(())
}

async fn restart_pooler(world: &World, planned: PlannedFault) -> Result<()> {
    world.servers.tell("pgbouncer-kill", "rw").await?;
    tokio::time::sleep(planned.lasts).await;
    world.servers.tell("pgbouncer-start", "rw").await
}

/// The rest of the disk is taken by one file.
async fn fill_disk(world: &World, planned: PlannedFault) -> Result<()> {
    if !world.servers.has_small_disk() {
        bail!("no small disk could be mounted for this run (it takes root)");
    }
    let path = world.servers.home().join("data/ballast");
    let file = path.clone();
    tokio::task::spawn_blocking(move || fill(&file))
        .await?
        .context("the disk can't be filled")?;
    tokio::time::sleep(planned.lasts).await;
    std::fs::remove_file(&path)?;
    // With a full disk it may have gone down.
    world.servers.tell("postgres-start", "").await
}

fn fill(path: &std::path::Path) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    let mut block = vec![0_u8; 1024 * 1024];
    while block.len() >= 4096 {
        if file.write_all(&block).is_err() {
            block.truncate(block.len() / 2);
        }
    }
    Ok(())
}

/// Runs one statement.
pub(super) async fn run(connection: &mut PgConnection, text: &str) -> Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()))
        .execute(connection)
        .await
        .with_context(|| format!("SQL failed: {text}"))?;
    Ok(())
}

/// A moment within the fault.
pub(super) fn part_of(planned: PlannedFault, rng: &mut StdRng) -> Duration {
    let most = u64::try_from(planned.lasts.as_millis()).unwrap_or(1_000).max(2);
    Duration::from_millis(rng.random_range(most / 2..most))
}
