//! The `console-login` function: the routes of the console that need no login. Whoever floods them takes its environments, and no page's.

use admin::{OpenRoutes, OpenSettings};
use lambda_runtime::Error;
use makegood::config::Environment;
use makegood::{runtime, telemetry};

/// The function's name, the dimension of its metrics.
const NAME: &str = "console-login";

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::start(NAME);
    let mut environment = Environment::of_process();
    let settings = OpenSettings::read(&mut environment);
    environment.finish()?;
    let open = OpenRoutes::open(settings, &runtime::aws().await).await?;
    let open = &open;
    runtime::run(move |event, _| async move { Ok(open.handle(event).await?) }).await
}
