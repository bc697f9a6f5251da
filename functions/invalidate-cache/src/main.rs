//! The `invalidate-cache` function.
//! Never parks: a cache that keeps an old page for its time to live is no reason to ring anybody.

use invalidate_cache::{Cache, InvalidateCache};
use lambda_runtime::Error;
use makegood::config::Environment;
use makegood::delivery::Stage;
use makegood::{runtime, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(InvalidateCache::NAME);
    let mut environment = Environment::of_process();
    let redis_url = Cache::read_url(&mut environment);
    environment.finish()?;
    let stage = InvalidateCache {
        cache: Cache::at(&redis_url)?,
    };
    runtime::run_stage(stage, None, &runtime::aws().await, &Environment::of_process()).await
}
