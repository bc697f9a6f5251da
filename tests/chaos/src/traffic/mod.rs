//! Who pays, who buys and who looks, each as the world would: again and again until the answer says that it is done.

mod buyer;
mod payer;
mod reader;

pub use buyer::{ask_again_for_orders, buy};
pub use payer::{PRICE_MINOR, pay};
pub use reader::{CONSOLE_SECRET, read_console};

use crate::broker::Broker;
use crate::environments::{Api, Environments};
use crate::ledger::Ledger;
use crate::plan::Plan;
use crate::secrets::RunSecrets;
use crate::topics::Topics;
use makegood_local::gateway::GatewayStub;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What those outside share with the rest of the world, as in [`Outside`].
#[derive(Debug)]
pub struct Surroundings {
    /// What was planned.
    pub plan: Plan,
    /// What was done.
    pub ledger: Arc<Ledger>,
    /// The gateways.
    pub gateways: Arc<GatewayStub>,
    /// The queues.
    pub broker: Arc<Broker>,
    /// The topics.
    pub topics: Option<Arc<Topics>>,
    /// What is signed with.
    pub secrets: Arc<RunSecrets>,
    /// Straight to the database, where the payment service keeps its payments.
    pub payments_url: String,
    /// Whether the run is over.
    pub is_over: watch::Receiver<bool>,
}

/// What everybody outside needs.
#[derive(Debug)]
pub struct Outside {
    /// What was planned.
    pub plan: Plan,
    /// What was done.
    pub ledger: Arc<Ledger>,
    /// The gateways.
    pub gateways: Arc<GatewayStub>,
    /// The queues.
    pub broker: Arc<Broker>,
    /// The topics, in a run over Kafka.
    pub topics: Option<Arc<Topics>>,
    /// What is signed with.
    pub secrets: Arc<RunSecrets>,
    /// Straight to the database, where the payment service keeps its payments.
    pub payments_url: String,
    /// `receive-payment`.
    pub receive_payment: Arc<Api>,
    /// `create-order-intent`.
    pub create_order_intent: Arc<Api>,
    /// `verify-payment`.
    pub verify_payment: Arc<Api>,
    /// `order-status`.
    pub order_status: Arc<Api>,
    /// `admin`.
    pub admin: Arc<Api>,
    /// No buyer or provider begins anything new once this is true; what is under way is brought to its end.
    pub is_over: watch::Receiver<bool>,
}

impl Outside {
    /// The functions that are called over HTTP, in these environments.
    #[must_use]
    pub fn of(environments: &Arc<Environments>, surroundings: Surroundings) -> Self {
        let Surroundings {
            plan,
            ledger,
            gateways,
            broker,
            topics,
            secrets,
            payments_url,
            is_over,
        } = surroundings;
        Self {
            plan,
            ledger,
            gateways,
            broker,
            topics,
            secrets,
            payments_url,
            receive_payment: Api::of(environments, "receive-payment"),
            create_order_intent: Api::of(environments, "create-order-intent"),
            verify_payment: Api::of(environments, "verify-payment"),
            order_status: Api::of(environments, "order-status"),
            admin: Api::of(environments, "admin"),
            is_over,
        }
    }

    /// Waits for so long; false at once when the run is over.
    pub async fn goes_on_for(&self, pause: Duration) -> bool {
        let mut is_over = self.is_over.clone();
        tokio::time::timeout(pause, is_over.wait_for(|is_over| *is_over))
            .await
            .is_err()
    }

    /// Whether the run is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        *self.is_over.borrow()
    }
}

/// The pauses of a client that tries again: from a quarter of a second, doubling, up to four.
fn pause(tries: u32) -> Duration {
    Duration::from_millis((250_u64 << tries.min(4)).min(4_000))
}
