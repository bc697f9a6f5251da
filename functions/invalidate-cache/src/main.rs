//! The `invalidate-cache` function.
//! Never parks: a cache that keeps an old page for its time to live is no reason to ring anybody.

use invalidate_cache::{Cache, InvalidateCache};
use lambda_runtime::Error;
use makegood::config::Environment;
use makegood::db::secret_text;
use makegood::delivery::Stage;
use makegood::{runtime, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(InvalidateCache::NAME);
    let mut environment = Environment::of_process();
    let redis_url = Cache::read_url(&mut environment);
    environment.finish()?;
    let aws = runtime::aws().await;
    let stage = InvalidateCache {
        cache: Cache::at(secret_text(&redis_url, &aws).await?.trim())?,
    };
    runtime::run_stage(stage, None, &aws, &environment).await
}
