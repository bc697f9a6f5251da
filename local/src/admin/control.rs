//! `/_control`: how a running stub is told what to do, and asked what it did.

use super::{Allocation, Behaviour};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The body of `POST /_control`; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Control {
    /// Appended to what the next requests are answered with.
    pub script: Vec<Behaviour>,
    /// No trainer is free until the request of this number, counted from the start; 0 frees them.
    pub no_trainers_until_call: Option<u64>,
    /// How long each answer takes.
    pub latency_millis: Option<u64>,
}

/// The answer of `GET /_control`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Requests for a trainer.
    pub calls: u64,
    /// The same by `Idempotency-Key`.
    pub calls_by_key: BTreeMap<String, u64>,
    /// All allocations.
    pub allocations: Vec<Allocation>,
}
