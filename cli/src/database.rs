//! Where the database is, for commands.

use chrono_tz::Tz;
use makegood::config::{DatabaseConfig, Environment};
use makegood::db::Database;
use makegood::runtime;
use makegood::school_days::TeachingDays;
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
    open_with(Environment::business_timezone).await
}

/// The same with the days of the week on which the school teaches.
///
/// # Errors
/// Names what is missing or wrong in the environment, or the secret that can't be read.
pub async fn open_with_calendar() -> anyhow::Result<(Database, Tz, TeachingDays)> {
    let read =
        |environment: &mut Environment| (environment.business_timezone(), environment.business_weekdays());
    let (database, (timezone, teaching_days)) = open_with(read).await?;
    Ok((database, timezone, teaching_days))
}

async fn open_with<T>(read: impl FnOnce(&mut Environment) -> T) -> anyhow::Result<(Database, T)> {
    let mut environment = Environment::of_process();
    let config = DatabaseConfig::read(&mut environment);
    let found = read(&mut environment);
    environment.finish()?;
    Ok((Database::open(&config, &runtime::aws().await).await?, found))
}
