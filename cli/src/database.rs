//! Where the database is, for commands.

use chrono_tz::Tz;
use makegood::config::{DatabaseConfig, Environment};
use makegood::db::Database;
use makegood::runtime;
use sqlx::postgres::PgConnectOptions;

/// The database of the environment, directly or through a pooler. Connects nothing yet.
///
/// # Errors
/// Names what is missing in the environment, or the secret that can't be read.
pub async fn open() -> anyhow::Result<Database> {
    let mut environment = Environment::of_process();
    let config = DatabaseConfig::read(&mut environment);
    environment.finish()?;
    Ok(Database::open(&config, &runtime::aws().await).await?)
}

/// How to connect to the database of the environment. Connects nothing yet.
///
/// # Errors
/// Names what is missing in the environment, or the secret that can't be read.
pub async fn options() -> anyhow::Result<PgConnectOptions> {
    let database = open().await?;
    Ok(database.options())
}

/// The database of the environment, through a pooler if that is where it points, and where the school is. Connects on first use.
///
/// # Errors
/// Names what is missing in the environment, or the secret that can't be read.
pub async fn open_with_timezone() -> anyhow::Result<(Database, Tz)> {
    let mut environment = Environment::of_process();
    let config = DatabaseConfig::read(&mut environment);
    let timezone = environment.business_timezone();
    environment.finish()?;
    Ok((Database::open(&config, &runtime::aws().await).await?, timezone))
}
