//! Where the local stack is, as `local/stack/env.sh` and the deployment say.

use makegood::config::Environment;
use std::path::PathBuf;

/// Where the local stack is, and what its senders sign with.
pub struct Settings {
    /// Base URL of the deployed HTTP API, without a slash at its end.
    pub api_url: String,
    /// The system's database, direct.
    pub database_url: String,
    /// The cache.
    pub redis_url: String,
    /// Where the functions look for the admin service.
    pub admin_port: u16,
    /// What Razorpay signs with.
    pub webhook_secret: String,
    /// What the payment service signs with.
    pub confirmation_secret: String,
    /// Where a stack that is kept up keeps its logs and process ids.
    pub state: PathBuf,
}

impl Settings {
    /// Reads them; what is missing is noted.
    pub fn read(environment: &mut Environment) -> Self {
        let api_url = environment.required("MAKEGOOD_API_URL");
        Self {
            api_url: api_url.trim_end_matches('/').to_owned(),
            database_url: environment.required("MAKEGOOD_LOCAL_DATABASE_DIRECT_URL"),
            redis_url: environment.required("MAKEGOOD_TEST_REDIS_URL"),
            admin_port: admin_port(environment),
            webhook_secret: environment.required("RAZORPAY_WEBHOOK_SECRET"),
            confirmation_secret: environment.required("CONFIRMATION_SECRET"),
            state: environment.required("MAKEGOOD_STATE").into(),
        }
    }
}

/// `MAKEGOOD_ADMIN_PORT`; 0 and a note when it is missing.
pub fn admin_port(environment: &mut Environment) -> u16 {
    environment.required("MAKEGOOD_ADMIN_PORT");
    environment.parsed("MAKEGOOD_ADMIN_PORT", 0, "a port")
}
