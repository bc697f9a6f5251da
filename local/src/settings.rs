//! Where the local stack is, as `local/stack/env.sh` and the deployment say.

use crate::gateway::Credentials;
use makegood::config::Environment;
use std::path::PathBuf;

/// Where the local stack is, and what its senders sign with.
#[derive(Debug)]
pub struct Settings {
    /// Base URL of the deployed HTTP API, without a slash at its end.
    pub api_url: String,
    /// Where a sweep is run at once: `POST {"sweep": "<name>"}`.
    pub sweep_url: String,
    /// The queue that the shop's mailer reads.
    pub order_confirmed_queue_url: String,
    /// The system's database, direct.
    pub database_url: String,
    /// The cache.
    pub redis_url: String,
    /// What Razorpay signs with.
    pub webhook_secret: String,
    /// What the payment service signs with.
    pub confirmation_secret: String,
    /// The stubs.
    pub outside: Outside,
}

impl Settings {
    /// Reads them; what is missing is noted.
    pub fn read(environment: &mut Environment) -> Self {
        let api_url = environment.required("MAKEGOOD_API_URL");
        Self {
            api_url: api_url.trim_end_matches('/').to_owned(),
            sweep_url: environment.required("MAKEGOOD_SWEEP_URL"),
            order_confirmed_queue_url: environment.required("MAKEGOOD_ORDER_CONFIRMED_QUEUE_URL"),
            database_url: environment.required("MAKEGOOD_LOCAL_DATABASE_DIRECT_URL"),
            redis_url: environment.required("MAKEGOOD_TEST_REDIS_URL"),
            webhook_secret: environment.required("RAZORPAY_WEBHOOK_SECRET"),
            confirmation_secret: environment.required("CONFIRMATION_SECRET"),
            outside: Outside::read(environment),
        }
    }
}

/// Where the functions look for what is not ours.
#[derive(Debug, Clone)]
pub struct Outside {
    /// The admin service.
    pub admin_port: u16,
    /// eSewa and Khalti.
    pub gateways_port: u16,
    /// Who issues tokens.
    pub identity_port: u16,
    /// The one address of the deployed API and its console.
    pub api_port: u16,
    /// What the merchant has from the gateways.
    pub credentials: Credentials,
    /// Where a stack keeps its logs, process ids and signing key.
    pub state: PathBuf,
}

impl Outside {
    /// Reads them; what is missing is noted.
    pub fn read(environment: &mut Environment) -> Self {
        Self {
            admin_port: port(environment, "MAKEGOOD_ADMIN_PORT"),
            gateways_port: port(environment, "MAKEGOOD_GATEWAYS_PORT"),
            identity_port: port(environment, "MAKEGOOD_IDENTITY_PORT"),
            api_port: port(environment, "MAKEGOOD_API_PORT"),
            credentials: Credentials {
                esewa_product_code: environment.required("ESEWA_PRODUCT_CODE"),
                esewa_secret: environment.required("ESEWA_SECRET"),
                khalti_secret: environment.required("KHALTI_SECRET"),
                razorpay_api_secret: environment.required("RAZORPAY_API_SECRET"),
                stripe_api_secret: environment.required("STRIPE_API_SECRET"),
            },
            state: environment.required("MAKEGOOD_STATE").into(),
        }
    }

    /// The base of all of the gateways' addresses.
    #[must_use]
    pub fn gateways_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.gateways_port)
    }

    /// Where buyers come back to from either gateway, as the deployment was told.
    #[must_use]
    pub fn shop_url(&self) -> String {
        format!("{}/shop", self.gateways_url())
    }

    /// The claim `iss` of the tokens.
    #[must_use]
    pub fn identity_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.identity_port)
    }
}

/// 0 and a note when it is missing.
fn port(environment: &mut Environment, name: &str) -> u16 {
    environment.required(name);
    environment.parsed(name, 0, "a port")
}
