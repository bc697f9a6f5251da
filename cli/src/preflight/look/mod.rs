//! What is looked at, one subject a file. Each look asks only what the parameters make necessary.

mod alarms;
mod brokers;
mod cost;
mod database;
mod domain;
mod executions;
mod issuers;
mod limits;
mod network;
mod parameters;
mod secrets;
mod stack;
mod zones;

pub use parameters::look as parameters;
pub use stack::present;

use crate::preflight::ask::{Account, Refusal};
use crate::preflight::plan::Plan;
use crate::preflight::row::Row;

/// Why a look ended: the account refused, or the template can't be understood.
#[derive(Debug)]
pub enum Ended {
    /// No answer of the account.
    Refused(Refusal),
    /// Something in the template that is not known here.
    Template(anyhow::Error),
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<anyhow::Error> for Ended {
    fn from(error: anyhow::Error) -> Self {
        Self::Template(error)
    }
}

/// What a look says, or why it ended.
pub type Looked = Result<Vec<Row>, Ended>;

/// Looks at everything; subjects are asked about side by side.
///
/// # Errors
/// When the template can't be understood. What the account does not answer is a row.
pub async fn all(account: &Account, plan: &Plan<'_>) -> anyhow::Result<Vec<Row>> {
    let (names, executions, limits, zones) = tokio::join!(
        stack::names(account, plan),
        executions::look(account, plan),
        limits::look(account, plan),
        zones::look(account, plan),
    );
    let (network, database, secrets, alarms) = tokio::join!(
        network::look(account, plan),
        database::look(account, plan),
        secrets::look(account, plan),
        alarms::look(account, plan),
    );
    let (brokers, issuers, domain) = tokio::join!(
        brokers::look(account, plan),
        issuers::look(plan),
        domain::look(account, plan)
    );
    let looked = [
        ("names", names),
        ("executions", executions),
        ("quotas", limits),
        ("zones", zones),
        ("network", network),
        ("database", database),
        ("secrets", secrets),
        ("alarms", alarms),
        ("MSK", brokers),
        ("tokens", issuers),
        ("domain", domain),
        ("cost", cost::look(plan)),
    ];
    let mut rows = Vec::new();
    for (about, looked) in looked {
        match looked {
            Ok(said) => rows.extend(said),
            Err(Ended::Refused(refusal)) => rows.push(Row::unasked(about, &refusal)),
            Err(Ended::Template(error)) => return Err(error),
        }
    }
    Ok(rows)
}
