//! Passwords and signing secrets are rotated while functions run.

use super::database::run;
use crate::environments::Environments;
use crate::fault::Fault;
use crate::plan::PlannedFault;
use crate::secrets::{ROLE, verifier};
use crate::servers::Servers;
use crate::world::World;
use anyhow::Result;
use rand::Rng;
use rand::rngs::StdRng;
use std::time::{Duration, Instant};

/// What reads the signing secrets, once, at its start.
const READER: &str = "receive-payment";
/// Another fault may have the database away for so long.
const TRIED_FOR: Duration = Duration::from_secs(30);
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

pub(super) async fn bring(world: &World, planned: PlannedFault, rng: &mut StdRng) -> Result<()> {
    match planned.fault {
        Fault::RotatedPassword => rotate_password(world, planned, rng.random_ratio(1, 2)).await,
        Fault::RotatedSigningSecret => {
            rotate_signing_secrets(world, planned).await;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The database and Secrets Manager follow one another with a pause between them, in either order. After each every link is cut,
/// as a proxy does it, so that everybody has to log in again.
async fn rotate_password(world: &World, planned: PlannedFault, secret_first: bool) -> Result<()> {
    world.secrets.choose_password();
    let pause = planned.lasts / 2;
    let set = if secret_first {
        world.secrets.hold_password();
        world.database.cut();
        tokio::time::sleep(pause).await;
        set_password(world).await
    } else {
        let set = set_password(world).await;
        world.database.cut();
        tokio::time::sleep(pause).await;
        world.secrets.hold_password();
        set
    };
    world.database.cut();
    tokio::time::sleep(pause).await;
    // Half a rotation would never end: with other faults beside it, it is brought to its end here.
    if set.is_err() {
        set_password(world).await
    } else {
        set
    }
}

/// The role has the chosen password in Postgres, and both PgBouncers know it.
pub(super) async fn set_password(world: &World) -> Result<()> {
    set_password_in(&world.servers, &world.secrets.password()).await
}

/// The same in these servers, for their first password.
pub(crate) async fn set_password_in(servers: &Servers, password: &str) -> Result<()> {
    let verifier = verifier(password);
    let until = Instant::now() + TRIED_FOR;
    while let Err(error) = set_everywhere(servers, &verifier).await {
        if Instant::now() >= until {
            return Err(error);
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Ok(())
}

async fn set_everywhere(servers: &Servers, verifier: &str) -> Result<()> {
    alter_role(servers, verifier).await?;
    servers.tell("pgbouncer-password", verifier).await
}

async fn alter_role(servers: &Servers, verifier: &str) -> Result<()> {
    let mut connection = servers.connect().await?;
    // It may be a read-only host just now.
    run(&mut connection, "SET default_transaction_read_only = off").await?;
    run(
        &mut connection,
        &format!("ALTER ROLE {ROLE} PASSWORD '{verifier}'"),
    )
    .await
}

/// As docs/deploy.md has it: the new secret beside the old one, every environment anew, the senders, then the new one alone, and
/// every environment anew.
async fn rotate_signing_secrets(world: &World, planned: PlannedFault) {
    let pause = planned.lasts / 8;
    world.secrets.add_signing_secrets();
    replace_one_by_one(&world.environments, pause).await;
    let is_old_under_way = world.secrets.sign_with_newest();
    while is_old_under_way() {
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    world.secrets.drop_old_signing_secrets();
    replace_one_by_one(&world.environments, pause).await;
}

/// As Lambda does it when a function's configuration changed: each after its invocation.
async fn replace_one_by_one(environments: &Environments, pause: Duration) {
    for slot in environments.of_function(READER) {
        slot.retire().await;
        tokio::time::sleep(pause).await;
    }
}
